"""Text in, its words as 64-bit numbers out.

Near-duplicate search and decontamination both compare runs of words. A word is what `\\w+` finds in the lower-cased
text. The plain way, `re.findall` and a set of strings, is what the tests hold this file against; here the same words
are found and hashed for a whole document at once, several times faster.

Both levels use one formula. The hash of the run of values v[s..e) is

    h(s, e) = sum(v[i] * B**(i - s) for s <= i < e)  mod 2**64

which two look-ups in a running sum of v[i] * B**i give, since B is odd and so has an inverse. Values are characters for
words, and mixed word hashes for runs of words. Whoever needs certainty compares `Words.run` after the hashes agree.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15  # odd; 2**64 divided by the golden ratio
_SPACE, _WORD, _MARK = 0, 1, 2
_NUM_ASCII, _NUM_UNICODE = 0x80, 0x110000


@dataclass(frozen=True)
class Words:
    """The N words of a text: where they begin and end in the lower-cased `text`, their hashes, which are marks [N]."""

    text: str
    starts: Positions
    ends: Positions
    hashes: Hashes
    are_marks: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes)

    def without_marks(self) -> "Words":
        """Return what `find_words` gives without `marks`."""
        kept = ~self.are_marks
        return Words(self.text, self.starts[kept], self.ends[kept], self.hashes[kept], self.are_marks[kept])

    def run(self, first: int, length: int) -> list[str]:
        """Return `length` words from number `first` on."""
        pairs = zip(self.starts[first : first + length], self.ends[first : first + length], strict=True)
        return [self.text[start:end] for start, end in pairs]


def find_words(text: str, *, marks: bool = False) -> Words:
    """Find the words of a text.

    Args:
        text: any string.
        marks: every character that is neither part of a word nor blank is a word of its own, as `\\w+|[^\\w\\s]` finds.
    """
    text = text.lower()
    if text.isascii():
        codes, kinds = np.frombuffer(text.encode("ascii"), np.uint8), _kinds(_NUM_ASCII)
    else:
        codes, kinds = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), _kinds(_NUM_UNICODE)
    kind = kinds[codes]
    inside = np.zeros(len(kind) + 2, np.bool_)
    inside[1:-1] = kind == _WORD
    begins, finishes = inside[1:] > inside[:-1], inside[1:] < inside[:-1]
    if marks:
        alone = kind == _MARK
        begins[:-1] |= alone
        finishes[1:] |= alone
    starts, ends = begins.nonzero()[0], finishes.nonzero()[0]
    return Words(text, starts, ends, _mix(_hash_runs(codes, starts, ends)), kind[starts] == _MARK)


def hash_runs(hashes: Hashes, length: int) -> Hashes:
    """Return one hash for each run of `length` successive words; fewer words give none."""
    starts = np.arange(max(len(hashes) - length + 1, 0))
    return _mix(_hash_runs(hashes, starts, starts + length))


class HashTable:
    """Sorted hashes that answer which of many others are among them.

    A table of flags, indexed by the low bits of a hash, answers no for most without the binary search.
    """

    def __init__(self, hashes: Hashes) -> None:
        """Args: hashes: sorted, with repetitions as they come."""
        self._hashes = hashes
        self._mask = np.uint64((1 << max(16, (8 * len(hashes)).bit_length())) - 1)
        self._flags = np.zeros(int(self._mask) + 1, np.bool_)
        self._flags[hashes & self._mask] = True

    def among(self, others: Hashes) -> Positions:
        """Return the positions in `others` whose hash is in the table."""
        maybe = self._flags[others & self._mask].nonzero()[0]
        if not len(maybe):
            return maybe
        nearest = np.minimum(np.searchsorted(self._hashes, others[maybe]), len(self._hashes) - 1)
        return maybe[self._hashes[nearest] == others[maybe]]

    def rows(self, hashes: Hashes) -> list[range]:
        """Return for each hash the rows of the table that hold it."""
        firsts, lasts = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        return [range(first, last) for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]


def _hash_runs(values: NDArray[np.unsignedinteger], starts: Positions, ends: Positions) -> Hashes:
    powers, inverses = _powers(1 << max(12, len(values).bit_length()))
    sums = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return (sums[ends] - sums[starts]) * inverses[starts]


@lru_cache(maxsize=32)  # one for each power of two, so that growing texts do not compute them again
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Return B**i and B**-i for i < size."""

    def powers_of(base: int) -> Hashes:
        factors = np.full(size, base, np.uint64)
        factors[0] = 1
        return np.multiply.accumulate(factors)

    return powers_of(_BASE), powers_of(pow(_BASE, -1, 1 << 64))


@lru_cache(maxsize=2)
def _kinds(size: int) -> NDArray[np.uint8]:
    """Say of each code point below `size` whether it is blank, part of a word, or a mark."""
    characters = np.arange(size, dtype=np.uint32).view("U1")
    word = np.strings.isalnum(characters)  # with "_" this is what `\w` is in `re`
    word[ord("_")] = True
    return np.where(word, _WORD, np.where(np.strings.isspace(characters), _SPACE, _MARK)).astype(np.uint8)


def _mix(hashes: Hashes) -> Hashes:
    """Spread every bit over all others: the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
