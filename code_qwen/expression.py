"""From an answer about a function to the program that gives the value.

The answer holds an assertion, `assert f(ARGUMENTS) == VALUE`, between [ANSWER] marks or anywhere; the last that parses
counts. Of the two sides, the one that the problem left open becomes `def answer(): return ...`. Where no assertion
stands, the whole answer may be the missing side itself.
"""

import ast
import re
from typing import Protocol

_MARKED = re.compile(r"\[ANSWER\](.*?)(?:\[/ANSWER\]|\Z)", re.DOTALL)
_MOST_LINES = 20  # of one assertion
_MOST_ASSERTIONS = 30  # at the end of an answer


class Asked(Protocol):
    """What this needs to know of a problem."""

    @property
    def prompt(self) -> str: ...


def expression_program(completion: str, problem: Asked) -> str:
    """Return the program that gives the missing side, or "" where the answer has none.

    Args:
        completion: what the model wrote.
        problem: its `prompt` ends in the assertion, with `??` for the side that is asked for.
    """
    asks_input = "f(??)" in problem.prompt
    text = completion.rpartition("</think>")[2]
    marked = [match[1] for match in _MARKED.finditer(text)]
    for part in [*reversed(marked), text]:
        for assertion in reversed(_assertions(part)):
            side = _side(assertion, asks_input)
            if side:
                return side
        bare = part.strip().strip("`")
        if "assert" not in bare and _is_value(f"({bare},)" if asks_input else bare):
            return _program(f"({bare},)" if asks_input else bare)
    return ""


def _assertions(text: str) -> list[ast.Assert]:
    """Return every assertion that parses, each over as many lines as it takes."""
    found: list[ast.Assert] = []
    for match in list(re.finditer(r"assert\s+f\(", text))[-_MOST_ASSERTIONS:]:
        lines = text[match.start() :].split("\n")[:_MOST_LINES]
        for end in range(1, len(lines) + 1):
            tree = _parsed("\n".join(lines[:end]).rstrip(" `"))
            if tree is not None and isinstance(tree.body[0], ast.Assert):
                found.append(tree.body[0])
                break
    return found


def _side(assertion: ast.Assert, asks_input: bool) -> str:
    """Return the program for one side of an assertion, "" if it has not the form that was asked for."""
    test = assertion.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return ""
    call, value = test.left, test.comparators[0]
    if not (isinstance(call, ast.Call) and not call.keywords):
        return ""
    if not asks_input:
        return _program(ast.unparse(value))
    return _program(ast.unparse(ast.Tuple(elts=call.args, ctx=ast.Load())))


def _is_value(text: str) -> bool:
    tree = _parsed(text)
    return tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr)


def _program(value: str) -> str:
    return f"def answer():\n    return {value}\n"


def _parsed(text: str) -> ast.Module | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None
