"""Many tasks on a few workers: results in order, bounded memory.

    with SandboxPool(workers=2) as box:
        result = box.run(Task(program=source, tests=tests, entry_point="add"))
        for result in box.map(tasks): ...

    async with SandboxPool(workers=2) as box:
        result = await box.run(task)
        async for result in box.map(tasks): ...

One thread serves each worker and spends its time waiting for it. Nothing waits for ever: every exchange with a worker
has a deadline, after which the worker counts as lost. Programs that fail are results. Failures of our own are tried
again (`sandbox.seat`), and when more than `MOST_FAILURES` and more than one in a thousand remain, the pool raises
rather than hand out results that are not about the programs.
"""

import asyncio
import os
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sandbox.backends import open_backend
from sandbox.contract import Backend, Limits, Result, SandboxUnavailable, Status, Task, WorkerLost
from sandbox.images import box_limits, default_limits, image_for
from sandbox.seat import Gate, Seat

MOST_FAILURES = 3
_MOST_FAILURES_SHARE = 0.001
_AHEAD = 4  # tasks taken from an iterator beyond those running, for each worker
_OPEN_S = 120.0
_CLOSE_S = 60.0


class Failures:
    """Counts results, and those among them that failed through the sandbox; may be used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_done = 0
        self._num_failures = 0

    def add(self, result: Result) -> str:
        """Count one result; say so if there are too many failures by now, else return ""."""
        with self._lock:
            self._num_done += 1
            self._num_failures += result.status in (Status.INFRA_ERROR, Status.STARVED)
            done, failures = self._num_done, self._num_failures
        if failures <= MOST_FAILURES or failures <= _MOST_FAILURES_SHARE * done:
            return ""
        return f"{failures} of {done} tasks failed through the sandbox itself; the last: {result.detail}"


@dataclass
class _Job:
    task: Task
    limits: Limits
    future: "Future[Result]" = field(default_factory=Future)
    cancelled: threading.Event = field(default_factory=threading.Event)
    seat: Seat | None = None


class SandboxPool:
    """Workers of one backend, opened together; see the module's text."""

    def __init__(
        self,
        backend: str | Backend = "docker",
        workers: int | None = None,
        image: str | None = None,
        *,
        runtime: str | None = None,
        accept_risk: bool = False,
        limits: Limits | None = None,
        languages: Collection[str] = ("python",),
    ) -> None:
        """Say what to open; nothing is started before the `with`.

        Args:
            backend: "docker", or "bwrap" or "process", which have not all of a container's walls; or an open `Backend`.
            workers: samples that run at once; None means one for each CPU this process may use.
            image: the container image; None means the one that `python -m sandbox build` makes.
            runtime: what the engine starts containers with, such as "runsc" (gVisor); None means its default.
            accept_risk: needed for a backend without a container's walls.
            limits: of every task that brings none, instead of those of its language; memory and pids also size the
                containers.
            languages: of the tasks to come. Any beside Python need the image that `build --languages all` makes, and
                containers with room for compilers.

        Raises:
            ValueError: `workers` is not positive, or a language is not known.
        """
        if workers is not None and workers < 1:
            raise ValueError(f"workers: at least 1 is needed, not {workers}")
        self.num_workers = workers or len(os.sched_getaffinity(0))
        self.limits = box_limits(limits or Limits(), languages)
        self.languages = frozenset(languages)
        self._given_limits = limits
        self._kind = backend
        self._image = image
        self._runtime = runtime
        self._accept_risk = accept_risk
        self._backend: Backend | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._seats: list[Seat] = []
        self._threads: list[threading.Thread] = []
        self._failures = Failures()

    def run(self, task: Task, limits: Limits | None = None) -> Result:
        """Run one task and wait for its result; may be called from many threads.

        Raises:
            ValueError: the task or `limits` ask for more than the pool was opened with.
            SandboxUnavailable: too many failures of our own.
        """
        return self._submit(task, limits).future.result()

    def map(self, tasks: Iterable[Task], limits: Limits | None = None) -> Iterator[Result]:
        """Yield one result for each task, in the order of the tasks; takes a few tasks ahead. Raises as `run`."""
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                waiting.append(self._submit(task, limits).future)
                while waiting and (len(waiting) >= self._ahead or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def __enter__(self) -> Self:
        """Open the backend and every worker. Raises `SandboxUnavailable`."""
        kind = self._kind
        self._backend = self._open(kind) if isinstance(kind, str) else kind
        gate = Gate()
        self._seats = [Seat(self._backend, slot, gate) for slot in range(self.num_workers)]
        opened: list[Future[None]] = [Future() for _ in self._seats]
        self._threads = [
            threading.Thread(target=self._serve, args=pair, name=f"sandbox-{slot}", daemon=True)
            for slot, pair in enumerate(zip(self._seats, opened, strict=True))
        ]
        for thread in self._threads:
            thread.start()
        try:
            for future in opened:
                future.result(_OPEN_S)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def __aenter__(self) -> "AsyncBox":
        await asyncio.to_thread(self.__enter__)
        return AsyncBox(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._close)

    def _open(self, kind: str) -> Backend:
        options = {"runtime": self._runtime, "accept_risk": self._accept_risk, "limits": self.limits}
        return open_backend(kind, image=image_for(kind, self._image, self.languages), **options)

    @property
    def _ahead(self) -> int:
        return self.num_workers * (1 + _AHEAD)

    def _submit(self, task: Task, limits: Limits | None) -> _Job:
        if not self._threads:
            raise RuntimeError("the pool is not open: use it in a `with`")
        if task.language not in self.languages:
            raise ValueError(f"Task.language: the pool was opened without {task.language!r}: say languages=(...)")
        if limits is not None:
            limits.check_within(self.limits)
        job = _Job(task, limits or self._given_limits or default_limits(task.language))
        self._jobs.put(job)
        return job

    def _cancel(self, job: _Job) -> None:
        """Take a job back: out of the queue, or out of its worker by killing that."""
        job.cancelled.set()
        job.future.cancel()
        if job.seat is not None:
            job.seat.cancel(job.cancelled)

    def _serve(self, seat: Seat, opened: "Future[None]") -> None:
        """Open one worker, then run jobs on it until the pool closes; the whole life of a thread."""
        try:
            seat.open()
        except WorkerLost as error:
            return opened.set_exception(SandboxUnavailable(f"a worker died at its start: {error}"))
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the thread that opens the pool
            return opened.set_exception(error)
        opened.set_result(None)
        while (job := self._jobs.get()) is not None:
            if job.future.set_running_or_notify_cancel():
                job.seat = seat
                self._finish(job, seat)
        return None

    def _finish(self, job: _Job, seat: Seat) -> None:
        try:
            result = seat.run(job.task, job.limits, job.cancelled)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the thread that asked
            job.future.set_exception(error)
            return
        if excess := self._failures.add(result):
            job.future.set_exception(SandboxUnavailable(excess))
        else:
            job.future.set_result(result)

    def _close(self) -> None:
        closers = [threading.Thread(target=seat.close, daemon=True) for seat in self._seats]
        for thread in closers:
            thread.start()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in (*closers, *self._threads):
            thread.join(_CLOSE_S)
        while not self._jobs.empty():
            if (job := self._jobs.get()) is not None:
                job.future.cancel()
        self._threads, self._seats = [], []
        if self._backend is not None:
            self._backend.close()
            self._backend = None


class AsyncBox:
    """An open pool for coroutines; what `async with SandboxPool(...)` gives."""

    def __init__(self, pool: SandboxPool) -> None:
        self._pool = pool

    async def run(self, task: Task, limits: Limits | None = None) -> Result:
        """Run one task; cancelling the await kills the sample. Raises as `SandboxPool.run`."""
        job = self._pool._submit(task, limits)
        try:
            return await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._pool._cancel, job)
            raise

    async def map(self, tasks: Iterable[Task], limits: Limits | None = None) -> AsyncIterator[Result]:
        """Yield one result for each task, in the order of the tasks; takes a few tasks ahead."""
        waiting: deque[_Job] = deque()
        try:
            for task in tasks:
                waiting.append(self._pool._submit(task, limits))
                if len(waiting) >= self._pool._ahead:
                    yield await asyncio.wrap_future(waiting.popleft().future)
            while waiting:
                yield await asyncio.wrap_future(waiting.popleft().future)
        finally:
            for job in waiting:
                job.future.cancel()
