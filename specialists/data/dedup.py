"""Documents in, pairs of copy and original out.

Exact copies agree after normalisation. Near copies are found by MinHash over runs of five words (rensa computes the
signatures), banded into 32 x 8, which makes two documents of Jaccard 0.8 meet with probability 0.997. Meeting is only a
suspicion: the Jaccard of the two sets of runs is computed for every pair that meets, and decides. Lower thresholds than
0.7 get more and narrower bands.

Copies form stars, not chains. Documents come best first, and each is a copy only of a document that was itself kept. So
no group is lost whole, nothing goes for being like something that went, and the outcome follows from the ranking, never
from the order of reading.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

from specialists.data.words import Hashes, find_words, hash_runs
from specialists.records import Sample

SHINGLE_WORDS = 5  # bigcode-dataset and datatrove: word 5-grams
NUM_SLOTS = 256  # of a signature; 32 bands of 8 rows make P(meet) = 1 - (1 - J**8)**32
MIN_MEETING = 0.8  # probability with which two documents just at the threshold must meet
MAX_MEETINGS = 50  # originals of one bucket that a document is held against
_SEED = 1
_BATCH_SHINGLES = 1_000_000  # hashed at a time, and remembered of those compared; bounds memory


class Texts(Protocol):
    """Documents by number: a list of strings, or something that reads each from disk when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> str: ...


@dataclass(frozen=True)
class Copy:
    """Document number `copy` repeats document number `original`, which is kept. 1.0 is the same set of word runs."""

    copy: int
    original: int
    jaccard: float


def normal_form(sample: Sample) -> str:
    """Return what the sample says in a form in which exact copies are equal.

    Unicode form, line ends, blanks at line ends, blank lines around it, and a byte order mark make no difference.
    """
    parts = [sample.text] if sample.text is not None else [f"{m.role}\n{m.content}" for m in sample.messages]
    return "\0".join(map(_normalise, parts))


def fingerprint(normal: str) -> bytes:
    """Return 16 bytes that stand for a normal form."""
    return hashlib.blake2b(normal.encode(), digest_size=16).digest()


def exact_copies(fingerprints: Sequence[bytes]) -> list[Copy]:
    """Find copies among documents given best first: the first of each fingerprint is the original."""
    first: dict[bytes, int] = {}
    found = ((number, first.setdefault(mark, number)) for number, mark in enumerate(fingerprints))
    return [Copy(number, original, 1.0) for number, original in found if number != original]


def near_copies(texts: Texts, threshold: float) -> list[Copy]:
    """Find near copies among documents given best first.

    Args:
        texts: the documents. Each is asked for once, those that meet another a few times more.
        threshold: Jaccard of the sets of word 5-grams from which a document is a copy, in (0, 1].

    Returns:
        One `Copy` for each document to remove, naming the kept document nearest to it. Documents of fewer than five
        words are never copies.
    """
    numbers, keys = _band_keys(texts, _band_rows(threshold))
    buckets, room = _buckets(keys)
    del keys
    shingles = _Recent(lambda row: np.unique(_shingles(texts[numbers[row]])))
    starts = np.cumsum([0, *room])  # of each bucket among the members
    members, filled = np.zeros(starts[-1], np.int32), np.zeros(len(room), np.int64)
    copies: list[Copy] = []
    for row in np.flatnonzero((buckets >= 0).any(axis=1)).tolist():
        mine = buckets[row][buckets[row] >= 0]
        met = {other for bucket in mine for other in members[starts[bucket] :][: filled[bucket]].tolist()}
        original, similarity = _nearest(row, sorted(met), shingles, threshold)
        if original is not None:
            copies.append(Copy(numbers[row], numbers[original], similarity))
            continue
        free = mine[filled[mine] < room[mine]]
        members[starts[free] + filled[free]] = row
        filled[free] += 1
    return copies


def jaccard(left: Hashes, right: Hashes) -> float:
    """Return |left & right| / |left | right| of two sorted arrays without repetitions, not both empty."""
    both = len(np.intersect1d(left, right, assume_unique=True))
    return both / (len(left) + len(right) - both)


