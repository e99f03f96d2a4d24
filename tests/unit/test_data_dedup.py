"""Exact and near copies against the formula."""

import random
import re
from collections.abc import Sequence

import pytest

from specialists.data.dedup import Copy, exact_copies, near_copies, normal_form
from specialists.records import Message, Sample

SAME = [
    ("a\nb", "a\nb"),
    ("a\r\nb\r\n", "a\nb\n"),
    ("a\rb", "a\nb"),
    ("\ufeffa\nb", "a\nb"),
    ("a  \nb\t\n\n", "a\nb"),
    ("\n\na", "a"),
    ("caf\u00e9", "cafe\u0301"),
]
DIFFERENT = [("a", "b"), ("a\n  b", "a\nb"), ("A", "a"), ("a b", "a  b"), ("ab", "a\nb"), ("x", "х")]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_normalisation_makes_equal(left: str, right: str) -> None:
    assert _normal(left) == _normal(right)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_normalisation_keeps_apart(left: str, right: str) -> None:
    assert _normal(left) != _normal(right)


def test_conversations_with_other_roles_or_borders_are_different() -> None:
    def chat(*contents: str) -> str:
        roles = ("user", "assistant", "user")
        turns = tuple(Message(role=role, content=content) for role, content in zip(roles, contents, strict=False))
        return normal_form(Sample(id="1", source="s", messages=turns))

    assert chat("a", "b") == chat("a ", "b\r\n")
    assert len({chat("a", "b"), chat("a", "b", "c"), chat("ab", ""), chat("", "ab"), _normal("a\nb")}) == 5


def test_normalising_long_blanks_is_not_quadratic() -> None:
    assert _normal(" " * 2_000_000 + "x") != _normal("x")


def test_the_first_of_exact_copies_is_the_original() -> None:
    assert exact_copies([b"a", b"b", b"a", b"c", b"b", b"a"]) == [Copy(2, 0, 1.0), Copy(4, 1, 1.0), Copy(5, 0, 1.0)]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85])
def test_removals_are_exactly_justified_and_clear_copies_found(threshold: float) -> None:
    rng = random.Random(7)
    originals = [_document(rng, 300) for _ in range(60)]
    copies = [_edited(rng, text, edits) for text in originals for edits in (1, 3, 6, 12, 25, 60)]
    texts = originals + copies
    found = {copy.copy: copy for copy in near_copies(texts, threshold)}
    for copy in found.values():
        assert copy.original not in found
        assert copy.jaccard == pytest.approx(_jaccard(texts[copy.copy], texts[copy.original]))
        assert copy.jaccard >= threshold
    for number in range(len(originals), len(texts)):
        if _jaccard(texts[number], originals[(number - len(originals)) // 6]) >= threshold + 0.1:
            assert number in found
    assert not found.keys() & set(range(len(originals)))


def test_a_chain_is_no_cluster() -> None:
    words = _document(random.Random(1), 400).split()
    a, b, c = (" ".join(words[start : start + 300]) for start in (0, 40, 80))
    assert _jaccard(a, b) >= 0.7 > _jaccard(a, c)
    assert [(copy.copy, copy.original) for copy in near_copies([a, b, c], 0.7)] == [(1, 0)]
    assert {(copy.copy, copy.original) for copy in near_copies([b, a, c], 0.7)} == {(1, 0), (2, 0)}


def test_of_every_cluster_the_best_is_kept() -> None:
    rng = random.Random(3)
    texts = [_edited(rng, original, 2) for original in [_document(rng, 200) for _ in range(5)] for _ in range(120)]
    gone = {copy.copy for copy in near_copies(texts, 0.7)}
    assert set(range(len(texts))) - gone == {0, 120, 240, 360, 480}


@pytest.mark.parametrize(
    ("texts", "num_copies"),
    [
        ([], 0),
        ([""] * 3, 0),
        (["one two three four"] * 3, 0),
        (["one two three four five"] * 3, 2),
        (["One, two: three\nfour (five)", "one two three four five"], 1),
        (["a b c d e", "e d c b a"], 0),
    ],
)
def test_short_documents(texts: Sequence[str], num_copies: int) -> None:
    assert len(near_copies(list(texts), 0.7)) == num_copies


def _normal(text: str) -> str:
    return normal_form(Sample(id="1", source="s", text=text))


def _document(rng: random.Random, num_words: int) -> str:
    return " ".join(f"word{rng.randrange(10_000)}" for _ in range(num_words))


def _edited(rng: random.Random, text: str, edits: int) -> str:
    words = text.split()
    for place in rng.sample(range(len(words)), edits):
        words[place] = f"edit{rng.randrange(10_000)}"
    return " ".join(words)


def _jaccard(left: str, right: str) -> float:
    sets: list[set[tuple[str, ...]]] = []
    for text in (left, right):
        words = re.findall(r"\w+", text.lower())
        sets.append({tuple(words[i : i + 5]) for i in range(len(words) - 4)})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])
