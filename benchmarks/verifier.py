"""The maths verifier against Math-Verify: accuracy, rows a CPU-second.

Accuracy is measured on the labelled table in tests/golden, undecided counting as "not equal" for both; speed on that
table and on published gold answers, each against itself in another spelling and against its neighbour. Processor time
of workers is counted. Math-Verify is an oracle for development: `pip install --no-deps math-verify==0.9.0`.
"""

import argparse
import logging
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from math_verify import parse, verify  # pyright: ignore[reportMissingImports]

from math_qwen.answers.outcome import Layer
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.equivalence import equivalent
from math_qwen.extract import extract_answer
from math_qwen.pairs import compare_pairs
from specialists.jsonl import read_rows

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "answers.tsv"
IMPORT = "import time; t = time.process_time(); import math_qwen.grade; print(time.process_time() - t)"


class Case(NamedTuple):
    """Two answers; `equal` is None where no label says what they are."""

    gold: str
    answer: str
    equal: bool | None = None


class Timing(NamedTuple):
    """What a walk over cases came to."""

    said: list[bool]
    cpu_s: float
    walls_ms: list[float]


def main() -> None:
    """Print one table of accuracy and one of speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SPECIALISTS_DATA") or None)
    parser.add_argument("--rows", type=int, default=1_000, help="of each published data set")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # Math-Verify logs every answer that it cannot read
    print(f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, processor time of one core")
    print(f"import of math_qwen.grade: {_import_s():.3f} s of processor time, the median of 5\n")
    golden = _golden()
    sources = {"labelled table": [case for cases in golden.values() for case in cases], **_published(options)}
    with SymbolicPool(workers=1) as pool:
        equivalent(r"\sqrt{8}", r"2\sqrt{2}", pool=pool)  # both sides have loaded sympy when the clock starts
        layers: Counter[str] = Counter()

        def ours(case: Case) -> bool:
            result = equivalent(case.gold, case.answer, pool=pool)
            layers[result.layer] += 1
            return bool(result)

        ours_of: dict[str, Timing] = {}
        theirs_of: dict[str, Timing] = {}
        print("| cases | n | rows/CPU-s | p99 ms | stage 1 | Math-Verify rows/CPU-s | p99 ms | times |")
        print("|---|---|---|---|---|---|---|---|")
        for name, cases in sources.items():
            layers.clear()
            theirs_of[name] = _timed(_math_verify, cases)  # in turn, so that a change of load meets both
            found = _timed(ours, cases, of_workers=pool)
            alone = 1 - layers[Layer.SYMBOLIC] / len(cases)
            _print_speed(name, found, theirs_of[name], alone)
            ours_of[name] = found
    _print_scaling()
    _print_accuracy(golden, ours_of["labelled table"].said, theirs_of["labelled table"].said)


def _print_scaling() -> None:
    """Print how much sooner two workers are through pairs that only a worker can tell."""
    cases = [(rf"\sin {n}x \cos x", rf"\frac{{\sin {n + 1}x + \sin {n - 1}x}}{{2}}") for n in range(2, 302)]
    walls_s: list[float] = []
    for workers in (1, 2):
        with SymbolicPool(workers) as pool:
            list(compare_pairs([(rf"\sqrt{{{n}}}", "x") for n in range(2, 34)], pool))  # all of them have started
            start = time.perf_counter()
            assert all(compare_pairs(cases, pool))
            walls_s.append(time.perf_counter() - start)
    print(f"\n{len(cases)} pairs that need a worker: {walls_s[0]:.2f} s with one, {walls_s[1]:.2f} s with two")


def _math_verify(case: Case) -> bool:
    """As its README asks for: both answers in mathematics, the gold one first."""
    return verify(parse(f"${case.gold}$"), parse(f"${case.answer}$"))


def _golden() -> dict[str, list[Case]]:
    rows: dict[str, list[Case]] = {}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            row, outcome, gold, answer = line.split("\t")
            rows.setdefault(row, []).append(Case(gold, answer, outcome == "equal"))
    return rows


def _published(options: argparse.Namespace) -> dict[str, list[Case]]:
    if options.data is None:
        return {}

    def rows(name: str) -> Iterable[dict[str, str]]:
        return (row for number, (_, row) in enumerate(read_rows(options.data / name)) if number < options.rows)

    return {
        "GSM8K": _pairs(row["answer"].rsplit("####", 1)[1] for row in rows("eval_math/gsm8k_test.jsonl.gz")),
        "Math401": _pairs(row["response"] for row in rows("eval_math/math401.jsonl.gz")),
        "MATH": _pairs(extract_answer(row["solution"]) or "" for row in rows("eval_math/math_test.jsonl.gz")),
        "Math23K": _pairs(row["ans"] for row in rows("eval_math/math23k_test.jsonl.gz")),
    }


def _pairs(golds: Iterable[str]) -> list[Case]:
    """Return each gold against itself in another spelling, and against the one before it."""
    listed = [gold.strip() for gold in golds]
    right = [Case(gold, f"x = {gold.replace('frac', 'dfrac')}") for gold in listed]
    return right + [Case(one, other) for one, other in pairwise(listed)]


def _timed(judge: Callable[[Case], bool], cases: list[Case], of_workers: SymbolicPool | None = None) -> Timing:
    said, walls_ms = [], []
    begun = _cpu_s(of_workers)
    for case in cases:
        start = time.perf_counter()
        said.append(judge(case))
        walls_ms.append(1_000 * (time.perf_counter() - start))
    return Timing(said, _cpu_s(of_workers) - begun, walls_ms)


def _cpu_s(workers: SymbolicPool | None) -> float:
    """Return the processor time of this process, its ended children and its running workers."""
    own = time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = sum(_cpu_of(pid) for pid in workers.pids()) if workers else 0.0
    return own + children.ru_utime + children.ru_stime + running


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print_speed(name: str, ours: Timing, theirs: Timing, alone: float) -> None:
    rate, their_rate = (len(found.said) / found.cpu_s for found in (ours, theirs))
    p99, their_p99 = (statistics.quantiles(found.walls_ms, n=100)[98] for found in (ours, theirs))
    print(
        f"| {name} | {len(ours.said)} | {rate:.0f} | {p99:.1f} | {alone:.1%} "
        f"| {their_rate:.0f} | {their_p99:.1f} | {rate / their_rate:.0f}x |"
    )


def _print_accuracy(golden: dict[str, list[Case]], said: list[bool], theirs: list[bool]) -> None:
    print("\n| row of the policy | n | ours | Math-Verify | its false positives | its false negatives |")
    print("|---|---|---|---|---|---|")
    verdicts = list(zip((case.equal for cases in golden.values() for case in cases), said, theirs, strict=True))
    position = 0
    for row, cases in golden.items():
        _print_row(row, verdicts[position : position + len(cases)])
        position += len(cases)
    _print_row("all", verdicts)


def _print_row(row: str, verdicts: list[tuple[bool | None, bool, bool]]) -> None:
    ours, right = (sum(label == verdict[side] for label, *verdict in verdicts) for side in (0, 1))
    too_kind = sum(theirs and not label for label, _, theirs in verdicts)
    too_strict = sum(label is True and not theirs for label, _, theirs in verdicts)
    n = len(verdicts)
    print(f"| {row} | {n} | {ours / n:.1%} | {right / n:.1%} | {too_kind} | {too_strict} |")


def _import_s() -> float:
    times = [subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout for _ in range(5)]
    return statistics.median(map(float, times))


if __name__ == "__main__":
    main()
