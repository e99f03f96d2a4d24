"""Samples that bring their own questions and answers along."""

from collections.abc import Iterable

from math_qwen.extract import extract_flexible
from math_qwen.suites.asking import MathProblem, declare, few_shot
from specialists.errors import DataError
from specialists.family import Row


def _own(rows: Iterable[Row]) -> list[MathProblem]:
    """Make a problem of every question; `answer` is the right one, alone or at the end of a solution."""
    return [_problem(str(row.get("question", "")), str(row.get("answer", ""))) for row in rows]


def _problem(question: str, answer: str) -> MathProblem:
    gold = extract_flexible(answer) or answer.strip()
    if not (question and gold):
        raise DataError("no question or no answer, which a row with its own questions needs")
    return MathProblem(id=question, prompt=question, gold=gold, solution=answer)


OWN = declare(
    "own",
    "Own questions",
    None,
    _own,
    forms={"0-shot": few_shot((), "Question: ", "Answer: ")},
    stop="\nQuestion:",
    protocol={"answers": "those of each row of the file"},
)
