"""A program in, what is left of it when every name is changed out.

For decontamination: a benchmark's solution whose function, arguments and variables are called otherwise, whose comments
and docstrings are gone and whose annotations are stripped, is still the solution. Keywords, built-in names,
attributes, numbers, strings and marks stay; they must, for the program to do the same.

Python only, since the benchmarks are. A program of fewer words and marks than `MIN_WORDS` (`return a + b`) is written
by everybody and cannot be told. Of HumanEval 154 of 164 solutions are found again, of MBPP 421 of 500; of 3,822
ordinary files 5 are taken for one, and each of them does hold that very function (benchmarks/results/data.md).
"""

import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator

from specialists.family import Disguise
from specialists.records import Sample

MIN_WORDS = 10
MIN_SHARE = 0.6

_STRINGS = re.compile(  # docstrings and comments; strings, with what they say as group 1, unless names stand in them
    r"[rRuUbBfF]{0,2}(?:\"\"\".*?\"\"\"|'''.*?''')|(?<![fF])[rRuUbB]{0,2}(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|#[^\n]*",
    re.DOTALL,
)
_WORD = re.compile(r"\b(?=\w)")
_FORMATTING = str.maketrans(dict.fromkeys("()\"',;\\", " "))
_FENCE = re.compile(r"^[ \t]*```.*$", re.MULTILINE)
_FIXED = frozenset(word.lower() for word in (*keyword.kwlist, *keyword.softkwlist, *dir(builtins)) if word != "_")
_MAYBE_PYTHON = frozenset({"", "python", "markdown", "text", "restructuredtext"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def bare(text: str) -> str:
    """Return a program without comments, docstrings, Markdown fences, and the marks that formatters put and take.

    Words inside strings get a digit before them, so that none of them is taken for a name.
    """
    return _STRINGS.sub(_string, _FENCE.sub("", text)).translate(_FORMATTING)


def programs(prompt: str, texts: tuple[str, ...]) -> Iterator[str]:
    """Yield what a benchmark item holds of programs, each with its annotations and without.

    A solution may go on where the prompt stops. Imports, constants and functions without a body are left out.
    """
    for text in (prompt + "".join(texts[:1]), *texts):
        source = _FENCE.sub("", text)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        lines = source.encode().split(b"\n")
        parts = [node for node in tree.body if isinstance(node, _Function | ast.ClassDef) and _does_something(node)]
        if parts:
            yield _lines_of(parts, lines)
            yield _lines_of(parts, _without_annotations(tree, lines))


def parts_with_python(sample: Sample) -> Iterable[str]:
    """Return the texts of a sample that may hold Python: every turn of a chat, a file unless of another language."""
    if sample.text is None:
        return [message.content for message in sample.messages]
    return [sample.text] if sample.meta.get("language", "").lower() in _MAYBE_PYTHON else []


def _string(match: re.Match[str]) -> str:
    return _WORD.sub("0", match[1]) if match[1] else " "


def _does_something(node: _Function | ast.ClassDef) -> bool:
    return any(not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)) for part in node.body)


def _lines_of(nodes: Iterable[ast.stmt], lines: list[bytes]) -> str:
    return b"\n".join(line for node in nodes for line in lines[node.lineno - 1 : node.end_lineno]).decode()


def _without_annotations(tree: ast.Module, lines: list[bytes]) -> list[bytes]:
    """Blank out `: float` and `-> bool`, from behind, so that places before stay where they are."""
    bare_lines = list(lines)
    noted = [note for node in ast.walk(tree) if (note := _annotation(node)) and note.lineno == note.end_lineno]
    for note in sorted(noted, key=lambda note: (note.lineno, -note.col_offset)):
        line = bare_lines[note.lineno - 1]
        begin = max(line.rfind(mark, 0, note.col_offset) for mark in (b":", b"->"))
        if begin >= 0:
            bare_lines[note.lineno - 1] = line[:begin] + line[note.end_col_offset :]
    return bare_lines


def _annotation(node: ast.AST) -> ast.expr | None:
    return node.returns if isinstance(node, _Function) else getattr(node, "annotation", None)


RENAMED = Disguise(
    name="renamed",
    of_item=programs,
    of_sample=parts_with_python,
    bare=bare,
    fixed_words=_FIXED,
    min_words=MIN_WORDS,
    min_share=MIN_SHARE,
)
