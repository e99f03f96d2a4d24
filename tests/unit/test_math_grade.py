"""Verdicts of the maths grader."""

import os
import signal
from collections.abc import Iterator

import pytest

from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.equivalence import equivalent
from math_qwen.grade import grade_completion, grade_solution, open_grader
from specialists.errors import ConfigError
from specialists.family import Judging
from specialists.records import Completion, Mark, Problem, Stop, Verdict

MARKS = [
    ("18", r"16 - 3 - 4 = 9 eggs, so $\boxed{\$18}$.", "strict", "generic", Mark.CORRECT, r"\$18"),
    ("18", "She makes $18.", "strict", "generic", Mark.NO_ANSWER, None),
    ("18", "She makes $18.", "flexible", "generic", Mark.CORRECT, "18"),
    ("18", "no idea", "flexible", "generic", Mark.NO_ANSWER, None),
    ("18", "#### 26", "strict", "generic", Mark.WRONG, "26"),
    ("18", "#### 18 or 26", "strict", "generic", Mark.WRONG, "18 or 26"),
    ("18", r"\boxed{9^{9^{9}}}", "strict", "generic", Mark.UNDECIDED, "9^{9^{9}}"),
    ("204_5", "The answer is 204.", "strict", "generic", Mark.CORRECT, "204"),
    ("x^3 > 8", "The answer is x > 2.", "strict", "generic", Mark.UNDECIDED, "x > 2"),
    ("0.4545", "15/33 = 5/11\n#### 5/11", "strict", "calculated", Mark.WRONG, "5/11"),
    ("0.4545", "15/33 = 5/11\n#### 5/11", "strict", "generic", Mark.WRONG, "5/11"),
    ("1((1)/(2))", "答：需要1又2分之1小时。", "strict", "math23k", Mark.CORRECT, "1又2分之1"),
    (r"\frac{\sqrt{3}}{2}", r"\boxed{\frac{3}{2\sqrt{3}}}", "strict", "math", Mark.CORRECT, r"\frac{3}{2\sqrt{3}}"),
]


@pytest.mark.parametrize(("gold", "solution", "extractor", "profile", "mark", "answer"), MARKS)
def test_marks(gold: str, solution: str, extractor: str, profile: str, mark: Mark, answer: str | None) -> None:
    verdict = grade_solution(gold, solution, extractor=extractor, profile=profile)
    assert (verdict.mark, verdict.answer) == (mark, answer)
    assert verdict.reason
    assert verdict.problem_id == ""


def _items(*texts: str) -> Iterator[tuple[Problem, Completion]]:
    for number, text in enumerate(texts):
        problem = Problem(id=f"p/{number}", prompt="?", gold=str(number))
        yield problem, Completion(problem_id=problem.id, sample=number, text=text, stop=Stop.END, num_tokens=1)


def test_a_completion_keeps_its_problem_and_sample() -> None:
    ((problem, completion),) = _items("#### 0")
    verdict = grade_completion(problem, completion)
    assert verdict == Verdict(problem_id="p/0", sample=0, mark=Mark.CORRECT, answer="0", reason="same text")


def test_the_grader_judges_in_order_and_one_at_a_time() -> None:
    taken: list[str] = []

    def items() -> Iterator[tuple[Problem, Completion]]:
        for problem, completion in _items("#### 0", "#### 7", "?", r"#### \sqrt{9}"):
            taken.append(problem.id)
            yield problem, completion

    with open_grader(Judging(workers=1)) as grader:
        verdicts = grader.grade(items())
        assert next(verdicts).mark is Mark.CORRECT
        assert taken == ["p/0"], "a stream is not read ahead"
        assert [v.mark for v in verdicts] == [Mark.WRONG, Mark.NO_ANSWER, Mark.CORRECT]
        assert grader.stamps() == ()


def test_judging_again_gives_the_same_verdicts() -> None:
    texts = (r"\boxed{\sqrt{2}-\sqrt{2}}", r"\boxed{9^{9^{9}}}", r"\boxed{2}")
    with open_grader(Judging(workers=1)) as grader:
        first = list(grader.grade(_items(*texts)))
        again = list(grader.grade(reversed(list(_items(*texts)))))
    assert first == again[::-1]
    assert [v.mark for v in first] == [Mark.CORRECT, Mark.UNDECIDED, Mark.CORRECT]


def test_a_worker_that_was_killed_costs_no_verdict() -> None:
    with SymbolicPool(workers=1) as pool:
        equivalent(r"\sqrt{2}", "x", pool=pool)
        os.kill(pool.pids()[0], signal.SIGKILL)
        assert grade_solution(r"\sqrt{8}", r"\boxed{2\sqrt{2}}", pool=pool).mark is Mark.CORRECT


def test_unknown_names_are_refused_before_any_work() -> None:
    with pytest.raises(ConfigError, match="strict, flexible"), open_grader(Judging(), extractor="lenient"):
        pass
    with pytest.raises(ConfigError, match="math23k"), open_grader(Judging(), profile="maths"):
        pass
