"""Progress for people: a bar on a terminal, lines in a log.

`track` wraps any iterable. On a terminal it draws a rich bar with rate and time left; where output goes to a file it
prints one line every 30 seconds instead, so that a log of a long run stays short and still shows that it moves.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

T = TypeVar("T")
LOG_EVERY_S = 30.0

console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print one line about what is being done, to standard error. Rich markup is not interpreted."""
    console.print(text, markup=False, soft_wrap=True)


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` while showing how far it is.

    Args:
        items: what to walk through.
        label: a few words, e.g. "grade humaneval".
        total: how many items there will be; taken from `len(items)` when left out and available.
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # pyright: ignore[reportArgumentType]
    with bar(label, total or 0) as advance:
        for item in items:
            yield item
            advance(1, "")


@contextmanager
def bar(label: str, total: float, done: float = 0) -> Iterator[Callable[[float, str], None]]:
    """Show a bar from `done` to `total`; yields `advance(amount, note)`, where `note` stands at the end of the bar."""
    draw = _terminal_bar if console.is_terminal else _log_lines
    with draw(label, total, done) as advance:
        yield advance


@contextmanager
def _terminal_bar(label: str, total: float, done: float) -> Iterator[Callable[[float, str], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=total or None, completed=int(done), note="")
        yield lambda amount, note: progress.update(task, advance=amount, note=note)


@contextmanager
def _log_lines(label: str, total: float, done: float) -> Iterator[Callable[[float, str], None]]:
    start = last = time.monotonic()
    reached, latest = done, ""

    def advance(amount: float, note: str) -> None:
        nonlocal reached, latest, last
        reached, latest = reached + amount, note
        now = time.monotonic()
        if now - last >= LOG_EVERY_S:
            last = now
            left_s = (total - reached) * (now - start) / max(reached - done, 1e-9)
            say(f"{label}: {reached:g} of {total:g}, {left_s:.0f} s left {latest}".rstrip())

    yield advance
    say(f"{label}: {reached:g} in {time.monotonic() - start:.1f} s {latest}".rstrip())
