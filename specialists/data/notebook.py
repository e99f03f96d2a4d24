"""A Jupyter notebook's JSON in, a script out.

Code cells stay as they are, prose becomes comments, outputs are left out. In a Python notebook a line that only IPython
understands (`%magic`, `!command`, `name?`) becomes a comment as well, so that the script parses.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from specialists.family import Drop

_COMMENT = {"python": "#", "r": "#", "julia": "#", "ruby": "#", "shell": "#", "perl": "#"}
_LANGUAGES = {"ir": "r", "bash": "shell", "c++": "cpp", "c#": "csharp", "ipython": "python"}
_IPYTHON = re.compile(r"^([ \t]*)(?=[%!]|\?|[\w.]+\?{1,2}\s*$)", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\s*%%(?!time|capture|prun)")  # the others hold another language


def read_notebook(text: str) -> tuple[str, str] | Drop:
    """Return the script and its language, or why there is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Drop("bad_notebook", f"not JSON ({error})")
    if not isinstance(content, dict):
        return Drop("bad_notebook", "not a JSON object")
    notebook = cast("dict[str, Any]", content)
    language = _language(notebook)
    parts = [part for cell in _cells(notebook) if (part := _part(cell, language).strip("\n"))]
    return ("\n\n".join(parts) + "\n", language) if parts else Drop("bad_notebook", "no cell with text")


def _language(notebook: Mapping[str, Any]) -> str:
    for place, field in (("language_info", "name"), ("kernelspec", "language")):
        about = _object(_object(notebook.get("metadata")).get(place)).get(field)
        if isinstance(about, str) and about:
            return _LANGUAGES.get(about.lower(), about.lower())
    return "python"  # what notebooks of the time before `language_info` were


def _cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    sheets = notebook.get("worksheets")  # before version 4
    places: list[Any] = [notebook, *sheets] if isinstance(sheets, list) else [notebook]
    for place in places:
        cells = _object(place).get("cells")
        yield from map(_object, cells if isinstance(cells, list) else [])


def _part(cell: Mapping[str, Any], language: str) -> str:
    lines = cell.get("source", cell.get("input", ""))
    if isinstance(lines, list):
        lines = "".join(line for line in cast("list[Any]", lines) if isinstance(line, str))
    if not isinstance(lines, str):
        return ""
    mark = _COMMENT.get(language, "//")
    if cell.get("cell_type") != "code" or (language == "python" and _CELL_MAGIC.match(lines)):
        return "\n".join(f"{mark} {line}".rstrip() for line in lines.strip("\n").split("\n")) if lines.strip() else ""
    return _IPYTHON.sub(r"\1# ", lines) if language == "python" else lines


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
