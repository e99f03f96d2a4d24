"""A folder of prepared data in, one page to look at it out.

What came in, what every rule took, a few of each to look at, near copies beside the text they copy, and which benchmark
items were found by what. One HTML file that needs no network; it shows what `prepare` wrote and computes nothing.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from specialists.errors import DataError
from specialists.jsonl import read_records
from specialists.records import Sample
from specialists.run import write_text
from specialists.touched import read_report

_LINES_SHOWN = 12
_LINE_CHARS = 160
_ITEMS_SHOWN = 50  # a benchmark


def write_page(prepared: Path, html: Path) -> None:
    """Write the page.

    Args:
        prepared: the folder that `prepare` wrote: a stage's, or that of `--out`.
        html: where the page goes.

    Raises:
        DataError: the folder holds no prepared data.
    """
    try:
        funnel = json.loads((prepared / "funnel.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{prepared}: no prepared data ({error})") from None
    copies = [sample for sample in funnel["reasons"].get("near_copy", {}).get("samples", ())]
    environment = Environment(
        loader=PackageLoader("specialists.report", "."),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("funnel.html.j2").render(
        title=prepared.resolve().name,
        f=funnel,
        originals=_originals(prepared / "kept.jsonl", copies),
        touched=_touched(prepared),
    )
    html.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, page)


def _originals(kept: Path, copies: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return id of a near copy -> the kept text from the first line in which they differ; none where it went later."""
    wanted = {(copy["of"]["source"], copy["of"]["id"]): copy for copy in copies}
    found: dict[str, str] = {}
    for sample in read_records(kept, Sample) if wanted else ():
        copy = wanted.get((sample.source, sample.id))
        if copy is not None:
            lines = sample.content().splitlines()[copy["of"]["line"] - 1 :]
            found[copy["id"]] = "\n".join(line[:_LINE_CHARS] for line in lines[:_LINES_SHOWN])
    return found


def _touched(prepared: Path) -> dict[str, dict[str, Any]]:
    """Return benchmark -> item -> the samples that touch it, the first few items of each."""
    items = read_report(prepared)["items"]
    return {name: dict(list(found.items())[:_ITEMS_SHOWN]) for name, found in items.items()}
