"""Benchmark items in, an index to find them out.

Two ways a text can hold an item. A 13-gram, 13 successive words of any of the item's texts; and, for a prompt of fewer
than 13 words or a task worded as shortly inside a longer prompt, all of it word for word with its punctuation. Hashes
only point: every hit is compared word by word before it counts.

A 13-gram is *informative* when it has at least two different words of two letters or more. `0 0 0 0 ...` and
`a b c d ...` are in many innocent files and prove nothing; without this rule 59 of 7,777 ordinary source files hit a
benchmark, with it 5 do.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from specialists.data.words import Hashes, HashTable, Words, find_words, hash_runs
from specialists.records import Problem
from specialists.run import digest_of

GRAM_WORDS = 13  # Brown et al. 2020 (arXiv 2005.14165), appendix C; taken over by the Qwen technical report
MIN_PROMPT_MARKS = 2  # words and punctuation; a shorter prompt is in everything
MIN_WORDING_WORDS = 5  # different words of two letters in another text of the item that is compared whole
_HEAD_MARKS = 4  # whole prompts are looked up by their first marks
_TWO_LETTERS = re.compile(r"[^\W\d_].*[^\W\d_]", re.DOTALL)
_OPERATORS = frozenset("+-*/^×÷")


@dataclass(frozen=True)
class EvalItem:
    """One benchmark item as training data must not hold it: its prompt, and its other texts (solution, tests)."""

    benchmark: str
    id: str
    prompt: str
    texts: tuple[str, ...] = ()


def eval_items(benchmark: str, problems: Iterable[Problem]) -> list[EvalItem]:
    """Return the items of a benchmark: the prompt, and every other string anywhere in the problem but id and group."""
    items: list[EvalItem] = []
    for problem in problems:
        others = problem.model_dump(exclude={"id", "prompt", "group"})
        items.append(EvalItem(benchmark, problem.id, problem.prompt, tuple(_strings(others))))
    return items


@dataclass(frozen=True)
class Overlap:
    """What a text shares with one text of one item.

    `informative` counts the informative 13-grams; `share` is the part of the item text's 13-grams found, informative or
    not; `run_share` the longest unbroken run of its words, as a part of all its words; `words` is one of the grams.
    """

    item: int
    informative: int
    share: float
    run_share: float
    words: str


class Index:
    """All items of all benchmarks, ready to be looked for. Built once; looking changes nothing."""

    def __init__(self, items: Sequence[EvalItem]) -> None:
        self.items = tuple(items)
        self._texts: list[str] = []
        self._item_of: list[int] = []  # text -> item
        self._prompt_text: list[int] = []  # item -> text
        for number, item in enumerate(self.items):
            own = dict.fromkeys((item.prompt, *item.texts))
            self._prompt_text.append(len(self._texts))
            self._texts += own
            self._item_of += [number] * len(own)
        self._words_of: dict[int, list[str]] = {}
        self._build_grams()
        self._build_prompts()

    @cached_property
    def digests(self) -> dict[str, str]:
        """The identity of each benchmark's items."""
        return digest_items(self.items)

    def overlaps(self, words: Words) -> list[Overlap]:
        """Return what a text, given as its words, shares by 13-grams with each item text, in the order of the items."""
        grams = hash_runs(words.hashes, GRAM_WORDS)
        at = self._grams.among(grams)
        if not len(at):
            return []
        hashes, first = np.unique(grams[at], return_index=True)
        found: dict[int, list[int]] = defaultdict(list)  # text -> rows of the table
        for place, rows in zip(at[first].tolist(), self._grams.rows(hashes), strict=True):
            run = words.run(place, GRAM_WORDS)
            for row in rows:
                if self._run_of(row) == run:
                    found[int(self._gram_text[row])].append(row)
        return [self._overlap(number, rows) for number, rows in sorted(found.items())]

    def prompts_in(self, words: Words) -> dict[int, str]:
        """Return the numbers of the items whose short wording stands in a text as a whole, and the wording.

        Args:
            words: the text's, with marks.
        """
        found: dict[int, str] = {}
        for length, (table, wordings) in self._prompts.items():
            heads = hash_runs(words.hashes, length)
            at = table.among(heads)
            for place, rows in zip(at.tolist(), table.rows(heads[at]), strict=True):
                for row in rows:
                    if self._prompt_at(number := wordings[row], words, place):
                        found[self._item_of[number]] = self._texts[number]
        return found

    def _build_grams(self) -> None:
        texts: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        places: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        hashes: list[Hashes] = [np.zeros(0, np.uint64)]
        informative: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_)]
        self._num_words: dict[int, int] = {}  # of the texts that have a 13-gram
        for number, text in enumerate(self._texts):
            if len(text) < 2 * GRAM_WORDS - 1 or len(words := find_words(text)) < GRAM_WORDS:
                continue
            self._num_words[number] = len(words)
            num_grams = len(words) - GRAM_WORDS + 1
            texts.append(np.full(num_grams, number, np.int32))
            places.append(np.arange(num_grams, dtype=np.int32))
            hashes.append(hash_runs(words.hashes, GRAM_WORDS))
            informative.append(_informative(words))
        flat = np.concatenate(hashes)
        order = np.argsort(flat, kind="stable")
        self._grams = HashTable(flat[order])
        self._gram_text = np.concatenate(texts)[order]
        self._gram_place = np.concatenate(places)[order]
        self._gram_informative = np.concatenate(informative)[order]

    def _build_prompts(self) -> None:
        self._prompt_words: dict[int, Words] = {}  # text -> its words and marks
        heads: dict[int, list[tuple[int, int]]] = defaultdict(list)  # head length -> (hash, text)
        for number, text in enumerate(self._texts):
            if number in self._num_words:
                continue
            words = find_words(text, marks=True)
            is_prompt = number == self._prompt_text[self._item_of[number]]
            if not (len(words) >= MIN_PROMPT_MARKS and len(find_words(text)) if is_prompt else _is_wording(words)):
                continue
            self._prompt_words[number] = words
            length = min(_HEAD_MARKS, len(words))
            heads[length].append((int(hash_runs(words.hashes[:length], length)[0]), number))
        self._prompts = {
            length: (HashTable(np.array([head for head, _ in sorted(pairs)], np.uint64)), [n for _, n in sorted(pairs)])
            for length, pairs in sorted(heads.items())
        }

    def _prompt_at(self, number: int, words: Words, place: int) -> bool:
        prompt = self._prompt_words[number]
        end = place + len(prompt)
        if not np.array_equal(words.hashes[place:end], prompt.hashes):
            return False
        marks = prompt.run(0, len(prompt))
        if words.run(place, len(prompt)) != marks:
            return False
        if sum(_TWO_LETTERS.search(mark) is not None for mark in set(marks)) >= 2:
            return True
        return not _goes_on(words.run(place - 1, 1) if place else [], words.run(end, 2))

    def _run_of(self, row: int) -> list[str]:
        text, place = int(self._gram_text[row]), int(self._gram_place[row])
        if text not in self._words_of:
            words = find_words(self._texts[text])
            self._words_of[text] = words.run(0, len(words))
        return self._words_of[text][place : place + GRAM_WORDS]

    def _overlap(self, text: int, rows: list[int]) -> Overlap:
        places = np.sort(self._gram_place[rows])
        num_words = self._num_words[text]
        longest = max(len(run) for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1))
        telling = [row for row in rows if self._gram_informative[row]]
        shown = min(telling or rows, key=lambda row: int(self._gram_place[row]))
        return Overlap(
            item=self._item_of[text],
            informative=len(telling),
            share=len(places) / (num_words - GRAM_WORDS + 1),
            run_share=(longest + GRAM_WORDS - 1) / num_words,
            words=" ".join(self._run_of(shown)),
        )


