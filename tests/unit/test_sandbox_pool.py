"""The pool: order, retries, loud failure, cancelling; on workers that only pretend."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.contract import WorkerLost

Script = Callable[[str], Status | float]


def always(outcome: Status | float) -> Script:
    return lambda _program: outcome


class FakeWorker:
    """Ends a task as `script` says for its program: with a status, with an exception, or after some seconds."""

    def __init__(self, slot: int, script: Script) -> None:
        self.features: dict[str, bool] = {}
        self.slot = slot
        self.script = script
        self.closed = threading.Event()
        self.seen: list[str] = []

    def run(self, task: Task, limits: Limits) -> Result:
        assert limits.cpu_s > 0
        self.seen.append(task.program)
        outcome = self.script(task.program)
        if isinstance(outcome, float):
            if self.closed.wait(outcome):
                raise WorkerLost("closed")
            outcome = Status.PASS
        assert isinstance(outcome, Status)
        return Result(status=outcome, stdout=task.program, worker=str(self.slot))

    def leftovers(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.closed.set()


class FakeBackend:
    def __init__(self, script: Script = lambda _program: Status.PASS) -> None:
        self.script = script
        self.workers: list[FakeWorker] = []
        self.closed = False

    def open(self, slot: int) -> FakeWorker:
        self.workers.append(FakeWorker(slot, self.script))
        return self.workers[-1]

    def close(self) -> None:
        self.closed = True

    def num_runs(self, program: str) -> int:
        return sum(worker.seen.count(program) for worker in self.workers)


def task(program: str) -> Task:
    return Task(program=program, proof="none")


def script(*outcomes: Status | Exception) -> Script:
    """Return a script that goes through `outcomes` and then passes."""
    left: Iterator[Status | Exception] = iter(outcomes)

    def step(_program: str) -> Status:
        outcome = next(left, Status.PASS)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return step


def test_results_come_in_the_order_of_tasks() -> None:
    backend = FakeBackend(lambda program: (int(program) * 7 % 5) / 500)
    with SandboxPool(backend, workers=4) as box:
        results = list(box.map(task(str(n)) for n in range(60)))
    assert [r.stdout for r in results] == [str(n) for n in range(60)]
    assert len({r.worker for r in results}) == 4
    assert backend.closed
    assert all(worker.closed.is_set() for worker in backend.workers)


def test_tasks_are_taken_only_a_few_ahead() -> None:
    taken = 0

    def endless() -> Iterator[Task]:
        nonlocal taken
        while True:
            taken += 1
            yield task(str(taken))

    with SandboxPool(FakeBackend(), workers=2) as box:
        for number, _ in enumerate(box.map(endless())):
            assert taken - number <= 11
            if number == 500:
                break


def test_an_error_of_the_iterator_comes_through() -> None:
    def broken() -> Iterator[Task]:
        yield task("a")
        raise KeyError("mine")

    with SandboxPool(FakeBackend(), workers=2) as box, pytest.raises(KeyError, match="mine"):
        list(box.map(broken()))


@pytest.mark.parametrize(
    ("outcomes", "status", "retries"),
    [
        ([Status.FAIL], Status.FAIL, 0),
        ([Status.TIMEOUT], Status.TIMEOUT, 0),
        ([Status.STARVED], Status.PASS, 1),
        ([Status.STARVED, Status.STARVED], Status.PASS, 2),
        ([Status.STARVED] * 3, Status.STARVED, 2),
        ([Status.INFRA_ERROR], Status.PASS, 1),
        ([Status.INFRA_ERROR] * 2, Status.INFRA_ERROR, 1),
        ([WorkerLost("gone")], Status.PASS, 1),
        ([WorkerLost("gone"), Status.FAIL], Status.FAIL, 1),
        ([WorkerLost("gone"), WorkerLost("again")], Status.KILLED, 1),
        ([WorkerLost("gone"), Status.STARVED, WorkerLost("again")], Status.KILLED, 2),
    ],
)
def test_only_our_own_failures_are_tried_again(outcomes: list, status: Status, retries: int) -> None:
    backend = FakeBackend(script(*outcomes))
    with SandboxPool(backend, workers=1) as box:
        result = box.run(task("a"))
    assert (result.status, result.retries) == (status, retries)
    assert result.worker_lost == (status is Status.KILLED)
    assert len(backend.workers) == 1 + sum(isinstance(o, WorkerLost) for o in outcomes[: retries + 1]) - (
        status is Status.KILLED
    )


def test_a_starved_task_is_tried_again_alone() -> None:
    running, most, starved = 0, [], threading.Event()
    lock = threading.Lock()

    def step(program: str) -> Status:
        nonlocal running
        if program == "starved" and not starved.is_set():
            starved.set()
            return Status.STARVED
        with lock:
            running += 1
            most.append((program, running))
        time.sleep(0.01)
        with lock:
            running -= 1
        return Status.PASS

    with SandboxPool(FakeBackend(step), workers=4) as box:
        list(box.map(task("starved" if n == 8 else "other") for n in range(40)))
    assert [number for program, number in most if program == "starved"] == [1]
    assert max(number for program, number in most if program == "other") > 1


def test_a_few_failures_of_our_own_are_results_and_many_are_an_error() -> None:
    with SandboxPool(FakeBackend(always(Status.INFRA_ERROR)), workers=1) as box:
        assert [box.run(task("a")).status for _ in range(3)] == [Status.INFRA_ERROR] * 3
        with pytest.raises(SandboxUnavailable, match="4 of 4 tasks failed through the sandbox itself"):
            box.run(task("a"))


def test_a_share_of_failures_below_one_in_a_thousand_is_tolerated() -> None:
    backend = FakeBackend(lambda program: Status.INFRA_ERROR if program == "odd" else Status.PASS)
    with SandboxPool(backend, workers=2) as box:
        programs = (["a"] * 1250 + ["odd"]) * 4
        statuses = [r.status for r in box.map(map(task, programs))]
    assert statuses.count(Status.INFRA_ERROR) == 4


def test_many_callers_share_a_few_workers() -> None:
    backend = FakeBackend(always(0.002))
    with SandboxPool(backend, workers=2) as box, ThreadPoolExecutor(64) as callers:
        results = list(callers.map(lambda n: box.run(task(str(n))), range(200)))
    assert [r.stdout for r in results] == [str(n) for n in range(200)]
    assert len(backend.workers) == 2


def test_limits_above_the_pools_are_refused() -> None:
    with SandboxPool(FakeBackend(), workers=1) as box:
        with pytest.raises(ValueError, match=r"Limits\.memory_mib"):
            box.run(task("a"), Limits(memory_mib=4096))
        assert box.run(task("a"), Limits(cpu_s=60)).status == Status.PASS


def test_a_worker_that_cannot_start_is_reported_and_nothing_stays_open() -> None:
    class Broken(FakeBackend):
        def open(self, slot: int) -> FakeWorker:
            if slot == 1:
                raise SandboxUnavailable("no room for a second one")
            return super().open(slot)

    backend = Broken()
    with pytest.raises(SandboxUnavailable, match="no room"), SandboxPool(backend, workers=2):
        pass
    assert backend.closed
    assert all(worker.closed.is_set() for worker in backend.workers)


def test_workers_that_cannot_be_replaced_are_our_failure() -> None:
    class OneShot(FakeBackend):
        def open(self, slot: int) -> FakeWorker:
            if self.workers:
                raise SandboxUnavailable("the engine is gone")
            return super().open(slot)

    with SandboxPool(OneShot(script(WorkerLost("gone"))), workers=1) as box:
        result = box.run(task("a"))
    assert (result.status, result.detail) == (Status.INFRA_ERROR, "the engine is gone")


def test_leaving_the_block_ends_running_tasks() -> None:
    backend = FakeBackend(always(30.0))
    started = time.monotonic()
    with ThreadPoolExecutor(1) as caller:
        with SandboxPool(backend, workers=1) as box:
            waiting = caller.submit(box.run, task("a"))
            while not backend.num_runs("a"):
                time.sleep(0.01)
        assert waiting.result().status == Status.CANCELLED
    assert time.monotonic() - started < 10


def test_a_pool_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="use it in a `with`"):
        SandboxPool(FakeBackend()).run(task("a"))
    with pytest.raises(ValueError, match="workers"):
        SandboxPool(FakeBackend(), workers=0)


def test_coroutines() -> None:
    async def main() -> list[str]:
        async with SandboxPool(FakeBackend(always(0.002)), workers=3) as box:
            first = await box.run(task("first"))
            together = await asyncio.gather(*(box.run(task(str(n))) for n in range(20)))
            mapped = [r async for r in box.map(task(str(n)) for n in range(50))]
        return [first.stdout, *(r.stdout for r in together), *(r.stdout for r in mapped)]

    assert asyncio.run(main()) == ["first", *map(str, range(20)), *map(str, range(50))]


def test_cancelling_is_heeded_while_a_worker_is_being_opened() -> None:
    class Slow(FakeBackend):
        def open(self, slot: int) -> FakeWorker:
            if self.workers:
                time.sleep(0.3)
            return super().open(slot)

    backend = Slow(lambda program: 30.0 if program == "long" else Status.PASS)

    async def main() -> Status:
        async with SandboxPool(backend, workers=1) as box:
            for _ in range(3):  # the first is cancelled in its worker, the others before they have one
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(box.run(task("long")), 0.1)
            return (await asyncio.wait_for(box.run(task("short")), 10)).status

    assert asyncio.run(main()) == Status.PASS
    assert backend.num_runs("long") == 1


def test_cancelling_what_is_done_hurts_no_later_task() -> None:
    backend = FakeBackend()
    with SandboxPool(backend, workers=1) as box:
        done = box._submit(task("done"), None)
        assert done.future.result().status == Status.PASS
        while done.seat._running is not None:  # type: ignore[union-attr]
            time.sleep(0.001)
        box._cancel(done)
        assert box.run(task("later")).retries == 0
    assert len(backend.workers) == 1


def test_cancelling_kills_the_sample_and_no_other() -> None:
    backend = FakeBackend(lambda program: 30.0 if program == "long" else Status.PASS)

    async def main() -> Status:
        async with SandboxPool(backend, workers=1) as box:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(box.run(task("long")), 0.2)
            return (await box.run(task("short"))).status

    assert asyncio.run(main()) == Status.PASS
    assert [worker.seen for worker in backend.workers] == [["long"], ["short"]]
