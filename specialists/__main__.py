"""`python -m specialists compare RUN RUN ...`: runs side by side.

Reads run directories only: no specialist, no torch, no sandbox.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specialists import build as way
from specialists import terminal
from specialists.progress import say
from specialists.report.comparison import ITEMS
from specialists.run import Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def about() -> None:
    """Lay the runs of specialists side by side."""


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="run directories")],
    html: Annotated[Path, typer.Option(help="report to write; .md and .json are written beside it")] = Path(
        "report.html"
    ),
    published: Annotated[
        bool, typer.Option("--published", help="quote published scores beside, and audit them")
    ] = False,
    regraded: Annotated[
        list[str] | None,
        typer.Option(metavar="BENCHMARK=FILE", help="marks of published samples (`grade --samples IN --json FILE`)"),
    ] = None,
    items: Annotated[int, typer.Option(min=0, help="problems of each benchmark to look at in the page")] = ITEMS,
) -> None:
    """Compare the models of several runs with their base and with each other."""
    places = [Run(run) for run in runs]
    found = way.report(places, html, items=items, published=published, regraded=regraded or [])
    terminal.print_comparison(found)
    say(f"report: {html}")


if __name__ == "__main__":
    words = sys.argv[1:] or ["--help"]
    terminal.shield(lambda: app(words, prog_name="python -m specialists", standalone_mode=False))
