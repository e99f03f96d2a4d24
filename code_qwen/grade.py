"""Program and tests into a verdict, by way of the sandbox.

A program that fails is a verdict. A sandbox that fails is a `GradeError`: nobody's answer is wrong because of it.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from code_qwen.extract import EXTRACTORS, Asked, extractor_named
from code_qwen.problems import CodeProblem
from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from specialists.errors import GradeError
from specialists.family import Judging
from specialists.records import Completion, Mark, Problem, Verdict

MARKS = {
    Status.PASS: Mark.CORRECT,
    Status.FAIL: Mark.WRONG,
    Status.ERROR: Mark.CRASHED,
    Status.NO_VERDICT: Mark.CRASHED,
    Status.SIGNAL: Mark.CRASHED,
    Status.KILLED: Mark.CRASHED,
    Status.OOM: Mark.CRASHED,
    Status.OUTPUT_LIMIT: Mark.CRASHED,
    Status.COMPILE_ERROR: Mark.CRASHED,
    Status.COMPILE_TIMEOUT: Mark.TIMED_OUT,
    Status.TIMEOUT: Mark.TIMED_OUT,
    Status.CPU_LIMIT: Mark.TIMED_OUT,
    Status.UNSUPPORTED: Mark.UNDECIDED,
}

# CPU time decides; on a machine with far more work than cores a program may wait long for its turn.
PATIENT = Limits(wall_s=60)

_OTHER_WAY = "; or, with weaker promises, run programs without a container: --sandbox process --accept-risk (or bwrap)"


def grade_program(problem: CodeProblem, program: str, box: SandboxPool) -> Verdict:
    """Judge one program.

    Args:
        problem: its tests decide.
        program: what was extracted from a completion; "" is no answer.
        box: an open pool.

    Raises:
        GradeError: the sandbox failed, or the problem's own tests do not run.
    """
    if not program.strip():
        return _no_answer(problem)
    try:
        return _verdict(problem, program, box.run(_task(problem, program)))
    except SandboxUnavailable as error:
        raise GradeError(str(error)) from None


class ProgramGrader:
    """Judges completions of code benchmarks in one open pool; see `specialists.family.Grader`."""

    def __init__(self, box: SandboxPool, extract: Callable[[str, Asked], str] = EXTRACTORS["tree-sitter"]) -> None:
        self._box = box
        self._extract = extract
        self._stamps: dict[str, None] = {}

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        """Yield one verdict for each item, in order, a few programs running at once. Raises `GradeError`."""
        waiting: deque[tuple[CodeProblem, Completion, str]] = deque()
        try:
            for result in self._box.map(self._tasks(items, waiting)):
                yield from _unanswered(waiting)
                problem, completion, program = waiting.popleft()
                self._stamps.update(dict.fromkeys(result.stamps))
                yield _verdict(problem, program, result, completion.sample)
        except SandboxUnavailable as error:
            raise GradeError(str(error)) from None
        yield from _unanswered(waiting)

    def stamps(self) -> tuple[str, ...]:
        """Return what the sandbox could not promise; empty in a container."""
        return tuple(self._stamps)

    def _tasks(
        self, items: Iterable[tuple[Problem, Completion]], waiting: deque[tuple[CodeProblem, Completion, str]]
    ) -> Iterator[Task]:
        """Yield a task for each item with a program in it; every item is noted in `waiting`."""
        for problem, completion in items:
            if not isinstance(problem, CodeProblem):
                raise GradeError(f"problem {problem.id}: has no tests; this grader judges programs")
            program = self._extract(completion.text, problem)
            waiting.append((problem, completion, program))
            if program.strip():
                yield _task(problem, program)


@contextmanager
def open_grader(
    judging: Judging,
    *,
    extractor: str = "tree-sitter",
    limits: Limits | None = None,
    languages: Collection[str] = ("python",),
) -> Iterator[ProgramGrader]:
    """Open a sandbox as the user asked and give a grader.

    Args:
        judging: its `extractor`, where it names one, goes before the one given here.
        extractor: a key of `code_qwen.extract.EXTRACTORS`.
        limits, languages: as `sandbox.SandboxPool`; Python alone gets `PATIENT` where nothing else is said.

    Raises:
        ConfigError: there is no such extractor.
        GradeError: the sandbox cannot be opened; says what is missing.
    """
    extract = extractor_named(judging.extractor or extractor)
    limits = limits or (PATIENT if set(languages) == {"python"} else None)
    options = {"accept_risk": judging.accept_risk, "limits": limits, "languages": languages}
    with ExitStack() as stack:
        try:
            pool = SandboxPool(judging.sandbox, judging.workers, **options)
            box = stack.enter_context(pool)
        except (SandboxUnavailable, ValueError) as error:
            raise GradeError(f"{error}{_OTHER_WAY if judging.sandbox == 'docker' else ''}") from None
        yield ProgramGrader(box, extract)


def _unanswered(waiting: deque[tuple[CodeProblem, Completion, str]]) -> Iterator[Verdict]:
    """Take the items at the head that hold no program."""
    while waiting and not waiting[0][2].strip():
        problem, completion, _ = waiting.popleft()
        yield _no_answer(problem, completion.sample)


def _task(problem: CodeProblem, program: str) -> Task:
    try:
        return problem.task(program)
    except ValueError as error:
        raise GradeError(f"problem {problem.id}: {error}") from None


def _no_answer(problem: Problem, sample: int = 0) -> Verdict:
    return Verdict(problem_id=problem.id, sample=sample, mark=Mark.NO_ANSWER, reason="no program found")


def _verdict(problem: Problem, program: str, result: Result, sample: int = 0) -> Verdict:
    reason = f"{result.status}: {result.detail}" if result.detail else str(result.status)
    if result.status.is_ours:
        raise GradeError(f"problem {problem.id}: the sandbox could not judge it: {reason}")
    return Verdict(
        problem_id=problem.id,
        sample=sample,
        mark=MARKS[result.status],
        answer=program,
        reason=reason,
        proof=result.proof,
    )
