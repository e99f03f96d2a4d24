"""Published benchmarks: a declaration in, rows out.

Looked for in the folder that SPECIALISTS_DATA names, then in an installed package, then on the Hugging Face hub.
"""

from collections.abc import Iterator

import datasets

from specialists.data.mirror import MIRROR, local_file
from specialists.errors import DataError
from specialists.family import Published, Row
from specialists.jsonl import read_rows


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
