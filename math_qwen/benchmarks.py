"""Maths benchmarks: rows in, problems; how a model is asked.

Every benchmark is one declaration. All are judged on the final answer, found by the same extractor for every model: the
last marked answer (`\\boxed`, `####`, "the answer is", 答案), else the last number in the text, so that a base model
which never saw our format is not marked down for it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from math_qwen.arithmetic import benchmark_items
from math_qwen.extract import extract_answer
from math_qwen.grade import open_grader
from specialists.errors import DataError
from specialists.family import CHAT, Benchmark, Published, Row
from specialists.records import Message, Problem, Prompt

EXTRACTOR = "flexible"
_PROTOCOL = {"decoding": "greedy", "extractor": EXTRACTOR, "samples": "1"}


class MathProblem(Problem):
    """A question with a final answer in `gold` and a whole right solution beside it."""

    solution: str


def _asked(text: str) -> Prompt:
    return (Message(role="user", content=text),)


def spaced(query: str) -> str:
    """Write "12+30=" as "12 + 30": the spelling that natural text has, in which models do better."""
    return re.sub(r"(?<=[\dπei)°])(\*\*|[-+*×÷/^])", r" \1 ", re.sub(r"\s+", "", query.rstrip("= ")))


def _few_shot(
    shots: Iterable[tuple[str, str]], question: str, answer: str, ask: Callable[[str], str]
) -> Callable[[MathProblem], Prompt]:
    """Return a form that shows worked examples before the question."""
    shown = "".join(f"{question}{q}\n{answer}{a}\n\n" for q, a in shots)
    return lambda problem: f"{shown}{question}{ask(problem.prompt)}\n{answer}"


# Our own examples, written for this purpose, one of each kind a small model can follow.
_SUMS = (("3 + 4", "7"), ("58 - 76", "-18"), ("23 × 17", "391"))
_WORD_PROBLEMS = (
    (
        "A baker makes 4 trays of 12 rolls and sells 30 of them. How many rolls are left?",
        "4 trays of 12 rolls are 4 * 12 = 48 rolls. After selling 30, 48 - 30 = 18 are left. The answer is 18.",
    ),
    (
        "Ben reads 15 pages a day. His book has 240 pages and he has read 60. In how many days will he finish it?",
        "240 - 60 = 180 pages remain. At 15 a day he needs 180 / 15 = 12 days. The answer is 12.",
    ),
    (
        "A shirt costs $20 and trousers cost twice as much. What do two shirts and one pair of trousers cost?",
        "The trousers cost 20 * 2 = 40. Two shirts cost 20 * 2 = 40. Together 40 + 40 = 80. The answer is 80.",
    ),
    (
        "Half of the 36 pupils of a class play football, and a third of those also swim. How many do both?",
        "36 / 2 = 18 pupils play football. A third of 18 is 18 / 3 = 6. The answer is 6.",
    ),
)
_CHINESE_PROBLEMS = (
    ("一箱苹果有24个,5箱苹果一共有多少个?", "24*5=120,所以一共有120个。答案是120。"),
    ("一本书240页,小明每天看15页,已经看了60页,还要几天看完?", "(240-60)/15=12,还要12天。答案是12。"),
)


def _off_by_one(problem: MathProblem) -> Iterator[str]:
    """Answers that must be judged wrong: one more than the gold, in two forms, and none."""
    yield f"#### {problem.gold}+1"
    yield f"\\boxed{{{problem.gold}+1}}"
    yield ""


def _not_worked_out(problem: MathProblem) -> Iterator[str]:
    """What must be judged wrong where a value is asked for: also the question itself, and the question as a box."""
    yield from _off_by_one(problem)
    yield f"#### {problem.prompt}"
    yield f"\\boxed{{{problem.prompt}}}"


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


def _gsm8k(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"gsm8k/{number}",
            prompt=row["question"],
            gold=_final(row["answer"], f"gsm8k/{number}"),
            solution=re.sub(r"<<.*?>>", "", row["answer"]),
        )
        for number, row in enumerate(rows)
    ]


def _math(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"math/{row.get('id', number)}",
            prompt=row["problem"],
            gold=_final(row["solution"], f"math/{number}"),
            group=row.get("type", ""),
            solution=row["solution"],
        )
        for number, row in enumerate(rows)
    ]


def _math23k(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"math23k/{row['id']}", prompt=row["original_text"], gold=row["ans"], solution=f"答案是{row['ans']}"
        )
        for row in rows
    ]


def _final(solution: str, problem: str) -> str:
    answer = extract_answer(solution)
    if answer is None:
        raise DataError(f"{problem}: its published solution has no marked final answer")
    return answer


def _benchmark(
    name: str,
    title: str,
    rows: Published | None,
    problems: Callable[[Iterable[Row]], list[MathProblem]],
    *,
    few_shot: Callable[[MathProblem], Prompt],
    chat: Callable[[MathProblem], Prompt],
    max_new_tokens: int,
    stop: str,
    profile: str,
    protocol: Mapping[str, str],
    wrong: Callable[[MathProblem], Iterator[str]] = _off_by_one,
) -> Benchmark[MathProblem]:
    return Benchmark(
        name=name,
        title=title,
        metric="accuracy",
        rows=rows,
        problems=problems,
        forms={"few-shot": few_shot, CHAT: chat},
        open_grader=partial(open_grader, extractor=EXTRACTOR, profile=profile),
        right=lambda problem: problem.solution,
        wrong=wrong,
        max_new_tokens=max_new_tokens,
        stop={"few-shot": (stop,)},
        protocol={**_PROTOCOL, **protocol},
    )


def _calculate(problem: MathProblem) -> Prompt:
    return _asked(f"Calculate {problem.prompt}.")


def _question(problem: MathProblem) -> Prompt:
    return _asked(problem.prompt)


def _sums(problem: MathProblem) -> Prompt:
    return "".join(f"{question} = {answer}\n" for question, answer in _SUMS) + f"{problem.prompt} ="


ARITHMETIC = _benchmark(
    "arithmetic",
    "Arithmetic (generated, the structure of Math401)",
    None,
    _arithmetic,
    few_shot=_sums,
    chat=_calculate,
    max_new_tokens=96,
    stop="\n",
    profile="calculated",
    wrong=_not_worked_out,
    protocol={
        "items": "1 + 16 groups of 25, generated with seed 401; judged as Math401, numbers written out",
        "few-shot": "3 own examples",
    },
)
MATH401 = _benchmark(
    "math401",
    "Math401",
    Published(mirror="eval_math/math401.jsonl.gz"),
    _math401,
    few_shot=_sums,
    chat=_calculate,
    max_new_tokens=256,
    stop="\n",
    profile="calculated",
    wrong=_not_worked_out,
    protocol={
        "source": "arXiv 2304.02015; correct if |difference| < 1e-3 and the answer is a number written out",
        "few-shot": "3 own examples",
    },
)
GSM8K = _benchmark(
    "gsm8k",
    "GSM8K",
    Published(mirror="eval_math/gsm8k_test.jsonl.gz", hub="openai/gsm8k", subset="main"),
    _gsm8k,
    few_shot=_few_shot(_WORD_PROBLEMS, "Question: ", "Answer: ", str),
    chat=_question,
    max_new_tokens=256,
    stop="\nQuestion:",
    profile="gsm8k",
    protocol={"source": "arXiv 2110.14168, test split", "few-shot": "4 own examples"},
)
MATH = _benchmark(
    "math",
    "MATH",
    Published(mirror="eval_math/math_test.jsonl.gz"),
    _math,
    few_shot=_few_shot(_WORD_PROBLEMS, "Problem: ", "Solution: ", str),
    chat=_question,
    max_new_tokens=512,
    stop="\nProblem:",
    profile="math",
    protocol={"source": "arXiv 2103.03874, the 5,000 test problems", "few-shot": "4 own examples"},
)
MATH23K = _benchmark(
    "math23k",
    "Math23K",
    Published(mirror="eval_math/math23k_test.jsonl.gz"),
    _math23k,
    few_shot=_few_shot(_CHINESE_PROBLEMS, "问题:", "解答:", str),
    chat=_question,
    max_new_tokens=256,
    stop="\n问题",
    profile="math23k",
    protocol={"source": "EMNLP 2017 D17-1088, original 1,000 test problems", "few-shot": "2 own examples"},
)
BENCHMARKS = (ARITHMETIC, GSM8K, MATH401, MATH, MATH23K)
