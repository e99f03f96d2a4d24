"""Published benchmarks: a declaration in, rows out.

Looked for in the folder that SPECIALISTS_DATA names, then in an installed package, then on the Hugging Face hub.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import datasets

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


def rows(published: Published) -> Iterator[Row]:
    """Yield the rows, from this machine or from the hub.

    Raises:
        DataError: they are nowhere to be had; says where they were looked for.
    """
    path = local_file(published)
    if path is not None:
        yield from (row for _, row in read_rows(path))
        return
    places = f"{MIRROR}/{published.mirror}" + (f", package {published.package}" if published.package else "")
    if not published.hub:
        raise DataError(f"{published.mirror}: not found (looked in {places}); set {MIRROR} to a folder that has it")
    try:
        yield from datasets.load_dataset(published.hub, published.subset or None, split=published.split, streaming=True)  # pyright: ignore[reportReturnType]
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{published.hub}: not found in {places}, and the hub gave: {reason}") from None
