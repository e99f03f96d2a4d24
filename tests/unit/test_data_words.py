"""Vectorised words against the obvious way."""

import re

import numpy as np
import pytest

from specialists.data.words import HashTable, find_words, hash_runs

TEXTS = [
    "",
    " ",
    "\n",
    "one",
    " one",
    "one ",
    "a_b1 2c!d",
    "def add(a, b):\n    return a + b\n",
    "x" * 5000 + " " + "y" * 5000,
    "Ünïcode Wörter — und ½ Maß, ＡＢＣ",
    "今天天气很好，我们去公园。x=3",
    "İstanbul ΟΔΟΣ ǅ",
    "naïve e\u0301te\u0301 \u200b zero\u00a0width",
    "emoji 🎉🎉 done \U0001d54f",
    "\ud800 half a pair",
    "\x00\x01 control \x1f",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("marks", "pattern"), [(False, r"\w+"), (True, r"\w+|[^\w\s]")])
def test_words_are_those_of_the_pattern(text: str, marks: bool, pattern: str) -> None:
    words = find_words(text, marks=marks)
    assert words.run(0, len(words)) == re.findall(pattern, text.lower())


def test_equal_words_have_equal_hashes_wherever_they_stand() -> None:
    ascii_words, unicode_words = find_words("pad pad Word"), find_words("é, word")
    assert ascii_words.hashes[-1] == unicode_words.hashes[-1]
    everything = [word for text in TEXTS for word in re.findall(r"\w+", text.lower())]
    hashes = [int(h) for text in TEXTS for h in find_words(text).hashes]
    assert len(set(everything)) == len(set(hashes)) == len(set(zip(everything, hashes, strict=True)))


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [("a b c", "c b a", False), ("a b c", "a b d", False), ("ab c d", "a bc d", False), ("a b c", "A\nb, C!", True)],
)
def test_runs_depend_on_words_and_their_order(left: str, right: str, equal: bool) -> None:
    runs = [int(hash_runs(find_words(text).hashes, 3)[0]) for text in (left, right)]
    assert (runs[0] == runs[1]) is equal


def test_a_run_has_the_same_hash_at_any_place() -> None:
    here, there = (hash_runs(find_words(text).hashes, 5) for text in ("a b c d e", "x y z " * 400 + "a b c d e f"))
    assert here[0] in there
    assert len(hash_runs(find_words("too few").hashes, 5)) == 0


def test_table_finds_what_is_in_it_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    inside = np.sort(rng.integers(1 << 63, size=1000, dtype=np.uint64))
    outside = rng.integers(1 << 63, size=1000, dtype=np.uint64)
    table = HashTable(inside)
    assert table.among(np.concatenate((outside, inside))).tolist() == list(range(1000, 2000))
    assert HashTable(inside[:0]).among(outside).tolist() == []
