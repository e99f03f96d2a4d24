"""Samples in, the same samples back one at a time.

Cleaning walks over the corpus several times and must not hold it in memory: samples lie in one flat file as JSON lines,
and what each step passes on is a short `Entry`.
"""

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from specialists.data.dedup import fingerprint, normal_form
from specialists.records import Sample


@dataclass(frozen=True, slots=True)
class Entry:
    """What the steps need to know of a sample while its text is on disk. `number` is its place in the spool."""

    number: int
    source: str
    id: str
    fingerprint: bytes
    line_digest: bytes  # of the whole record: tells apart what has one id and one text
    num_chars: int  # of the normal form
    num_bytes: int
    licensed: bool

    @property
    def place(self) -> tuple[Any, ...]:
        """Sorts entries into the order of the output, whatever order they were read in."""
        return self.source, self.id, self.fingerprint, self.line_digest

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts copies of one another, the one to keep first: a known licence, more to say, fewer bytes for it."""
        return not self.licensed, -self.num_chars, self.num_bytes, self.place


class Spool:
    """A temporary file of samples; removed when the `with` block ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb+")
        self._ends = array("q", [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink()

    def add(self, sample: Sample) -> Entry:
        """Write a sample behind the others."""
        line = sample.to_line().encode() + b"\n"
        self._file.seek(self._ends[-1])
        self._file.write(line)
        self._ends.append(self._ends[-1] + len(line))
        normal = normal_form(sample)
        return Entry(
            number=len(self._ends) - 2,
            source=sample.source,
            id=sample.id,
            fingerprint=fingerprint(normal),
            line_digest=hashlib.blake2b(line, digest_size=8).digest(),
            num_chars=len(normal),
            num_bytes=len(sample.content().encode()),
            licensed="licence" in sample.meta,
        )

    def line(self, entry: Entry) -> bytes:
        """Return the sample as it stands in the file, with its line break."""
        start, end = self._ends[entry.number], self._ends[entry.number + 1]
        self._file.seek(start)
        return self._file.read(end - start)

    def sample(self, entry: Entry) -> Sample:
        """Read a sample back."""
        return Sample.model_validate_json(self.line(entry))


class SpooledTexts:
    """The contents of some entries, each read from the spool when asked for."""

    def __init__(self, spool: Spool, entries: Sequence[Entry]) -> None:
        self._spool = spool
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int, /) -> str:
        return self._spool.sample(self._entries[index]).content()
