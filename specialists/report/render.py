"""A comparison as HTML, Markdown and JSON: the same numbers.

The HTML is one file that needs no network: styles, drawings and data are inside it.
"""

import html
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from specialists.records import Score
from specialists.report import plots
from specialists.report.compare import SIGNS, Comparison, as_json
from specialists.report.published import tables_for
from specialists.run import write_text


def write_report(comparison: Comparison, path: Path) -> None:
    """Write `path` (HTML) and beside it the same as `.md` and `.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawings = {"scores": Markup(plots.scores(comparison)), "curves": _curves(comparison)}
    for template, target in (("report.html.j2", path), ("report.md.j2", path.with_suffix(".md"))):
        text = (
            _environment()
            .get_template(template)
            .render(
                c=comparison, drawings=drawings, tables=tables_for(set(comparison.titles)), notes=_notes(comparison)
            )
        )
        write_text(target, text)
    write_text(path.with_suffix(".json"), as_json(comparison))


def percent(share: float) -> str:
    """Write a share in per cent with one decimal."""
    return f"{100 * share:.1f}"


def interval(score: Score) -> str:
    """Write the 95 % interval of a score in per cent."""
    return f"[{percent(score.low)}, {percent(score.high)}]"


def _curves(comparison: Comparison) -> Markup:
    trainings = comparison.trainings
    return Markup(plots.curves(trainings)) if trainings else Markup("")


def _notes(comparison: Comparison) -> list[str]:
    """Return what a reader must know of the table, each thing once."""
    cells = [cell for by_benchmark in comparison.cells.values() for cell in by_benchmark.values()]
    notes: dict[str, None] = {}
    for score in (cell.best for cell in cells):
        if score.subset:
            notes[f"{score.title}: asked were {score.subset}."] = None
        for stamp in score.stamps:
            notes[f"{score.model} on {score.title}: {stamp}."] = None
        if score.weak_proofs:
            notes[f"{score.model} on {score.title}: {score.weak_proofs} passes rest on a weak proof."] = None
    return list(notes)


def _marked(example: str) -> Markup:
    """Return an example with its trained part highlighted."""
    safe = html.escape(example)
    return Markup(re.sub(r"⟦(.*?)⟧", r"<mark>\1</mark>", safe, flags=re.DOTALL))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("specialists.report", "."),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "interval": interval, "marked": _marked, "sign": SIGNS.__getitem__}
    return environment
