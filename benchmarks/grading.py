"""Regrading a file from the command line: wall time from start to score.

    SPECIALISTS_DATA=FOLDER python -m benchmarks.grading

Writes HumanEval's 164 canonical solutions and GSM8K's 1,319 published ones as sample files, and grades each by the
command that a user types, so that the start of Python, of the containers and of everything else counts. The image of
the sandbox must be there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from code_qwen.suites.humaneval import HUMANEVAL
from math_qwen.suites.word_problems import GSM8K
from specialists.family import Benchmark
from specialists.judge import load_problems

TARGET_S = 10.0


def main() -> None:
    """Print the wall time of each command, round by round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    with tempfile.TemporaryDirectory() as folder:
        for module, benchmark in (("code_qwen", HUMANEVAL), ("math_qwen", GSM8K)):
            samples = Path(folder) / f"{benchmark.name}.jsonl"
            count = _write(benchmark, samples)
            taken = [_graded(module, benchmark.name, samples, count) for _ in range(options.rounds)]
            shown = ", ".join(f"{seconds:.1f}" for seconds in taken)
            median = statistics.median(taken)
            verdict = "within" if median <= TARGET_S else "over"
            print(f"{benchmark.title}: {count} solutions, {shown} s; median {median:.1f} s, {verdict} {TARGET_S:g} s")


def _write(benchmark: Benchmark, path: Path) -> int:  # pyright: ignore[reportMissingTypeArgument]
    problems = load_problems(benchmark)
    rows = [{"task_id": problem.id, "completion": benchmark.right(problem)} for problem in problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


def _graded(module: str, name: str, samples: Path, count: int) -> float:
    """Return the seconds that the command took; stops where not every solution is correct."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", module, "grade", "--benchmark", name, "--samples", str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode != 0 or f"{count} correct" not in done.stdout:
        sys.exit(f"{' '.join(command)}: not all {count} are correct\n{done.stdout}{done.stderr}")
    return seconds


if __name__ == "__main__":
    main()
