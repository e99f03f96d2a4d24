"""The shapes in which models write an answer: each must give a program that adds, or none."""

from typing import Any

import pytest

from code_qwen.extract import EXTRACTORS, extract_program, extractor_named
from code_qwen.problems import CodeProblem
from specialists.errors import ConfigError

PROMPT = 'from typing import List\n\n\ndef add(a: int, b: int) -> int:\n    """Add two numbers."""\n'
BODY = "    return a + b\n"
WHOLE = "def add(a: int, b: int) -> int:\n    return a + b\n"
WRONG = "def add(a, b):\n    return 0\n"
HELPER = "def helper(a, b):\n    return a + b\n"
CALLS = "def add(a, b):\n    return helper(a, b)\n"
STOPS = "raise SystemExit('this line must not run')\n"


def fence(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```\n"


def problem(prompt: str = PROMPT) -> CodeProblem:
    return CodeProblem(id="x", prompt=prompt, gold="", entry_point="add", tests="add()")


def added(completion: str, prompt: str = PROMPT) -> Any:
    """Return what the extracted program makes of 2 and 3, None where there is no program."""
    program = extract_program(completion, problem(prompt))
    scope: dict[str, Any] = {"__name__": "program"}
    if program:
        exec(compile(program, "program.py", "exec"), scope)
    return scope["add"](2, 3) if program else None


GIVES_FIVE = {
    # fences
    "a fence": fence(WHOLE),
    "prose around a fence": f"Sure, here you go!\n\n{fence(WHOLE)}\nThis adds the two numbers. `add(1, 2)` gives 3.",
    "no language": fence(WHOLE, ""),
    "language python3": fence(WHOLE, "python3"),
    "language Python": fence(WHOLE, "Python"),
    "language with attributes": fence(WHOLE, "python {.line-numbers}"),
    "a blank before the language": fence(WHOLE, " python"),
    "four backticks": f"````python\n{WHOLE}````\n",
    "tildes": f"~~~py\n{WHOLE}~~~\n",
    "opened behind prose": f"Here is the code: ```python\n{WHOLE}```",
    "closed behind code": f"```python\n{WHOLE.rstrip()}```\nDone.",
    "never closed": f"```python\n{WHOLE}",
    "closed by the next opening": f"```python\n{HELPER}\n```python\n{WHOLE}```",
    "indented in a list": "1. First:\n\n    ```python\n    def add(a, b):\n        return a + b\n    ```\n",
    "a fence in the docstring": fence(
        'def add(a, b):\n    """Add.\n\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n'
    ),
    "a fence in the docstring at the margin": fence(
        'def add(a, b):\n    """Add.\n```\nadd(1, 2)\n```\n"""\n    return a + b\n'
    ),
    "a blank fence first": f"```\n```\n{fence(WHOLE)}",
    "Windows line breaks": fence(WHOLE).replace("\n", "\r\n"),
    # several blocks
    "usage after it": fence(WHOLE) + "Usage:\n" + fence("print(add(1, 2))\n"),
    "usage that imports it": fence(WHOLE) + fence("from solution import add\nprint(add(1, 2))\n"),
    "a shell block first": fence("pip install numpy\n", "bash") + fence(WHOLE),
    "the signature alone first": "You gave:\n" + fence("def add(a, b):\n    ...\n") + "Here:\n" + fence(WHOLE),
    "a better one after": fence(WRONG) + "That is wrong. Better:\n" + fence(WHOLE),
    "the second cut off": fence(WHOLE) + "Or:\n```python\ndef add(a, b):\n    return sum([a,",
    "tests in a block of their own": fence(WHOLE) + fence("def test_add():\n    assert add(1, 2) == 3\n\ntest_add()\n"),
    "the helper in another block": f"First a helper:\n{fence(HELPER)}Then:\n{fence(CALLS)}",
    "the helper in a later block": f"{fence(CALLS)}with\n{fence(HELPER)}",
    "helpers of helpers": fence("K = 0\n")
    + fence("def h(a):\n    return a + K\n")
    + fence("def add(a, b):\n    return h(a) + h(b)\n"),
    "an import in another block": fence("import operator\n") + fence("def add(a, b):\n    return operator.add(a, b)\n"),
    "output in a block": fence(WHOLE) + "Output:\n" + fence("5\n", ""),
    # no fence
    "the function alone": WHOLE,
    "the prompt repeated": PROMPT + BODY,
    "prose before": f"Here is the function you asked for:\n\n{WHOLE}",
    "prose after": f"{WHOLE}\nThe function adds two numbers, e.g. add(2, 3).\n",
    "a language name first": f"python\n{WHOLE}",
    "a heading first": f"Solution:\n{WHOLE}",
    "indented below prose": "Here is the code:\n\n    def add(a, b):\n        return a + b\n\nIt adds.\n",
    "marks of Code Llama": f"[PYTHON]\n{WHOLE}[/PYTHON]\n",
    "marks of MBPP": f"[BEGIN]\n{WHOLE}[DONE]\n\nYou are an expert\n[BEGIN]\n{WRONG}[DONE]\n",
    "code tags": f"<code>\n{WHOLE}</code>\n",
    # bodies
    "the body": BODY,
    "the body after a line break": f"\n{BODY}",
    "the body, stripped": "return a + b",
    "the body, all indentation gone": "total = a\ntotal += b\nreturn total\n",
    "the body in a fence": fence(BODY),
    "the body in a fence, stripped": fence("return a + b\n"),
    "the body, then a fence": f"{BODY}```\nThat is all.",
    "the body with tabs": "\treturn a + b\n".replace("\t", "    "),
    "the body, then another function": f"{BODY}\n\ndef other():\n    {STOPS}",
    "the body with a nested function": "    def inner():\n        return a + b\n    return inner()\n",
    "the body, then prose": f"{BODY}\nExplanation: it adds.\n",
    # what stands beside the function
    "a main guard": fence(f"{WHOLE}\nif __name__ == '__main__':\n    {STOPS}"),
    "a main function": fence(f"{WHOLE}\ndef main():\n    {STOPS}\nmain()\n"),
    "trailing tests": fence(f"{WHOLE}\nassert add(1, 1) == 3\nprint(add(1, 2))\n"),
    "a test class": fence(f"{WHOLE}\nimport unittest\n\nclass T(unittest.TestCase):\n    pass\n\nunittest.main()\n"),
    "a doctest run": fence(f"{WHOLE}\nimport doctest\ndoctest.testmod()\n"),
    "an example kept in a name": fence(f"{WHOLE}\nresult = add(1, 'x')\nprint(result)\n"),
    "a dialogue": fence(f"{WHOLE}\na = int(input())\nb = int(input())\nprint(add(a, b))\n"),
    "imports after": fence("def add(a, b):\n    return operator.add(a, b)\n\nimport operator\n"),
    "a table worked out after": fence("def add(a, b):\n    return a + TABLE[b]\n\nTABLE = list(range(10))\n"),
    "the recursion limit set after": fence(
        "def add(a, b):\n    return a if b == 0 else 1 + add(a, b - 1)\n\nimport sys\nsys.setrecursionlimit(5000)\n"
    ),
    "a wrapped function": fence(f"import functools\n\n{WHOLE}\nadd = functools.lru_cache(None)(add)\n"),
    "a decorator": fence(f"import functools\n\n@functools.cache\n{WHOLE}"),
    "an import from the future": fence(f"from __future__ import annotations\n\n{WHOLE}"),
    "a comment of the author first": fence(f"# Solution by me\n{WHOLE}"),
    "a docstring of the module first": fence(f'"""Adding numbers."""\n{WHOLE}'),
    "a lambda": fence("add = lambda a, b: a + b\n"),
    "an async helper": fence(f"async def other():\n    pass\n\n{WHOLE}"),
    "types of the prompt's imports": fence("def add(a: List[int], b: int) -> int:\n    return a + b\n"),
    # thoughts and turns
    "thoughts": f"<think>\nMaybe this?\n{fence(WRONG)}No.\n</think>\n\n{fence(WHOLE)}",
    "thoughts that began in the prompt": f"Maybe?\n{fence(WRONG)}</think>\n{fence(WHOLE)}",
    "thoughts, then a body": f"<think>easy</think>\n{BODY}",
    "the next turn": f"{fence(WHOLE)}<|im_end|>\n<|im_start|>user\nNow subtract.\n{fence(WRONG)}",
    "an end of text": f"{BODY}<|endoftext|>\ndef add(a, b):\n    return 0\n",
    "an end of sequence": f"{WHOLE.rstrip()}</s>\n{WRONG}",
    "our own turn named": f"<|im_start|>assistant\n{fence(WHOLE)}<|im_end|>",
    # other tongues
    "Chinese prose": f"好的，代码如下：\n\n{fence(WHOLE)}\n这个函数把两个数相加。",
    "Chinese prose without a fence": f"好的，代码如下：\n\n{WHOLE}\n这个函数把两个数相加。\n",
    "a name that is not ASCII": fence("def add(a, b):\n    和 = a + b\n    return 和\n"),
}


