"""Chaos: killed clients, killed containers, crowds and storms. No hang, no orphan, no wrong verdict."""

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import docker
import pytest
from docker.errors import APIError

from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.container import DockerBackend, connect
from sandbox.owner import ours

pytestmark = [pytest.mark.docker, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def _engine() -> None:
    try:
        DockerBackend()
    except SandboxUnavailable as error:
        if "docker" in os.environ.get("SANDBOX_REQUIRE", "").split(","):
            raise
        pytest.skip(str(error))


@pytest.fixture
def client() -> docker.APIClient:
    return connect()


def numbered(number: int, *, sleep_s: float = 0.0) -> Task:
    """A task that passes or fails by its number, so that a verdict that went to another task shows."""
    program = f"import time\ndef f(n):\n    time.sleep({sleep_s})\n    return n + {number % 2}\n"
    return Task(program=program, tests=f"assert f({number}) == {number}", entry_point="f")


def verdict_of(number: int) -> Status:
    return Status.FAIL if number % 2 else Status.PASS


def containers_of(client: docker.APIClient, pid: int) -> list[str]:
    return [row["id"] for row in ours(client) if f"/{pid}/" in row["owner"]]


def wait_until(true: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not so after {timeout_s} s"
        time.sleep(0.05)


CLIENT = """
from sandbox import Limits, SandboxPool, Task
with SandboxPool(workers=2) as box:
    print("open", flush=True)
    for _ in box.map([Task(program={program!r}, proof="none")] * 100, Limits(cpu_s=20, wall_s=60)): pass
"""


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        "import os, time\nfor _ in range(20): os.fork() or time.sleep(60)",
        "while True: print('x' * 10_000)",
        "pass",
    ],
)
def test_nothing_outlives_a_client_killed_at_any_moment(client: docker.APIClient, program: str) -> None:
    code = CLIENT.format(program=program)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"open\n"
    time.sleep(0.5)
    process.kill()
    process.wait()
    wait_until(lambda: not containers_of(client, process.pid))


@contextmanager
def shooting(client: docker.APIClient) -> Iterator[Counter]:
    """Kill a random container of this process every now and then; counts the kills."""
    stop, kills, chance = threading.Event(), Counter(), random.Random(4711)

    def shoot() -> None:
        while not stop.wait(chance.uniform(0.8, 1.6)):
            for container in containers_of(client, os.getpid())[-1:]:
                try:
                    client.kill(container)
                    kills["done"] += 1
                except APIError:  # gone between the look and the shot
                    kills["missed"] += 1

    thread = threading.Thread(target=shoot)
    thread.start()
    try:
        yield kills
    finally:
        stop.set()
        thread.join()


def test_containers_killed_at_random_change_no_verdict(client: docker.APIClient) -> None:
    with SandboxPool(workers=2) as box, shooting(client) as kills:
        results = list(box.map(numbered(n, sleep_s=0.2) for n in range(50)))
    judged = {n: r.status for n, r in enumerate(results) if r.status in (Status.PASS, Status.FAIL)}
    assert judged == {n: verdict_of(n) for n in judged}
    assert all(r.status.is_ours or r.worker_lost for n, r in enumerate(results) if n not in judged)
    assert kills["done"] >= 2
    assert sum(result.retries for result in results) >= 2
    assert len(judged) >= 45


def test_sixty_four_callers_on_two_workers(client: docker.APIClient) -> None:
    before = set(containers_of(client, os.getpid()))
    with SandboxPool(workers=2) as box:
        with ThreadPoolExecutor(64) as callers:
            results = list(callers.map(lambda n: box.run(numbered(n)), range(256)))
        assert len(set(containers_of(client, os.getpid())) - before) == 2
    assert [result.status for result in results] == [verdict_of(n) for n in range(256)]
    wait_until(lambda: set(containers_of(client, os.getpid())) <= before)


def test_a_storm_of_cancelled_tasks_hurts_no_other(client: docker.APIClient) -> None:
    before = set(containers_of(client, os.getpid()))
    forever = Task(program="import time\ntime.sleep(600)", proof="none")

    async def storm() -> list[Result]:
        async with SandboxPool(workers=2, limits=Limits(wall_s=900)) as box:
            doomed = [asyncio.create_task(box.run(forever)) for _ in range(8)]
            kept = [asyncio.create_task(box.run(numbered(n))) for n in range(32)]
            for task in doomed:
                await asyncio.sleep(0.2)
                task.cancel()
            assert all(isinstance(end, asyncio.CancelledError) for end in await _ends(doomed))
            return await asyncio.wait_for(asyncio.gather(*kept), 120)

    results = asyncio.run(storm())
    assert [result.status for result in results] == [verdict_of(n) for n in range(32)]
    wait_until(lambda: set(containers_of(client, os.getpid())) <= before)


async def _ends(tasks: list[asyncio.Task]) -> list:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 120)


def test_a_paused_container_is_an_end_and_not_a_hang(client: docker.APIClient) -> None:
    with SandboxPool(workers=1) as box, ThreadPoolExecutor(1) as caller:
        (container,) = containers_of(client, os.getpid())
        client.pause(container)
        waiting = caller.submit(box.run, numbered(0), Limits(cpu_s=0.2, wall_s=1))
        result = waiting.result(120)  # the client gives the worker up and takes a fresh one
    assert (result.status, result.retries) == (Status.PASS, 1)


def test_a_bench_measures_every_way() -> None:
    command = [sys.executable, "-m", "sandbox", "bench", "--rounds", "1", "--round-s", "0.3"]
    done = subprocess.run([*command, "--soak", "30", "--load", "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(table) >= 6
    assert {row[-1] for row in table[2:]} == {"0 |"}  # every way passed every sample
    assert "30 samples" in done.stdout and "0 unexpected; 0 failures" in done.stdout
    assert "0 falsely stopped" in done.stdout
