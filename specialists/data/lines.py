"""A file of JSON Lines in, its rows out, whatever is in it.

Plain, gzip or zstd, told by the first bytes. A line that is no JSON object, a line that would not fit into memory, and
an end that comes too early each give a reason instead of a row, and cost nothing else. Files of our own making are read
by `specialists.jsonl`, which takes none of this.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from specialists.errors import DataError
from specialists.family import Drop
from specialists.jsonl import parse_row

MAX_LINE_BYTES = 20_000_000  # four times the largest file we read: JSON may escape every character
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | Drop]]:
    """Yield the number of each line that is not blank, with its object or why there is none.

    Raises:
        DataError: the file cannot be opened.
    """
    number = 0
    try:
        with _open(path) as file:
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    _skip_line(file)
                    yield number, Drop("huge_row", f"a line of {MAX_LINE_BYTES} bytes or more")
                elif (row := parse_row(line)) is not None:
                    yield number, Drop("bad_row", row) if isinstance(row, str) else row
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        if not number:
            raise DataError(f"{path}: cannot be read ({error})") from None
        yield number + 1, Drop("torn_file", str(error))


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(_GZIP):
        return gzip.GzipFile(path)
    if head == _ZSTD:
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))  # pyright: ignore[reportArgumentType]
    return path.open("rb")


def _skip_line(file: io.BufferedIOBase) -> None:
    while (line := file.readline(MAX_LINE_BYTES)) and not line.endswith(b"\n"):
        pass
