"""The maths verifier on published data.

Golds equal themselves, mutants of them do not, and recorded verdicts are met. Needs the folder of real data that
SPECIALISTS_DATA names; skipped without it.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from math_qwen.equivalence import Outcome, equivalent
from math_qwen.extract import extract_answer
from math_qwen.grade import grade_solution
from specialists.jsonl import read_rows
from specialists.records import Mark

pytestmark = pytest.mark.slow

# Why the last box of a published solution is not the whole answer; keys are ids of MATH's test split.
MATH_EXCEPTIONS = {
    "test/algebra/1730.json": "a second answer is accepted in a note",
    "test/intermediate_algebra/747.json": "a second answer is accepted in a later sentence",
    "test/intermediate_algebra/1020.json": "three answers in boxes far apart",
    "test/intermediate_algebra/1855.json": "two answers in boxes, each with its own `x =`",
    "test/intermediate_algebra/2089.json": "two answers in boxes, sentences apart",
    "test/precalculus/1227.json": "two answers in boxes, each with its own `a =`",
    "test/precalculus/1233.json": "three answers in boxes, paragraphs apart",
}

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    folder = os.environ.get("SPECIALISTS_DATA")
    if not folder:
        pytest.skip("SPECIALISTS_DATA names no folder of published data")
    return lambda path: [row for _, row in read_rows(Path(folder) / path)]


def _refused(pairs: Iterator[tuple[str, str, str | None]], profile: str) -> dict[str, tuple[str, str | None]]:
    return {
        name: (gold, answer)
        for name, gold, answer in pairs
        if answer is None or not equivalent(gold, answer, profile=profile)
    }


def test_gsm8k_golds(rows: Rows) -> None:
    pairs = (
        (str(n), row["answer"].rsplit("####", 1)[1], extract_answer(row["answer"]))
        for path in ("eval_math/gsm8k_test.jsonl.gz", "sft_math/gsm8k_train.jsonl.gz")
        for n, row in enumerate(rows(path))
    )
    assert _refused(pairs, "gsm8k") == {}


def test_math_golds(rows: Rows) -> None:
    """The boxed answers equal the golds that MARIO_EVAL's annotators typed, found by the text of the question."""
    typed = {row["question"].strip(): row["answer"] for row in rows("eval_math/math_test_answer_types.jsonl.gz")}
    pairs = (
        (row["id"], gold if isinstance(gold, str) else ", ".join(gold), extract_answer(row["solution"]))
        for row in rows("eval_math/math_test.jsonl.gz")
        if (gold := typed.get(row["problem"].strip()))
    )
    assert _refused(pairs, "math").keys() == MATH_EXCEPTIONS.keys()


GOLDS: list[tuple[str, str, Callable[[dict[str, Any]], str | None], int]] = [
    ("gsm8k", "gsm8k_test", lambda row: row["answer"].rsplit("####", 1)[1], 1_319),
    ("math", "math_test", lambda row: extract_answer(row["solution"]), 5_000),
    ("math401", "math401", lambda row: row["response"], 401),
    ("math23k", "math23k_test", lambda row: row["ans"], 1_000),
]


@pytest.mark.parametrize(("profile", "name", "gold_of", "count"), GOLDS, ids=[name for _, name, *_ in GOLDS])
def test_every_gold_equals_itself(
    rows: Rows, profile: str, name: str, gold_of: Callable[[dict[str, Any]], str | None], count: int
) -> None:
    golds = [gold_of(row) for row in rows(f"eval_math/{name}.jsonl.gz")]
    pairs = ((str(n), gold or "", gold and gold.replace(r"\frac", r"\dfrac")) for n, gold in enumerate(golds))
    assert len(golds) == count
    assert _refused(pairs, profile) == {}


def test_math_500_golds(rows: Rows) -> None:
    pairs = (
        (row["unique_id"], row["answer"], extract_answer(row["solution"]))
        for row in rows("eval_math/math_500.jsonl.gz")
    )
    assert _refused(pairs, "math") == {}


