"""A file's text and language in, what is wrong with it out.

Python is parsed by Python. What the running version cannot parse gets a second look by tree-sitter, whose grammar knows
newer and older syntax; wrong indentation gets none, since tree-sitter does not see it.

JavaScript, TypeScript, Java, Go and Rust are parsed by tree-sitter, which goes on behind an error, marks what it could
not read, and makes up tokens that are missing. Where a grammar keeps up with its language any error breaks a file; for
Rust and TypeScript it takes a made-up token, or a hundredth of the file. C and C++ cannot be read by a grammar before
their macros are expanded; there, every bracket must be closed, and no merge be left half done. What is cut off exactly
between two functions is whole for all of them.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache

import tree_sitter
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript

_MAX_ERROR_SHARE = {  # of the bytes; benchmarks/results/data.md says what good files have
    "go": 0.0, "java": 0.0, "javascript": 0.0, "rust": 0.01, "typescript": 0.01
}  # fmt: skip
_CONFLICT = re.compile(rb"^<{7} .*?^={7}\r?$.*?^>{7} ", re.MULTILINE | re.DOTALL)
_NO_BRACKETS = re.compile(  # comments, strings and characters of C, in which brackets mean nothing
    rb"/\*.*?\*/|//[^\n]*|\bR\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)
GRAMMARS: Mapping[str, tuple[Callable[[], object], ...]] = {  # the first that can read a file decides
    "go": (tree_sitter_go.language,),
    "java": (tree_sitter_java.language,),
    "javascript": (tree_sitter_javascript.language, tree_sitter_typescript.language_tsx),
    "python": (tree_sitter_python.language,),
    "rust": (tree_sitter_rust.language,),
    "typescript": (tree_sitter_typescript.language_typescript, tree_sitter_typescript.language_tsx),
}


def syntax_problem(language: str, text: str) -> str | None:
    """Return what is wrong with a file, or None where it parses or its language is not known here."""
    if language == "python":
        return _python_problem(text)
    if language in ("c", "cpp"):
        return _c_problem(text.encode())
    problem = None
    for number in range(len(GRAMMARS.get(language, ()))):
        problem = _errors(language, number, text)
        if problem is None:
            break
    return problem


def _python_problem(text: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in the corpus are not our concern
            ast.parse(text)
    except IndentationError as error:
        return str(error)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if parser("python", 0).parse(text.encode()).root_node.has_error:
            return f"{type(error).__name__}: {error}"
    return None


def _c_problem(data: bytes) -> str | None:
    if _CONFLICT.search(data):
        return "a merge conflict"
    bare = _NO_BRACKETS.sub(b"", data)
    for opening, closing in ("{}", "()", "[]"):
        num_open = bare.count(opening.encode()) - bare.count(closing.encode())
        if num_open:
            return f"{opening} is {abs(num_open)} times {'not closed' if num_open > 0 else 'closed too often'}"
    return None


def _errors(language: str, number: int, text: str) -> str | None:
    """Return how much of a file one of its language's grammars cannot read, where that is too much."""
    data = text.encode()
    root = parser(language, number).parse(data).root_node
    if not root.has_error:
        return None
    num_bytes, missing = 0, ""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if node.is_missing:
            missing = missing or f"no {node.type!r} in line {node.start_point.row + 1}"
        elif node.is_error:
            num_bytes += node.end_byte - node.start_byte
        else:
            nodes += [child for child in reversed(node.children) if child.has_error]
    share, limit = num_bytes / len(data), _MAX_ERROR_SHARE[language]
    return missing or (f"{share:.3f} of it cannot be read > {limit:g}" if share > limit else None)


@lru_cache
def parser(language: str, number: int) -> tree_sitter.Parser:
    """Return the parser of a language's grammar number `number`; the first is the one to try first."""
    return tree_sitter.Parser(tree_sitter.Language(GRAMMARS[language][number]()))
