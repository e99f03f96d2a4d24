"""Decontamination reports in, the benchmark items that no training data touched out.

`decontamination.json` lies in the folder of every prepared stage:

    {"rule": "any",                                   what dropped a sample (`Mix.overlap`)
     "samples_by_rule": {"any": 7, "covered": 2},     what each rule drops, or would drop
     "searchable": {"renamed": 131},                  items that say enough to be found in a disguise
     "benchmarks": {"humaneval": {"digest": ..., "items": 164, "hit_ids": [...], "left_ids": [...], ...}},
     "items": {"humaneval": {"HumanEval/3": {"dropped": 2, "kept": 0, "hits": [
         {"sample": "a.py", "source": "repos", "tier": "renamed", "share": 0.93, "kept": false, "words": "..."}]}}}}

`left_ids` are the items that a sample touches which was kept: short of what the rule drops, or in raw text.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from specialists.errors import DataError

REPORT = "decontamination.json"


def read_report(folder: Path) -> dict[str, Any]:
    """Return the report of one prepared stage. Raises DataError where there is none."""
    path = folder / REPORT
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no decontamination report ({error}); prepare the data again") from None


def clean_items(folders: Sequence[Path], benchmark: str, ids: Iterable[str]) -> list[str]:
    """Return those of `ids`, in their order, that nothing in the prepared data of these stages touches.

    Args:
        folders: `data/STAGE` of every stage that the model was trained in.
        benchmark: the benchmark's name.
        ids: of its problems.

    Raises:
        DataError: a stage has no report, or was not searched for this benchmark.
    """
    touched: set[str] = set()
    for folder in folders:
        found = read_report(folder)["benchmarks"].get(benchmark)
        if found is None:
            raise DataError(f"{folder / REPORT}: not searched for items of {benchmark}; prepare the data again")
        touched.update(found["left_ids"])
    return [item for item in ids if item not in touched]
