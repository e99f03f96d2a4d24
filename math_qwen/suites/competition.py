"""Competition problems: MATH, its split of 500, AIME 2024 and AMC 2023."""

from collections.abc import Iterable

from math_qwen.suites.asking import MathProblem, declare, few_shot, final, plain_number, question
from math_qwen.suites.shots import MINERVA, WORD_PROBLEMS
from specialists.family import CHAT, Profile, Published, Row

_STOP = "\nProblem:"
_MINERVA = few_shot(MINERVA, "Problem:\n", "\nSolution:\n")
_FORMS = {
    "few-shot": few_shot(WORD_PROBLEMS, "Problem: ", "Solution: "),
    "4-shot": _MINERVA,
    "0-shot": few_shot((), "Problem: ", "Solution: "),
}
_SHOTS = "4 own examples; 4 of arXiv 2206.14858 in 4-shot; 0 in 0-shot and chat"
_PROFILES = {
    "report": Profile(
        forms={"4-shot": _MINERVA, CHAT: question},
        stop={"4-shot": (_STOP,)},
        max_new_tokens=1024,
        protocol={
            "source": "Qwen Technical Report: 4-shot for a base (table 2), greedy; table 12 has its own rows on "
            "the 500 problems of math-500 and the baselines' on all 5,000",
        },
    ),
    "lm-eval": Profile(  # lm_eval/tasks/minerva_math
        forms={"lm-eval": _MINERVA},
        stop={"lm-eval": ("Problem:",)},
        max_new_tokens=1024,
        protocol={"source": "lm-evaluation-harness, task minerva_math; answers compared by our verifier", "shots": "4"},
    ),
}


def _math(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"math/{row.get('id', number)}",
            prompt=row["problem"],
            gold=final(row["solution"], f"math/{number}"),
            group=row.get("type", ""),
            solution=row["solution"],
        )
        for number, row in enumerate(rows)
    ]


def _math_500(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"math/{row['unique_id']}",
            prompt=row["problem"],
            gold=row["answer"],
            group=row["subject"],
            solution=row["solution"],
        )
        for row in rows
    ]


def _numbers(name: str, rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"{name}/{row['id']}",
            prompt=row["problem"],
            gold=plain_number(row["answer"]),
            solution=f"The answer is: {plain_number(row['answer'])}",
        )
        for row in rows
    ]


MATH = declare(
    "math",
    "MATH",
    Published(mirror="eval_math/math_test.jsonl.gz"),
    _math,
    forms=_FORMS,
    stop=_STOP,
    max_new_tokens=1024,
    judged="math",
    profiles=_PROFILES,
    protocol={"source": "arXiv 2103.03874", "split": "test, 5,000", "shots": _SHOTS, "licence": "MIT"},
)
MATH_500 = declare(
    "math-500",
    "MATH-500",
    Published(mirror="eval_math/math_500.jsonl.gz", hub="HuggingFaceH4/MATH-500"),
    _math_500,
    forms=_FORMS,
    stop=_STOP,
    max_new_tokens=1024,
    judged="math",
    profiles=_PROFILES,
    protocol={
        "source": "arXiv 2305.20050, the 500 of the test split",
        "split": "500",
        "shots": _SHOTS,
        "licence": "MIT",
    },
)
AIME24 = declare(
    "aime24",
    "AIME 2024",
    Published(mirror="eval_math/aime24.jsonl.gz", hub="HuggingFaceH4/aime_2024", split="train"),
    lambda rows: _numbers("aime24", rows),
    forms=_FORMS,
    stop=_STOP,
    max_new_tokens=2048,
    judged="math",
    protocol={"source": "MAA", "split": "both tests, 30", "shots": _SHOTS, "licence": "problems (c) MAA"},
)
AMC23 = declare(
    "amc23",
    "AMC 2023",
    Published(mirror="eval_math/amc23.jsonl.gz"),
    lambda rows: _numbers("amc23", rows),
    forms=_FORMS,
    stop=_STOP,
    max_new_tokens=2048,
    judged="math",
    protocol={
        "source": "MAA",
        "split": "40 with a number as answer",
        "shots": _SHOTS,
        "licence": "problems (c) MAA",
    },
)
