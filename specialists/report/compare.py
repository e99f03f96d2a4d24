"""Run directories in, one comparison out.

Reads only files: recipes, manifests, scores, metrics, funnels, and a few answers to look at. A model that several runs
share (the base, by the digest of its weights) is one row. A base that was asked in several forms stands in the table
with its best, and every form is listed below it.
"""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from specialists.errors import DataError
from specialists.jsonl import read_records, read_rows
from specialists.models import judged
from specialists.recipe import Recipe, Stage, read_recipe
from specialists.records import Completion, Score, Verdict
from specialists.run import Run, read_manifest

SIGNS = {"above": "▲", "below": "▼", "within": "≈", "": ""}  # a score relative to the base's interval


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Row(_Part):
    """One model: its name, who it is, and where it stands relative to a base."""

    name: str
    checkpoint: str
    kind: str  # "base", "text" or "chat"
    run: str


class Cell(_Part):
    """One model on one benchmark: the score that counts, and every form that was asked."""

    best: Score
    forms: tuple[Score, ...]
    against_base: str = ""  # "above", "below", "within" the intervals; "" for a base, or without one


class Training(_Part):
    """How one stage went."""

    run: str
    stage: str
    gives: str
    objective: str
    facts: dict[str, Any]
    loss: list[float]
    lr: list[float]
    data: dict[str, Any]  # facts of its data
    funnel: dict[str, Any]
    example: str


class Answer(_Part):
    """One answer to look at."""

    model: str
    benchmark: str
    form: str
    problem_id: str
    text: str
    mark: str
    reason: str


class Comparison(_Part):
    """Everything the report shows."""

    titles: dict[str, str]  # benchmark -> title, in the order of the columns
    rows: list[Row]
    cells: dict[str, dict[str, Cell]]  # model -> benchmark -> cell
    trainings: list[Training]
    answers: list[Answer]
    made_by: dict[str, str]
    finished: str


def compare(runs: Sequence[Run]) -> Comparison:
    """Lay runs side by side.

    Raises:
        ConfigError: a folder is no run.
        DataError: no run holds a score, or two different models have one name.
    """
    rows: dict[str, Row] = {}
    for run in runs:
        for model in judged(run):
            row = Row(name=model.name, checkpoint=model.digest, kind=model.objective, run=run.path.name)
            known = rows.setdefault(model.name, row)
            if known.checkpoint != row.checkpoint:
                raise DataError(
                    f"{model.name} of {run.path} is not the {model.name} of {known.run}: their weights differ; "
                    "compare them in two reports or give one another name in its recipe"
                )
    scores = _scores(runs, {(row.name, row.checkpoint) for row in rows.values()})
    if not scores:
        raise DataError(f"no scores in {', '.join(str(run.path) for run in runs)}; run grade first")
    cells = _cells(rows, scores)
    manifests = [manifest for run in runs for manifest in run.manifests().values()]
    newest = max(manifests, key=lambda manifest: manifest.finished)
    return Comparison(
        titles={score.benchmark: score.title for score in scores},
        rows=[rows[name] for name in sorted(rows, key=lambda name: rows[name].kind != "base")],
        cells=cells,
        trainings=[training for run in runs for training in _trainings(run)],
        answers=[answer for run in runs for answer in _answers(run)],
        made_by=newest.made_by,
        finished=newest.finished,
    )


def _scores(runs: Sequence[Run], models: set[tuple[str, str]]) -> list[Score]:
    """Return the finished scores of the models in the comparison, not those of weights or names since changed."""
    found = [
        Score.model_validate_json(path.read_text(encoding="utf-8"))
        for run in runs
        for path in sorted((run.path / "eval").glob("*/*/*/verdicts/score.json"))
        if read_manifest(path.parent) is not None
    ]
    return [score for score in found if (score.model, score.checkpoint) in models]


def _cells(rows: dict[str, Row], scores: Sequence[Score]) -> dict[str, dict[str, Cell]]:
    forms: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        listed = forms.setdefault((score.model, score.benchmark), [])
        if score.form not in {other.form for other in listed}:
            listed.append(score)
    best = {key: max(listed, key=lambda score: score.value) for key, listed in forms.items()}
    bases = [name for name, row in rows.items() if row.kind == "base"]
    cells: dict[str, dict[str, Cell]] = {name: {} for name in rows}
    for (model, benchmark), listed in forms.items():
        base = best.get((bases[0], benchmark)) if len(bases) == 1 and model not in bases else None
        chosen = best[model, benchmark]
        relation = _relation(chosen, base) if base is not None else ""
        cells[model][benchmark] = Cell(best=chosen, forms=tuple(listed), against_base=relation)
    return cells


def _relation(score: Score, base: Score) -> str:
    """Say where a score lies relative to the base; only intervals that do not touch count as a difference."""
    if (score.n, score.subset) != (base.n, base.subset):
        return ""
    if score.low > base.high:
        return "above"
    return "below" if score.high < base.low else "within"


def _trainings(run: Run) -> list[Training]:
    recipe: Recipe = read_recipe(run.recipe_path)
    return [training for stage in recipe.stages if (training := _training(run, stage)) is not None]


def _training(run: Run, stage: Stage) -> Training | None:
    trained, prepared = read_manifest(run.train_path(stage.name)), read_manifest(run.data_path(stage.name))
    if trained is None or prepared is None:
        return None
    metrics = [row for _, row in read_rows(run.train_path(stage.name) / "metrics.jsonl")]
    data = run.data_path(stage.name)
    return Training(
        run=run.path.name,
        stage=stage.name,
        gives=stage.gives,
        objective=stage.objective,
        facts=trained.facts,
        loss=[row["loss"] for row in metrics],
        lr=[row["lr"] for row in metrics],
        data=prepared.facts,
        funnel=json.loads((data / "funnel.json").read_text(encoding="utf-8")),
        example=(data / "example.txt").read_text(encoding="utf-8"),
    )


def _answers(run: Run, per_benchmark: int = 2) -> list[Answer]:
    """Return the first answers of every model to every benchmark, so that a reader can look."""
    found: list[Answer] = []
    for folder in sorted((run.path / "eval").glob("*/*/*")):
        model, benchmark, form = folder.relative_to(run.path / "eval").parts
        if read_manifest(folder / "verdicts") is None:
            continue
        completions = list(read_records(folder / "completions" / "completions.jsonl", Completion))
        verdicts = {(v.problem_id, v.sample): v for v in read_records(folder / "verdicts" / "verdicts.jsonl", Verdict)}
        step = max(1, len(completions) // per_benchmark)
        for completion in completions[step // 2 :: step][:per_benchmark]:
            verdict = verdicts[completion.problem_id, completion.sample]
            found.append(
                Answer(
                    model=model,
                    benchmark=benchmark,
                    form=form,
                    problem_id=completion.problem_id,
                    text=completion.text,
                    mark=verdict.mark,
                    reason=verdict.reason,
                )
            )
    return found


def as_json(comparison: Comparison) -> str:
    """Return the comparison as indented JSON: the numbers of the report, all of them."""
    return comparison.model_dump_json(indent=1)
