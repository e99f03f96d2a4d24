"""A source of a recipe in, its samples out.

Seven kinds: a folder of files, git repositories, tarballs, JSON Lines, Parquet, a data set of the hub (or a local
folder of data files, by the same call), and samples made by the specialist's own code. A bad row is a `Reject` and
costs nothing but itself; a source that is missing, unreadable or empty is a `DataError`. `$NAME` and `~` in a path are
filled in; a pattern names several files, or several repositories.

The order of the samples depends only on the source: files sort by name.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from specialists.data.archive import SUFFIXES, read_archive
from specialists.data.folder import read_folder
from specialists.data.lines import read_lines
from specialists.data.places import filled, matching
from specialists.data.repository import is_repository, read_repository
from specialists.data.rows import Reject, check_columns, columns_read, read_row
from specialists.errors import ConfigError, DataError
from specialists.family import Drop, Maker
from specialists.recipe import Source
from specialists.records import Sample

_BATCH_ROWS = 1000  # Parquet rows decoded at a time


def read(source: Source, makers: Mapping[str, Maker], seed: int) -> Iterator[Sample | Reject]:
    """Yield the samples of a source, and a `Reject` for every row that is none; `source.take` counts both.

    Args:
        source: what to read.
        makers: the family's functions for sources of kind "made", by source name.
        seed: given to makers.

    Raises:
        ConfigError: no such maker, or columns that make no sample.
        DataError: the source is missing, unreadable or empty.
    """
    check_columns(source)
    empty = True
    for item in itertools.islice(_open(source, makers, seed), source.take):
        empty = False
        yield item
    if empty:
        raise DataError(
            f"source {source.name!r}: {source.path or 'its maker'} gives no rows; check the path and its content"
        )


def source_at(path: Path, name: str = "input") -> Source:
    """Return the source for a folder or file given on the command line. Raises DataError where it is neither.

    Of a folder that is a repository, too, what lies there is read, and not what was committed.
    """
    if path.is_dir():
        return Source(name=name, kind="folder", path=str(path))
    if path.name.endswith((".jsonl", ".jsonl.gz", ".jsonl.zst")):
        return Source(name=name, kind="jsonl", path=str(path))
    if path.name.endswith(SUFFIXES):
        return Source(name=name, kind="tar", path=str(path))
    if path.suffix == ".parquet":
        return Source(name=name, kind="parquet", path=str(path))
    raise DataError(
        f"{path}: a folder, or a file ending in .jsonl[.gz|.zst], .parquet or {', '.join(SUFFIXES)} is needed"
    )


def _open(source: Source, makers: Mapping[str, Maker], seed: int) -> Iterator[Sample | Reject]:
    match source.kind:
        case "folder":
            return read_folder(_folder(source), source.name)
        case "git":
            return (item for folder in _repositories(source) for item in read_repository(folder, source.name))
        case "tar":
            return (item for path, place in _files(source) for item in read_archive(path, place, source.name))
        case "jsonl":
            return (item for path, place in _files(source) for item in _read_jsonl(path, place, source))
        case "parquet":
            return (item for path, place in _files(source) for item in _read_parquet(path, place, source))
        case "hub":
            return _read_hub(source)
        case "made":
            return _make(source, makers, seed)


def _read_jsonl(path: Path, place: str, source: Source) -> Iterator[Sample | Reject]:
    for number, row in read_lines(path):
        if isinstance(row, Drop):
            yield Reject(source.name, f"{place}:{number}", row)
        else:
            yield read_row(row, source, f"{place}:{number}")


def _read_parquet(path: Path, place: str, source: Source) -> Iterator[Sample | Reject]:
    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            missing = sorted(set(source.columns.values()) - set(there))
            if missing:
                raise DataError(f"{path}: no column {missing[0]!r}; there are: {', '.join(there)}")
            columns = [column for column in there if column in columns_read(source)]
            batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=columns)
            rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
            for number, row in enumerate(rows, start=1):
                yield read_row(row, source, f"{place}:{number}")
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from None


def _read_hub(source: Source) -> Iterator[Sample | Reject]:
    path = filled(source)
    try:
        rows = datasets.load_dataset(path, name=source.subset or None, split=source.split, streaming=True)
        for number, row in enumerate(rows, start=1):
            yield read_row(cast("dict[str, Any]", row), source, f"{source.split}:{number}")
    except (OSError, ValueError) as error:  # unreachable or unknown; no such split, subset or column type
        raise DataError(f"source {source.name!r}: data set {path} cannot be read ({error})") from None


def _make(source: Source, makers: Mapping[str, Maker], seed: int) -> Iterator[Sample]:
    if source.name not in makers:
        known = ", ".join(sorted(makers)) or "none"
        raise ConfigError(f"source {source.name!r}: no maker of that name; this specialist has: {known}")
    for sample in makers[source.name](source, seed):
        assert sample.source == source.name, f"maker {source.name!r} calls its source {sample.source!r}"
        yield sample


def _folder(source: Source) -> Path:
    path = Path(filled(source))
    if not path.is_dir():
        raise DataError(f"source {source.name!r}: {path} is no folder; check the path")
    return path


def _repositories(source: Source) -> list[Path]:
    found = sorted(path for path in matching(source) if path.is_dir() and is_repository(path))
    if not found:
        raise DataError(f"source {source.name!r}: no git repository at {source.path}; check the path")
    return found


def _files(source: Source) -> list[tuple[Path, str]]:
    """Return the files that the path or pattern names, each with its path below the pattern's fixed part."""
    files = sorted(path for path in matching(source) if path.is_file())
    if not files:
        raise DataError(f"source {source.name!r}: no file at {filled(source)}; check the path")
    base = Path(os.path.commonpath([path.parent for path in files]))
    return [(path, str(path.relative_to(base))) for path in files]
