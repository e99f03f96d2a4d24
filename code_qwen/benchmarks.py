"""Code benchmarks: rows in, problems; how a model is asked."""

import ast
from collections.abc import Iterable, Iterator

from code_qwen.functions import Task, drawn, everything
from code_qwen.grade import open_grader
from code_qwen.lessons import request, signature
from code_qwen.problems import CodeProblem
from specialists.errors import DataError
from specialists.family import CHAT, Benchmark, Published, Row
from specialists.records import Message, Prompt

NUM_FUNCTION_TASKS = 100
_SEED = 2309  # of the order in which held-out tasks are drawn
_PROTOCOL = {"decoding": "greedy", "samples": "1", "metric": "pass@1"}
# Strings after which a Python function is over (openai/human-eval's own and those every harness uses).
_END_OF_FUNCTION = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\n@", "\n```", "\nassert ")


def _say(text: str) -> Prompt:
    return (Message(role="user", content=text),)


def _complete(problem: CodeProblem) -> Prompt:
    return problem.prompt


def _complete_in_chat(problem: CodeProblem) -> Prompt:
    return _say(f"Complete this Python function.\n```python\n{problem.prompt.strip()}\n```")


def _cheats(problem: CodeProblem) -> Iterator[str]:
    """Programs that must not pass: one that gives nothing, one that ends the process, and no program."""
    head = f"def {problem.entry_point}(*args, **kwargs):\n"
    yield f"```python\n{head}    return None\n```"
    yield f"```python\nimport sys\n{head}    sys.exit(0)\n```"
    yield ""


class FunctionProblem(CodeProblem):
    """A small-function task with the wording of its request, and a program that is nearly right."""

    request: str
    neighbour: str


def _functions(_: Iterable[Row]) -> list[FunctionProblem]:
    return [_function(task) for task in drawn("test", _SEED)[:NUM_FUNCTION_TASKS]]


def _function(task: Task) -> FunctionProblem:
    near = next(t for t in everything() if t.give == task.give and t.behaviour != task.behaviour)
    return FunctionProblem(
        id=f"functions/{task.name}",
        prompt=signature(task),
        gold=f"    {task.body}\n",
        group=task.give.name,
        entry_point=task.name,
        tests="\n".join(f"assert {task.name}({xs!r}) == {answer!r}" for xs, answer in task.tests(8)),
        request=request(task),
        neighbour=f"    {near.body}\n",
    )


FUNCTIONS = Benchmark(
    name="functions",
    title="Small functions (generated, held-out combinations)",
    metric="pass@1",
    rows=None,
    problems=_functions,
    forms={"completion": _complete, CHAT: lambda problem: _say(problem.request)},
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=lambda problem: (*_cheats(problem), problem.neighbour),
    max_new_tokens=160,
    stop={"completion": _END_OF_FUNCTION},
    protocol={
        **_PROTOCOL,
        "items": f"{NUM_FUNCTION_TASKS} of the held-out fifth of the grammar, 8 or more tests each",
    },
)


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
    forms={"completion": _complete, CHAT: _complete_in_chat},
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=_cheats,
    max_new_tokens=256,
    stop={"completion": _END_OF_FUNCTION},
    protocol={**_PROTOCOL, "source": "arXiv 2107.03374", "shots": "0"},
)

_MBPP_TEST = range(11, 511)  # task ids of the test split; 1-10 are the prompts' (google-research/mbpp)
_MBPP_SHOTS = (2, 3, 4)


class MbppProblem(CodeProblem):
    """An MBPP task: the wording, and the examples shown before it when it is asked with shots."""

    text: str
    shots: str


def _mbpp(rows: Iterable[Row]) -> list[MbppProblem]:
    by_id = {row["task_id"]: row for row in rows}
    missing = [number for number in _MBPP_SHOTS if number not in by_id]
    if missing:
        raise DataError(f"mbpp: tasks {missing} are not in the file, they are the examples of the 3-shot prompt")
    shots = "".join(f"{_mbpp_task(by_id[n])}\n[BEGIN]\n{_unix(by_id[n]['code'])}\n[DONE]\n\n" for n in _MBPP_SHOTS)
    return [_mbpp_problem(by_id[number], shots) for number in _MBPP_TEST if number in by_id]


def _mbpp_problem(row: Row, shots: str) -> MbppProblem:
    code = _unix(row["code"])
    setup = _unix(row.get("test_setup_code", ""))
    return MbppProblem(
        id=f"mbpp/{row['task_id']}",
        prompt=_mbpp_task(row),
        gold=f"```python\n{code}\n```",
        entry_point=_tested_function(code, row["test_list"]),
        tests="\n".join([setup, *row["test_list"]]).strip() + "\n",
        text=row["text"],
        shots=shots,
    )


def _mbpp_task(row: Row) -> str:
    """Return the wording of Austin et al. 2021 (arXiv 2108.07732, figure 1)."""
    tests = "\n".join(row["test_list"])
    return (
        f"You are an expert Python programmer, and here is your task: {row['text']} "
        f"Your code should pass these tests:\n\n{tests}"
    )


def _tested_function(code: str, tests: Iterable[str]) -> str:
    """Return the name of the function that the tests call; the last one defined where they call several."""
    defined = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    called = {node.id for test in tests for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
    return next((name for name in reversed(defined) if name in called), defined[-1] if defined else "")


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


MBPP = Benchmark(
    name="mbpp",
    title="MBPP",
    metric="pass@1",
    rows=Published(mirror="eval_code/mbpp.jsonl.gz", hub="google-research-datasets/mbpp", split="train+test+prompt"),
    problems=_mbpp,
    forms={
        "3-shot": lambda problem: f"{problem.shots}{problem.prompt}\n[BEGIN]\n",
        CHAT: lambda problem: _say(problem.prompt),
    },
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=_cheats,
    max_new_tokens=256,
    stop={"3-shot": ("\n[DONE]", "[DONE]")},
    protocol={**_PROTOCOL, "source": "arXiv 2108.07732, test split (tasks 11-510)", "shots": "3 in text, 0 in chat"},
    exceptions={"mbpp/367": "its tests build a tree from a class that only the judged program defines"},
)
BENCHMARKS = (FUNCTIONS, HUMANEVAL, MBPP)
