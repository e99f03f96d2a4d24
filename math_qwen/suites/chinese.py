"""Word problems in Chinese: Math23K, CMATH, MGSM."""

from collections.abc import Iterable

from math_qwen.suites.asking import MathProblem, declare, few_shot, plain_number
from math_qwen.suites.shots import CHINESE_PROBLEMS
from specialists.family import Published, Row

_STOP = "\n问题"
_FORMS = {
    "few-shot": few_shot(CHINESE_PROBLEMS, "问题:", "解答:"),
    "0-shot": few_shot((), "问题:", "解答:"),
}
_SHOTS = "2 own examples; 0 in 0-shot and chat"


def _problem(name: str, number: object, text: str, answer: str, group: str = "") -> MathProblem:
    return MathProblem(id=f"{name}/{number}", prompt=text, gold=answer, group=group, solution=f"答案是{answer}")


def _math23k(rows: Iterable[Row]) -> list[MathProblem]:
    return [_problem("math23k", row["id"], row["original_text"], row["ans"]) for row in rows]


def _cmath(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        _problem("cmath", number, row["input"], plain_number(row["golden"]), f"grade {row['grade']}")
        for number, row in enumerate(rows)
    ]


def _mgsm(rows: Iterable[Row]) -> list[MathProblem]:
    return [_problem("mgsm-zh", row["id"], row["messages"][0]["content"], plain_number(row["answer"])) for row in rows]


MATH23K = declare(
    "math23k",
    "Math23K",
    Published(mirror="eval_math/math23k_test.jsonl.gz"),
    _math23k,
    forms=_FORMS,
    stop=_STOP,
    judged="math23k",
    protocol={"source": "EMNLP 2017 D17-1088", "split": "original test, 1,000", "shots": _SHOTS, "licence": "MIT"},
)
CMATH = declare(
    "cmath",
    "CMATH",
    Published(mirror="eval_math/cmath_dev.jsonl.gz"),
    _cmath,
    forms=_FORMS,
    stop=_STOP,
    judged="math401",
    protocol={"source": "arXiv 2306.16636", "split": "dev, 600", "shots": _SHOTS, "licence": "CC-BY-4.0"},
)
MGSM_ZH = declare(
    "mgsm-zh",
    "MGSM (Chinese)",
    Published(mirror="eval_math/mgsm_zh.jsonl.gz"),
    _mgsm,
    forms=_FORMS,
    stop=_STOP,
    judged="gsm8k",
    protocol={"source": "arXiv 2210.03057", "split": "test, 250", "shots": _SHOTS, "licence": "CC-BY-SA-4.0"},
)
