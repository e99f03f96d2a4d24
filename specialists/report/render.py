"""A comparison as HTML, Markdown and JSON: the same numbers.

The HTML is one file that needs no network: styles, script, drawings and the items to look at are inside it. The items
are JSON, compressed, and unpacked by the reader's browser; everything else reads without script.
"""

import base64
import gzip
import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from specialists.records import Mark, Score
from specialists.report import plots
from specialists.report.comparison import SIGNS, Comparison, FormScore, Regraded, Seen, Shelf, short
from specialists.run import provenance, write_text


def write_report(comparison: Comparison, path: Path) -> None:
    """Write `path` (HTML) and beside it the same as `.md` and `.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    view = {
        "c": comparison,
        "marks": list(Mark),
        "curves": [Markup(plots.curve(t) if t.loss else "") for t in comparison.trainings],
        "items": packed(comparison.shelves),
        "written_by": provenance(),
    }
    environment = _environment()
    for template, target in (("report.html.j2", path), ("report.md.j2", path.with_suffix(".md"))):
        write_text(target, environment.get_template(template).render(view))
    write_text(path.with_suffix(".json"), comparison.model_dump_json(indent=1))


def packed(shelves: Sequence[Shelf]) -> str:
    """Return the items as base64 of gzip of JSON, lists instead of objects where there are many."""
    content = {"marks": [mark.value for mark in Mark], "shelves": [_shelf(shelf) for shelf in shelves]}
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, compresslevel=6, mtime=0)).decode()


def percent(share: float) -> str:
    """Write a share in per cent with one decimal."""
    return f"{100 * share:.1f}"


def points(difference: float) -> str:
    """Write a difference of shares in percentage points, with its sign unless it is 0.0."""
    text = f"{100 * difference:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def interval(low: float, high: float) -> str:
    """Write a 95 % interval in per cent."""
    return f"[{percent(low)}, {percent(high)}]"


def p_value(p: float) -> str:
    """Write a p-value: three decimals, or that it is smaller."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def protocol(score: FormScore) -> tuple[str, ...]:
    """Say how the answers of a score were made: the badges beside it."""
    temperature = float(score.protocol.get("temperature", "0"))
    each = score.answers / score.n
    return (
        score.form,
        "greedy" if temperature == 0 else f"temperature {temperature:g}",
        "1 answer each" if each == 1 else f"{each:g} answers each",
        f"up to {score.protocol.get('max_new_tokens', '?')} tokens",
        f"n = {score.n}" + (f" ({score.subset})" if score.subset else ""),
    )


def in_common(scores: Sequence[FormScore]) -> list[str]:
    """Return what the protocols of scores share, so that it need be said but once."""
    return [part for part in protocol(scores[0]) if all(part in protocol(score) for score in scores)]


def marks_line(score: Score | Regraded) -> str:
    """Write how many answers got each mark."""
    return ", ".join(f"{score.marks[mark]} {spaced(mark)}" for mark in Mark if mark in score.marks)


def spaced(name: str) -> str:
    """Write a name of the code for people: "no_answer" is "no answer"."""
    return name.replace("_", " ")


def _shelf(shelf: Shelf) -> dict[str, Any]:
    marks = list(Mark)

    def seen(found: Seen | None) -> list[Any] | int:
        if found is None:
            return 0
        mark, stop = marks.index(found.mark), found.stop.value
        return [mark, round(found.share, 4), found.answer, found.reason, stop, found.tokens, found.text]

    return {
        "title": shelf.title,
        "columns": shelf.columns,
        "total": shelf.total,
        "items": [[i.id, i.group, i.prompts, i.asked, i.gold, [seen(found) for found in i.seen]] for i in shelf.items],
    }


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
    environment.filters |= {
        "percent": percent,
        "points": points,
        "p_value": p_value,
        "protocol": protocol,
        "in_common": in_common,
        "short": short,
        "marks_line": marks_line,
        "spaced": spaced,
        "marked": _marked,
        "sign": SIGNS.__getitem__,
    }
    environment.globals["interval"] = interval
    return environment
