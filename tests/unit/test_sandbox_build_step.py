"""Compile, run, witness: with a language made of the shell, so that no compiler is needed."""

import sys
from collections.abc import Iterator

import pytest

from sandbox import Limits, Result, Status, Task
from sandbox.languages.language import Language, Plan, Step, script
from sandbox.languages.table import BY_NAME
from sandbox.local import ProcessBackend
from sandbox.worker import StreamWorker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the process backend needs Linux")

LIMITS = Limits(cpu_s=1, wall_s=10)
WITNESS = """\
read -r secret <&3
exec 3<&-
. ./program
{tests}
printf %s "$secret" >&4
exit 0
"""


def alone(program: str) -> Plan:
    return Plan(build=Step(argv=script(program, "mkdir out"), files={"deep/in/source": program}), run=PRINT)


def proven(program: str, tests: str, tag: str) -> Plan:
    files = {"program": program, f"witness-{tag}": WITNESS.format(tests=tests)}
    return Plan(build=None, run=Step(argv=("sh", f"witness-{tag}"), files=files))


PRINT = Step(argv=("sh", "-c", 'cat; echo "$WORD"; ls; cat deep/in/source'), environment={"WORD": "hello"})
SHELL = Language(
    name="cpp", build_limits=Limits(cpu_s=0.5, wall_s=2, file_mib=1), reserves=False, alone=alone, proven=proven
)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamWorker]:
    monkeypatch.setitem(BY_NAME, "cpp", SHELL)
    backend = ProcessBackend()
    worker = backend.open(0)
    worker.features["cpp"] = True
    try:
        yield worker
    finally:
        assert worker.leftovers() == ()
        worker.close()
        backend.close()


def proof(worker: StreamWorker, program: str, tests: str = "[ $answer = 42 ] || exit 1") -> Result:
    return worker.run(Task(language="cpp", program=program, tests=tests, proof="proof"), LIMITS)


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("echo fine >&2", Status.NO_VERDICT, "nothing was to be proven"),
        ("echo no such type >&2; exit 1", Status.COMPILE_ERROR, "the compiler ended with exit code 1"),
        ("kill -SEGV $$", Status.COMPILE_ERROR, "the compiler died of SIGSEGV"),
        ("while :; do :; done", Status.COMPILE_TIMEOUT, "CPU time"),
        ("sleep 60", Status.COMPILE_TIMEOUT, "not done after"),
        ("sleep 60 & exit 0", Status.NO_VERDICT, ""),
        ("head -c 9000000 /dev/zero", Status.COMPILE_ERROR, "printed far more"),
    ],
)
def test_the_compiler(worker: StreamWorker, program: str, status: Status, said: str) -> None:
    result = worker.run(Task(language="cpp", program=program, proof="none", stdin="input\n"), LIMITS)
    assert (result.status, said in result.detail) == (status, True), result
    if status is Status.COMPILE_ERROR and "exit 1" in program:
        assert result.stderr == "no such type\n"


def test_compiler_and_program_share_a_directory_and_nothing_else(worker: StreamWorker) -> None:
    result = worker.run(Task(language="cpp", program="echo built", proof="none", stdin="input\n"), LIMITS)
    assert result.stdout == "input\nhello\ndeep\nout\necho built"
    assert result.compile_cpu_s > 0


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("answer=42", Status.PASS),
        ("answer=41", Status.ERROR),
        ("exit 0", Status.NO_VERDICT),
        ("printf 'fail: no' >&4; exit 1", Status.FAIL),
        ("printf 00000000000000000000000000000000 >&4; exit 0", Status.NO_VERDICT),
        ("cat <&3 >&4; exit 0", Status.NO_VERDICT),
        ("cat /proc/$$/fd/3 >&4; exit 0", Status.NO_VERDICT),
        ("exec 4>&-; answer=42", Status.NO_VERDICT),
        ("kill -KILL $$", Status.KILLED),
        ("sleep 60 & answer=42", Status.PASS),
        ("head -c 100000 /dev/zero >&4; answer=42", Status.OUTPUT_LIMIT),
        ("while :; do :; done", Status.CPU_LIMIT),
    ],
)
def test_only_the_secret_is_a_pass(worker: StreamWorker, program: str, status: Status) -> None:
    result = proof(worker, program)
    assert result.status is status, result
    assert result.proof == "weak"


def test_no_two_samples_share_a_secret(worker: StreamWorker) -> None:
    stolen = {proof(worker, 'echo "$secret"; answer=42').stdout for _ in range(3)}
    assert len(stolen) == 3


def test_a_command_that_is_not_there_is_no_pass(worker: StreamWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Plan(build=None, run=Step(argv=("no-such-command",)))
    language = Language(
        name="cpp", build_limits=Limits(), reserves=True, alone=lambda _program: nowhere, proven=SHELL.proven
    )
    monkeypatch.setitem(BY_NAME, "cpp", language)
    result = worker.run(Task(language="cpp", program="", proof="none"), LIMITS)
    assert (result.status, result.stderr) == (Status.ERROR, "no-such-command: No such file or directory\n")
