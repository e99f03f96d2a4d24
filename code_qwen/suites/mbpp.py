"""MBPP: the test split, the sanitized tasks, and MBPP+."""

import ast
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import EXTRACTORS, PROTOCOL, cheats, complete, say
from code_qwen.suites.plus import LIMITS, PlusProblem, evalplus
from specialists.errors import DataError
from specialists.family import CHAT, Benchmark, Profile, Published, Row

_TEST = range(11, 511)  # task ids of the test split; 1-10 are the prompts' (google-research/mbpp)
_SHOTS = (2, 3, 4)
_DONE = ("\n[DONE]", "[DONE]")
_NODE = {"mbpp/367": "its tests build a tree from a class that only the judged program defines"}


class MbppProblem(CodeProblem):
    """An MBPP task: the wording, and the examples shown before it when it is asked with shots."""

    text: str
    shots: str = ""


def _test_split(rows: Iterable[Row]) -> list[MbppProblem]:
    by_id = {row["task_id"]: row for row in rows}
    missing = [number for number in _SHOTS if number not in by_id]
    if missing:
        raise DataError(f"mbpp: tasks {missing} are not in the file, they are the examples of the 3-shot prompt")
    shots = "".join(
        f"{_wording(by_id[n]['text'], by_id[n]['test_list'])}\n[BEGIN]\n{_unix(by_id[n]['code'])}\n[DONE]\n\n"
        for n in _SHOTS
    )
    return [_problem(by_id[number], by_id[number]["text"], shots) for number in _TEST if number in by_id]


def _sanitized(rows: Iterable[Row]) -> list[MbppProblem]:
    return [_problem(row, row["prompt"]) for row in rows]


def _problem(row: Row, text: str, shots: str = "") -> MbppProblem:
    code = _unix(row["code"])
    name = _tested_function(code, row["test_list"])
    setup = [*row.get("test_imports", ()), *_imported(code, row["test_list"]), _unix(row.get("test_setup_code", ""))]
    return MbppProblem(
        id=f"mbpp/{row['task_id']}",
        prompt=_wording(text, row["test_list"]),
        gold=f"```python\n{code}\n```",
        entry_point=name,
        tests="\n".join([*setup, *row["test_list"]]).strip() + "\n",
        view="bool(value)" if _only_true_or_not(name, row["test_list"]) else "",
        text=text,
        shots=shots,
    )


def _wording(text: str, test_list: Iterable[str]) -> str:
    """Return the wording of Austin et al. 2021 (arXiv 2108.07732, figure 1)."""
    tests = "\n".join(test_list)
    asked = f"You are an expert Python programmer, and here is your task: {text}"
    return f"{asked} Your code should pass these tests:\n\n{tests}"


