"""CRUXEval: from an answer to the program that gives the missing side of the assertion."""

from typing import Any

import pytest

from code_qwen.expression import expression_program
from code_qwen.suites.cruxeval import CRUXEVAL, CruxProblem

ROW = {
    "code": "def f(xs, n):\n    return xs * n",
    "input": "[1, 'a'], 2",
    "output": "[1, 'a', 1, 'a']",
    "id": "sample_0",
}
OUTPUT, INPUT = (benchmark.problems([ROW])[0] for benchmark in CRUXEVAL)

ANSWERS: dict[str, tuple[CruxProblem, str, Any]] = {
    # name: (problem, answer, what the program gives; None where there is none)
    "a marked assertion": (OUTPUT, "[ANSWER]\nassert f([1, 'a'], 2) == [1]\n[/ANSWER]", [1]),
    "a marked value": (OUTPUT, "[ANSWER] [1] [/ANSWER]", [1]),
    "a continuation": (OUTPUT, "\nassert f([1, 'a'], 2) == [1]\n", [1]),
    "a value alone": (OUTPUT, " [1]\n", [1]),
    "prose around": (OUTPUT, "It repeats the list. So:\n\n`assert f([1, 'a'], 2) == [1]`\n\nThat is it.", [1]),
    "the last of two": (OUTPUT, "assert f([1], 2) == [0]\nNo:\nassert f([1, 'a'], 2) == [1]", [1]),
    "the marked one of two": (OUTPUT, "[ANSWER]assert f([1], 2) == [1][/ANSWER]\nassert f([1], 2) == [0]", [1]),
    "over lines": (OUTPUT, "assert f([1, 'a'], 2) == [\n    1,\n]\n", [1]),
    "after thoughts": (OUTPUT, "<think>assert f([1], 2) == [0]</think>[1]", [1]),
    "brackets in a string": (OUTPUT, "[ANSWER]assert f([1], 2) == '(]'[/ANSWER]", "(]"),
    "arguments": (INPUT, "[ANSWER]\nassert f([1], 3) == [1, 'a', 1, 'a']\n[/ANSWER]", ([1], 3)),
    "arguments alone": (INPUT, "[1], 3", ([1], 3)),
    "one argument": (INPUT, "assert f([1]) == [1, 'a', 1, 'a']", ([1],)),
    "named arguments": (INPUT, "assert f(xs=[1], n=3) == [1]", None),
    "the gap left open": (OUTPUT, "assert f([1, 'a'], 2) == ??", None),
    "another comparison": (OUTPUT, "assert f([1, 'a'], 2) != [1]", None),
    "prose": (OUTPUT, "I cannot say.", None),
    "nothing": (OUTPUT, "", None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_missing_side_is_found(name: str) -> None:
    problem, answer, value = ANSWERS[name]
    program = expression_program(answer, problem)
    scope: dict[str, Any] = {}
    exec(program, scope)
    assert (scope["answer"]() if program else None) == value


@pytest.mark.parametrize("benchmark", CRUXEVAL, ids=lambda benchmark: benchmark.name)
def test_the_published_answer_holds_and_wrong_ones_do_not(benchmark: Any) -> None:
    (problem,) = benchmark.problems([ROW])

    def holds(answer: str) -> bool:
        task = problem.task(expression_program(answer, problem) or "def answer(): pass")
        scope: dict[str, Any] = {}
        for part in (task.prelude, task.program):
            exec(part, scope)
        try:
            exec(task.tests, scope)
        except (AssertionError, TypeError):
            return False
        return True

    assert holds(benchmark.right(problem))
    assert not any(map(holds, benchmark.wrong(problem)))


@pytest.mark.parametrize("text", ["assert f(" * 2000, "(" * 5000, "\0", "[ANSWER]" * 500])
def test_any_text_is_survived(text: str) -> None:
    expression_program(text, OUTPUT)


def test_two_examples_stand_before_the_question() -> None:
    prompt = CRUXEVAL[1].forms["2-shot"](INPUT)
    assert isinstance(prompt, str)
    assert prompt.count("[PYTHON]") == 3 and prompt.count("[/ANSWER]") == 2
    assert prompt.endswith("assert f(??) == [1, 'a', 1, 'a']\n[/PYTHON]\n[ANSWER]")
    assert "assert f(??) == 'terot'\n" in prompt and "assert f('otter', 2) == 'terot'\n[/ANSWER]" in prompt
