"""A gold answer and a solution in, a verdict out.

The answer is extracted, then compared. What the verifier cannot decide within its limits is UNDECIDED, never WRONG; a
symbolic worker that fails is our failure, tried again and then UNDECIDED too. The proof is always strong: nothing the
model writes is executed, so nothing it writes can forge an outcome.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from math_qwen.answers.profile import profile_named
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.equivalence import Outcome, equivalent
from math_qwen.extract import extractor_named
from specialists.records import Completion, Mark, Problem, Verdict

if TYPE_CHECKING:  # its module loads the recipes, which a grader does not need
    from specialists.family import Judging

MARKS = {Outcome.EQUAL: Mark.CORRECT, Outcome.NOT_EQUAL: Mark.WRONG, Outcome.UNDECIDED: Mark.UNDECIDED}


def grade_solution(
    gold: str,
    solution: str,
    *,
    extractor: str = "strict",
    profile: str = "generic",
    pool: SymbolicPool | None = None,
) -> Verdict:
    r"""Judge the answer that a solution ends in.

    Args:
        gold: the reference answer alone, such as `\frac{1}{2}`.
        solution: all that the model wrote.
        extractor: a key of `math_qwen.extract.EXTRACTORS`: which answers count as given.
        profile: a key of `math_qwen.answers.profile.PROFILES`: what the data set's own rules add.
        pool: the symbolic workers to ask; those that this process shares if None.

    Returns:
        A verdict without a problem id; its reason is the rule that decided.

    Raises:
        ConfigError: there is no such extractor or profile.
        GradeError: the symbolic worker does not start.
    """
    answer = extractor_named(extractor)(solution)
    if answer is None:
        return Verdict(problem_id="", mark=Mark.NO_ANSWER, reason="no answer is marked")
    result = equivalent(gold, answer, profile=profile, pool=pool)
    return Verdict(problem_id="", mark=MARKS[result.outcome], answer=answer, reason=result.reason)


def grade_completion(
    problem: Problem,
    completion: Completion,
    *,
    extractor: str = "strict",
    profile: str = "generic",
    pool: SymbolicPool | None = None,
) -> Verdict:
    """Judge one completion against the gold answer of its problem; arguments and errors as `grade_solution`."""
    verdict = grade_solution(problem.gold, completion.text, extractor=extractor, profile=profile, pool=pool)
    return verdict.model_copy(update={"problem_id": problem.id, "sample": completion.sample})


@contextmanager
def open_grader(judging: "Judging", *, extractor: str = "strict", profile: str = "generic") -> Iterator["MathGrader"]:
    """Open a grader with symbolic workers of its own, which end with it.

    Args:
        judging: workers, and perhaps another extractor; nothing is executed, so no sandbox is used.
        extractor, profile: as `grade_solution`.

    Raises:
        ConfigError: there is no such extractor or profile.
    """
    extractor = judging.extractor or extractor
    extractor_named(extractor)
    profile_named(profile)
    with SymbolicPool(judging.workers) as pool:
        yield MathGrader(pool, extractor, profile)


class MathGrader:
    """Judges completions one after the other; see `specialists.family.Grader`."""

    def __init__(self, pool: SymbolicPool, extractor: str, profile: str) -> None:
        self._pool = pool
        self._extractor = extractor
        self._profile = profile

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        """Yield one verdict for each item, in the order of the items."""
        for problem, completion in items:
            yield grade_completion(
                problem, completion, extractor=self._extractor, profile=self._profile, pool=self._pool
            )

    def stamps(self) -> tuple[str, ...]:
        """Return nothing: there is only one way of judging."""
        return ()
