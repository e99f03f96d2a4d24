"""Run directories in, one comparison out.

Reads only files: recipes, manifests, scores, verdicts, completions, metrics, funnels. A model that several runs share
(the base, by the digest of its weights) is one row. A base that was asked in several forms stands in the table with its
best, and every form is listed below it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from specialists.errors import DataError
from specialists.models import judged
from specialists.recipe import read_recipe
from specialists.report.answered import Answered, answered
from specialists.report.audit import audit, columns, differing
from specialists.report.clean import clean_scores
from specialists.report.comparison import ITEMS, Cell, Comparison, Pair, Relation, Row
from specialists.report.pairs import held_against
from specialists.report.published import tables_for
from specialists.report.quoted import audit_quoted
from specialists.report.regraded import read_regraded
from specialists.report.shelves import shelves
from specialists.report.trainings import trainings
from specialists.run import Manifest, Run

Forms = dict[tuple[str, str], list[Answered]]


def compare(
    runs: Sequence[Run], *, items: int = ITEMS, published: bool = False, regraded: Sequence[str] = ()
) -> Comparison:
    """Lay runs side by side.

    Args:
        runs: finished runs; the first that has a score of a model, benchmark and form gives it.
        items: how many of each benchmark can be looked at in the page.
        published: quote what others published on the same benchmarks, and audit it.
        regraded: "BENCHMARK=FILE" each: marks of published samples, as `grade --samples --json` writes them.

    Raises:
        ConfigError: a folder is no run.
        DataError: no run holds a score, two different models have one name, or a run's files contradict each other.
    """
    labelled = _labelled(runs)
    rows = _rows(labelled)
    forms, doubled = _forms(labelled, rows)
    if not forms:
        raise DataError(f"no scores in {', '.join(str(run.path) for run in runs)}; run grade first")
    pairs = held_against(rows, forms)
    cells = _cells(rows, forms, pairs)
    clean = clean_scores(rows, forms, labelled)
    manifests = _manifests(labelled, forms)
    made_by = _made_by(manifests)
    titles = {found[0].score.benchmark: found[0].score.title for found in forms.values()}
    quoted = tables_for(set(titles)) if published else []
    checks = audit(forms, cells, pairs, clean, made_by, doubled)
    return Comparison(
        titles=titles,
        rows=rows,
        cells=cells,
        pairs=pairs,
        mixed={column[0].score.benchmark: found for column in columns(cells, forms) if (found := differing(column))},
        clean=clean,
        trainings=[training for label, run in labelled.items() for training in trainings(run, label)],
        audit=[*checks, *(audit_quoted(quoted) if quoted else [])],
        made_by=made_by,
        finished=max(manifest.finished for manifest in manifests),
        regraded=[read_regraded(setting, titles) for setting in regraded],
        quoted=quoted,
        shelves=shelves(forms, pairs, items),
    )


def _labelled(runs: Sequence[Run]) -> dict[str, Run]:
    """Return the runs by the name of their folder, or by their whole path where two have one name."""
    names = Counter(run.path.name for run in runs)
    return {run.path.name if names[run.path.name] == 1 else str(run.path): run for run in runs}


def _rows(runs: Mapping[str, Run]) -> list[Row]:
    rows: dict[str, Row] = {}
    for label, run in runs.items():
        for row in _rows_of(run, label):
            known = rows.setdefault(row.name, row)
            if known.checkpoint != row.checkpoint:
                raise DataError(
                    f"{row.name} of {run.path} is not the {row.name} of {known.run}: their weights differ; "
                    "compare them in two reports or give one another name in its recipe"
                )
    bases = [row.name for row in rows.values() if row.kind == "base"]
    lone = {"base": bases[0]} if len(bases) == 1 else {}
    found = [row.model_copy(update=lone) if row.kind != "base" and not row.base else row for row in rows.values()]
    return sorted(found, key=lambda row: row.kind != "base")


def _rows_of(run: Run, label: str) -> list[Row]:
    base, *made = judged(run)
    rows = [Row(name=base.name, checkpoint=base.digest, kind=base.objective, run=label)]
    stages, models = [], iter(made)
    for stage in read_recipe(run.recipe_path).stages:
        stages.append(stage.name)
        if stage.gives:
            model = next(models)
            rows.append(
                Row(
                    name=model.name,
                    checkpoint=model.digest,
                    kind=model.objective,
                    run=label,
                    base=base.name,
                    before=rows[-1].name,
                    stages=tuple(stages),
                )
            )
    return rows


def _forms(runs: Mapping[str, Run], rows: Sequence[Row]) -> tuple[Forms, list[Answered]]:
    """Return the answers of the models in the comparison, the best form first, and those that are there twice.

    Models stand in the order of the rows, benchmarks in that of the recipes. Scores of weights or names since changed
    are left out.
    """
    models = {(row.name, row.checkpoint) for row in rows}
    forms: Forms = {}
    doubled: list[Answered] = []
    for label, run in runs.items():
        for asked in answered(run, label):
            model, benchmark, form = asked.key
            if (model, asked.score.checkpoint) not in models:
                continue
            listed = forms.setdefault((model, benchmark), [])
            twice = form in {other.score.form for other in listed}
            (doubled if twice else listed).append(asked)
    for listed in forms.values():
        listed.sort(key=lambda asked: -asked.score.value)
    wanted = [judge.benchmark for run in runs.values() for judge in read_recipe(run.recipe_path).judges]
    benchmarks = dict.fromkeys([*wanted, *(benchmark for _, benchmark in forms)])
    ordered = [(row.name, benchmark) for benchmark in benchmarks for row in rows]
    return {key: forms[key] for key in ordered if key in forms}, doubled


def _cells(rows: Sequence[Row], forms: Forms, pairs: Sequence[Pair]) -> dict[str, dict[str, Cell]]:
    base = {row.name: row.base for row in rows}
    relations: dict[tuple[str, str], Relation] = {
        (p.model, p.benchmark): p.relation for p in pairs if p.other == base[p.model]
    }
    cells: dict[str, dict[str, Cell]] = {row.name: {} for row in rows}
    for (model, benchmark), listed in forms.items():
        scores = tuple(asked.form_score for asked in listed)
        cells[model][benchmark] = Cell(best=scores[0], forms=scores, against_base=relations.get((model, benchmark), ""))
    return cells


def _manifests(runs: Mapping[str, Run], forms: Forms) -> list[Manifest]:
    """Return the manifests of all steps that took part: every start, data and training, and what was judged."""
    made = [
        manifest for run in runs.values() for step, manifest in run.manifests().items() if not step.startswith("eval/")
    ]
    return made + [m for listed in forms.values() for asked in listed for m in (asked.asked, asked.judged)]


def _made_by(manifests: Iterable[Manifest]) -> dict[str, dict[str, int]]:
    """Return for the code and every library the versions that took part, with how many steps each made."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for manifest in sorted(manifests, key=lambda manifest: manifest.finished):
        for name, version in manifest.made_by.items():
            found[name][version] += 1
    return {name: dict(versions) for name, versions in found.items()}
