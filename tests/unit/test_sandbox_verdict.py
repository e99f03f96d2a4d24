"""What was observed decides the status."""

import signal

import pytest

from sandbox.image.verdict import READY, Exit, Facts, decide, of_build
from sandbox.status import Status

SPLIT = {"setups": [READY, READY]}
LOST = {"outcome": "lost", "detail": "", "num_calls": 1}
DONE, CRASHED = Exit(0, None), Exit(3, None)


def report(outcome: str) -> dict:
    return {"outcome": outcome, "detail": "", "num_calls": 1}


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"report": report("pass")}, Status.PASS),
        ({"report": report("pass"), "exits": {"candidate": CRASHED}}, Status.PASS),
        ({"report": report("fail")}, Status.FAIL),
        ({"report": report("error"), "oom_kills": 1}, Status.ERROR),
        ({"report": report("unsupported")}, Status.UNSUPPORTED),
        ({"report": report("no_verdict")}, Status.NO_VERDICT),
        ({"report": report("oom")}, Status.OOM),
        ({"report": report("bad_tests")}, Status.INFRA_ERROR),
        ({"report": LOST}, Status.NO_VERDICT),
        ({"report": LOST, "exits": {"candidate": DONE}}, Status.NO_VERDICT),
        ({"report": LOST, "exits": {"candidate": CRASHED}}, Status.ERROR),
        ({"report": LOST, "exits": {"candidate": CRASHED}, "oom_kills": 1}, Status.OOM),
        ({"report": LOST, "exits": {"candidate": Exit(None, signal.SIGSEGV)}}, Status.SIGNAL),
        ({"report": LOST, "exits": {"candidate": Exit(None, 40)}}, Status.SIGNAL),
        ({"report": LOST, "exits": {"candidate": Exit(None, signal.SIGKILL)}}, Status.KILLED),
        ({"report": LOST, "exits": {"candidate": Exit(None, signal.SIGKILL, cpu_s=1.0)}}, Status.CPU_LIMIT),
        ({"exits": {"judge": Exit(None, signal.SIGKILL, cpu_s=1.5)}}, Status.CPU_LIMIT),
        ({"exits": {"judge": DONE, "candidate": DONE}}, Status.NO_VERDICT),
        ({"setups": [READY], "exits": {"program": DONE}}, Status.NO_VERDICT),
        ({"setups": [READY], "exits": {"program": CRASHED}}, Status.ERROR),
        ({"stop": "cpu", "cpu_s": 1.0}, Status.CPU_LIMIT),
        ({"stop": "output"}, Status.OUTPUT_LIMIT),
        ({"stop": "wall", "elapsed_s": 10}, Status.TIMEOUT),
        ({"stop": "wall", "elapsed_s": 10, "run_delay_s": 6}, Status.STARVED),
        ({"stop": "wall", "elapsed_s": 10, "run_delay_s": 6, "cpu_s": 0.6}, Status.TIMEOUT),
        ({"stop": "wall", "elapsed_s": 10, "run_delay_s": 6, "judge_cpu_s": 0.6}, Status.TIMEOUT),
        ({"setups": [b"", READY], "exits": {"candidate": CRASHED}}, Status.INFRA_ERROR),
        ({"setups": [READY, b"no such user"], "report": None, "exits": {"judge": CRASHED}}, Status.INFRA_ERROR),
        ({"setups": [READY, b""], "stop": "output"}, Status.OUTPUT_LIMIT),
        ({"setups": [b"", b""], "stop": "wall"}, Status.INFRA_ERROR),
    ],
)
def test_facts_decide(facts: dict, status: Status) -> None:
    assert decide(Facts(**{"cpu_limit_s": 1.0, **SPLIT, **facts}))[0] == status


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (Status.ERROR, Status.COMPILE_ERROR),
        (Status.SIGNAL, Status.COMPILE_ERROR),
        (Status.OOM, Status.COMPILE_ERROR),
        (Status.OUTPUT_LIMIT, Status.COMPILE_ERROR),
        (Status.TIMEOUT, Status.COMPILE_TIMEOUT),
        (Status.CPU_LIMIT, Status.COMPILE_TIMEOUT),
        (Status.STARVED, Status.STARVED),
        (Status.INFRA_ERROR, Status.INFRA_ERROR),
    ],
)
def test_how_the_compiler_ended_decides_too(ended: Status, status: Status) -> None:
    refused = of_build(ended, "the program died")
    assert refused is not None
    assert refused[0] is status


def test_a_compiler_that_ends_normally_leaves_a_program_to_run() -> None:
    assert of_build(Status.NO_VERDICT, "the program ended") is None
