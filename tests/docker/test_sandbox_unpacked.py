"""Every language behind bubblewrap, on the files of the image, without an engine."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.humanevalpack import FILES, KINDS, rows, task
from sandbox import SandboxPool, SandboxUnavailable, Status, Task
from sandbox.build import unpack
from sandbox.contract import LANGUAGES
from sandbox.hostile.probe import BENIGN
from tests.docker.test_sandbox_languages import SUMS

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPool]:
    root = tmp_path_factory.mktemp("unpacked") / "root"
    with ExitStack() as stack:
        try:
            unpack(root, LANGUAGES)
            pool = SandboxPool("bwrap", 1, str(root), accept_risk=True, languages=LANGUAGES)
            stack.enter_context(pool)
        except SandboxUnavailable as error:
            if os.environ.get("SANDBOX_REQUIRE") == "languages":
                raise
            pytest.skip(str(error))
        yield pool


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_is_judged_by_what_it_prints(language: str, box: SandboxPool) -> None:
    task = Task(language=language, program=SUMS[language], proof="stdio", stdin="20 22\n", expected_stdout="42")
    result = box.run(task)
    assert (result.status, result.proof, result.image[:7]) == (Status.PASS, "weak", "bwrap:/"), result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", FILES)
def test_a_few_of_humanevalpack(language: str, kind: str, box: SandboxPool) -> None:
    if "SPECIALISTS_DATA" not in os.environ:
        pytest.skip("SPECIALISTS_DATA is not set: a folder with the benchmarks is needed")
    tasks = rows(Path(os.environ["SPECIALISTS_DATA"], "eval_code/humanevalpack"), language)
    results = list(box.map(task(language, tasks[number], kind) for number in (0, 91)))
    assert [result.status is Status.PASS for result in results] == [KINDS[kind]] * 2, results


def test_only_the_files_of_the_image_are_seen(box: SandboxPool, tmp_path: Path) -> None:
    seen = f"[os.path.exists(path) for path in ({str(tmp_path)!r}, '/usr/bin/rustc')]"
    look = f"import os\nprint({seen}, sorted(os.listdir('/opt')))"
    assert box.run(Task(program=look, proof="none")).stdout == "[False, True] ['languages', 'sandbox']\n"
    assert box.run(BENIGN).status is Status.PASS
