"""From what was observed of a sample to its status.

Pure: no processes here. The supervisor fills in `Facts`; `decide` reads them in order of certainty. Nothing that the
program can print or exit with leads to a pass: only the judge's report does, and the judge never ran the program.
"""

import signal
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.status import Status

READY = b"k"  # what a child says when the program may start; in a pipe that is closed before it does
Stop = Literal["", "wall", "cpu", "output"]

BY_OUTCOME = {
    "pass": Status.PASS,
    "fail": Status.FAIL,
    "error": Status.ERROR,
    "unsupported": Status.UNSUPPORTED,
    "no_verdict": Status.NO_VERDICT,
    "oom": Status.OOM,
    "bad_tests": Status.INFRA_ERROR,
}


@dataclass(frozen=True)
class Exit:
    """How a process ended and what it used: an exit code, or the signal it died of."""

    exit_code: int | None
    signal: int | None
    cpu_s: float = 0.0
    max_rss_mib: float = 0.0


@dataclass
class Facts:
    """Everything that is known of one sample when it is over."""

    cpu_limit_s: float
    setups: list[bytes] = field(default_factory=list)  # what each child said before its own code: READY or an error
    stop: Stop = ""  # which limit made the supervisor stop it
    report: dict[str, Any] | None = None  # the judge's, where there is a judge
    exits: dict[str, Exit] = field(default_factory=dict)  # by role; those that ended by themselves
    oom_kills: int = 0
    cpu_s: float = 0.0  # of the candidate, when the supervisor last looked
    judge_cpu_s: float = 0.0  # at the same moment
    run_delay_s: float = 0.0  # how long something of the sample was ready to run but got no CPU
    elapsed_s: float = 0.0


def decide(facts: Facts) -> tuple[Status, str]:
    """Return the status of a sample and one line that explains it."""
    unready = [said for said in facts.setups if said != READY]
    needed = facts.report is None or facts.report["outcome"] != "bad_tests"  # it never came to the program
    if unready and needed and not (facts.stop and facts.setups[0] == READY):
        said = unready[0].decode("utf-8", "replace") or "it said nothing"
        return Status.INFRA_ERROR, f"a process could not be set up inside the box: {said}"
    if facts.report is not None and facts.report["outcome"] != "lost":
        return BY_OUTCOME[facts.report["outcome"]], facts.report["detail"]
    if facts.oom_kills:
        return Status.OOM, "the kernel's out-of-memory killer struck"
    if facts.stop:
        return _stopped(facts)
    if "judge" in facts.exits and facts.report is None:
        return _died("the judge", facts.exits["judge"], facts.cpu_limit_s)
    main = main_exit(facts)
    if main is None:
        return Status.NO_VERDICT, "the program let go of the judge's connection"
    return _died("the program", main, facts.cpu_limit_s)


def main_exit(facts: Facts) -> Exit | None:
    """Return how the program itself ended; None if it had to be stopped."""
    return next((end for role, end in facts.exits.items() if role != "judge"), None)


def of_build(status: Status, detail: str) -> tuple[Status, str] | None:
    """Return what the end of the compiler means for the sample; None if there is a program to run."""
    if status is Status.NO_VERDICT:
        return None
    if status in (Status.INFRA_ERROR, Status.STARVED):
        return status, detail
    if status in (Status.TIMEOUT, Status.CPU_LIMIT):
        return Status.COMPILE_TIMEOUT, detail
    return Status.COMPILE_ERROR, detail.replace("the program", "the compiler")


def _stopped(facts: Facts) -> tuple[Status, str]:
    if facts.stop == "cpu":
        return Status.CPU_LIMIT, f"used {facts.cpu_s:.2f} s of CPU time; the limit is {facts.cpu_limit_s:g} s"
    if facts.stop == "output":
        return Status.OUTPUT_LIMIT, "printed far more than is kept"
    if facts.cpu_s + facts.judge_cpu_s < facts.cpu_limit_s / 2 and facts.run_delay_s > facts.elapsed_s / 2:
        waited = f"ready to run for {facts.run_delay_s:.1f} of {facts.elapsed_s:.1f} s"
        return Status.STARVED, f"got {facts.cpu_s:.2f} s of CPU time while {waited}"
    return Status.TIMEOUT, f"not done after {facts.elapsed_s:.1f} s, with {facts.cpu_s:.2f} s of CPU time used"


def _died(who: str, end: Exit, cpu_limit_s: float) -> tuple[Status, str]:
    if end.signal is None:
        if end.exit_code:
            return Status.ERROR, f"{who} ended with exit code {end.exit_code}"
        return Status.NO_VERDICT, f"{who} ended before anything was proven"
    if end.signal in (signal.SIGXCPU, signal.SIGKILL) and end.cpu_s >= cpu_limit_s:
        return Status.CPU_LIMIT, f"{who} used {end.cpu_s:.2f} s of CPU time; the limit is {cpu_limit_s:g} s"
    name = signal.Signals(end.signal).name if end.signal in set(signal.Signals) else f"signal {end.signal}"
    if end.signal == signal.SIGKILL:
        return Status.KILLED, f"{who} was killed"
    return Status.SIGNAL, f"{who} died of {name}"
