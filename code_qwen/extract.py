"""From what a model wrote to the program that is judged.

A completion comes in two forms, told apart by the text itself. Either it continues the prompt, which then ends inside
the function that is asked for: the program is the prompt and the completion, cut where the function ends. Or it is an
answer of its own, with prose around code, mostly in fences: the program is the code that defines the entry point, after
whatever the prompt defines before it (imports, helpers), because a model may rely on both. Where several blocks define
it, the last that parses counts; what it uses and another block defines is added.

After the function only what defines names is kept; statements that merely do something (examples, prints, a main
block) are dropped, as is the half-written tail of an answer that was cut off. Inside the function nothing is repaired:
a function that was cut off is judged as it stands. Where the entry point is nowhere defined there is no answer, and the
result is "".

Not covered: methods of a class where a function was asked for. Other languages are read by `code_qwen.braces`.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from keyword import iskeyword
from typing import Protocol

from code_qwen.braces import extract_braced
from code_qwen.expression import expression_program
from code_qwen.fences import blocks, first_fence, said
from code_qwen.python_source import assigned, called, defined, is_assignment, is_clean, is_definition, statements, used
from specialists.errors import ConfigError

_TOP_LEVEL = re.compile(r"^[^\s#)\]}]", re.MULTILINE)  # a line that ends a function before it, unless inside a string
_CODE_LINE = re.compile(r"^(?:import|from|def|class|async|@|#|[A-Za-z_]\w*[ \t]*(?::[^\n]*)?=)", re.MULTILINE)
_DEFINES = re.compile(r"(?:async|def|class|import|from)\b|@")
_WORD_LINE = re.compile(r"\s*([A-Za-z]\w*)[ \t]*(?::[^=\n]*)?(?:\n|\Z)")  # "python", "Solution:": no code, but parses
_FUTURE = re.compile(r"^from __future__ import [^\n]*\n", re.MULTILINE)
_SETTINGS = re.compile(r"sys\.setrecursionlimit\(|sys\.set_int_max_str_digits\(")
_RESULT = re.compile(r"\b(?:return|yield|raise)\b")
_MOST_PLACES = 100  # places where code may begin or a function end that are looked at


class Asked(Protocol):
    """What extraction needs to know of a problem."""

    @property
    def prompt(self) -> str: ...

    @property
    def entry_point(self) -> str: ...

    @property
    def language(self) -> str: ...


def extract_program(completion: str, problem: Asked) -> str:
    """Return the program in `completion`, or "" where none defines the entry point.

    Args:
        completion: what the model wrote, as a continuation of the prompt or as an answer of its own.
        problem: its `prompt`, its `language` and the name of the function that was asked for.
    """
    if problem.language != "python":
        return extract_braced(completion, problem.prompt, problem.entry_point, problem.language)
    text = said(completion)
    prompt, name = problem.prompt.replace("\r\n", "\n"), problem.entry_point
    given = _before(prompt, name)
    found = blocks(text, is_clean)
    answers = [block for block in found if _defined_at(block, name) is not None]
    if answers:
        chosen = ([block for block in answers if is_clean(block)] or answers)[-1]
        program = _program(chosen, name)
        return _joined(given, _lacking(given + program, found) + program)
    bare = text[: first_fence(text)]
    if not _continues(bare):
        bare = bare if _defined_at(bare, name) is not None else _indented_answer(bare, name) or bare
        if _defined_at(bare, name) is not None:
            return _joined(given, _program(bare, name))
    if not _ends_inside(prompt, name):
        return ""
    return next(filter(None, (_continuation(prompt, name, body) for body in (bare, *found))), "")


def first_block(completion: str, problem: Asked) -> str:
    """Return the first code block as it stands, as simple harnesses read an answer; else what `raw` gives."""
    found = blocks(completion.replace("\r\n", "\n"), lambda _: True)
    return found[0] if found else raw(completion, problem)


def raw(completion: str, problem: Asked) -> str:
    """Return prompt and completion, word for word, as openai/human-eval runs them."""
    return problem.prompt + completion


def as_is(completion: str, problem: Asked) -> str:
    """Return the text itself, as evalplus runs a `solution`."""
    return completion if completion.strip() or not problem.prompt else ""


EXTRACTORS: Mapping[str, Callable[[str, Asked], str]] = {
    "tree-sitter": extract_program,
    "first-block": first_block,
    "raw": raw,
    "as-is": as_is,
    "expression": expression_program,
}


def extractor_named(name: str) -> Callable[[str, Asked], str]:
    """Return the extractor of this name. Raises `ConfigError` where there is none."""
    if name not in EXTRACTORS:
        raise ConfigError(f"extractor {name!r} is unknown; there are {', '.join(EXTRACTORS)}")
    return EXTRACTORS[name]


def _joined(given: str, program: str) -> str:
    """Return code of the prompt and of the answer as one program; imports from the future must come first."""
    future = "".join(dict.fromkeys(_FUTURE.findall(program)))
    return future + given + _FUTURE.sub("", program) if given and future else given + program


def _continues(text: str) -> bool:
    """Whether the first line with anything on it is indented, as the body of a function is."""
    return bool(re.match(r"\s*\n[ \t]+\S|[ \t]+\S", text))


def _indented_answer(text: str, name: str) -> str:
    """Return a whole function that stands indented below prose, as Markdown writes code too; "" if there is none."""
    found = re.search(rf"^([ \t]+)(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(name)}\b", text, re.MULTILINE)
    if not found:
        return ""
    indented = rf"(?:^{found[1]}[^\n]*\n?|^[ \t]*\n)+"
    part = next(part for part in re.finditer(indented, text, re.MULTILINE) if part.end() > found.start())
    return textwrap.dedent(part[0])


def _defined_at(source: str, name: str) -> int | None:
    """Return where the first definition of `name` at top level begins, its decorators left out."""
    pattern = rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(name)}\b|^{re.escape(name)}[ \t]*(?::[^\n]*)?="
    match = re.search(pattern, source, re.MULTILINE)
    return match.start() if match else None


def _before(prompt: str, name: str) -> str:
    """Return the code of the prompt that stands before the function, "" if the prompt is not code."""
    start = _defined_at(prompt, name)
    if start is None or not is_clean(prompt[:start]):
        return ""
    return prompt[:start]


def _ends_inside(prompt: str, name: str) -> bool:
    """Whether the prompt ends inside the function, so that a body can follow."""
    start = _defined_at(prompt, name)
    return start is not None and _TOP_LEVEL.search(prompt, _line_end(prompt, start)) is None


def _continuation(prompt: str, name: str, body: str) -> str:
    """Return prompt and body up to the end of the function, "" if the body adds nothing to it.

    Some models write the body without the indentation of its first line, or of all, because their answer was stripped;
    it is put back where that gives a function that parses.
    """
    start = _defined_at(prompt, name)
    assert start is not None
    for text in (body, *_indented(body)):
        source = prompt + text
        end = _function_end(source, start, at_least=len(prompt))
        added = any(
            line.strip() and not line.lstrip().startswith("#") for line in source[len(prompt) : end].splitlines()
        )
        if added and (text is body or is_clean(source[start:end])):
            return source[:end].rstrip() + "\n"
    return ""


def _indented(body: str) -> list[str]:
    """Return a body that lost its indentation with it; a `return` at the margin tells that every line lost it."""
    body = body.lstrip()
    if _DEFINES.match(body) or not _RESULT.search(body):
        return []
    is_all = re.search(r"\n(?:return|yield)\b", body)
    return [textwrap.indent(body, "    ") if is_all else f"    {body}"]


def _program(source: str, name: str) -> str:
    """Return the code of an answer: from its first line of code to the last definition after the function."""
    source = _without_words(source)
    start = _defined_at(source, name)
    assert start is not None
    begin = next((at for at in _code_lines(source, start) if is_clean(f"{source[at:start]}def f(): pass")), start)
    end = _function_end(source, start)
    program = source[begin:end].rstrip() + "\n"
    return program + "".join(f"\n{text}\n" for text in _kept(source[end:], name, program))


def _without_words(source: str) -> str:
    """Drop lines at the top that are a word or a heading, such as the language that a fence named."""
    while (line := _WORD_LINE.match(source)) and not iskeyword(line[1]):
        source = source[line.end() :]
    return source


def _kept(tail: str, name: str, program: str) -> Iterator[str]:
    """Yield what stands after the function and defines names, or works out what the definitions read."""
    definitions = [text for node, text in statements(tail) if is_definition(node)]
    read = used("\n".join([program, *definitions]))
    for node, text in statements(tail):
        needed = is_assignment(node) and assigned(node) & read and not {name, "input", "open"} & set(called(node))
        if is_definition(node) or needed or _SETTINGS.match(text):
            yield text


def _lacking(program: str, found: Iterable[str]) -> str:
    """Return what the program uses and does not define, but a block of the same answer does."""
    known, wanted = defined(program), used(program)
    parts: list[str] = []
    for block in reversed([block for block in found if is_clean(block)]):
        for node, text in reversed(list(statements(block))):
            if is_definition(node) and defined(text) & (wanted - known):
                known |= defined(text)
                wanted |= used(text)
                parts.insert(0, f"{text}\n\n")
    return "".join(parts)


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
        if is_clean(source[start : match.start()]):
            return match.start()
    return len(source)


def _line_end(source: str, start: int) -> int:
    end = source.find("\n", start)
    return len(source) if end < 0 else end
