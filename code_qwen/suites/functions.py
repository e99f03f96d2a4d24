"""Small functions: the held-out part of our own grammar."""

from collections.abc import Iterable
from functools import cache

from code_qwen.functions import Task, drawn, everything
from code_qwen.grade import open_grader
from code_qwen.lessons import request, signature
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import END_OF_FUNCTION, EXTRACTORS, PROTOCOL, cheats, complete, say
from specialists.family import CHAT, Benchmark, Row
from specialists.records import Prompt

NUM_FUNCTION_TASKS = 100
_SEED = 2309  # of the order in which held-out tasks are drawn
_NUM_SHOTS = 3


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


@cache
def _shown() -> str:
    return "".join(f"{signature(task)}    {task.body}\n\n\n" for task in drawn("train", _SEED)[:_NUM_SHOTS])


def _after_examples(problem: FunctionProblem) -> Prompt:
    return _shown() + problem.prompt.rstrip()


FUNCTIONS = Benchmark(
    name="functions",
    title="Small functions (generated, held-out combinations)",
    metric="pass@1",
    rows=None,
    problems=_functions,
    forms={
        "completion": complete,
        f"{_NUM_SHOTS}-shot": _after_examples,
        CHAT: lambda problem: say(problem.request),
    },
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=lambda problem: (*cheats(problem), problem.neighbour),
    max_new_tokens=160,
    stop={"completion": END_OF_FUNCTION, f"{_NUM_SHOTS}-shot": END_OF_FUNCTION},
    extractors=EXTRACTORS,
    protocol={
        **PROTOCOL,
        "items": f"{NUM_FUNCTION_TASKS} of the held-out fifth of the grammar, 8 or more tests each",
        "shots": f"0; {_NUM_SHOTS} of the training part in {_NUM_SHOTS}-shot",
    },
)