def digest_items(items: Iterable[EvalItem]) -> dict[str, str]:
    """Return the identity of each benchmark's items, whatever order they came in."""
    contents: dict[str, list[list[Any]]] = defaultdict(list)
    for item in items:
        contents[item.benchmark].append([item.id, item.prompt, list(item.texts)])
    return {name: digest_of(sorted(rows)) for name, rows in sorted(contents.items())}


def _informative(words: Words) -> NDArray[np.bool_]:
    """Say of each 13-gram of at least 13 words whether it has two different words of two letters or more."""
    all_words = words.run(0, len(words))
    telling_words = {word for word in set(all_words) if _TWO_LETTERS.search(word)}
    telling = np.flatnonzero([word in telling_words for word in all_words])
    changes = telling[1:][words.hashes[telling[1:]] != words.hashes[telling[:-1]]]  # unlike the telling word before
    before = telling[np.searchsorted(telling, changes) - 1]
    # A gram beginning at g has two different telling words where some change and the telling word before it lie within.
    starts = np.zeros(len(words) + 1, np.int64)
    lows, highs = np.maximum(changes - GRAM_WORDS + 1, 0), before + 1
    within = lows < highs
    np.add.at(starts, lows[within], 1)
    np.add.at(starts, highs[within], -1)
    return np.cumsum(starts)[: len(words) - GRAM_WORDS + 1] > 0


def _is_wording(words: Words) -> bool:
    """Say whether a text beside the prompt is worded, as the task inside a longer prompt is, and no bare answer."""
    return len({word for word in words.run(0, len(words)) if _TWO_LETTERS.search(word)}) >= MIN_WORDING_WORDS


@lru_cache(maxsize=1)
def index_of(items: tuple[EvalItem, ...]) -> Index:
    """Return the index of these items; the stages of a build look for the same and share it."""
    return Index(items)


def _goes_on(before: list[str], after: list[str]) -> bool:
    """Say whether a sum is only part of a longer one: `2+3=` of `1.2+3=`, `2+3` of `2+3*4` and `2+3.5`."""
    joined = bool(before) and before[0] in _OPERATORS | {".", "("}
    goes_on = bool(after) and after[0] in _OPERATORS
    return joined or goes_on or (len(after) == 2 and after[0] == "." and after[1].isdigit())


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, Mapping):
        return [text for part in cast("Mapping[str, object]", value).values() for text in _strings(part)]
    if isinstance(value, list | tuple):
        return [text for part in cast("Sequence[object]", value) for text in _strings(part)]
    return []
