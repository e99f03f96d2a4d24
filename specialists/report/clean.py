"""Scores on the items that the training data leaves alone.

What touches an item is told by the decontamination report (`funnel.json`) of every stage that made the model: of that
very data, in that run. A base's own training data is unknown, so only specialists have such a score; beside it stands
the base's on the same items.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from specialists.metrics import mean, wilson
from specialists.report.answered import Answered
from specialists.report.comparison import Clean, Part, Row
from specialists.report.pairs import Forms
from specialists.run import Run


def clean_scores(rows: Sequence[Row], forms: Forms, runs: Mapping[str, Run]) -> list[Clean]:
    """Return the scores of every specialist without the items its data touches; `runs` by their label."""
    found: list[Clean] = []
    for row in rows:
        if not row.stages:  # nobody here knows what it was trained on
            continue
        reports = [decontamination(runs[row.run].data_path(stage)) for stage in row.stages]
        for (model, benchmark), asked in forms.items():
            if model == row.name:
                base = forms.get((row.base, benchmark), [])
                found.append(_clean(asked[0], base[0] if base else None, [r.get(benchmark) for r in reports]))
    return found


def decontamination(data: Path) -> dict[str, Any]:
    """Return benchmark -> what was found of its items in the data of a stage."""
    return json.loads((data / "funnel.json").read_text(encoding="utf-8"))["decontamination"]["benchmarks"]


def _clean(asked: Answered, base: Answered | None, reports: Sequence[Mapping[str, Any] | None]) -> Clean:
    searched = all(report is not None for report in reports)
    learned = _ids(reports, "left_ids") & asked.shares.keys()
    touched = (_ids(reports, "hit_ids") | learned) & asked.shares.keys()
    full = _part(asked, base, ())
    assert full is not None, "a score has items"
    return Clean(
        model=asked.score.model,
        benchmark=asked.score.benchmark,
        title=asked.score.title,
        searched=searched,
        learned=len(learned),
        touched=len(touched),
        full=full,
        unlearned=_part(asked, base, learned) if searched else None,
        untouched=_part(asked, base, touched) if searched else None,
    )


def _ids(reports: Sequence[Mapping[str, Any] | None], key: str) -> set[str]:
    return {item for report in reports if report is not None for item in report[key]}


def _part(asked: Answered, base: Answered | None, without: Collection[str]) -> Part | None:
    items = [item for item in asked.shares if item not in without]
    if not items:
        return None
    value = mean([asked.shares[item] for item in items])
    low, high = wilson(value, len(items))
    same = base is not None and base.shares.keys() == asked.shares.keys()
    return Part(
        n=len(items),
        value=value,
        low=low,
        high=high,
        base=mean([base.shares[item] for item in items]) if base is not None and same else None,
    )
