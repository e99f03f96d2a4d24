"""JSON Lines in and out, with errors by line.

Reads `.jsonl` and `.jsonl.gz`. The standard library's parser is used because benchmarks hold bare `Infinity` and
integers of hundreds of digits, which faster parsers refuse or round.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from specialists.errors import DataError

M = TypeVar("M", bound=BaseModel)
_BOM = b"\xef\xbb\xbf"


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(line number, object)` for each line of a JSON Lines file; blank lines are skipped.

    Args:
        path: a `.jsonl` or `.jsonl.gz` file in UTF-8, with or without a byte order mark.

    Raises:
        DataError: the file is missing or cannot be unpacked, or holds a line that is no JSON object.
    """
    for number, line in enumerate(_lines(path), start=1):
        row = parse_row(line)
        if isinstance(row, str):
            raise DataError(f"{path}:{number}: {row}")
        if row is not None:
            yield number, row


def read_records(path: Path, kind: type[M]) -> Iterator[M]:
    """Yield one `kind` per line. Raises `DataError` naming file, line and field where a line does not fit."""
    for number, line in enumerate(_lines(path), start=1):
        try:
            yield kind.model_validate_json(line)
        except ValidationError:  # a blank line, a mark at the head, or a fault: the slow way tells which
            yield from _records_of(line, kind, f"{path}:{number}")


def _records_of(line: bytes, kind: type[M], where: str) -> Iterator[M]:
    row = parse_row(line)
    if isinstance(row, str):
        raise DataError(f"{where}: {row}")
    if row is None:
        return
    try:
        yield kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in (kind.__name__, *first["loc"]))
        raise DataError(f"{where}: {field}: {first['msg']}") from None


def append_records(path: Path, records: Iterable[BaseModel]) -> int:
    """Append records, flushing each line so that what was written survives a kill. Returns how many."""
    count = 0
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(record.model_dump_json() + "\n")
            file.flush()
            count += 1
    return count


def drop_torn_line(path: Path) -> None:
    """Cut off a last line without its line break: what a writer that was killed leaves behind."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def parse_row(line: bytes) -> dict[str, Any] | str | None:
    """Return the object of a line, None for a blank line, or in words why it is no object."""
    line = line.removeprefix(_BOM).strip()
    if not line:
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(row, dict):
        return f"a JSON object is needed, this is {type(row).__name__}"
    return cast("dict[str, Any]", row)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
