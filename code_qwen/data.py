"""What only code needs: a corpus, and filters.

`MAKERS` gives the standard library of the running Python as a licensed corpus that every machine has. `FILTERS` asks
whether a file was written by a person (not generated, minified or data) and whether it parses. Filters look at raw text
whose language is a programming language, and leave everything else alone.

Python is parsed by Python. What the running version cannot parse gets a second look by tree-sitter, whose grammar knows
newer and older syntax; wrong indentation gets none, since tree-sitter does not see it. Other languages come as further
entries of `SYNTAX`.
"""

import ast
import re
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import tree_sitter
import tree_sitter_python

from specialists.data.folder import read_folder
from specialists.family import Drop, Filter, Maker
from specialists.recipe import Source
from specialists.records import Sample

LANGUAGES = frozenset(
    {"c", "cpp", "csharp", "go", "java", "javascript", "kotlin", "lua", "perl", "php", "python", "r", "ruby", "rust"}
    | {"scala", "shell", "sql", "swift", "typescript"}
)

MAX_MEAN_LINE_CHARS = 100  # bigcode-dataset, preprocessing, 2024-02: mean line 100, longest line 1000
MAX_LINE_CHARS = 1000
MAX_DIGIT_SHARE = 0.2  # OpenCoder, opc_data_filtering, 2025-03: share of digits <= 0.2
MIN_DATA_CHARS = 1000  # ours: a short file of constants is code
MAX_ENCODED_CHARS = 1024  # StarCoder2 (arXiv 2402.19173), encoded data: a run over 1024 characters, or half of the file
MAX_ENCODED_SHARE = 0.5
GENERATED_WITHIN_LINES = 5  # bigcode-dataset, preprocessing: the marker stands in the first five lines

_GENERATED = re.compile(
    r"auto-?generated|automatically generated|generated automatically|@generated"  # bigcode-dataset
    r"|code generated .* do not edit",  # the Go convention, golang.org/s/generatedcode
    re.IGNORECASE,
)
_ENCODED = re.compile(  # StarCoder2, encoded data: base64, hexadecimal, unicode escapes
    r"[A-Za-z0-9+/\n=]{64,}"
    r"|(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}"
    r"|(?:\\u[0-9a-fA-F]{4}){8,}"
)
_NOT_LIBRARY = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})
_PYTHON = tree_sitter.Language(tree_sitter_python.language())


def stdlib(source: Source, seed: int) -> Iterator[Sample]:
    """Yield the Python files of the standard library of the running Python, without its tests.

    Which files these are depends on the version of Python, and on how it was packaged; the id is the path.
    """
    del seed  # nothing is drawn
    version = sysconfig.get_python_version()
    for item in read_folder(Path(sysconfig.get_path("stdlib")), source.name, skip=_NOT_LIBRARY):
        if isinstance(item, Sample) and item.meta.get("language") == "python":
            meta = item.meta | {"repo": "python/cpython", "licence": "PSF-2.0"}
            yield item.model_copy(update={"origin": f"cpython {version} Lib/{item.id}", "meta": meta})


def generated(sample: Sample) -> Drop | None:
    """Drop files that say in their first lines that a program wrote them."""
    if not _is_code(sample):
        return None
    head = "\n".join(sample.content().split("\n", GENERATED_WITHIN_LINES)[:GENERATED_WITHIN_LINES])
    found = _GENERATED.search(head)
    return Drop("generated", found[0]) if found else None


def long_lines(sample: Sample) -> Drop | None:
    """Drop minified files, and data in the shape of code: long lines."""
    if not _is_code(sample):
        return None
    lengths = [len(line) for line in sample.content().splitlines()] or [0]
    longest, mean = max(lengths), sum(lengths) / len(lengths)
    if longest > MAX_LINE_CHARS:
        return Drop("long_lines", f"longest {longest} > {MAX_LINE_CHARS}")
    return Drop("long_lines", f"mean {mean:.1f} > {MAX_MEAN_LINE_CHARS}") if mean > MAX_MEAN_LINE_CHARS else None


def data_like(sample: Sample) -> Drop | None:
    """Drop tables of numbers and encoded data."""
    text = sample.content()
    if not _is_code(sample) or len(text) < MIN_DATA_CHARS:
        return None
    data = text.encode()
    digits = 1 - len(data.translate(None, b"0123456789")) / len(data)
    if digits > MAX_DIGIT_SHARE:
        return Drop("data_like", f"digits {digits:.3f} > {MAX_DIGIT_SHARE}")
    encoded = [len(run[0]) for run in _ENCODED.finditer(text)] or [0]
    if max(encoded) > MAX_ENCODED_CHARS:
        return Drop("data_like", f"encoded run of {max(encoded)} > {MAX_ENCODED_CHARS} characters")
    share = sum(encoded) / len(text)
    return Drop("data_like", f"encoded {share:.3f} > {MAX_ENCODED_SHARE}") if share > MAX_ENCODED_SHARE else None


def broken_syntax(sample: Sample) -> Drop | None:
    """Drop files that do not parse, in the languages of `SYNTAX`."""
    check = SYNTAX.get(sample.meta.get("language", "").lower()) if sample.text is not None else None
    problem = check(sample.content()) if check else None
    return Drop("broken_syntax", problem) if problem else None


def _python_problem(text: str) -> str | None:
    """Return what is wrong with a Python file, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in the corpus are not our concern
            ast.parse(text)
    except IndentationError as error:
        return str(error)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if tree_sitter.Parser(_PYTHON).parse(text.encode()).root_node.has_error:
            return f"{type(error).__name__}: {error}"
    return None


def _is_code(sample: Sample) -> bool:
    return sample.text is not None and sample.meta.get("language", "").lower() in LANGUAGES


SYNTAX: Mapping[str, Callable[[str], str | None]] = {"python": _python_problem}
FILTERS: tuple[Filter, ...] = (generated, long_lines, data_like, broken_syntax)
MAKERS: Mapping[str, Maker] = {"stdlib": stdlib}
