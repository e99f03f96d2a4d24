"""The backends without a container: every status, every wall they have, and what they lack."""

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
from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.backends import open_backend
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.contract import Backend
from sandbox.hostile import forging
from sandbox.image import linux
from sandbox.local import ProcessChannel
from sandbox.probes import PYTHON, Finding, check

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these backends need Linux")

TESTS = "assert add(1, 2) == 3\nassert add(-1, 1) == 0\n"
FAST = Limits(cpu_s=0.5, wall_s=10)


def opened(kind: str) -> Backend:
    """Open a backend without a container, or skip saying why; SANDBOX_REQUIRE=bwrap makes that a failure."""
    try:
        return open_backend(kind, accept_risk=True, limits=Limits())
    except SandboxUnavailable as error:
        if kind in os.environ.get("SANDBOX_REQUIRE", "").split(","):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=["process", "bwrap"])
def box(request: pytest.FixtureRequest) -> Iterator[SandboxPool]:
    with SandboxPool(opened(request.param), workers=1) as pool:
        yield pool


def judged(box: SandboxPool, program: str, tests: str = TESTS, **more: object) -> Result:
    return box.run(Task(program=program, tests=tests, entry_point="add", **more), FAST)  # type: ignore[arg-type]


def printed(box: SandboxPool, program: str, *, stdin: str = "", expected: str = "") -> Result:
    return box.run(Task(program=program, proof="stdio", stdin=stdin, expected_stdout=expected), FAST)


@pytest.mark.parametrize(
    ("program", "status", "detail"),
    [
        ("def add(a, b): return a + b", Status.PASS, ""),
        ("add = lambda a, b: a + b", Status.PASS, ""),
        ("def add(a, b): return a - b", Status.FAIL, "line 1: assert add(1, 2) == 3"),
        ("def add(a, b): return float(a + b)", Status.PASS, ""),
        ("def add(a, b): return None", Status.FAIL, "line 1"),
        ("def add(a): return a", Status.ERROR, "TypeError: add() takes 1"),
        ("def add(a, b): return 1 / 0", Status.ERROR, "ZeroDivisionError: division by zero"),
        ("def add(a, b): assert a > b", Status.ERROR, "AssertionError"),
        ("def add(a, b) return", Status.ERROR, "while loading: SyntaxError"),
        ("import nothing_like_this", Status.ERROR, "while loading: ModuleNotFoundError"),
        ("\0", Status.ERROR, "while loading"),
        ("", Status.ERROR, "NameError: name 'add' is not defined"),
        ("import re\ndef add(a, b): return re.match('a', 'a')", Status.UNSUPPORTED, "re.Match"),
        ("class Odd(BaseException): pass\ndef add(a, b): raise Odd('x')", Status.ERROR, "Exception"),
        ("def add(a, b): raise MemoryError", Status.OOM, "MemoryError"),
    ],
)
def test_split(box: SandboxPool, program: str, status: Status, detail: str) -> None:
    result = judged(box, program)
    assert (result.status, detail in result.detail) == (status, True), result.detail


@pytest.mark.parametrize(
    ("tests", "program", "status"),
    [
        ("assert helper() == 1", "def add(): return 1", Status.UNSUPPORTED),
        ("assert add(lambda: 1) == 1", "def add(f): return f()", Status.UNSUPPORTED),
        ("assert True", "def add(): return 1", Status.NO_VERDICT),
        ("assert add( == 1", "def add(): return 1", Status.INFRA_ERROR),
        ("try: r = add()\nexcept ValueError: pass\nassert r", "def add(): raise ValueError", Status.FAIL),
        ("try: add()\nexcept ValueError as e: assert str(e) == 'no'", "def add(): raise ValueError('no')", Status.PASS),
        ("try: add()\nexcept KeyError as e: assert e.args == (1,)", "def add(): return {}[1]", Status.PASS),
        (
            "try: add()\nexcept LookupError: pass",
            "class Own(LookupError): pass\ndef add(): raise Own",
            Status.PASS,
        ),
        ("assert add(a=1, b=[2]) == (1, [2])", "def add(a, *, b): return a, b", Status.PASS),
        ("import sys\nadd()\nsys.exit(0)", "def add(): return 1", Status.FAIL),
        ("assert add() == {1: {2, 3}}", "from collections import Counter\ndef add(): return {1: {3, 2}}", Status.PASS),
        ("assert add() == {'a': 2}", "from collections import Counter\ndef add(): return Counter('aa')", Status.PASS),
    ],
)
def test_what_tests_may_do(box: SandboxPool, tests: str, program: str, status: Status) -> None:
    result = judged(box, program, tests)
    assert result.status == status, result.detail


