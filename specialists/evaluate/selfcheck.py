"""Does the grader judge right? Gold passes, mutants fail.

Before any model is judged, the benchmark's own reference answers must be CORRECT, save the listed exceptions, and
answers made wrong on purpose must not be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from specialists.family import Benchmark, Judging
from specialists.progress import track
from specialists.records import Completion, Mark, Problem, Stop, Verdict


@dataclass(frozen=True)
class SelfCheck:
    """What a grader made of answers whose truth is known."""

    benchmark: str
    num_gold: int
    gold_refused: tuple[Verdict, ...]  # gold answers not marked CORRECT, listed exceptions left out
    exceptions: int
    num_mutants: int
    mutants_passed: tuple[Verdict, ...]
    obstacle: str = ""  # why the grader could not be tried on this machine; the rest is empty then

    @property
    def sound(self) -> bool:
        """Whether every gold answer passed and no mutant did."""
        return not self.gold_refused and not self.mutants_passed


def self_check(benchmark: Benchmark[Any], problems: Sequence[Problem], judging: Judging) -> SelfCheck:
    """Judge the gold answer and the mutants of every problem.

    Raises:
        GradeError: the grader cannot work.
    """
    gold = [(p, _completion(p, benchmark.right(p))) for p in problems]
    mutants = [(p, _completion(p, text)) for p in problems for text in benchmark.wrong(p)]
    with benchmark.open_grader(judging) as grader:
        judged = list(track(grader.grade([*gold, *mutants]), f"check {benchmark.name}", len(gold) + len(mutants)))
    refused = [v for v in judged[: len(gold)] if v.mark is not Mark.CORRECT]
    return SelfCheck(
        benchmark=benchmark.name,
        num_gold=len(gold),
        gold_refused=tuple(v for v in refused if v.problem_id not in benchmark.exceptions),
        exceptions=sum(v.problem_id in benchmark.exceptions for v in refused),
        num_mutants=len(mutants),
        mutants_passed=tuple(v for v in judged[len(gold) :] if v.mark is Mark.CORRECT),
    )


def unchecked(benchmark: Benchmark[Any], obstacle: str) -> SelfCheck:
    """Return that a grader could not be tried, and why."""
    return SelfCheck(benchmark.name, 0, (), 0, 0, (), obstacle)


def _completion(problem: Problem, text: str) -> Completion:
    return Completion(problem_id=problem.id, text=text, stop=Stop.END, num_tokens=0)
