"""Training samples for maths: made, worked, verified.

`arithmetic` makes questions of Math401's kinds with their work written out, none of them in the benchmark. `verified`
is the filter every maths sample passes: the answer at the end of the reply is extracted and compared with the gold
answer that the sample carries, by the same verifier that grades models.
"""

import random
import re
from collections.abc import Iterator

from math_qwen.arithmetic import GROUPS, SUMS_BY_COLUMNS, Groups, benchmark_items, items
from math_qwen.benchmarks import spaced
from math_qwen.grade import grade_solution
from specialists.family import Drop
from specialists.recipe import Source
from specialists.records import Mark, Message, Sample

# How often each group is drawn: more where there is more to learn. Groups without a worked form are not taught.
WEIGHTS = {
    "sum-10": 2,
    "sum-100": 7,
    "sum-1000": 3,
    "sum-negative": 5,
    "decimal-sum": 1,
    "product": 2,
    "decimal-product": 1,
    "quotient": 1,
    "power": 3,
    "irrational": 1,
    "expression": 1,
    "trigonometry": 2,
}
COLUMN_WEIGHTS = {"sum-10": 1, "sum-100": 4, "sum-1000": 1, "sum-negative": 2}
_SPELLINGS = str.maketrans({"×": "*", "÷": "/", " ": ""})
_ANGLE = re.compile(r"(sin|cos|tan)\((-?[\d.]+)π\)")
_PARTS = re.compile(r"=|,|;|:|\. |\b(?:So|and|together)\b")  # between the expressions of a worked answer


def arithmetic(source: Source, seed: int) -> Iterator[Sample]:
    """Yield worked arithmetic without end; no question of the benchmark is asked, and none is answered on the way.

    A sum the other way round (8 + 4 for 4 + 8) is another question.
    """
    return _made(source, seed, GROUPS, WEIGHTS)


def column_sums(source: Source, seed: int) -> Iterator[Sample]:
    """Yield sums and differences worked out by columns, without end: what a model of a million weights can learn."""
    return _made(source, seed, SUMS_BY_COLUMNS, COLUMN_WEIGHTS)


def _made(source: Source, seed: int, groups: Groups, weights: dict[str, int]) -> Iterator[Sample]:
    held_out = {same_question(item.query) for item in benchmark_items()}
    rng = random.Random(seed)
    streams = {group: items(group, seed, groups) for group in weights}
    number = 0
    while True:
        group = rng.choices(list(weights), list(weights.values()))[0]
        item = next(streams[group], None)
        if item is None:  # a small group is through: begin it again, repeats are for dedup to drop
            streams[group] = items(group, seed, groups)
            continue
        if same_question(item.query) in held_out or not held_out.isdisjoint(_stated(item.work)):
            continue
        number += 1
        yield Sample(
            id=f"{source.name}/{number}",
            source=source.name,
            messages=(
                Message(role="user", content=f"Calculate {spaced(item.query)}."),
                Message(role="assistant", content=f"{item.work}\n#### {item.answer}"),
            ),
            origin=f"{group}, seed {seed}",
            meta={"gold": item.answer, "profile": "math401"},
        )


def same_question(query: str) -> str:
    """Return one spelling of a query: "7×8=" and "7 * 8", "pi+2" and "π + 2", "sin(1π)" and "sin(180°)"."""
    plain = query.translate(_SPELLINGS).replace("**", "^").replace("pi", "π").rstrip("=")
    angle = _ANGLE.fullmatch(plain)
    return f"{angle[1]}({round(float(angle[2]) * 180)}°)" if angle else plain


def _stated(work: str) -> set[str]:
    """Return the expressions that stand in a worked answer, each in its one spelling."""
    return {same_question(part) for part in _PARTS.split(work)}


def verified(sample: Sample) -> Drop | None:
    """Drop a sample whose last reply does not end in the gold answer it carries; without one it passes."""
    gold = sample.meta.get("gold")
    if gold is None or not sample.messages:
        return None
    verdict = grade_solution(gold, sample.messages[-1].content, profile=sample.meta.get("profile", "generic"))
    if verdict.mark is Mark.CORRECT:
        return None
    return Drop("wrong_answer", f"gold {gold}, reply ends in {verdict.answer}")


MAKERS = {"arithmetic": arithmetic, "column-sums": column_sums}
FILTERS = (verified,)
