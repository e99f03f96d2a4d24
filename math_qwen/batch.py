"""Sampled solutions in, the right ones out; or one count for each extractor.

Rejection sampling keeps what is proved right, and counts why others went. A spread says how much of a score depends on
the way in which answers are looked for. Pairs of bare answers are `math_qwen.pairs`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import tee

from math_qwen.answers.profile import Profile, profile_named
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.extract import EXTRACTORS, extractor_named
from math_qwen.grade import MathGrader
from math_qwen.pairs import WINDOW, verify_pairs
from specialists.records import Completion, Mark, Problem

__all__ = ["WINDOW", "spread", "verify_pairs", "verify_solutions"]


def verify_solutions(
    solutions: Iterable[tuple[Problem, Completion]],
    left_out: Counter[Mark],
    *,
    extractor: str = "strict",
    profile: str | Profile = "generic",
    workers: int | None = None,
) -> Iterator[tuple[Problem, Completion]]:
    """Yield the sampled solutions whose marked answer is right, in order: rejection sampling.

    Args:
        solutions: what a model answered to problems with known answers.
        left_out: counts the marks of the solutions that are not yielded.
        extractor: a key of `math_qwen.extract.EXTRACTORS`: which answers count as given.
        profile, workers: as `verify_pairs`.

    Raises: as `verify_pairs`, and ConfigError where there is no such extractor.
    """
    extractor_named(extractor)
    profile_named(profile)
    judged, given = tee(solutions)  # the grader reads ahead only as far as its window
    with SymbolicPool(workers) as pool:
        for verdict, solution in zip(MathGrader(pool, extractor, profile).grade(judged), given, strict=False):
            if verdict.mark is Mark.CORRECT:
                yield solution
            else:
                left_out[verdict.mark] += 1


def spread(
    solutions: Iterable[tuple[Problem, Completion]],
    *,
    profile: str | Profile = "generic",
    workers: int | None = None,
) -> dict[str, Counter[Mark]]:
    """Return what the same completions come to under each named extractor.

    Args:
        solutions: completions with their problems; read once and kept.
        profile, workers: as `verify_pairs`.

    Returns:
        For each key of `math_qwen.extract.EXTRACTORS` how often each mark was given.

    Raises: as `verify_pairs`.
    """
    profile, kept = profile_named(profile), list(solutions)
    with SymbolicPool(workers) as pool:
        return {
            name: Counter(verdict.mark for verdict in MathGrader(pool, name, profile).grade(kept))
            for name in EXTRACTORS
        }
