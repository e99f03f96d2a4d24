"""Published training sets become samples whose last line is the gold."""

import json
import os
from pathlib import Path

import pytest

from math_qwen.data import verified
from math_qwen.lessons import MAKERS, Lesson, gsm8k_lesson, math23k_lesson, math_lesson
from specialists.errors import DataError
from specialists.recipe import Source

ROWS = {
    "gsm8k-train": {"question": "48 and half of it?", "answer": "Half is 48/2 = <<48/2=24>>24.\n#### 72"},
    "math-train": {"id": "train/1.json", "problem": "Find $a$.", "solution": r"So $a = \boxed{\frac{1}{2}}$."},
    "math23k-train": {"id": "7", "original_text": "2个加3个是几个？", "equation": "x=2+3", "ans": "5"},
}
LESSONS: list[tuple[Lesson, Lesson]] = [
    (gsm8k_lesson(ROWS["gsm8k-train"]), ("48 and half of it?", "Half is 48/2 = 24.\n#### 72", "72")),
    (math_lesson(ROWS["math-train"]), ("Find $a$.", r"So $a = \boxed{\frac{1}{2}}$.", r"\frac{1}{2}")),
    (math_lesson({"problem": "?", "solution": "no box"}), ("?", "no box", "")),
    (math23k_lesson(ROWS["math23k-train"]), ("2个加3个是几个？", "x=2+3\n答案是5。", "5")),
]


@pytest.mark.parametrize(("lesson", "expected"), LESSONS)
def test_rows_become_lessons(lesson: Lesson, expected: Lesson) -> None:
    assert lesson == expected


@pytest.mark.parametrize("name", MAKERS)
def test_samples_carry_their_gold_and_are_verified(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECIALISTS_DATA", str(tmp_path))
    path = tmp_path / f"sft_math/{name.replace('-', '_')}.jsonl"
    path.parent.mkdir()
    path.with_suffix(".jsonl.gz").write_text(json.dumps(ROWS[name]) + "\n")  # plain JSON Lines are read by any name
    (sample,) = MAKERS[name](Source(name=name, kind="made"), 0)
    assert sample.source == name
    assert verified(sample) is None
    wrong = sample.model_copy(update={"meta": sample.meta | {"gold": "11"}})
    drop = verified(wrong)
    assert drop is not None
    assert drop.reason == "wrong_answer"


def test_a_set_that_is_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECIALISTS_DATA", str(tmp_path))
    with pytest.raises(DataError, match="math_train"):
        list(MAKERS["math-train"](Source(name="math-train", kind="made"), 0))


@pytest.mark.parametrize("name", MAKERS)
def test_every_published_sample_ends_in_its_gold(name: str) -> None:
    if not os.environ.get("SPECIALISTS_DATA"):
        pytest.skip("SPECIALISTS_DATA names no folder of published data")
    samples = [sample for n, sample in enumerate(MAKERS[name](Source(name=name, kind="made"), 0)) if n % 50 == 0]
    assert [sample.id for sample in samples if verified(sample)] == []
