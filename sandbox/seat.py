"""One seat of the pool: a worker, replaced when lost, and the rules for trying again.

A failure that says nothing about the program is tried again: an infrastructure error once, a starved sample twice and
then alone, with no other sample of the pool running. A worker that is lost in the middle of a task is replaced and the
task tried once more; a task that loses two workers did it itself and counts as killed. Nothing else is ever repeated.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sandbox.contract import Backend, Limits, Result, SandboxUnavailable, Status, Task, Worker, WorkerLost

_MOST_LOSSES = 2
_MOST_RETRIES = {Status.INFRA_ERROR: 1, Status.STARVED: 2}


class Gate:
    """Lets samples run side by side, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run beside others; waits while one runs alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nothing else runs, and keep others out meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: self._running == 0)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


class Seat:
    """A place for one worker. Only its own thread calls `open` and `run`; any thread may `cancel` or `close`."""

    def __init__(self, backend: Backend, slot: int, gate: Gate) -> None:
        self._backend = backend
        self._slot = slot
        self._gate = gate
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._running: threading.Event | None = None
        self._closed = False

    def open(self) -> Worker:
        """Return the worker, a fresh one if there is none. Raises `SandboxUnavailable`, `WorkerLost`."""
        if self._worker is None:
            worker = self._backend.open(self._slot)
            with self._lock:
                self._worker = worker
                closed = self._closed
            if closed:
                self._drop()
                raise WorkerLost("the pool is closed")
        return self._worker

    def run(self, task: Task, limits: Limits, cancelled: threading.Event) -> Result:
        """Run a task to a result, trying again where the rules say so, unless `cancelled` is set; see `cancel`."""
        with self._lock:
            self._running = cancelled
        try:
            return self._tried(task, limits, cancelled)
        finally:
            with self._lock:
                self._running = None

    def cancel(self, cancelled: threading.Event) -> None:
        """End the task that was given `cancelled`, which has been set, by killing its worker; no other task's."""
        with self._lock:
            if self._running is not cancelled:
                return
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def close(self) -> None:
        """Kill the worker and open no other."""
        with self._lock:
            self._closed = True
        self._drop()

    def _tried(self, task: Task, limits: Limits, cancelled: threading.Event) -> Result:
        losses, retries, alone = 0, 0, False
        while True:
            result = self._attempt(task, limits, cancelled, alone=alone)
            losses += result.worker_lost
            if cancelled.is_set() or self._closed:
                return replace(result, status=Status.CANCELLED, detail="the caller gave up", retries=retries)
            if result.worker_lost and losses < _MOST_LOSSES:
                retries += 1
            elif not result.worker_lost and retries - losses < _MOST_RETRIES.get(result.status, 0):
                alone = result.status is Status.STARVED
                retries += 1
            else:
                return replace(result, retries=retries)

    def _attempt(self, task: Task, limits: Limits, cancelled: threading.Event, *, alone: bool) -> Result:
        try:
            worker = self.open()
        except (SandboxUnavailable, WorkerLost) as error:
            return Result(status=Status.INFRA_ERROR, detail=str(error))
        if cancelled.is_set():  # before there was a worker to kill
            return Result(status=Status.CANCELLED)
        try:
            with self._gate.alone() if alone else self._gate.shared():
                return worker.run(task, limits)
        except WorkerLost as error:
            self._drop()
            return Result(status=Status.KILLED, detail=str(error), worker_lost=True)

    def _drop(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
