"""Pools on every node of a Ray cluster, used as one.

    ray.init(address="auto")
    with ClusterPool(workers=8) as box:
        for result in box.map(tasks): ...

An actor on each node owns a `SandboxPool` and reserves a CPU for each of its workers. Ray places the actors, carries
tasks and results, starts a lost actor again and repeats what it had under way; the pools judge. What is decided here is
only which node gets the next task: the one with the fewest under way. A task whose node is lost for good goes to
another; one that is lost twice ends as `infra_error`.

Needs the extra `ray`, and this package and its image on every node. Verified with two nodes on one machine. One thread
may use a `ClusterPool`; many may use a `SandboxPool`.
"""
# pyright: reportMissingImports=false

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import ActorUnschedulableError, GetTimeoutError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sandbox.contract import Limits, Result, SandboxUnavailable, Status, Task
from sandbox.pool import Failures, SandboxPool

_AHEAD = 2  # tasks at a node beyond those that its workers run
_HELD = 8  # results kept for an earlier one that is still missing, for each worker
_MOST_LOSSES = 2
_REPEATS = 2  # how often Ray repeats a call whose actor it started again
_OPEN_S, _CLOSE_S = 300.0, 60.0
_WORDS_CHARS = 300
_NONE_LEFT = "no node of the Ray cluster is left"
_LOST = (RayActorError, ActorUnschedulableError)


class _Keeper:
    """Keeps the pool of one node; lives in an actor, many threads of which wait for results."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._opening = threading.Lock()
        self._stack = ExitStack()
        self._pool: SandboxPool | None = None

    def open(self) -> None:
        """Open the pool unless it is open, as it is not in an actor that was started again."""
        with self._opening:
            self._pool = self._pool or self._stack.enter_context(SandboxPool(**self._options))

    def run(self, task: Task, limits: Limits | None) -> Result:
        """Run one task; see `SandboxPool.run`."""
        self.open()
        assert self._pool is not None
        return self._pool.run(task, limits)

    def close(self) -> None:
        """Close the pool."""
        self._stack.close()


@dataclass(eq=False)
class _Node:
    name: str
    keeper: Any
    room: int
    calls: dict[Any, "_Call"] = field(default_factory=dict)  # under way here, by what Ray calls their results


@dataclass(eq=False)
class _Call:
    task: Task
    limits: Limits | None
    result: Result | None = None
    losses: int = 0


class ClusterPool:
    """A `SandboxPool` on each node of the Ray cluster that this process is connected to; see the module's text."""

    def __init__(self, *, workers: int | None = None, **options: Any) -> None:
        """Say what to open; nothing is started before the `with`.

        Args:
            workers: samples at once on each node; None means one for each CPU that Ray counts there.
            options: of each node's `SandboxPool`.

        Raises:
            ValueError: as of `SandboxPool`.
        """
        SandboxPool(workers=workers, **options)
        self._workers = workers
        self._options = options
        self._nodes: list[_Node] = []
        self._failures = Failures()

    def run(self, task: Task, limits: Limits | None = None) -> Result:
        """Run one task and wait for its result. Raises as `map`."""
        return next(self.map([task], limits))

    def map(self, tasks: Iterable[Task], limits: Limits | None = None) -> Iterator[Result]:
        """Yield one result for each task, in the order of the tasks; takes as many ahead as the nodes have room for.

        Raises:
            ValueError: a task or `limits` ask for more than the pools were opened with.
            SandboxUnavailable: no node is left, or too many failures of our own.
        """
        waiting: deque[_Call] = deque()
        most_waiting = _HELD * sum(node.room for node in self._nodes)
        for task in tasks:
            while len(waiting) >= most_waiting or not self._free():
                self._settle()
                yield from _finished(waiting)
            waiting.append(self._send(_Call(task, limits)))
        while waiting:
            if waiting[0].result is None:
                self._settle()
            yield from _finished(waiting)

    def __enter__(self) -> Self:
        """Open a pool on every node that is alive. Raises `SandboxUnavailable` naming the node that cannot."""
        for row in ray.nodes():
            workers = self._workers or int(row["Resources"].get("CPU", 0))
            if row["Alive"] and workers:
                self._nodes.append(_started(row, workers, self._options))
        if not self._nodes:
            raise SandboxUnavailable("the Ray cluster has no node with a CPU")
        opening = [node.keeper.open.remote() for node in self._nodes]
        for node, opened in zip(self._nodes, opening, strict=True):
            try:
                ray.get(opened, timeout=_OPEN_S)
            except GetTimeoutError:
                self._close()
                raise SandboxUnavailable(f"node {node.name}: has no CPUs free, or does not open its pool") from None
            except (RayTaskError, *_LOST) as error:
                self._close()
                raise SandboxUnavailable(f"node {node.name}: {getattr(error, 'cause', error)}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _free(self) -> list[_Node]:
        return [node for node in self._nodes if len(node.calls) < node.room]

    def _send(self, call: _Call) -> _Call:
        """Send a call to the node with the fewest under way."""
        if not self._nodes:
            raise SandboxUnavailable(_NONE_LEFT)
        node = min(self._nodes, key=lambda node: len(node.calls) / node.room)
        node.calls[node.keeper.run.remote(call.task, call.limits)] = call
        return call

    def _settle(self) -> None:
        """Wait until a call has ended; note its result, or send it again where its node is lost."""
        references = [reference for node in self._nodes for reference in node.calls]
        if not references:
            raise SandboxUnavailable(_NONE_LEFT)
        (done, *_), _ = ray.wait(references)
        node = next(node for node in self._nodes if done in node.calls)
        try:
            result = ray.get(done)
        except _LOST as error:
            self._lose(node, error)
        except RayTaskError as error:
            del node.calls[done]
            raise error.cause from None
        else:
            self._note(node.calls.pop(done), result)

    def _lose(self, node: _Node, error: Exception) -> None:
        """Give up a node that Ray could not bring back, and send what was under way there to the others."""
        self._nodes.remove(node)
        for call in node.calls.values():
            call.losses += 1
            if self._nodes and call.losses < _MOST_LOSSES:
                self._send(call)
            else:
                detail = f"node {node.name} was lost: {' '.join(str(error).split())[:_WORDS_CHARS]}"
                self._note(call, Result(status=Status.INFRA_ERROR, detail=detail, worker_lost=True))

    def _note(self, call: _Call, result: Result) -> None:
        call.result = replace(result, retries=result.retries + call.losses)
        if excess := self._failures.add(call.result):
            raise SandboxUnavailable(excess)

    def _close(self) -> None:
        closing = [node.keeper.close.remote() for node in self._nodes]
        ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_S)
        for node in self._nodes:
            ray.kill(node.keeper)
        self._nodes = []


def _started(row: dict[str, Any], workers: int, options: dict[str, Any]) -> _Node:
    """Ask Ray for the keeper of one node."""
    room = workers + _AHEAD
    asked = ray.remote(_Keeper).options(
        num_cpus=workers,
        max_concurrency=room + 1,  # one for `close`
        max_restarts=-1,
        max_task_retries=_REPEATS,
        scheduling_strategy=NodeAffinitySchedulingStrategy(row["NodeID"], soft=False),
    )
    return _Node(row["NodeManagerHostname"], asked.remote({**options, "workers": workers}), room)


def _finished(waiting: deque[_Call]) -> Iterator[Result]:
    """Take the results at the head."""
    while waiting and waiting[0].result is not None:
        yield waiting.popleft().result  # pyright: ignore[reportReturnType]
