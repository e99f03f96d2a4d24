"""The path of a source in, the places on this disk out.

Apart from `sources`, so that asking whether a stage's files have changed loads no reader of any format.
"""

import os
from pathlib import Path

from specialists.errors import DataError
from specialists.recipe import Source


def filled(source: Source) -> str:
    """Return the path with `~` and `$NAME` filled in. Raises DataError where a variable is not set."""
    path = os.path.expandvars(str(Path(source.path).expanduser()) if source.path.startswith("~") else source.path)
    if "$" in path:
        raise DataError(f"source {source.name!r}: {source.path} names an environment variable that is not set")
    return path


def matching(source: Source) -> list[Path]:
    """Return the file or folder at the path, or what matches it as a pattern, in no order; nothing if there is none."""
    pattern = Path(filled(source)).absolute()
    return [pattern] if pattern.exists() else list(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
