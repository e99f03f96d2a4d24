"""Word problems in English: GSM8K and those like it."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from math_qwen.grade import open_grader
from math_qwen.suites.asking import MathProblem, declare, few_shot, final, plain_number, question
from math_qwen.suites.shots import CHAIN_OF_THOUGHT, WORD_PROBLEMS
from specialists.family import CHAT, Benchmark, Profile, Published, Row

_COUNTED = re.compile(r"(.+?)\s*\([^()]*\)")  # "9 (apples)"
_STOP = "\nQuestion:"
_FORMS = {
    "few-shot": few_shot(WORD_PROBLEMS, "Question: ", "Answer: "),
    "8-shot": few_shot(CHAIN_OF_THOUGHT, "Question: ", "Answer: "),
    "0-shot": few_shot((), "Question: ", "Answer: "),
}
_SHOTS = "4 own examples; 8 of arXiv 2201.11903 in 8-shot; 0 in 0-shot and chat"


def _gsm8k(rows: Iterable[Row]) -> list[MathProblem]:
    return [
        MathProblem(
            id=f"gsm8k/{number}",
            prompt=row["question"],
            gold=final(row["answer"], f"gsm8k/{number}"),
            solution=re.sub(r"<<.*?>>", "", row["answer"]),
        )
        for number, row in enumerate(rows)
    ]


def _listed(name: str, ask: Callable[[Row], str], answer: Callable[[Row], str]) -> Callable[..., list[MathProblem]]:
    """Return what makes problems of rows that hold an answer without a solution."""

    def problems(rows: Iterable[Row]) -> list[MathProblem]:
        return [
            MathProblem(id=f"{name}/{n}", prompt=ask(row), gold=answer(row), solution=f"The answer is: {answer(row)}")
            for n, row in enumerate(rows)
        ]

    return problems


def _sentences(*parts: str) -> str:
    return " ".join(part.strip() if part.strip().endswith((".", "?", "!")) else f"{part.strip()}." for part in parts)


def _without_unit(answer: str) -> str:
    counted = _COUNTED.fullmatch(answer.strip())
    return counted[1] if counted else answer.strip()


GSM8K = declare(
    "gsm8k",
    "GSM8K",
    Published(mirror="eval_math/gsm8k_test.jsonl.gz", hub="openai/gsm8k", subset="main"),
    _gsm8k,
    forms=_FORMS,
    stop=_STOP,
    judged="gsm8k",
    protocol={"source": "arXiv 2110.14168", "split": "test, 1,319", "shots": _SHOTS, "licence": "MIT"},
    profiles={
        "report": Profile(
            forms={"8-shot": _FORMS["8-shot"], CHAT: question},
            stop={"8-shot": (_STOP,)},
            max_new_tokens=512,
            protocol={
                "source": "Qwen Technical Report: 8-shot for a base (table 2), 0-shot for chat (tables 5 and 12), "
                "greedy; its prompt is not stated",
            },
        ),
        "lm-eval": Profile(  # lm_eval/tasks/gsm8k/gsm8k-cot.yaml
            forms={"lm-eval": few_shot(CHAIN_OF_THOUGHT, "Q: ", "A: ")},
            stop={"lm-eval": ("Q:", "</s>", "<|im_end|>")},
            max_new_tokens=256,
            open_grader=partial(open_grader, extractor="strict", profile="gsm8k"),
            protocol={
                "source": "lm-evaluation-harness, task gsm8k_cot, filter strict-match",
                "shots": "8",
                "extractor": "strict",
            },
        ),
    },
)


def _like_gsm8k(
    name: str,
    title: str,
    rows: Published,
    problems: Callable[..., list[MathProblem]],
    source: str,
    split: str,
    licence: str,
    exceptions: Mapping[str, str] | None = None,
) -> Benchmark[MathProblem]:
    return declare(
        name,
        title,
        rows,
        problems,
        forms=_FORMS,
        stop=_STOP,
        judged="math401",
        exceptions=exceptions,
        protocol={"source": source, "split": split, "shots": _SHOTS, "licence": licence, "tolerance": "1e-3"},
    )


GSM_HARD = _like_gsm8k(
    "gsm-hard",
    "GSM-Hard",
    Published(mirror="eval_math/gsm_hard.jsonl.gz", hub="reasoning-machines/gsm-hard", split="train"),
    _listed("gsm-hard", lambda row: row["input"], lambda row: plain_number(row["target"])),
    "arXiv 2211.10435",
    "all 1,319",
    "MIT",
)
SVAMP = _like_gsm8k(
    "svamp",
    "SVAMP",
    Published(mirror="eval_math/svamp.jsonl.gz"),
    _listed("svamp", lambda row: _sentences(row["Body"], row["Question"]), lambda row: plain_number(row["Answer"])),
    "arXiv 2103.07191",
    "test, 1,000",
    "MIT",
)
ASDIV = _like_gsm8k(
    "asdiv",
    "ASDiv",
    Published(mirror="eval_math/asdiv.jsonl.gz"),
    _listed("asdiv", lambda row: _sentences(row["body"], row["question"]), lambda row: _without_unit(row["answer"])),
    "Miao et al. 2020 (ACL)",
    "2,215",
    "CC-BY-NC-4.0",
    dict.fromkeys(
        ("asdiv/29", "asdiv/1050", "asdiv/1110"), "a full stop inside the answer (Mrs. Hilt, 11:55 p.m.) ends it"
    ),
)
MAWPS = _like_gsm8k(
    "mawps",
    "MAWPS",
    Published(mirror="eval_math/mawps.jsonl.gz"),
    _listed("mawps", lambda row: row["input"], lambda row: plain_number(row["target"])),
    "Koncel-Kedziorski et al. 2016 (NAACL)",
    "2,065",
    "MIT",
)
