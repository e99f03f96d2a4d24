"""Benchmark items in training data are found."""

import random
import re
from typing import Literal

import pytest

from specialists.data.decontaminate import Decontamination, EvalItem, Index, eval_items, final_scan
from specialists.records import Message, Problem, Sample

PROMPT = (
    "Natalia sold clips to forty eight of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?"
)
SOLUTION = (
    "Natalia sold half of forty eight clips in May, which is twenty four, so altogether she sold seventy two clips."
)
CODE = (
    "def has_close(numbers, threshold):\n    for i, a in enumerate(numbers):\n        for j, b in enumerate(numbers):\n"
)
ITEMS = [
    EvalItem("gsm8k", "0", PROMPT, (SOLUTION, "72")),
    EvalItem("humaneval", "HumanEval/0", CODE, ("assert has_close([1.0, 2.0, 3.0], 0.5) == False",)),
    EvalItem("mbpp", "11", "Write a function to reverse a string.", ("def f(s): return s[::-1]",)),
    EvalItem("math401", "1", "12*3=", ("36",)),
    EvalItem("math401", "2", "2+3", ("5",)),
    EvalItem("numbers", "0", "0 " * 40, ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",)),
    EvalItem("single", "0", "Hello", ("42",)),
]
LONG_WORDS = PROMPT.split()
PAD = "Some words of training text that no benchmark holds, before and after. "

UNDER_ANY = [
    (PROMPT, "benchmark_overlap"),
    (PAD + PROMPT.upper().replace(" ", "\n") + PAD, "benchmark_overlap"),
    (PAD + " ".join(LONG_WORDS[3:16]) + "! " + PAD, "benchmark_overlap"),
    (PAD + " ".join(LONG_WORDS[3:15]) + " and then. " + PAD, None),
    (PAD + SOLUTION, "benchmark_overlap"),
    (PAD + CODE, "benchmark_overlap"),
    ("0 " * 100, None),
    ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", None),
    ("Write a function to reverse a string.", None),
    ("72 42 36 Hello", None),
    (PAD, None),
    ("", None),
]
TURNS = [
    ("Write a function to reverse a string.", "benchmark_item"),
    ("Please: write a function to reverse a string. Thanks!", "benchmark_item"),
    ("Write a function to reverse a string, fast", None),
    ("Write a function to reverse a list.", None),
    ("Calculate 12*3=", "benchmark_item"),
    ("Calculate 12 * 3 = ?", "benchmark_item"),
    ("Calculate 112*3=", None),
    ("Calculate 5+12*3=", None),
    ("Calculate 1.12*3=", None),
    ("What is 2+3?", "benchmark_item"),
    ("What is 2+3.", "benchmark_item"),
    ("What is 2+3*4?", None),
    ("What is 2+3.5?", None),
    ("What is (2+3)*4?", None),
    ("Hello", None),
    ("42", None),
]


@pytest.mark.parametrize(("text", "reason"), UNDER_ANY)
def test_text_under_any(text: str, reason: str | None) -> None:
    drop = Decontamination(Index(ITEMS), "any").judge(Sample(id="1", source="s", text=text))
    assert (drop.reason if drop else None) == reason


@pytest.mark.parametrize(("turn", "reason"), TURNS)
@pytest.mark.parametrize("rule", ["any", "covered"])
def test_whole_prompts_in_user_turns(turn: str, reason: str | None, rule: Literal["any", "covered"]) -> None:
    drop = Decontamination(Index(ITEMS), rule).judge(_chat(turn, "An answer of my own."))
    assert (drop.reason if drop else None) == reason


def test_whole_prompts_in_replies_are_not_asked_for() -> None:
    assert Decontamination(Index(ITEMS), "any").judge(_chat("What do you do?", "I compute 12*3=36 all day.")) is None


@pytest.mark.parametrize(
    ("num_words", "dropped"),
    [(12, False), (13, False), (16, False), (17, True), (32, True)],
)
def test_covered_wants_a_quarter_of_the_grams_or_a_long_run(num_words: int, dropped: bool) -> None:
    words = re.findall(r"\w+", PROMPT)
    assert len(words) == 32
    turn = PAD + " ".join(words[:num_words]) + " " + PAD
    drop = Decontamination(Index(ITEMS), "covered").judge(_chat(turn, "An answer."))
    assert (drop is not None) is dropped
    assert (Decontamination(Index(ITEMS), "any").judge(_chat(turn, "An answer.")) is not None) is (num_words >= 13)


def test_set_phrases_of_a_field_survive_covered_and_fall_under_any() -> None:
    phrase = "Find the number of ordered pairs of positive integers x and y such that the sum of"
    items = [
        EvalItem("math", str(n), f"{phrase} {n} copies of x and {' '.join(f'term{n}_{k}' for k in range(60))}")
        for n in range(5)
    ]
    sample = _chat(f"{phrase} their squares is at most one hundred.", "There are plenty of them.")
    assert Decontamination(Index(items), "any").judge(sample)
    covered = Decontamination(Index(items), "covered")
    assert covered.judge(sample) is None
    report = covered.report()["benchmarks"]["math"]
    assert report["hit_ids"] == report["left_ids"] == ["0", "1", "2", "3", "4"]
    assert (report["samples_dropped"], report["samples_kept"]) == (0, 1)


def test_report_counts_items_samples_and_what_is_left() -> None:
    decontamination = Decontamination(Index(ITEMS), "any")
    texts = [PROMPT, PROMPT + PAD, PAD, "Write a function to reverse a string.", "0 " * 100]
    for number, text in enumerate(texts):
        decontamination.judge(Sample(id=str(number), source="s", text=text))
    found = decontamination.report()["benchmarks"]
    assert {name: found[name]["samples_dropped"] for name in found} == {
        "gsm8k": 2,
        "humaneval": 0,
        "mbpp": 0,
        "math401": 0,
        "numbers": 0,
        "single": 0,
    }
    assert (found["mbpp"]["hit_ids"], found["mbpp"]["left_ids"], found["mbpp"]["samples_kept"]) == (["11"], ["11"], 1)
    assert (found["gsm8k"]["hit_ids"], found["gsm8k"]["left_ids"]) == (["0"], [])
    assert found["numbers"]["samples_uninformative"] == 1
    assert (found["math401"]["items"], found["math401"]["items_hit"]) == (2, 0)
    assert found["gsm8k"]["excerpts"][0]["sample"] == "0"
    assert "forty eight of her friends" in found["gsm8k"]["excerpts"][0]["words"]


def test_digests_know_content_and_not_order() -> None:
    changed = [ITEMS[0], *ITEMS[2:], EvalItem("humaneval", "HumanEval/0", CODE, ("assert True",))]
    digests, reordered, other = (Index(items).digests for items in (ITEMS, ITEMS[::-1], changed))
    assert digests == reordered
    assert {name for name in digests if digests[name] != other[name]} == {"humaneval"}


def test_empty_index_finds_nothing() -> None:
    assert Decontamination(Index([]), "any").judge(_chat(PROMPT, SOLUTION)) is None


def test_items_of_problems_hold_every_string_but_the_id() -> None:
    class Tested(Problem):
        tests: list[str]
        limits: dict[str, str | int]

    problem = Tested(id="p", prompt="ask", gold="answer", group="easy", tests=["t1", " "], limits={"a": "x", "b": 5})
    assert eval_items("b", [problem]) == [EvalItem("b", "p", "ask", ("answer", "t1", "x"))]


def test_thirteen_grams_are_those_of_the_obvious_way() -> None:
    rng = random.Random(5)
    letters = ["0", "1", "a", "b", "xy", "no", "Übel", "数学"]
    items = [EvalItem("b", str(n), " ".join(rng.choices(letters, k=rng.randrange(5, 60)))) for n in range(300)]
    samples = [_text(" ".join(rng.choices(letters, k=200))) for _ in range(150)]
    samples += [_text(f"{PAD} {items[n].prompt} {PAD}") for n in range(0, 300, 3)]
    index = Index(items)
    informative = {gram for item in items for gram in _grams(item.prompt) if _is_informative(gram)}
    expected = [bool(_grams(sample.content()) & informative) for sample in samples]
    judge = Decontamination(index, "any").judge
    assert [judge(sample) is not None for sample in samples] == expected
    kept = [sample for sample, hit in zip(samples, expected, strict=True) if not hit]
    assert final_scan(kept, index) == 0
    assert final_scan(samples, index) > 0
    assert 60 < sum(expected) < 200


def _grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 13]) for i in range(len(words) - 12)}


def _is_informative(gram: tuple[str, ...]) -> bool:
    return len({word for word in gram if sum(c.isalpha() for c in word) >= 2}) >= 2


def _text(text: str) -> Sample:
    return Sample(id="1", source="s", text=text)


def _chat(question: str, answer: str) -> Sample:
    return Sample(
        id="1", source="s", messages=(Message(role="user", content=question), Message(role="assistant", content=answer))
    )
