"""The stages of a run in, how each went and what it was fed out."""

import json
from collections.abc import Sequence

from specialists.jsonl import read_rows
from specialists.metrics import mean
from specialists.recipe import Stage, read_recipe
from specialists.report.comparison import Training
from specialists.run import Run, digest_weights, read_manifest

_POINTS = 400  # of a curve; more are not seen


def trainings(run: Run, label: str) -> list[Training]:
    """Return every stage of a run that is trained, in order."""
    stages = read_recipe(run.recipe_path).stages
    return [training for stage in stages if (training := _training(run, label, stage)) is not None]


def thinned(values: Sequence[float], points: int = _POINTS) -> list[float]:
    """Return a curve of at most `points` points, each the mean of its bucket of neighbours."""
    size = max(1, -(-len(values) // points))
    return [mean(values[place : place + size]) for place in range(0, len(values), size)]


def _training(run: Run, label: str, stage: Stage) -> Training | None:
    trained, prepared = read_manifest(run.train_path(stage.name)), read_manifest(run.data_path(stage.name))
    if trained is None or prepared is None:
        return None
    rows = [row for _, row in read_rows(run.train_path(stage.name) / "metrics.jsonl")]
    learned = [row for row in rows if row["loss"] is not None]  # a batch that was not finite has no loss
    data = run.data_path(stage.name)
    weights = {path.removeprefix("checkpoint/"): sha for path, sha in trained.outputs.items() if "checkpoint/" in path}
    return Training(
        run=label,
        stage=stage.name,
        gives=stage.gives,
        objective=stage.objective,
        facts=trained.facts,
        steps=thinned([row["step"] for row in learned]),
        loss=thinned([row["loss"] for row in learned]),
        lr=thinned([row["lr"] for row in learned]),
        holdout=[(row["step"], row["holdout_loss"]) for row in learned if "holdout_loss" in row],
        data=prepared.facts,
        funnel=json.loads((data / "funnel.json").read_text(encoding="utf-8")),
        example=(data / "example.txt").read_text(encoding="utf-8"),
        made_from={
            "weights before": trained.inputs.get("checkpoint", ""),
            "data": prepared.digest,
            "blocks": trained.inputs.get("blocks", ""),
            "knobs": trained.inputs.get("stage", ""),
            "weights": digest_weights(weights),
        },
    )
