"""Results become verdicts, in order, and our own failures never do."""

from collections.abc import Iterator

import pytest

from code_qwen.grade import MARKS, ProgramGrader, grade_program, open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.own import OWN
from sandbox import Limits, Result, SandboxPool, Status, Task
from specialists.errors import GradeError
from specialists.family import Judging
from specialists.records import Completion, Mark, Problem, Stop, Verdict

ADD = CodeProblem(id="add", prompt="def add(a, b):\n", gold="", entry_point="add", tests="assert add(1, 2) == 3")


class EchoWorker:
    """Ends a task with the status that its program names in the first line; keeps the tasks it saw."""

    def __init__(self, seen: list[Task]) -> None:
        self.features: dict[str, bool] = {}
        self.seen = seen

    def run(self, task: Task, limits: Limits) -> Result:
        assert limits.cpu_s > 0
        self.seen.append(task)
        status = Status(task.program.splitlines()[-1].strip(" #"))
        return Result(status=status, proof="strong", detail="because", stamps=("a stamp",))

    def leftovers(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        pass


class EchoBackend:
    def __init__(self) -> None:
        self.seen: list[Task] = []

    def open(self, slot: int) -> EchoWorker:
        assert slot >= 0
        return EchoWorker(self.seen)

    def close(self) -> None:
        pass


@pytest.fixture
def backend() -> EchoBackend:
    return EchoBackend()


@pytest.fixture
def box(backend: EchoBackend) -> Iterator[SandboxPool]:
    with SandboxPool(backend, workers=3) as pool:
        yield pool


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        (Status.PASS, Mark.CORRECT),
        (Status.FAIL, Mark.WRONG),
        (Status.ERROR, Mark.CRASHED),
        (Status.SIGNAL, Mark.CRASHED),
        (Status.OOM, Mark.CRASHED),
        (Status.NO_VERDICT, Mark.CRASHED),
        (Status.KILLED, Mark.CRASHED),
        (Status.OUTPUT_LIMIT, Mark.CRASHED),
        (Status.TIMEOUT, Mark.TIMED_OUT),
        (Status.CPU_LIMIT, Mark.TIMED_OUT),
        (Status.UNSUPPORTED, Mark.UNDECIDED),
    ],
)
def test_a_status_becomes_a_mark(box: SandboxPool, status: Status, mark: Mark) -> None:
    verdict = grade_program(ADD, f"# {status}", box)
    assert verdict == Verdict(
        problem_id="add", mark=mark, answer=f"# {status}", reason=f"{status}: because", proof="strong"
    )


def test_every_status_that_is_not_ours_has_a_mark() -> None:
    assert set(MARKS) == {status for status in Status if not status.is_ours}


@pytest.mark.parametrize("status", [Status.INFRA_ERROR, Status.STARVED, Status.CANCELLED])
def test_our_own_failure_is_no_verdict(box: SandboxPool, status: Status) -> None:
    with pytest.raises(GradeError, match=f"problem add: the sandbox could not judge it: {status}"):
        grade_program(ADD, f"# {status}", box)


def test_no_program_is_no_answer_and_runs_nothing(box: SandboxPool, backend: EchoBackend) -> None:
    assert grade_program(ADD, " \n", box).mark is Mark.NO_ANSWER
    assert backend.seen == []


def test_the_tests_decide_and_check_is_called(box: SandboxPool, backend: EchoBackend) -> None:
    check = "def check(candidate):\n    assert candidate(1, 2) == 3"
    problem = ADD.model_copy(update={"tests": check, "prelude": "import math"})
    grade_program(problem, "# pass", box)
    grade_program(problem.model_copy(update={"tests": f"{check}\n\ncheck(add)"}), "# pass", box)
    first, second = backend.seen
    assert first.tests == f"{check}\n\ncheck(add)\n"
    assert second.tests.count("check(add)") == 1
    assert (first.entry_point, first.prelude, first.proof) == ("add", "import math", "split")