def test_tests_may_use_the_prelude(box: SandboxPool) -> None:
    prelude = "def twice(x): return 2 * x\ndef add(a, b):\n    '''Add.'''\n"
    result = judged(box, "def add(a, b): return a + b", "assert add(1, 1) == twice(1)", prelude=prelude)
    assert (result.status, result.num_calls) == (Status.PASS, 1)


def test_mutated_arguments_come_back_only_if_asked(box: SandboxPool) -> None:
    program = "def add(a, b): a.append(b); a[0]['k'] = {1}"
    tests = "l = [{}]\nadd(l, 2)\nassert l == [{'k': {1}}, 2], l"
    assert judged(box, program, tests, mutates=True).status == Status.PASS
    assert judged(box, program, tests).status == Status.FAIL


@pytest.mark.parametrize(
    ("program", "stdin", "expected", "status"),
    [
        ("a, b = map(int, input().split())\nprint(a + b)", "3 4\n", "7", Status.PASS),
        ("print('7  \\n\\n')", "", "7", Status.PASS),
        ("print(' 7')", "", "7", Status.FAIL),
        ("print('7\\n\\n7')", "", "7\n7", Status.FAIL),
        ("print('7\\n8')", "", "7", Status.FAIL),
        ("print(7)", "", "7\n8", Status.FAIL),
        ("import sys\nprint(7)\nsys.exit(0)", "", "7", Status.PASS),
        ("import sys\nprint(7)\nsys.exit(3)", "", "7", Status.ERROR),
        ("print(7)\nraise ValueError", "", "7", Status.ERROR),
        ("import atexit\natexit.register(print, 7)", "", "7", Status.PASS),
        ("import sys\nprint(sys.stdin.read()[::-1])", "abc", "cba", Status.PASS),
        ("print(open('/dev/stdin').read())", "ok", "ok", Status.PASS),
        ("open('/dev/stdout', 'w').write('ok')", "", "ok", Status.PASS),
        ("import threading\nthreading.Timer(0.05, print, [7]).start()", "", "7", Status.PASS),
        ("if __name__ == '__main__': print(7)", "", "7", Status.PASS),
        ("import sys\nsys.stdout.buffer.write(b'\\xff')", "", "\ufffd", Status.PASS),
        ("print(input())", "", "7", Status.ERROR),
        ("while True: pass", "", "7", Status.CPU_LIMIT),
    ],
)
def test_stdio(box: SandboxPool, program: str, stdin: str, expected: str, status: Status) -> None:
    result = printed(box, program, stdin=stdin, expected=expected)
    assert result.status == status, (result.detail, result.stderr)


def test_long_output_is_compared_in_full(box: SandboxPool) -> None:
    expected = "x" * 79 + "\n"
    assert printed(box, "print(('x' * 79 + '\\n') * 2000)", expected=expected * 2000).status == Status.PASS
    assert printed(box, "print(('x' * 79 + '\\n') * 2001)", expected=expected * 2000).status == Status.FAIL


def test_output_is_cut_and_counted(box: SandboxPool) -> None:
    result = box.run(Task(program="print('x' * 999)", proof="none"), Limits(output_bytes=100))
    assert (result.stdout, result.dropped_bytes) == ("x" * 100, 900)


def test_a_traceback_shows_the_program_and_nothing_of_ours(box: SandboxPool) -> None:
    trace = printed(box, "def f():\n    return 1 / 0\nf()").stderr
    assert "return 1 / 0" in trace
    assert "sandbox" not in trace


def test_the_same_program_gets_the_same_chance(box: SandboxPool) -> None:
    program = "import random\nprint(random.random(), list({'a', 'b', 'c', 'd'}))"
    outputs = {box.run(Task(program=program, proof="none")).stdout for _ in range(3)}
    assert len(outputs) == 1


def test_what_is_missing_is_stamped_and_proofs_are_weak(box: SandboxPool) -> None:
    result = judged(box, "def add(a, b): return a + b")
    assert result.proof == "weak"
    assert result.stamps[0].startswith("judged without a container")
    assert len(result.stamps) == (1 if os.getuid() == 0 else 2)


@pytest.mark.parametrize("kind", ["process", "bwrap"])
def test_the_risk_must_be_accepted(kind: str) -> None:
    with pytest.raises(SandboxUnavailable, match=f"'{kind}'.*accept_risk"), SandboxPool(kind):
        pass


def test_no_backend_by_that_name() -> None:
    with pytest.raises(ValueError, match="'podman' is not one of docker, bwrap, process"), SandboxPool("podman"):
        pass


@pytest.mark.parametrize("kind", ["process", "bwrap"])
@pytest.mark.parametrize("option", ["image", "runtime"])
def test_options_of_containers_are_refused(kind: str, option: str) -> None:
    with pytest.raises(ValueError, match=f"{option}: backend '{kind}' has none"):
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
    assert features == {"users": False, "namespace": True, "filter": True}
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