def _tested_function(code: str, tests: Iterable[str]) -> str:
    """Return the name of the function that the tests call; the last one defined where they call several."""
    defined = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    called = {node.id for test in tests for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
    return next((name for name in reversed(defined) if name in called), defined[-1] if defined else "")


def _imported(code: str, tests: Iterable[str]) -> list[str]:
    """Return the imports of the reference that its tests use too: they were written to run behind it."""
    used = {node.id for test in tests for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
    imports = [node for node in ast.parse(code).body if isinstance(node, ast.Import)]
    return [ast.unparse(node) for node in imports if used & {alias.asname or alias.name for alias in node.names}]


def _only_true_or_not(name: str, tests: Iterable[str]) -> bool:
    """Whether every test is `assert f(...)` or `assert not f(...)`, so that only the truth of the value counts."""

    def is_bare(test: ast.stmt) -> bool:
        value = test.test if isinstance(test, ast.Assert) else None
        value = value.operand if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not) else value
        return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == name

    return all(is_bare(statement) for test in tests for statement in ast.parse(test).body)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _begun(problem: MbppProblem) -> str:
    return f"{problem.shots}{problem.prompt}\n[BEGIN]"


def _begun_alone(problem: MbppProblem) -> str:
    return f"{problem.prompt}\n[BEGIN]"


_CHAT = {CHAT: lambda problem: say(problem.prompt)}
_OF_MBPP: Mapping[str, Any] = {
    "metric": "pass@1",
    "open_grader": open_grader,
    "right": lambda problem: problem.gold,
    "wrong": cheats,
    "max_new_tokens": 512,
    "extractors": EXTRACTORS,
}
_PROTOCOL = {**PROTOCOL, "source": "arXiv 2108.07732", "licence": "CC-BY-4.0"}

MBPP = Benchmark(
    **_OF_MBPP,
    name="mbpp",
    title="MBPP",
    rows=Published(mirror="eval_code/mbpp.jsonl.gz", hub="google-research-datasets/mbpp", split="train+test+prompt"),
    problems=_test_split,
    forms={"3-shot": _begun, "0-shot": _begun_alone, **_CHAT},
    stop={"3-shot": _DONE, "0-shot": _DONE},
    profiles={
        "report": Profile(
            forms={"3-shot": _begun, **_CHAT},
            stop={"3-shot": _DONE},
            max_new_tokens=512,
            protocol={"source": "Qwen Technical Report, table 2: headed 3-shot, its text says 0-shot"},
        ),
        "lm-eval": Profile(  # lm_eval/tasks/mbpp/mbpp.yaml
            forms={"lm-eval": lambda problem: _begun(problem) + "\n"},
            stop={"lm-eval": ("[DONE]",)},
            max_new_tokens=512,
            open_grader=partial(open_grader, extractor="as-is"),
            protocol={"source": "lm-evaluation-harness, task mbpp", "shots": "3", "extractor": "as-is"},
        ),
    },
    protocol={**_PROTOCOL, "split": "test, tasks 11-510", "shots": "3 (tasks 2, 3, 4) or 0; 0 in chat"},
    exceptions=_NODE,
)

MBPP_SANITIZED = Benchmark(
    **_OF_MBPP,
    name="mbpp-sanitized",
    title="MBPP sanitized",
    rows=Published(
        mirror="eval_code/mbpp_sanitized.jsonl.gz",
        hub="google-research-datasets/mbpp",
        subset="sanitized",
        split="train+test+validation+prompt",
    ),
    problems=_sanitized,
    forms={"0-shot": _begun_alone, **_CHAT},
    stop={"0-shot": _DONE},
    protocol={**_PROTOCOL, "split": "all 427 that were checked by hand", "shots": "0"},
    exceptions=_NODE,
)

# How JSON's lists become what the function takes, by task (evalplus/data/mbpp.py, mbpp_deserialize_inputs).
_TUPLES = "[tuple(x) for x in case]"
_TUPLES_INSIDE = "[[tuple(x) for x in xs] for xs in case]"
_FIRST_TUPLE = "[tuple(case[0]), *case[1:]]"
_DEEP_TUPLES = "(deep := lambda x: tuple(map(deep, x)) if isinstance(x, list) else x)(case)"
_SHAPES: Mapping[str, tuple[int, ...]] = {
    _TUPLES: (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744,
              809),
    _TUPLES_INSIDE: (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780),
    "[[tuple(x) for x in case[0]], case[1]]": (75, 413, 444, 753),
    "[case[0], tuple(case[1])]": (106, 750),
    "[[set(x) if isinstance(x, list) and x else {} for x in case[0]]]": (115,),
    "[float(case[0]), complex(case[1])]": (124,),
    _FIRST_TUPLE: (250, 307, 405, 446, 617, 720, 763, 808),
    "[tuple(tuple(x) for x in xs) for xs in case]": (259, 401, 445),
    "[tuple(tuple(x) if isinstance(x, list) else x for x in case[0])]": (278,),
    "[{key: tuple(value) for key, value in case[0].items()}, *case[1:]]": (722,),
    "[complex(case[0])]": (252,),
    _DEEP_TUPLES: (580, 615, 791),
}  # fmt: skip
_ORACLES = {  # evalplus/eval/_special_oracle.py
    **dict.fromkeys((2, 7, 111, 140, 232, 249, 579, 769), "set"),
    164: "any",
    295: "or-zero",
    558: "distance",
    581: "surface",
}
_GIVEN = ("check_str", "text_match_three", "text_starta_endb")


def _plus(rows: Iterable[Row]) -> list[PlusProblem]:
    shapes = {number: shape for shape, numbers in _SHAPES.items() for number in numbers}
    return [_plus_problem(row, int(row["task_id"].rpartition("/")[2]), shapes) for row in rows]


def _plus_problem(row: Row, number: int, shapes: Mapping[int, str]) -> PlusProblem:
    name = row["entry_point"]
    return PlusProblem(
        id=f"mbpp/{number}",
        prompt=row["prompt"],
        gold=f"```python\n{row['canonical_solution'].strip()}\n```",
        entry_point=name,
        tests="",
        reference=row["canonical_solution"],
        inputs=(*row["base_input"], *row["plus_input"]),
        tolerance=row["atol"],
        oracle="given" if name in _GIVEN else _ORACLES.get(number, ""),
        view="value if isinstance(value, bool) else value is not None" if name in _GIVEN else "",
        shape=shapes.get(number, "list(case)"),
    )


MBPP_PLUS = Benchmark(
    **{**_OF_MBPP, "open_grader": partial(open_grader, limits=LIMITS)},
    name="mbpp-plus",
    title="MBPP+",
    rows=Published(mirror="eval_code/mbpp_plus.jsonl.gz"),
    problems=_plus,
    forms={
        "completion": complete,
        CHAT: lambda problem: say(f"Write a Python function `{problem.entry_point}`.\n{problem.prompt.strip()}"),
    },
    stop={"completion": ('\n"""', "\nassert", "\n#", "\nif ", "\nprint(", "\n```")},
    profiles={"evalplus": evalplus('\n"""', "\nassert")},
    protocol={
        **_PROTOCOL,
        "source": "arXiv 2305.01210; base and added inputs together, compared as evalplus 0.3.1 does",
        "split": "378 tasks",
        "shots": "0",
        "licence": "Apache-2.0",
    },
)
