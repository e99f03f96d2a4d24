"""Arithmetic: Math401, and our own in its structure."""

import re
from collections.abc import Iterable, Iterator

from math_qwen.arithmetic import benchmark_items
from math_qwen.suites.asking import MathProblem, asked, declare, off_by_one
from math_qwen.suites.shots import SUMS
from specialists.family import Published, Row
from specialists.records import Prompt


def spaced(query: str) -> str:
    """Write "12+30=" as "12 + 30": the spelling that natural text has, in which models do better."""
    return re.sub(r"(?<=[\dπei)°])(\*\*|[-+*×÷/^])", r" \1 ", re.sub(r"\s+", "", query.rstrip("= ")))


def _not_worked_out(problem: MathProblem) -> Iterator[str]:
    """Yield what must be judged wrong where a value is asked for: also the question itself, bare and in a box."""
    yield from off_by_one(problem)
    yield f"#### {problem.prompt}"
    yield f"\\boxed{{{problem.prompt}}}"


def _calculate(problem: MathProblem) -> Prompt:
    return asked(f"Calculate {problem.prompt}.")


def _sums(problem: MathProblem) -> Prompt:
    return "".join(f"{question} = {answer}\n" for question, answer in SUMS) + f"{problem.prompt} ="


def _arithmetic(_: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"arithmetic/{number}",
            prompt=spaced(item.query),
            gold=item.answer,
            group=item.group,
            solution=f"{item.work}\n#### {item.answer}",
        )
        for number, item in enumerate(benchmark_items())
    ]


def _math401(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"math401/{number}",
            prompt=spaced(row["query"]),
            gold=row["response"],
            solution=f"#### {row['response']}",
        )
        for number, row in enumerate(rows)
    ]


ARITHMETIC = declare(
    "arithmetic",
    "Arithmetic (generated, the structure of Math401)",
    None,
    _arithmetic,
    forms={"few-shot": _sums},
    chat=_calculate,
    max_new_tokens=96,
    stop="\n",
    judged="calculated",
    wrong=_not_worked_out,
    protocol={
        "items": "1 + 16 groups of 25, generated with seed 401; judged as Math401, numbers written out",
        "shots": "3 own examples; 0 in chat",
    },
)
MATH401 = declare(
    "math401",
    "Math401",
    Published(mirror="eval_math/math401.jsonl.gz"),
    _math401,
    forms={"few-shot": _sums},
    chat=_calculate,
    max_new_tokens=256,
    stop="\n",
    judged="calculated",
    wrong=_not_worked_out,
    protocol={
        "source": "arXiv 2304.02015; correct if |difference| < 1e-3 and the answer is a number written out",
        "split": "all 401",
        "shots": "3 own examples; 0 in chat",
        "licence": "none stated; published for research",
    },
)
