"""The walls of the backends without a container: what they keep out, and what nothing outlives."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import sandbox.local
from sandbox import Limits, SandboxPool, SandboxUnavailable, Task
from sandbox.backends import open_backend
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.hostile import forging
from sandbox.image import linux
from sandbox.local import ProcessChannel
from sandbox.probes import PYTHON, Finding, check
from tests.weak_walls import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these backends need Linux")


@pytest.fixture(scope="module", params=["process", "bwrap"])
def box(request: pytest.FixtureRequest) -> Iterator[SandboxPool]:
    with SandboxPool(opened(request.param), workers=1) as pool:
        yield pool


@pytest.mark.parametrize("kind", ["process", "bwrap"])
def test_the_risk_must_be_accepted(kind: str) -> None:
    with pytest.raises(SandboxUnavailable, match=f"'{kind}'.*accept_risk"), SandboxPool(kind):
        pass


def test_no_backend_by_that_name() -> None:
    with pytest.raises(ValueError, match="'podman' is not one of docker, bwrap, process"), SandboxPool("podman"):
        pass


@pytest.mark.parametrize(
    ("kind", "option", "said"),
    [
        ("process", "image", "image: backend 'process' has none"),
        ("process", "runtime", "runtime: backend 'process' has none"),
        ("bwrap", "runtime", "runtime: backend 'bwrap' has none"),
        ("bwrap", "image", "image: backend 'bwrap' takes a directory with a root file system, not 'runsc'"),
    ],
)
def test_options_of_containers_are_refused(kind: str, option: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        open_backend(kind, **{option: "runsc"}, accept_risk=True, limits=Limits())


PROBES_OF = {
    "process": forging.ENDINGS + forging.VALUES + forging.INSPECTION + forging.CONNECTIONS,
    "bwrap": PYTHON,
}


@pytest.fixture(scope="module")
def findings() -> dict[str, dict[str, Finding]]:
    """Findings of each backend by name, filled as tests ask for them."""
    return {}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, probe.name, marks=[pytest.mark.slow] if kind == "bwrap" else [])
        for kind, many in PROBES_OF.items()
        for probe in many
    ],
)
def test_a_hostile_program_gains_nothing(kind: str, name: str, findings: dict[str, dict[str, Finding]]) -> None:
    if kind not in findings:
        with contextlib.closing(opened(kind)) as backend:
            findings[kind] = {finding.probe.name: finding for finding in check(backend, PROBES_OF[kind])}
    finding = findings[kind][name]
    if finding.skipped:
        pytest.skip(f"backend {kind} does not promise this here")
    assert finding.problem == ""


# Each reaches for something of this machine. The plain process finds it, which shows that the attempt is a real one.
REACHES = {
    "a file of this machine": "open('/etc/passwd').read()",
    "a file with the answers": "open(ANSWERS).read()",
    "other processes": "os.kill(CLIENT, 0) if os.path.exists(f'/proc/{CLIENT}/cmdline') else 1 / 0",
    "the root of the machine": "os.listdir('/var')",
}


@pytest.fixture
def answers() -> Iterator[Path]:
    """A file that every user of this machine may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "answers.txt")
        file.write_text("602214076")
        file.chmod(0o644)
        yield file


@pytest.mark.parametrize("name", REACHES)
def test_the_machine_is_out_of_sight(box: SandboxPool, answers: Path, name: str) -> None:
    head = f"import os\nANSWERS, CLIENT = {str(answers)!r}, {os.getpid()}\n"
    program = f"try: {REACHES[name]}\nexcept PermissionError: print('open')\nexcept Exception: print('blocked')\n"
    program += "else: print('open')"
    result = box.run(Task(program=head + program, proof="none"))
    assert result.stdout == ("open\n" if result.image == "process" else "blocked\n"), result


def test_behind_bubblewrap_only_the_standard_library_is_installed() -> None:
    with SandboxPool(opened("bwrap"), workers=1) as box:
        program = "import importlib.metadata as m\nprint([d.name for d in m.distributions()], __import__('sqlite3'))"
        assert box.run(Task(program=program, proof="none")).stdout.startswith("[] <module")


def test_a_missing_bubblewrap_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="bubblewrap is missing: install it"):
        BubblewrapBackend()


def test_a_bubblewrap_that_may_not_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"walls here \(bwrap: No permissions.*apparmor"):
        BubblewrapBackend()
    assert [path.name for path in tmp_path.iterdir()] == ["bwrap"]


AS_ORDINARY_USER = """
import json
from sandbox import Limits
from sandbox.backends import open_backend
from sandbox.hostile import forging, isolation
from sandbox.probes import check
backend = open_backend("bwrap", accept_risk=True, limits=Limits())
worker = backend.open(0)
print(json.dumps(worker.features))
worker.close()
print(json.dumps([[f.probe.name, f.problem] for f in check(backend, forging.PROBES + isolation.PROBES) if f.problem]))
backend.close()
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become an ordinary user; others are one all along")
def test_an_ordinary_user_has_the_same_walls_but_no_users_to_give() -> None:
    opened("bwrap").close()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(sandbox.local.__file__).parent, Path(folder, "sandbox"))
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sandbox.local.interpreter(), "-B", "-c", AS_ORDINARY_USER],
            **{"cwd": folder, "user": 65534, "group": 65534, "extra_groups": []},
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    features, problems = map(json.loads, done.stdout.splitlines())
    assert features == {"users": False, "namespace": True, "filter": True, "memory": False}
    assert problems == []
    assert "judged without users of its own" in done.stderr


@pytest.mark.parametrize(("kind", "number"), [("process", 3), ("bwrap", 4)])  # (bubblewrap,) supervisor, zygote, sample
def test_nothing_outlives_a_killed_client(kind: str, number: int) -> None:
    opened(kind).close()
    code = (
        "from sandbox import *\n"
        f"with SandboxPool('{kind}', 1, accept_risk=True) as box:\n"
        "    print('open', flush=True)\n"
        "    box.run(Task(program='import time; time.sleep(4711)', proof='none'), Limits(wall_s=60))\n"
    )
    client = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert client.stdout and client.stdout.readline() == b"open\n"
    while len(ours := linux.descendants(client.pid)) < number:
        time.sleep(0.05)
    client.kill()
    client.wait()
    wait_until_dead(ours)


def test_closing_ends_a_supervisor_that_does_not_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox.local, "_CLOSE_S", 0.3)
    channel = ProcessChannel(["sh", "-c", "sleep 4711 & sleep 4712"], words=tmp_path / "words")
    while len(ours := linux.descendants(channel._process.pid)) < 2:
        time.sleep(0.05)
    channel.close()
    wait_until_dead(ours)


def wait_until_dead(pids: Iterable[int]) -> None:
    deadline = time.monotonic() + 10
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether `pid` is running; one that has ended and waits for its parent has no command line any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False
