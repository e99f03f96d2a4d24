"""Made arithmetic: nothing of the benchmark is taught, and repeating the question is no answer."""

import itertools
import re

import pytest

from math_qwen.arithmetic import benchmark_items
from math_qwen.benchmarks import ARITHMETIC
from math_qwen.data import arithmetic, same_question, verified
from math_qwen.grade import grade_solution
from specialists.recipe import Source
from specialists.records import Mark

SAME = [
    ("7×8=", "7 * 8"),
    ("84÷7=", "84/7="),
    ("2**3=", "2^3="),
    ("pi+2=", "π + 2"),
    ("sin(180°)=", "sin(1π)="),
    ("cos(-0.5π)=", "cos(-90°)"),
]


@pytest.mark.parametrize(("query", "other"), SAME)
def test_spellings_of_one_question(query: str, other: str) -> None:
    assert same_question(query) == same_question(other)


def test_no_lesson_asks_or_answers_a_question_of_the_benchmark() -> None:
    held_out = {same_question(item.query) for item in benchmark_items()}
    answered = re.compile("|".join(rf"(?<![\d.)(+\-*/]){re.escape(query)}=" for query in held_out))
    for sample in itertools.islice(arithmetic(Source(name="arithmetic", kind="made"), 0), 2500):
        asked, reply = (message.content for message in sample.messages)
        assert same_question(asked.removeprefix("Calculate ").removesuffix(".")) not in held_out
        found = answered.search(reply.translate(str.maketrans({"×": "*", "÷": "/", " ": ""})))
        assert found is None, (reply, found)
        assert verified(sample) is None


@pytest.mark.parametrize("form", ["#### {}", "The answer is {}.", r"\boxed{{{}}}"])
def test_repeating_the_question_is_no_answer(form: str) -> None:
    for problem in ARITHMETIC.problems(()):
        verdict = grade_solution(problem.gold, form.format(problem.prompt), extractor="flexible", profile="calculated")
        assert verdict.mark is not Mark.CORRECT, problem.prompt


WORKED_OUT = [
    ("42", "12 + 30 = 42", Mark.CORRECT),
    ("42", "42 apples", Mark.CORRECT),
    ("-42", "-42", Mark.CORRECT),
    ("0.5", "50%", Mark.CORRECT),
    ("120000", r"1.2 \times 10^5", Mark.CORRECT),
    ("42", "12 + 30", Mark.WRONG),
    ("1000", "10^3", Mark.WRONG),
    ("0.1717", "17/99", Mark.WRONG),
    ("5.1416", r"\pi + 2", Mark.WRONG),
]


@pytest.mark.parametrize(("gold", "answer", "mark"), WORKED_OUT)
def test_what_counts_as_worked_out(gold: str, answer: str, mark: Mark) -> None:
    assert grade_solution(gold, f"#### {answer}", profile="calculated").mark is mark
