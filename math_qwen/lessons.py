"""Published training sets of worked maths: rows in, samples with a gold answer out.

GSM8K's solutions without their calculator marks, MATH's as they are, Math23K's equation and answer. Each sample carries
`gold` and `profile`, so that the filter `data.verified` holds its last line against the gold by the same verifier that
grades models. The rows lie in the folder that SPECIALISTS_DATA names.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from math_qwen.extract import extract_answer
from specialists.data.published import MIRROR, local_file
from specialists.errors import DataError
from specialists.family import Maker, Published, Row
from specialists.jsonl import read_rows
from specialists.recipe import Source
from specialists.records import Message, Sample

GSM8K = Published(mirror="sft_math/gsm8k_train.jsonl.gz")
MATH = Published(mirror="sft_math/math_train.jsonl.gz")
MATH23K = Published(mirror="sft_math/math23k_train.jsonl.gz")

Lesson = tuple[str, str, str]
"""A question, its worked answer, and the gold."""

_CALCULATOR = re.compile(r"<<[^<>]*>>")  # GSM8K's marks for a tool, e.g. 48/2 = <<48/2=24>>24


def gsm8k_lesson(row: Row) -> Lesson:
    """Return a row of GSM8K; the gold is what follows its last `####`."""
    return row["question"], _CALCULATOR.sub("", row["answer"]), row["answer"].rpartition("####")[2].strip()


def math_lesson(row: Row) -> Lesson:
    """Return a row of MATH; the gold is its last box, "" where there is none, which `verified` then drops."""
    return row["problem"], row["solution"], extract_answer(row["solution"]) or ""


def math23k_lesson(row: Row) -> Lesson:
    """Return a row of Math23K: its equation is the work, its `ans` the answer."""
    return row["original_text"], f"{row['equation']}\n答案是{row['ans']}。", row["ans"]


def _maker(published: Published, lesson: Callable[[Row], Lesson], profile: str) -> Maker:
    def make(source: Source, seed: int) -> Iterator[Sample]:  # noqa: ARG001
        path = local_file(published)
        if path is None:
            raise DataError(f"source {source.name!r}: no {published.mirror}; set {MIRROR} to a folder that has it")
        for number, row in read_rows(path):
            question, answer, gold = lesson(row)
            yield Sample(
                id=str(row.get("id", number)),
                source=source.name,
                messages=(Message(role="user", content=question), Message(role="assistant", content=answer)),
                origin=f"{published.mirror}:{number}",
                meta={"gold": gold, "profile": profile},
            )

    return make


MAKERS: Mapping[str, Maker] = {
    "gsm8k-train": _maker(GSM8K, gsm8k_lesson, "gsm8k"),
    "math-train": _maker(MATH, math_lesson, "math"),
    "math23k-train": _maker(MATH23K, math23k_lesson, "math23k"),
}