def test_a_problem_that_cannot_be_judged_is_named(box: SandboxPool) -> None:
    with pytest.raises(GradeError, match=r"problem add: Task\.language: 'cobol'"):
        grade_program(ADD.model_copy(update={"language": "cobol"}), "# pass", box)


def completions(*lines: str) -> Iterator[tuple[Problem, Completion]]:
    for number, line in enumerate(lines):
        text = f"    return 0\n    # {line}" if line else ""
        yield ADD, Completion(problem_id="add", sample=number, text=text, stop=Stop.END, num_tokens=1)


@pytest.mark.parametrize(
    "lines",
    [
        ["pass", "fail", "pass"],
        ["", "", "pass"],
        ["pass", "", "", "fail", ""],
        ["", ""],
        [],
        ["pass", "fail", ""] * 30,
    ],
)
def test_verdicts_come_in_the_order_of_items(box: SandboxPool, lines: list[str]) -> None:
    marks = {"pass": Mark.CORRECT, "fail": Mark.WRONG, "": Mark.NO_ANSWER}
    verdicts = list(ProgramGrader(box).grade(completions(*lines)))
    assert [(v.sample, v.mark) for v in verdicts] == [(n, marks[line]) for n, line in enumerate(lines)]


def test_stamps_of_results_are_passed_on_once(box: SandboxPool) -> None:
    grader = ProgramGrader(box)
    list(grader.grade(completions("pass", "pass")))
    assert grader.stamps() == ("a stamp",)


def test_a_foreign_problem_is_refused(box: SandboxPool) -> None:
    foreign = Problem(id="sum", prompt="1 + 1", gold="2")
    items = [(foreign, Completion(problem_id="sum", text="2", stop=Stop.END, num_tokens=1))]
    with pytest.raises(GradeError, match="problem sum: has no tests"):
        list(ProgramGrader(box).grade(items))


def test_a_sandbox_that_breaks_down_stops_grading(box: SandboxPool) -> None:
    with pytest.raises(GradeError, match="the sandbox"):
        list(ProgramGrader(box).grade(completions("pass", *["infra_error"] * 20)))


@pytest.mark.parametrize(
    ("judging", "said"),
    [
        (Judging(sandbox="process"), "accept_risk"),
        (Judging(sandbox="vm"), "'vm' is not one of docker, bwrap, process"),
        (Judging(sandbox="process", accept_risk=True, workers=0), "workers"),
    ],
)
def test_a_sandbox_that_cannot_be_opened_says_why(judging: Judging, said: str) -> None:
    with pytest.raises(GradeError, match=said), open_grader(judging):
        pass


def test_errors_of_the_caller_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="mine"), open_grader(Judging(sandbox="process", accept_risk=True, workers=1)):
        raise ValueError("mine")


def test_real_programs_on_plain_processes() -> None:
    answers = {"    return a + b\n": Mark.CORRECT, "    return a\n": Mark.WRONG, "    sys.exit(0)\n": Mark.CRASHED}
    items = [(ADD, Completion(problem_id="add", text=text, stop=Stop.END, num_tokens=1)) for text in answers]
    with open_grader(Judging(sandbox="process", accept_risk=True, workers=1)) as grader:
        verdicts = list(grader.grade(items))
        assert "without a container" in grader.stamps()[0]
    assert [v.mark for v in verdicts] == list(answers.values())
    assert {v.proof for v in verdicts} == {"weak"}


def test_own_tests_open_a_sandbox_for_the_languages_they_have() -> None:
    items = [(ADD, Completion(problem_id="add", text="    return a + b\n", stop=Stop.END, num_tokens=1))]
    with OWN.open_grader(Judging(sandbox="process", accept_risk=True, workers=1)) as grader:
        assert list(grader.grade([])) == [] and grader.stamps() == ()
        assert [v.mark for v in grader.grade(items)] == [Mark.CORRECT]
        assert "without a container" in grader.stamps()[0]
