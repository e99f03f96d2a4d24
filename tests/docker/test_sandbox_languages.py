"""JavaScript, C++, Java, Go and Rust in containers: honest programs pass, hostile ones gain nothing.

Needs the image that `python -m sandbox build --languages all` makes; SANDBOX_REQUIRE=languages makes its absence a
failure. `python benchmarks/humanevalpack.py` runs all 1640 solutions, of which a few are tried here.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from benchmarks.humanevalpack import FILES, KINDS, rows, task
from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.container import DockerBackend, connect
from sandbox.contract import LANGUAGES
from sandbox.hostile import cpp, java, javascript
from sandbox.hostile.probe import BENIGN
from sandbox.images import box_limits, image_name
from sandbox.owner import ours
from sandbox.probes import FOREIGN, Finding, check

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def backend() -> Iterator[DockerBackend]:
    try:
        wall = DockerBackend(image_name(LANGUAGES), box_limits(Limits(), LANGUAGES))
    except SandboxUnavailable as error:
        if os.environ.get("SANDBOX_REQUIRE") == "languages":
            raise
        pytest.skip(str(error))
    yield wall
    wall.close()


@pytest.fixture(scope="module")
def box(backend: DockerBackend) -> Iterator[SandboxPool]:  # noqa: ARG001 - skips where there is no image
    with SandboxPool(workers=1, languages=LANGUAGES) as pool:
        yield pool


@pytest.fixture(scope="module")
def findings(backend: DockerBackend) -> dict[str, Finding]:
    return {finding.probe.name: finding for finding in check(backend, FOREIGN)}


@pytest.mark.parametrize("name", [probe.name for probe in FOREIGN])
def test_a_hostile_program_gains_nothing(name: str, findings: dict[str, Finding]) -> None:
    assert not findings[name].skipped
    assert findings[name].problem == ""


# Negative control: program and tests in one, judged by the exit code, as harnesses often do.

FOOLED = (
    "javascript: exit 0 while loading",
    "javascript: exit 0 in a call",
    "javascript: exit handler",
    "javascript: uncaught exceptions swallowed",
    "javascript: console.assert replaced",
    "javascript: a global console of its own",
    "cpp: exit 0 in a call",
    "cpp: exit 0 in a constructor",
    "cpp: exit 0 in a static object",
    "cpp: a signal handler",
    "cpp: a main of its own, and the tests' renamed",
    "cpp: the tests' calls redefined",
    "cpp: the secret read and written early",
    "java: exit 0 in a call",
    "java: halt in a call",
    "java: halt in a static block",
    "java: halt in a shutdown hook",
    "java: an AssertionError of its own",
    "java: an Arrays of its own",
    "java: the secret read and written",
)
PLAIN_TESTS = {"javascript": javascript.TESTS, "cpp": cpp.TESTS, "java": java.TESTS}


@pytest.mark.parametrize("name", FOOLED)
def test_exit_codes_would_have_been_fooled(name: str, box: SandboxPool) -> None:
    probe = next(probe for probe in FOREIGN if probe.name == name)
    language = probe.task.language
    together = f"{probe.task.program}\n{PLAIN_TESTS[language]}"
    result = box.run(Task(language=language, program=together, proof="none"))
    assert (result.status, result.exit_code) == (Status.NO_VERDICT, 0), result


SUMS = {
    "python": "print(sum(map(int, input().split())))",
    "javascript": """
        const words = require('fs').readFileSync(0, 'utf8').trim().split(' ');
        console.log(words.map(Number).reduce((a, b) => a + b))
    """,
    "cpp": "#include <iostream>\nint main() { long a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }",
    "java": """
        import java.util.Scanner;
        public class Sum {
            public static void main(String[] a) {
                Scanner s = new Scanner(System.in);
                System.out.println(s.nextLong() + s.nextLong());
            }
        }
    """,
    "go": 'package main\nimport "fmt"\nfunc main() { var a, b int; fmt.Scan(&a, &b); fmt.Println(a + b) }',
    "rust": """
        fn main() {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            let sum: i64 = line.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum();
            println!("{}", sum);
        }
    """,
}


def added(box: SandboxPool, language: str, expected: str) -> Result:
    return box.run(
        Task(language=language, program=SUMS[language], proof="stdio", stdin="20 22\n", expected_stdout=expected)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_is_judged_by_what_it_prints(language: str, box: SandboxPool) -> None:
    right, wrong = added(box, language, "42"), added(box, language, "43")
    assert (right.status, right.proof) == (Status.PASS, "strong"), right
    assert (wrong.status, wrong.detail) == (Status.FAIL, "line 1 of the output is '42', expected is '43'")


def test_a_proof_in_one_program_is_called_weak(box: SandboxPool) -> None:
    honest = next(probe for probe in FOREIGN if probe.name == "cpp: an honest program")
    result = box.run(honest.task)
    assert (result.status, result.proof, result.stamps) == (Status.PASS, "weak", ())
    assert result.compile_cpu_s > result.cpu_s


LIARS = {
    "cpp": "struct Liar { bool operator==(int) const { return true; } };\nLiar guess(int) { return {}; }",
    "rust": (
        "#[derive(Debug)] struct Liar;\nimpl PartialEq<i32> for Liar { fn eq(&self, _: &i32) -> bool { true } }\n"
        "fn guess(_: i32) -> Liar { Liar }"
    ),
}


@pytest.mark.parametrize("language", LIARS)
def test_a_value_that_lies_about_being_equal_is_the_known_weakness(language: str, box: SandboxPool) -> None:
    tests = next(probe.task.tests for probe in FOREIGN if probe.needs == language)
    result = box.run(Task(language=language, program=LIARS[language], tests=tests, proof="proof"))
    assert (result.status, result.proof) == (Status.PASS, "weak"), result


def test_python_is_judged_in_the_same_box(box: SandboxPool) -> None:
    assert box.run(BENIGN).status is Status.PASS


def test_nothing_of_a_compiler_reaches_the_next_sample(box: SandboxPool) -> None:
    look = "import os\nprint(sorted(os.listdir('.')), [n for d in ('/tmp', '/dev/shm') for n in os.listdir(d)])"
    assert added(box, "java", "42").status is Status.PASS
    assert box.run(Task(program=look, proof="none")).stdout == "[] []\n"


def test_a_container_has_room_for_compilers(box: SandboxPool) -> None:
    assert box.run(BENIGN).status is Status.PASS
    client: docker.APIClient = connect()
    mine = [row["id"] for row in ours(client) if f"/{os.getpid()}/" in row["owner"]]
    host = [client.inspect_container(container)["HostConfig"] for container in mine]
    assert {(one["Memory"] >> 20, one["PidsLimit"], one["NetworkMode"]) for one in host} == {(1600, 128, "none")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", FILES)
def test_a_few_of_humanevalpack(language: str, kind: str, box: SandboxPool) -> None:
    if "SPECIALISTS_DATA" not in os.environ:
        pytest.skip("SPECIALISTS_DATA is not set: a folder with the benchmarks is needed")
    tasks = rows(Path(os.environ["SPECIALISTS_DATA"], "eval_code/humanevalpack"), language)
    results = list(box.map(task(language, tasks[number], kind) for number in (0, 91, 162)))
    assert [result.status is Status.PASS for result in results] == [KINDS[kind]] * 3, results
