"""Alternating rounds of several variants; medians, machine and load."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch


def machine() -> str:
    """Say where and under what load this runs."""
    processors = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":")[1].strip() for line in processors if line.startswith("model name")]
    model = models[0] if models else platform.processor()
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, load {load:.1f} before the start, torch {torch.__version__}"


def rounds(variants: Mapping[str, Callable[[], object]], *, count: int, warmups: int = 1) -> dict[str, float]:
    """Run the variants in turn, `count` times; returns the median seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(warmups + count):
        for name, run in variants.items():
            begun = time.perf_counter()
            run()
            if turn >= warmups:
                seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(found) for name, found in seconds.items()}