def test_math401_golds(rows: Rows) -> None:
    """Each printed value equals itself and, by the data set's own rule, its neighbours within 1e-3 only."""
    for row in rows("eval_math/math401.jsonl.gz"):
        gold = row["response"]
        for offset, right in (("", True), ("+0.0009", True), ("-0.0009", True), ("+0.001", False), ("-0.002", False)):
            assert bool(equivalent(gold, gold + offset, profile="math401")) == right, (row["query"], offset)


def test_math23k_golds(rows: Rows) -> None:
    for path in ("eval_math/math23k_test.jsonl.gz", "sft_math/math23k_train.jsonl.gz"):
        golds = [row["ans"] for row in rows(path)]
        for spelling in ("答案是{}。", "答：一共是{}元。", "#### {}", r"\boxed{{{}}}"):
            pairs = ((str(n), gold, extract_answer(spelling.format(_bare(gold)))) for n, gold in enumerate(golds))
            assert _refused(pairs, "math23k") == {}, spelling


def _bare(gold: str) -> str:
    """Write ((4)/(7)) and 5((2)/(3)) as a person would: 4/7, 5(2/3)."""
    gold = re.sub(r"\((\d+)\)/\((\d+)\)", r"\1/\2", gold)
    return gold[1:-1] if gold.startswith("(") else gold


MUTANTS: dict[str, Callable[[str], str]] = {
    "one more": lambda gold: f"{gold}+1",
    "another digit": lambda gold: re.sub(r"\d", lambda m: str((int(m[0]) + 3) % 10), gold, count=1),
    "last digit": lambda gold: re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + 3) % 10), gold),
    "opposite": lambda gold: gold[1:] if gold.startswith("-") else f"-{gold}",
    "one answer more": lambda gold: f"{gold}, 7331",
    "a hedge": lambda gold: f"{gold} or 7331",
    "a range": lambda gold: f"from {gold} to 7331",
}


def test_no_mutant_of_a_math_gold_is_equal(rows: Rows) -> None:
    golds = {
        row["answer"] for row in rows("eval_math/math_test_answer_types.jsonl.gz") if isinstance(row["answer"], str)
    }
    passed = [
        (name, gold)
        for gold in sorted(golds)
        for name, mutate in MUTANTS.items()
        if mutate(gold) != gold and equivalent(gold, mutate(gold), profile="math")
    ]
    assert [(name, gold) for name, gold in passed if not _opposite_is_the_same(name, gold)] == []


def _opposite_is_the_same(name: str, gold: str) -> bool:
    zero = gold == "0" or gold.startswith("0,") or gold == "b=0" or gold == r"\begin{pmatrix} 0 \\ 0 \\ 0 \end{pmatrix}"
    return name == "opposite" and zero


def test_typed_math_golds_are_read(rows: Rows) -> None:
    """How many golds our own grammar reads."""
    kinds: Counter[str] = Counter()
    for row in rows("eval_math/math_test_answer_types.jsonl.gz"):
        if isinstance(row["answer"], str):
            result = equivalent(row["answer"], "7331", profile="math")
            kinds["not read" if result.outcome is Outcome.UNDECIDED else "read"] += 1
    assert kinds["read"] / kinds.total() > 0.999


def test_gsm8k_samples_keep_their_recorded_verdicts(rows: Rows) -> None:
    samples = rows("samples/gsm8k_example_model_solutions.jsonl.gz")
    disagreements = [
        (row["idx"], row["model"]) for row in samples if (_regraded(row) is Mark.CORRECT) != row["is_correct"]
    ]
    assert len(samples) == 5276
    assert disagreements == []


def _regraded(row: dict[str, Any]) -> Mark:
    """Judge one published solution; there the final answer follows `A:` on a line of its own."""
    gold = row["ground_truth"].rsplit("A:", 1)[1]
    return grade_solution(gold, row["solution"].replace("\nA:", "\n####"), profile="gsm8k").mark