def _nearest(
    row: int, others: Sequence[int], shingles: Callable[[int], Hashes], threshold: float
) -> tuple[int | None, float]:
    """Return the other document most like this one, and how like, if that reaches the threshold; the earliest wins."""
    nearest, highest = None, 0.0
    for other in others:
        sizes = sorted((len(shingles(row)), len(shingles(other))))
        if sizes[0] < threshold * sizes[1]:
            continue  # sets of such different sizes cannot be alike enough
        similarity = jaccard(shingles(row), shingles(other))
        if similarity >= threshold and similarity > highest:
            nearest, highest = other, similarity
    return nearest, highest


def _band_rows(threshold: float) -> int:
    return next(
        rows for rows in (8, 4, 2, 1) if 1 - (1 - threshold**rows) ** (NUM_SLOTS // rows) >= MIN_MEETING or rows == 1
    )


def _band_keys(texts: Texts, band_rows: int) -> tuple[list[int], NDArray[np.uint64]]:
    """Return the numbers of the documents with a shingle, and the key of each in each band [documents, bands]."""
    numbers: list[int] = []
    keys = np.empty((len(texts), NUM_SLOTS // band_rows), np.uint64)
    weights = np.random.default_rng(_SEED).integers(1 << 63, size=band_rows, dtype=np.uint64)
    for batch in _batches(texts):
        offsets = np.cumsum([0, *(len(shingles) for _, shingles in batch)], dtype=np.uint64)
        flat = np.concatenate([shingles for _, shingles in batch])
        rows = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, NUM_SLOTS, _SEED).to_rows()
        slots = np.asarray(rows, dtype=np.uint64).reshape(len(batch), -1, band_rows)
        keys[len(numbers) : len(numbers) + len(batch)] = (slots * weights).sum(axis=2, dtype=np.uint64)
        numbers += [number for number, _ in batch]
    return numbers, keys[: len(numbers)]


def _batches(texts: Texts) -> Iterator[list[tuple[int, Hashes]]]:
    batch: list[tuple[int, Hashes]] = []
    size = 0
    for number in range(len(texts)):
        shingles = _shingles(texts[number])
        if len(shingles):
            batch.append((number, shingles))
            size += len(shingles) + 4 * NUM_SLOTS  # of short documents the signatures are the larger part
        if size > _BATCH_SHINGLES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _buckets(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the keys that two documents or more have in one band.

    Returns:
        The number of each document's key in each band, -1 for a key of its own [documents, bands]; and for each number
        how many originals are remembered under it.
    """
    buckets = np.full(keys.shape, -1, np.int32)
    rooms: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    count = 0
    for band in range(keys.shape[1]):
        _, which, sizes = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        shared = sizes > 1
        buckets[:, band] = np.where(shared, count + np.cumsum(shared) - 1, -1)[which]
        rooms.append(np.minimum(sizes[shared], MAX_MEETINGS))
        count += len(rooms[-1])
    return buckets, np.concatenate(rooms)


class _Recent:
    """The sets of shingles of the documents that were asked for last, up to a bound on their sum."""

    def __init__(self, compute: Callable[[int], Hashes]) -> None:
        self._compute = compute
        self._sets: dict[int, Hashes] = {}
        self._size = 0

    def __call__(self, row: int) -> Hashes:
        found = self._sets.pop(row, None)
        if found is None:
            found = self._compute(row)
            self._size += len(found)
        self._sets[row] = found
        while self._size > _BATCH_SHINGLES and len(self._sets) > 1:
            self._size -= len(self._sets.pop(next(iter(self._sets))))
        return found


def _shingles(text: str) -> Hashes:
    return hash_runs(find_words(text).hashes, SHINGLE_WORDS)


def _normalise(text: str) -> str:
    text = text.removeprefix("\ufeff")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(map(str.rstrip, text.split("\n"))).strip("\n")
