"""Published benchmarks: a declaration in, rows out.

Looked for in the folder that SPECIALISTS_DATA names, then in an installed package; `specialists.data.hub` has the rest.
It is a file of its own because the hub's library is slow to load, and grading does not need it.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from specialists.errors import ConfigError, DataError
from specialists.family import Published, Row
from specialists.jsonl import read_rows

MIRROR = "SPECIALISTS_DATA"


def local_file(published: Published) -> Path | None:
    """Return the file that holds the rows on this machine, or None where they would have to be fetched.

    Raises:
        ConfigError: SPECIALISTS_DATA names something that is not a folder.
    """
    mirror = os.environ.get(MIRROR, "")
    if mirror and not Path(mirror).is_dir():
        raise ConfigError(f"{MIRROR} = {mirror!r}: not a folder")
    if mirror and (Path(mirror) / published.mirror).is_file():
        return Path(mirror) / published.mirror
    module, _, inside = published.package.partition("/")
    spec = importlib.util.find_spec(module) if module else None
    if spec is not None and spec.origin and (Path(spec.origin).parent / inside).is_file():
        return Path(spec.origin).parent / inside
    return None


def local_rows(published: Published) -> Iterator[Row] | None:
    """Return the rows that lie on this machine, None where they would have to be fetched from a hub.

    Raises:
        DataError: they are not on this machine and on no hub; says where they were looked for.
    """
    path = local_file(published)
    if path is not None:
        return (row for _, row in read_rows(path))
    if published.hub:
        return None
    places = f"{MIRROR}/{published.mirror}" + (f", package {published.package}" if published.package else "")
    raise DataError(f"{published.mirror}: not found (looked in {places}); set {MIRROR} to a folder that has it")
