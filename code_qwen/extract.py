"""From what a model wrote to the program that is judged.

A completion comes in two forms, told apart by the text itself. Either it continues the prompt, which then ends inside
the function that is asked for: the program is the prompt and the completion, cut where the function ends. Or it is an
answer of its own, with prose around code, mostly in fences: the program is the code that defines the entry point, after
whatever the prompt defines before it (imports, helpers), because a model may rely on both.

After the function only what defines names is kept; statements that merely do something (examples, prints, a main
block) are dropped, as is the half-written tail of an answer that was cut off. Inside the function nothing is repaired:
a function that was cut off is judged as it stands. Where the entry point is nowhere defined there is no answer, and the
result is "".

Not covered: a function spread over several fences, and methods of a class where a function was asked for.
"""

import re
import textwrap
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_python.language()))
_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^[^\s#)\]}]", re.MULTILINE)  # a line that ends a function before it, unless inside a string
_CODE_LINE = re.compile(r"^(?:import|from|def|class|async|@|#|[A-Za-z_]\w*[ \t]*(?::[^\n]*)?=)", re.MULTILINE)
_DEFINES = re.compile(r"(?:async|def|class|import|from)\b|@")
_MOST_PLACES = 100  # places where code may begin or a function end that are looked at
_DEFINITIONS = frozenset(
    {
        "import_statement",
        "import_from_statement",
        "function_definition",
        "class_definition",
        "decorated_definition",
    }
)


class Asked(Protocol):
    """What extraction needs to know of a problem."""

    @property
    def prompt(self) -> str: ...

    @property
    def entry_point(self) -> str: ...


def extract_program(completion: str, problem: Asked) -> str:
    """Return the program in `completion`, or "" where none defines the entry point.

    Args:
        completion: what the model wrote, as a continuation of the prompt or as an answer of its own.
        problem: its `prompt` and the name of the function that was asked for.
    """
    text = completion.replace("\r\n", "\n")
    prompt, name = problem.prompt.replace("\r\n", "\n"), problem.entry_point
    given = _before(prompt, name)
    blocks = [match[2] for match in _FENCED.finditer(text)]
    answers = [block for block in map(_unindented, blocks) if _defined_at(block, name) is not None]
    if answers:
        whole = [block for block in answers if _is_clean(block)]
        return given + _program((whole or answers)[-1], name)
    fence = _FENCE.search(text)
    bare = text[: fence.start()] if fence else text
    if not _continues(bare) and _defined_at(bare, name) is not None:
        return given + _program(bare, name)
    if not _ends_inside(prompt, name):
        return ""
    return next(filter(None, (_continuation(prompt, name, body) for body in (bare, *blocks))), "")


def _unindented(block: str) -> str:
    """Return a block that stands indented in its answer without that indentation."""
    return textwrap.dedent(block) if _continues(block) else block


def _continues(text: str) -> bool:
    """Whether the first line with anything on it is indented, as the body of a function is."""
    return bool(re.match(r"\s*\n[ \t]+\S|[ \t]+\S", text))


def _defined_at(source: str, name: str) -> int | None:
    """Return where the first definition of `name` at top level begins, its decorators left out."""
    pattern = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(name)}\b|^{re.escape(name)}[ \t]*(?::[^\n]*)?="
    match = re.search(pattern, source, re.MULTILINE)
    return match.start() if match else None


def _before(prompt: str, name: str) -> str:
    """Return the code of the prompt that stands before the function, "" if the prompt is not code."""
    start = _defined_at(prompt, name)
    if start is None or not _is_clean(prompt[:start]):
        return ""
    return prompt[:start]


def _ends_inside(prompt: str, name: str) -> bool:
    """Whether the prompt ends inside the function, so that a body can follow."""
    start = _defined_at(prompt, name)
    return start is not None and _TOP_LEVEL.search(prompt, _line_end(prompt, start)) is None


def _continuation(prompt: str, name: str, body: str) -> str:
    """Return prompt and body up to the end of the function, "" if the body adds nothing to it.

    Some models begin the body without its indentation, because their answer was stripped; it is put back where that
    gives a function that parses.
    """
    start = _defined_at(prompt, name)
    assert start is not None
    texts = [body] if _DEFINES.match(body.lstrip()) else [body, f"    {body.lstrip()}"]
    for text in texts:
        source = prompt + text
        end = _function_end(source, start, at_least=len(prompt))
        added = any(
            line.strip() and not line.lstrip().startswith("#") for line in source[len(prompt) : end].splitlines()
        )
        if added and (text is body or _is_clean(source[start:end])):
            return source[:end].rstrip() + "\n"
    return ""


def _program(source: str, name: str) -> str:
    """Return the code of an answer: from its first line of code to the last definition after the function."""
    start = _defined_at(source, name)
    assert start is not None
    begin = next((at for at in _code_lines(source, start) if _is_clean(f"{source[at:start]}def f(): pass")), start)
    end = _function_end(source, start)
    return source[begin:end].rstrip() + "\n" + "".join(f"\n{text}\n" for text in _definitions(source[end:]))


def _code_lines(source: str, start: int) -> Iterator[int]:
    """Yield where the lines before `start` begin that look like code, and 0 first."""
    yield 0
    yield from (match.start() for match in islice(_CODE_LINE.finditer(source, 0, start), _MOST_PLACES))


def _function_end(source: str, start: int, *, at_least: int = 0) -> int:
    """Return where the function that begins at `start` ends: before the first top-level line with nothing left open.

    A line at column 0 may still belong to a string or to brackets; then what stands before it does not parse.
    """
    lines = _TOP_LEVEL.finditer(source, max(at_least, _line_end(source, start)))
    for match in islice(lines, _MOST_PLACES):
        if _is_clean(source[start : match.start()]):
            return match.start()
    return len(source)


def _definitions(tail: str) -> Iterator[str]:
    """Yield the statements after the function that define names, up to the first that does not parse."""
    data = tail.encode("utf-8", "surrogatepass")
    for node in _PARSER.parse(data).root_node.children:
        if node.has_error:
            return
        if node.type in _DEFINITIONS or _is_constant(node):
            yield data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")


def _is_constant(node: Node) -> bool:
    """Whether a statement assigns without calling anything."""
    return node.type == "expression_statement" and node.children[0].type == "assignment" and not _calls(node)


def _calls(node: Node) -> bool:
    return node.type == "call" or any(map(_calls, node.children))


def _is_clean(source: str) -> bool:
    """Whether `source` parses as Python without a gap."""
    return not _PARSER.parse(source.encode("utf-8", "surrogatepass")).root_node.has_error


def _line_end(source: str, start: int) -> int:
    end = source.find("\n", start)
    return len(source) if end < 0 else end
