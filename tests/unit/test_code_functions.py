"""Small-function tasks: held out by what they compute, tests that refuse what is nearly right."""

import re

import pytest

from code_qwen.benchmarks import FUNCTIONS
from code_qwen.functions import PROBES, Task, everything, tasks
from code_qwen.lessons import MAKERS
from specialists.recipe import Source

BY_NAME = {task.name: task for task in everything()}
ASKED = [BY_NAME[problem.entry_point] for problem in FUNCTIONS.problems(())]


def run(program: str, name: str, xs: list[int]) -> object:
    scope: dict[str, object] = {}
    exec(program, scope)
    return scope[name](list(xs))  # type: ignore[operator]


def test_what_is_held_out_is_computed_by_no_training_task() -> None:
    train, test = list(tasks("train")), list(tasks("test"))
    assert len(train) + len(test) == len(everything()) and 0.15 < len(test) / len(everything()) < 0.25
    assert not {task.behaviour for task in train} & {task.behaviour for task in test}


def test_equal_functions_under_other_names_have_one_behaviour() -> None:
    assert BY_NAME["sum_absolutes_over_12"].behaviour == BY_NAME["sum_over_12"].behaviour
    assert BY_NAME["sum_absolutes_odd"].behaviour != BY_NAME["sum_odd"].behaviour


@pytest.mark.parametrize("task", ASKED[:20], ids=lambda task: task.name)
def test_the_reference_program_agrees_with_the_evaluator(task: Task) -> None:
    for xs in PROBES:
        assert run(task.program, task.name, xs) == task.answer(xs)


@pytest.mark.parametrize("task", ASKED, ids=lambda task: task.name)
def test_no_other_function_of_the_grammar_passes(task: Task) -> None:
    examples = task.tests(8)
    assert len(examples) >= 8
    passing = [other for other in everything() if all(other.answer(xs) == answer for xs, answer in examples)]
    assert {other.behaviour for other in passing} == {task.behaviour}


COMPARING = [task for task in ASKED if re.search(r" [<>] ", task.body)]


@pytest.mark.parametrize("task", COMPARING, ids=lambda task: task.name)
def test_a_border_that_is_off_by_one_is_refused(task: Task) -> None:
    program = task.program.replace(" > ", " >= ").replace(" < ", " <= ")
    differs = any(run(program, task.name, xs) != task.answer(xs) for xs in PROBES)
    assert differs == any(run(program, task.name, xs) != answer for xs, answer in task.tests(8))


@pytest.mark.parametrize("maker", ["functions", "function-chat", "repair-chat"])
def test_no_lesson_is_about_a_held_out_function(maker: str) -> None:
    held_out = {task.name for task in tasks("test")}
    for sample in MAKERS[maker](Source(name=maker, kind="made"), 0):
        taught = sample.content()
        assert not held_out & set(re.findall(r"def (\w+)\(", taught)), sample.id
