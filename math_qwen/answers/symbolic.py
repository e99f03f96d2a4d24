"""Expressions in, a killable worker's word out.

The symbolic worker may run away on a hostile expression, so it is another process: asked over a pipe with a deadline
for each question, killed and started again when it is late. It is warm: sympy is imported once a process, and never in
this one. Any thread may ask. A worker that dies for reasons of its own is our failure, not the answer's: the question
is put once more to a fresh one.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import LifoQueue
from typing import Literal, Protocol, Self

from math_qwen.answers.outcome import Equivalence, Layer, Outcome, undecided
from math_qwen.answers.tree import Expression, to_json
from specialists.errors import GradeError

DEADLINE_S = 2.0
START_S = 60.0  # importing sympy on a busy machine
RECYCLE_AFTER = 5_000  # questions; sympy's caches grow

Question = Literal["identical", "proportional", "positive", "between"]


class Solver(Protocol):
    """Whoever answers questions about expressions; see `SymbolicPool.ask`."""

    def ask(self, question: Question, *nodes: Expression, deadline_s: float = DEADLINE_S) -> Equivalence: ...


class SymbolicPool:
    """Up to `workers` processes, started when first needed; a context manager that leaves none behind.

    Args:
        workers: at most this many at a time; one for each core if None.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = [_Worker() for _ in range(workers or os.cpu_count() or 1)]
        self._idle: LifoQueue[_Worker] = LifoQueue()  # last in, first out: ask a warm one
        for worker in self._workers:
            self._idle.put(worker)
        self.size = len(self._workers)
        self._owner = os.getpid()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, question: Question, *nodes: Expression, deadline_s: float = DEADLINE_S) -> Equivalence:
        """Put one question to a worker; waits while all are busy.

        Args:
            question: "identical", "proportional" or "positive" (proportional by a positive factor) of two expressions;
                "between" of one and two numbers.
            nodes: the expressions.
            deadline_s: seconds of wall clock for the answer, without the wait for an idle worker and its start.

        Returns:
            The worker's judgement; undecided where it was late, ran out of memory or died twice.

        Raises:
            GradeError: no worker can be started, or the pool is closed.
        """
        request = {"question": question, "nodes": [to_json(node) for node in nodes], "deadline_s": deadline_s}
        message = json.dumps(request).encode()
        worker = self._idle.get()
        try:
            return self._ask_twice(worker, message, deadline_s)
        finally:
            self._idle.put(worker)

    def _ask_twice(self, worker: "_Worker", message: bytes, deadline_s: float) -> Equivalence:
        started = False
        for _ in range(2):
            if self._closed:
                raise GradeError("the pool of symbolic workers is closed")
            try:
                return worker.ask(message, deadline_s)
            except _Died as died:
                started = died.started
        if not started:
            raise GradeError("the symbolic worker does not start; `python -m math_qwen.answers.worker 0` shows why")
        return undecided("the symbolic worker died twice", Layer.SYMBOLIC)

    def pids(self) -> list[int]:
        """Return the process ids of the workers that run."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def close(self) -> None:
        """End all workers. In a forked child this does nothing: they belong to the parent."""
        if os.getpid() == self._owner:
            self._closed = True
            for worker in self._workers:
                worker.stop()


@lru_cache(maxsize=1)
def _pool_of(_pid: int) -> SymbolicPool:
    pool = SymbolicPool()
    atexit.register(pool.close)
    return pool


def default_pool() -> SymbolicPool:
    """Return the pool that this process shares; it is closed at exit. A forked child gets one of its own."""
    return _pool_of(os.getpid())


class _Died(Exception):
    """The worker's end of the pipe closed, before or after it said that it is ready."""

    def __init__(self, *, started: bool) -> None:
        super().__init__()
        self.started = started


class _Worker:
    """One place for a process: started on demand, replaced when late."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Connection | None = None
        self._ready = False
        self._asked = 0

    def ask(self, message: bytes, deadline_s: float) -> Equivalence:
        link = self._ready_link()
        try:
            link.send_bytes(message)
            if not link.poll(deadline_s):
                self.stop()
                self._launch()  # it warms up while the caller goes on
                return undecided("timeout", Layer.SYMBOLIC)
            outcome, reason = json.loads(link.recv_bytes())
        except (EOFError, OSError):
            self.stop()
            raise _Died(started=True) from None
        self._asked += 1
        if self._asked >= RECYCLE_AFTER:
            self.stop()
        return Equivalence(Outcome(outcome), reason, Layer.SYMBOLIC)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self) -> None:
        if self._link:
            self._link.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._link = self._process = None

    def _ready_link(self) -> Connection:
        link = self._link or self._launch()
        if self._ready:
            return link
        try:
            if link.poll(START_S):
                link.recv_bytes()
                self._ready = True
                return link
        except (EOFError, OSError):
            pass
        self.stop()
        raise _Died(started=False)

    def _launch(self) -> Connection:
        link, far_end = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "math_qwen.answers.worker", str(far_end.fileno())],
            pass_fds=(far_end.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
        )
        far_end.close()
        self._link, self._ready, self._asked = link, False, 0
        return link


def _environment() -> Mapping[str, str]:
    """Return all that a worker may know of us: where the modules are, and how to compute.

    gmpy2 and flint abort the process on some numbers instead of raising, so sympy and mpmath are told to do without.
    """
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100  "" means here
    plain = {"SYMPY_GROUND_TYPES": "python", "MPMATH_NOGMPY": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    loader = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    return {"PYTHONPATH": path, **plain, **loader}
