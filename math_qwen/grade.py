"""A gold answer and a solution in, a verdict out.

The answer is extracted, then compared. What the verifier cannot decide within its limits is UNDECIDED, never WRONG; a
symbolic worker that fails is our failure, tried again and then UNDECIDED too. The proof is always strong: nothing the
model writes is executed, so nothing it writes can forge an outcome.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from math_qwen.answers.outcome import Equivalence, Outcome
from math_qwen.answers.profile import Profile, profile_named
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.equivalence import equivalent
from math_qwen.extract import extractor_named
from math_qwen.pairs import compare_pairs
from specialists.records import Completion, Mark, Problem, Verdict

if TYPE_CHECKING:  # its module loads the recipes, which a grader does not need
    from specialists.family import Judging

MARKS = {Outcome.EQUAL: Mark.CORRECT, Outcome.NOT_EQUAL: Mark.WRONG, Outcome.UNDECIDED: Mark.UNDECIDED}


def grade_solution(
    gold: str,
    solution: str,
    *,
    extractor: str = "strict",
    profile: str | Profile = "generic",
    pool: SymbolicPool | None = None,
) -> Verdict:
    r"""Judge the answer that a solution ends in.

    Args:
        gold: the reference answer alone, such as `\frac{1}{2}`.
        solution: all that the model wrote.
        extractor: a key of `math_qwen.extract.EXTRACTORS`: which answers count as given.
        profile: a key of `math_qwen.answers.profile.PROFILES`, what the data set's own rules add, or a profile.
        pool: the symbolic workers to ask; those that this process shares if None.

    Returns:
        A verdict without a problem id; its reason is the rule that decided.

    Raises:
        ConfigError: there is no such extractor or profile.
        GradeError: the symbolic worker does not start.
    """
    answer = extractor_named(extractor)(solution)
    return _verdict(answer, equivalent(gold, answer or "", profile=profile, pool=pool))


def grade_completion(
    problem: Problem,
    completion: Completion,
    *,
    extractor: str = "strict",
    profile: str | Profile = "generic",
    pool: SymbolicPool | None = None,
) -> Verdict:
    """Judge one completion against the gold answer of its problem; arguments and errors as `grade_solution`."""
    verdict = grade_solution(problem.gold, completion.text, extractor=extractor, profile=profile, pool=pool)
    return verdict.model_copy(update={"problem_id": problem.id, "sample": completion.sample})


@contextmanager
def open_grader(
    judging: "Judging", *, extractor: str = "strict", profile: str | Profile = "generic"
) -> Iterator["MathGrader"]:
    """Open a grader with symbolic workers of its own, which end with it.

    Args:
        judging: how many workers there may be; the sandbox is not used, because nothing is executed.
        extractor, profile: as `grade_solution`.

    Raises:
        ConfigError: there is no such extractor or profile.
    """
    extractor_named(extractor)
    with SymbolicPool(judging.workers) as pool:
        yield MathGrader(pool, extractor, profile_named(profile))


class MathGrader:
    """Judges completions with all its workers at a time; see `specialists.family.Grader`."""

    def __init__(self, pool: SymbolicPool, extractor: str, profile: str | Profile) -> None:
        self._pool = pool
        self._extract = extractor_named(extractor)
        self._profile = profile

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        """Yield one verdict for each item, in the order of the items.

        While workers are busy with an item, a bounded number of those behind it is read ahead.
        """
        taken: deque[tuple[Problem, Completion, str | None]] = deque()

        def pairs() -> Iterator[tuple[str, str]]:
            for problem, completion in items:
                answer = self._extract(completion.text)
                taken.append((problem, completion, answer))
                yield problem.gold, answer or ""

        for result in compare_pairs(pairs(), self._pool, profile=self._profile):
            problem, completion, answer = taken.popleft()
            yield _verdict(answer, result, problem.id, completion.sample)

    def stamps(self) -> tuple[str, ...]:
        """Return nothing: there is only one way of judging."""
        return ()


def _verdict(answer: str | None, result: Equivalence, problem_id: str = "", sample: int = 0) -> Verdict:
    """Return what a comparison came to; where no answer was found it compared nothing and does not count."""
    return Verdict(
        problem_id=problem_id,
        sample=sample,
        mark=Mark.NO_ANSWER if answer is None else MARKS[result.outcome],
        answer=answer,
        reason="no answer is marked" if answer is None else result.reason,
    )
