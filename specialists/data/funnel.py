"""Drops in, an account of every document out.

Every document that comes in is either kept or dropped for one counted reason, and for each reason there are a few to
look at. Nothing here depends on the order in which drops are told, so that two runs over the same data agree.
"""

import time
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from specialists.data.spool import Entry
from specialists.family import Drop

_SHOWN = 5  # samples of each reason
_EXCERPT_CHARS = 300


class Dropped(NamedTuple):
    """One document that was left out: one line of `dropped.jsonl`."""

    source: str
    id: str
    reason: str
    detail: str


class Original(NamedTuple):
    """What a copy is a copy of, and the first line in which they differ, from 1."""

    source: str
    id: str
    line: int


class Funnel:
    """Counts documents and bytes by source, step and reason."""

    def __init__(self) -> None:
        self.dropped: list[Dropped] = []
        self._came = _Amounts()
        self._gone = _Amounts()
        self._reasons: dict[str, Counter[str]] = defaultdict(Counter)  # source -> reason -> documents
        self._reason_bytes: Counter[str] = Counter()
        self._shown: dict[str, list[tuple[Dropped, str, Original | None]]] = defaultdict(list)
        self._redacted: dict[str, Counter[str]] = defaultdict(Counter)  # kind -> documents, values
        self._redacted_in: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        self._steps: dict[str, Counter[str]] = {}
        self._seconds: dict[str, float] = {}
        self._step = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Book what is dropped inside the `with` block, and its seconds, under a step."""
        self._step, self._steps[name] = name, Counter()
        start = time.perf_counter()
        yield
        self._seconds[name] = round(time.perf_counter() - start, 3)

    def came(self, source: str, num_bytes: int) -> None:
        """Book a document that comes in."""
        self._came.add(source, num_bytes)

    def drop(
        self, source: str, name: str, drop: Drop, num_bytes: int, content: str = "", *, of: Original | None = None
    ) -> None:
        """Book a document that came in and is left out.

        Args:
            source, name: its source and id.
            drop: why.
            num_bytes: its size.
            content: what it says, if it could be read; the beginning is shown.
            of: the document that it is a copy of.
        """
        gone = Dropped(source, name, drop.reason, drop.detail)
        self.dropped.append(gone)
        self._gone.add(source, num_bytes)
        self._reasons[source][drop.reason] += 1
        self._reason_bytes[drop.reason] += num_bytes
        self._steps[self._step][drop.reason] += 1
        shown = self._shown[drop.reason]
        insort(shown, (gone, content[:_EXCERPT_CHARS], of))
        del shown[_SHOWN:]

    def redacted(self, source: str, name: str, found: Mapping[str, int]) -> None:
        """Book how many secrets of each kind were replaced in a document; what they were is written nowhere."""
        for kind, values in found.items():
            self._redacted[kind]["documents"] += 1
            self._redacted[kind]["values"] += values
            insort(self._redacted_in[kind], (source, name, values))
            del self._redacted_in[kind][_SHOWN:]

    def counts(self) -> dict[str, int]:
        """Return how many documents each reason took, the most first."""
        total = sum(self._reasons.values(), Counter[str]())
        return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))

    def account(self, kept: Iterable[Entry]) -> dict[str, Any]:
        """Return all counts as JSON values; documents in = kept + dropped, for each source and for the whole."""
        left = _Amounts()
        for entry in kept:
            left.add(entry.source, entry.num_bytes)
        return {
            "in": self._came.total(),
            "kept": left.total(),
            "dropped": self._gone.total(),
            "sources": {
                source: {
                    "in": self._came.of(source),
                    "kept": left.of(source),
                    "dropped": dict(sorted(self._reasons[source].items())),
                }
                for source in sorted(self._came.documents)
            },
            "steps": {name: dict(sorted(reasons.items())) for name, reasons in self._steps.items()},
            "reasons": {reason: self._reason(reason, count) for reason, count in self.counts().items()},
            "redacted": {kind: self._redaction(kind) for kind in sorted(self._redacted)},
            "seconds": self._seconds,
        }

    def _redaction(self, kind: str) -> dict[str, Any]:
        samples = [{"source": source, "id": name, "values": n} for source, name, n in self._redacted_in[kind]]
        return {**self._redacted[kind], "samples": samples}

    def _reason(self, reason: str, count: int) -> dict[str, Any]:
        samples = [
            {"source": gone.source, "id": gone.id, "detail": gone.detail, "excerpt": excerpt}
            | ({"of": of._asdict()} if of is not None else {})
            for gone, excerpt, of in self._shown[reason]
        ]
        return {"documents": count, "bytes": self._reason_bytes[reason], "samples": samples}


class _Amounts:
    """Documents and bytes by source."""

    def __init__(self) -> None:
        self.documents: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def add(self, source: str, num_bytes: int) -> None:
        self.documents[source] += 1
        self.bytes[source] += num_bytes

    def of(self, source: str) -> dict[str, int]:
        return {"documents": self.documents[source], "bytes": self.bytes[source]}

    def total(self) -> dict[str, int]:
        return {"documents": self.documents.total(), "bytes": self.bytes.total()}
