"""Published rows from the Hugging Face hub."""

from collections.abc import Iterator

import datasets

from specialists.errors import DataError
from specialists.family import Published, Row


def hub_rows(published: Published) -> Iterator[Row]:
    """Yield the rows of a data set, streamed. Raises `DataError` where the hub does not give them."""
    name, subset = published.hub, published.subset or None
    try:
        yield from datasets.load_dataset(name, subset, split=published.split, streaming=True)  # pyright: ignore[reportReturnType]
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{name}: not on this machine, and the hub gave: {reason}") from None
