"""Runs every hostile program and says which promises held.

    for finding in check(backend): print(finding.probe.name, finding.ok)

A probe holds if its program ends with an expected status, if a benign program passes on the same worker right after,
and if nothing was left behind. A probe whose promise this backend does not make is skipped, and counted as skipped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.contract import Backend, Limits, Worker, WorkerLost
from sandbox.hostile import cpp, exhaustion, forging, go, isolation, java, javascript, rust
from sandbox.hostile.probe import BENIGN, Probe
from sandbox.status import Status

PYTHON: tuple[Probe, ...] = forging.PROBES + exhaustion.PROBES + isolation.PROBES
FOREIGN: tuple[Probe, ...] = javascript.PROBES + cpp.PROBES + java.PROBES + go.PROBES + rust.PROBES
PROBES: tuple[Probe, ...] = PYTHON + FOREIGN


@dataclass(frozen=True)
class Finding:
    """What one probe showed; `problem` is "" where the promise held or was not made."""

    probe: Probe
    status: Status | None = None  # None: skipped
    problem: str = ""

    @property
    def skipped(self) -> bool:
        """Whether this backend does not make the promise."""
        return self.status is None and not self.problem


def check(backend: Backend, probes: Iterable[Probe] = PROBES) -> Iterator[Finding]:
    """Run the probes one after another on one worker of `backend`, replaced when a probe breaks it."""
    worker: Worker | None = None
    try:
        for probe in probes:
            worker = worker or backend.open(0)
            if probe.needs and not worker.features.get(probe.needs):
                yield Finding(probe)
                continue
            try:
                yield _look(worker, probe)
            except WorkerLost as error:
                worker.close()
                worker = None
                yield Finding(probe, problem=f"the worker was lost: {error}")
    finally:
        if worker is not None:
            worker.close()


def _look(worker: Worker, probe: Probe) -> Finding:
    result = worker.run(probe.task, probe.limits)
    after = worker.run(BENIGN, Limits())
    left = worker.leftovers()
    problem = ""
    if result.status not in probe.expected:
        expected = " or ".join(probe.expected)
        problem = f"ended with {result.status} ({result.detail or result.stdout[:100]}), expected {expected}"
    elif after.status is not Status.PASS:
        problem = f"a benign program ended with {after.status} afterwards ({after.detail})"
    elif left:
        problem = f"left behind: {', '.join(left[:5])}"
    return Finding(probe, result.status, problem)
