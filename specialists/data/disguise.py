"""Benchmark items in disguise in, where they stand out.

A 13-gram finds an item that was copied. It does not find a program whose names were changed, or a question asked again
with other numbers. A family says (`family.Disguise`) what such a change leaves alone; here the item's words are found
again by that: the longest run of successive words that agree, a changed name standing for any name. Hashes point to
runs; then each is read word by word, and the same name must stand for the same name all along.

A run counts when it covers enough of one of the item's texts (`Disguise.min_share`) and says enough
(`PART_WORDS`, `MIN_DIFFERENT_WORDS`).
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specialists.data.overlap import EvalItem
from specialists.data.words import Hashes, HashTable, Words, find_words, hash_runs
from specialists.family import Disguise
from specialists.records import Sample

SEED_WORDS = 10  # a run is found by any so many of its words
PART_WORDS = 24  # of a run that is not all of an item's text: shorter ones are in everything
MIN_DIFFERENT_WORDS = 3  # not free to change, in a run
_WINDOW_WORDS = 50_000  # searched at a time; bounds memory
_MAX_PAIRS = 2_000_000  # of places in a window and in items, at a time
_ANY_NAME = np.uint64(0x9E3779B97F4A7C15)


class Sighting(NamedTuple):
    """An item that stands in a sample: its number, the share of its text that does, and the words there."""

    item: int
    share: float
    words: str


class Lookout:
    """All items under one disguise, ready to be looked for."""

    def __init__(self, items: Sequence[EvalItem], disguise: Disguise) -> None:
        self.disguise = disguise
        self._fixed = np.unique(find_words(" ".join(disguise.fixed_words or ()), marks=True).hashes)
        self._item_of: list[int] = []
        self._texts: list[_Masked] = []
        for number, item in enumerate(items):
            for text in dict.fromkeys(disguise.of_item(item.prompt, item.texts)):
                masked = self._mask(text)
                if len(masked.words) >= max(disguise.min_words, SEED_WORDS):
                    self._item_of.append(number)
                    self._texts.append(masked)
        self.searchable = len(set(self._item_of))  # items that say enough to be told from others
        self._longest = max((len(text.words) for text in self._texts), default=0)
        self._build_seeds()

    def sightings(self, sample: Sample) -> list[Sighting]:
        """Return the items that stand in the sample, each once with the most that is found of it."""
        best: dict[int, Sighting] = {}
        for text in self.disguise.of_sample(sample) if self._texts else ():
            for seen in self._search(self._mask(text)):
                if seen.item not in best or seen.share > best[seen.item].share:
                    best[seen.item] = seen
        return [best[item] for item in sorted(best)]

    def _build_seeds(self) -> None:
        grams = [hash_runs(text.hashes, SEED_WORDS) for text in self._texts]
        flat = np.concatenate([np.zeros(0, np.uint64), *grams])
        order = np.argsort(flat, kind="stable")
        self._seeds = flat[order]
        self._table = HashTable(self._seeds)
        self._seed_text = np.repeat(np.arange(len(grams)), [len(gram) for gram in grams])[order]
        self._seed_place = np.concatenate([np.zeros(0, np.int64), *map(np.arange, map(len, grams))])[order]

    def _mask(self, text: str) -> "_Masked":
        words = find_words(self.disguise.bare(text), marks=True)
        if self.disguise.fixed_words is None or not len(words):
            return _Masked(words, words.hashes, np.zeros(len(words), np.bool_))
        first = np.frombuffer(words.text.encode("utf-32-le", "surrogatepass"), np.uint32)[words.starts]
        names = (first >= ord("a")) & (first <= ord("z")) | (first == ord("_")) | (first > 127)
        names &= ~np.isin(words.hashes, self._fixed)
        names[1:] &= words.hashes[:-1] != _DOT  # an attribute is not ours to rename
        return _Masked(words, np.where(names, _ANY_NAME, words.hashes), names)

    def _search(self, found: "_Masked") -> Iterator[Sighting]:
        step = _WINDOW_WORDS - self._longest if self._longest < _WINDOW_WORDS // 2 else _WINDOW_WORDS
        for begin in range(0, max(len(found.words) - SEED_WORDS + 1, 0), step):
            for text, place, length in self._runs(found.hashes[begin : begin + _WINDOW_WORDS]):
                sighting = self._judge(text, place[0], found, begin + place[1], length)
                if sighting is not None:
                    yield sighting

    def _runs(self, hashes: Hashes) -> Iterator[tuple[int, tuple[int, int], int]]:
        """Yield runs long enough to count: the text, where it begins in text and sample, and its words."""
        grams = hash_runs(hashes, SEED_WORDS)
        at = self._table.among(grams)
        firsts = np.searchsorted(self._seeds, grams[at], "left")
        counts = np.searchsorted(self._seeds, grams[at], "right") - firsts
        if counts.sum() > _MAX_PAIRS:  # a text of one phrase: look by what is rarer in the items
            counts[counts > _MAX_PAIRS // len(counts)] = 0
        rows = np.repeat(firsts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        at = np.repeat(at, counts)
        texts, places = self._seed_text[rows], self._seed_place[rows]
        shifts = at - places  # one item laid over the sample in one way
        order = np.lexsort((at, shifts, texts))
        texts, shifts, at, places = texts[order], shifts[order], at[order], places[order]
        if not len(at):
            return
        ends = (np.diff(texts) != 0) | (np.diff(shifts) != 0) | (np.diff(at) != 1)
        starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
        lengths = np.diff(np.concatenate([starts, [len(at)]])) + SEED_WORDS - 1
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            if length >= self._needed(int(texts[start])):
                yield int(texts[start]), (int(places[start]), int(at[start])), length

    def _needed(self, text: int) -> int:
        """Return how many words of a text make it: a share of it, but no fewer than say enough."""
        length = len(self._texts[text].words)
        return min(length, max(PART_WORDS, round(self.disguise.min_share * length)))

    def _judge(self, text: int, place: int, found: "_Masked", begin: int, length: int) -> Sighting | None:
        """Read a run word by word, and return it where a stretch of it long enough is the item's indeed."""
        start, stretch = _longest_renaming(self._texts[text], place, found, begin, length)
        if stretch < self._needed(text) or not self._says_enough(self._texts[text], place + start, stretch):
            return None
        words = found.words.run(begin + start, stretch)
        return Sighting(self._item_of[text], stretch / len(self._texts[text].words), " ".join(words))

    def _says_enough(self, text: "_Masked", place: int, length: int) -> bool:
        fixed = ~text.free[place : place + length]
        words = np.array(text.words.run(place, length))[fixed]
        return len({word for word in words.tolist() if word[0].isalnum()}) >= MIN_DIFFERENT_WORDS


class _Masked(NamedTuple):
    """Words of a text, their hashes with every free word as one, and which words are free to change."""

    words: Words
    hashes: Hashes
    free: NDArray[np.bool_]


def _longest_renaming(text: _Masked, place: int, found: _Masked, begin: int, length: int) -> tuple[int, int]:
    """Return where in a run the longest stretch begins in which names stand one for one, and its length."""
    ours, theirs = text.words.run(place, length), found.words.run(begin, length)
    free = text.free[place : place + length].tolist()
    best, start = (0, 0), 0
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        if free[number]:
            same = there.setdefault(our, their) == their and back.setdefault(their, our) == our
        else:
            same = our == their
        if not same:
            start, there, back = number + 1, {}, {}
        best = max(best, (number + 1 - start, -start))
    return -best[1], best[0]


_DOT = find_words(".", marks=True).hashes[0]


@lru_cache(maxsize=8)
def lookout_of(items: tuple[EvalItem, ...], disguise: Disguise) -> Lookout:
    """Return the lookout for these items; the stages of a build look for the same and share it."""
    return Lookout(items, disguise)
