"""Trials of the pool: a soak, false timeouts under load, recovery, and what a killed client leaves.

Each returns lines of text that say what happened; none of them judges it.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sandbox import owner
from sandbox.container import connect
from sandbox.contract import Limits, Result, Task
from sandbox.hostile.probe import BENIGN, Probe
from sandbox.pool import SandboxPool
from sandbox.probes import PYTHON
from sandbox.status import Status

_SEED = 20
_PARTS = 10  # of a soak, after each of which it is said what is held
_GONE_S = 120
_CLIENT = """
from sandbox import Limits, SandboxPool, Task
with SandboxPool(workers={workers}) as box:
    print("open", flush=True)
    for _ in box.map([Task(program={program!r}, proof="none")] * {workers}, Limits(cpu_s=30, wall_s=60)): pass
    input()
"""


def soak(box: SandboxPool, *, samples: int, hostile_share: float) -> Iterator[str]:
    """Run right, wrong and hostile programs in random order; compare each status, and what is held on the way."""
    chance = random.Random(_SEED)
    wrong = Task(program="def guess(n): return n", tests=BENIGN.tests, entry_point="guess")
    plain = (Probe("right", BENIGN, (Status.PASS,), Limits()), Probe("wrong", wrong, (Status.FAIL,), Limits()))
    chosen = [chance.choice(PYTHON if chance.random() < hostile_share else plain) for _ in range(samples)]
    odd: Counter[tuple[str, Status]] = Counter()
    failures = retries = 0
    box.run(BENIGN)
    yield f"soak: {samples} samples, {sum(probe not in plain for probe in chosen)} of them hostile"
    yield f"  before: {_held()}"
    begun, part = time.monotonic(), -(-samples // _PARTS)
    with ThreadPoolExecutor(2 * box.num_workers) as callers:
        for first in range(0, samples, part):
            probes = chosen[first : first + part]
            for probe, result in zip(probes, callers.map(lambda p: box.run(p.task, p.limits), probes), strict=True):
                odd[probe.name, result.status] += result.status not in probe.expected
                failures += result.status.is_ours
                retries += result.retries
            yield f"  after {first + len(probes)}, {time.monotonic() - begun:.0f} s: {_held()}"
    yield f"  {odd.total()} unexpected; {failures} failures of the sandbox itself; {retries} tried again"
    yield from (f"  unexpected: {name}: {status}, {count} times" for (name, status), count in odd.items() if count)


def load(box: SandboxPool, *, samples: int) -> Iterator[str]:
    """Run programs that need 0.4 s of CPU under a limit of 1 s beside three busy processes for each CPU."""
    busy = Task(program="import time\nwhile time.process_time() < 0.4: pass", proof="none")
    with _burners(3 * len(os.sched_getaffinity(0))) as number:
        results = list(box.map([busy] * samples, Limits(cpu_s=1)))
        average = os.getloadavg()[0]
    late = sum(result.status is not Status.NO_VERDICT for result in results)
    waits = statistics.median(result.wall_s for result in results)
    yield f"load: {samples} programs of 0.4 CPU s beside {number} busy processes (load {average:.1f} at the end)"
    yield f"  {late} falsely stopped; {_tries(results)}; median {waits:.2f} s of wall time each"


def recovery(box: SandboxPool) -> Iterator[str]:
    """Time, for each hostile program, from the end of its own time until a benign one has passed."""
    seconds: dict[str, float] = {}
    for probe in PYTHON:
        begun = time.monotonic()
        result = box.run(probe.task, probe.limits)
        after = box.run(BENIGN)
        seconds[probe.name] = time.monotonic() - begun - result.wall_s
        if after.status is not Status.PASS:
            yield f"  after {probe.name!r} a benign program ended with {after.status}"
    worst = sorted(seconds, key=lambda name: -seconds[name])[:3]
    yield f"recovery after {len(seconds)} hostile programs: median {statistics.median(seconds.values()):.3f} s"
    yield f"  longest: {', '.join(f'{name} {seconds[name]:.2f} s' for name in worst)}"


def orphans(workers: int) -> Iterator[str]:
    """Kill -9 a client while its containers sit idle, and while they compute; wait until they are gone."""
    for state, program in (("idle", "pass"), ("busy", "while True: pass")):
        code = _CLIENT.format(workers=workers, program=program)
        client = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert client.stdout
        client.stdout.readline()
        time.sleep(1)
        number = _containers_of(client.pid)
        client.send_signal(signal.SIGKILL)
        client.wait()
        begun = time.monotonic()
        while (left := _containers_of(client.pid)) and time.monotonic() < begun + _GONE_S:
            time.sleep(0.02)
        yield f"orphans, {state}: {number} containers, {left} left {time.monotonic() - begun:.1f} s after kill -9"


@contextmanager
def _burners(number: int) -> Iterator[int]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield number
    finally:
        for process in running:
            process.kill()
            process.wait()


def _tries(results: list[Result]) -> str:
    return f"{sum(result.retries for result in results)} tried again"


def _held() -> str:
    """Say what this client and its containers hold now."""
    status = Path("/proc/self/status").read_text()
    rss_mib = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    client, boxes = connect(), []
    for row in owner.ours(client):
        if f"/{os.getpid()}/" in row["owner"]:
            stats = client.stats(row["id"], stream=False, one_shot=True)
            boxes.append(
                f"{stats['memory_stats']['usage'] / 2**20:.1f} MiB, {stats['pids_stats']['current']} processes"
            )
    own = f"client {rss_mib:.0f} MiB, {len(list(Path('/proc/self/fd').iterdir()))} descriptors"
    return f"{own}; containers {'; '.join(boxes)}"


def _containers_of(pid: int) -> int:
    return sum(f"/{pid}/" in row["owner"] for row in owner.ours(connect()))