@pytest.mark.parametrize("name", GIVES_FIVE)
def test_a_right_answer_of_any_shape_is_found(name: str) -> None:
    assert added(GIVES_FIVE[name]) == 5


NO_PROGRAM = {
    "nothing": "",
    "prose": "I cannot help with that.",
    "another function": fence("def plus(a, b):\n    return a + b\n"),
    "a method": fence("class Solution:\n    def add(self, a, b):\n        return a + b\n"),
    "a call of it": fence("print(add(1, 2))\n"),
    "a thought without an end": f"<think>\nLet me see.\n{fence(WHOLE)}",
    "only a thought": f"<think>{WHOLE}</think>",
    "a refusal in a fence": fence("I cannot.\n", ""),
    "an empty fence": "```python\n```",
}


@pytest.mark.parametrize("name", NO_PROGRAM)
def test_an_answer_without_the_function_gives_none(name: str) -> None:
    assert extract_program(NO_PROGRAM[name], problem()) == ""


NOT_REPAIRED = {
    "cut off inside the function": f"```python\n{WHOLE.replace('a + b', '(a +')}",
    "a body cut off": "    total = (a +",
    "a wrong indentation": "    if a:\n  return a + b\n",
    "a colon missing": fence("def add(a, b)\n    return a + b\n"),
}


@pytest.mark.parametrize("name", NOT_REPAIRED)
def test_a_broken_function_stays_broken(name: str) -> None:
    program = extract_program(NOT_REPAIRED[name], problem())
    with pytest.raises(SyntaxError):
        compile(program or "(", "program.py", "exec")


OTHERS = [
    # (extractor, completion, program)
    ("raw", BODY, PROMPT + BODY),
    ("raw", fence(WHOLE), PROMPT + fence(WHOLE)),
    ("as-is", WHOLE, WHOLE),
    ("first-block", fence(WRONG) + fence(WHOLE), WRONG),
    ("first-block", BODY, PROMPT + BODY),
]


@pytest.mark.parametrize(("name", "completion", "program"), OTHERS)
def test_other_ways_to_read_an_answer_repair_nothing(name: str, completion: str, program: str) -> None:
    assert EXTRACTORS[name](completion, problem()) == program


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ConfigError, match="there are tree-sitter, first-block, raw, as-is, expression"):
        extractor_named("regex")
