"""Inputs and a reference program in, tests that compare, as evalplus does.

The judge, which no candidate can reach, runs the reference on every input and compares. The rules are those of evalplus
0.3.1 (`evalplus/eval/__init__.py`, `_special_oracle.py`): equality; for floats, or where a task states a tolerance,
closeness with a relative tolerance of 1e-7; and for some tasks an oracle of their own.
"""

import json
from typing import Any

from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import say
from sandbox import Limits, Task
from specialists.family import CHAT, Profile
from specialists.records import Prompt

# Of candidate and of judge each: some references take seconds for all their inputs. Wall time is only a backstop.
LIMITS = Limits(cpu_s=12, wall_s=240)

_JUDGE = """\
import copy, json, math, sys

sys.set_int_max_str_digits(0)
scope = {"__name__": "reference"}
exec(compile(json.loads(SOURCE), "reference.py", "exec"), scope)
reference = scope[NAME]


def is_floats(value):
    if isinstance(value, (list, tuple)):
        return len(value) > 0 and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def is_close(got, expected, tolerance):
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        pairs = zip(got, expected)
        return len(got) == len(expected) and all(is_close(g, e, tolerance) for g, e in pairs)
    if not all(isinstance(value, (int, float, complex)) for value in (got, expected)):
        return False
    near = abs(expected) != math.inf and abs(got - expected) <= tolerance + 1e-7 * abs(expected)
    return got == expected or near


def is_same(got, expected, tolerance):
    if got == expected:
        return True
    tolerance = 1e-6 if tolerance == 0 and is_floats(expected) else tolerance
    return tolerance != 0 and type(got) is type(expected) and is_close(got, expected, tolerance)


def surface(base, height):
    return round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))


def distance(a, b):
    width = max(len(str(a)), len(str(b)))
    return sum(abs(int(x) - int(y)) for x, y in zip(str(a).zfill(width), str(b).zfill(width)))


ORACLES = {
    "": lambda got, expected, inputs: is_same(got, expected, TOLERANCE),
    "root": lambda got, _, inputs: abs(sum(c * math.pow(got, i) for i, c in enumerate(inputs[0]))) <= TOLERANCE,
    "set": lambda got, expected, _: set(got) == set(expected),
    "given": lambda got, expected, _: got == (expected if isinstance(expected, bool) else expected is not None),
    "any": lambda *_: True,
    "or-zero": lambda got, expected, _: is_same(got, expected, TOLERANCE) or got == 0,
    "surface": lambda got, expected, inputs: is_same(got, expected, TOLERANCE)
    or abs(got - surface(*inputs)) <= TOLERANCE,
    "distance": lambda got, expected, inputs: is_same(got, expected, TOLERANCE) or got == distance(*inputs),
}
is_right = ORACLES[ORACLE]
"""
_TESTS = """
for inputs in CASES:
    expected = reference(*copy.deepcopy(inputs))
    got = NAME(*copy.deepcopy(inputs))
    assert is_right(got, expected, inputs), f"{str(inputs)[:200]} gives {str(got)[:100]}, not {str(expected)[:100]}"
"""


class PlusProblem(CodeProblem):
    """A problem whose tests are inputs and a reference program that says what is right for them.

    `inputs` are lists of arguments as JSON has them; `shape` says how they become what the function takes, `oracle` how
    its values are compared, `tolerance` how far a float may be off.
    """

    reference: str
    inputs: tuple[Any, ...]
    tolerance: float = 0.0
    oracle: str = ""
    shape: str = "list(case)"

    def task(self, program: str) -> Task:
        """Return what the sandbox must run: reference and inputs stay with the judge."""
        words = {
            "SOURCE": repr(json.dumps(self.reference)),
            "NAME": repr(self.entry_point),
            "TOLERANCE": repr(self.tolerance),
            "ORACLE": repr(self.oracle),
        }
        settings = "".join(f"{name} = {value}\n" for name, value in words.items())
        cases = f"CASES = [{self.shape} for case in json.loads({json.dumps(self.inputs)!r})]\n"
        return self.seen(
            Task(
                program=program,
                tests=_TESTS.replace("NAME", self.entry_point),
                entry_point=self.entry_point,
                prelude=f"{settings}{_JUDGE}{cases}",
            )
        )


def evalplus(*stop: str) -> Profile:
    """Return how evalplus asks: a base goes on from the bare prompt, a chat model is told to write a script.

    Args:
        stop: what ends a completion of this data set beside the strings that end all (evalplus/provider/utility.py).
    """
    return Profile(
        forms={"evalplus": lambda problem: problem.prompt.strip() + "\n", CHAT: _instruct},
        stop={"evalplus": ("\nif __name__", "\ndef main(", "\nprint(", *stop)},
        max_new_tokens=768,
        protocol={"source": "evalplus 0.3.1, greedy; the answer of a chat model is not begun for it", "shots": "0"},
    )


def _instruct(problem: CodeProblem) -> Prompt:
    return say(
        "Please provide a self-contained Python script that solves the following problem in a markdown code block:\n"
        f"```\n{problem.prompt.strip()}\n```\n"
    )
