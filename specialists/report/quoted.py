"""A published table in, what its own numbers say of it out.

Nobody else's answers are at hand, but a rounded share of n items can only take n + 1 values: one that fits none of them
was made another way (several samples, another test set) or is a slip. The same for a column that mixes test sets, a
model that has two numbers for the same items, and claims whose intervals overlap.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from specialists.metrics import wilson
from specialists.report.comparison import Check, Finding
from specialists.report.published import Column, Table

Fit = Literal["rounded", "truncated", "none", "any"]


def fit(percent: float, n: int) -> Fit:
    """Say how a published percentage with one decimal comes from a whole number of n items.

    Returns:
        "rounded", "truncated" (cut after the decimal, not rounded), "none", or "any" where n is so large that every
        percentage fits and the test says nothing.
    """
    if n >= 1000:
        return "any"
    tenths = round(10 * percent)
    if any((2000 * k + n) // (2 * n) == tenths for k in range(n + 1)):
        return "rounded"
    return "truncated" if any(1000 * k // n == tenths for k in range(n + 1)) else "none"


def audit_quoted(tables: Sequence[Table]) -> list[Check]:
    """Return what was checked of published tables, with what was found."""
    values = [(table, model, column, value) for table in tables for model, column, value in _values(table)]
    testable = [found for found in values if fit(found[3], found[0].asked(found[1], found[2])[1]) != "any"]
    claims = [(table, *claim) for table in tables for claim in table.claims]
    return [
        Check(
            name="Published values are whole numbers of items",
            looked_at=f"{len(testable)} values; the other {len(values) - len(testable)} are of 1000 items or more",
            findings=tuple(finding for table in tables for finding in _unfit(table)),
        ),
        Check(
            name="A published column is on one test set",
            looked_at=f"{sum(len(table.columns) for table in tables)} columns",
            findings=tuple(finding for table in tables for finding in _mixed(table)),
        ),
        Check(
            name="A model has one number for the same items",
            looked_at=f"{len(values)} values",
            findings=tuple(_contradictions(tables)),
        ),
        Check(
            name="Claims rest on intervals that do not touch",
            looked_at=f"{len(claims)} pairs of rows",
            findings=tuple(finding for table in tables for finding in _overlaps(table)),
        ),
    ]


def _values(table: Table) -> Iterable[tuple[str, Column, float]]:
    for model, row in table.rows:
        for column, value in zip(table.columns, row, strict=True):
            if value is not None:
                yield model, column, value


def _unfit(table: Table) -> Iterable[Finding]:
    """Yield one finding for each column and way of not fitting, with all its rows."""
    unfit: dict[tuple[Column, Fit], list[str]] = defaultdict(list)
    for model, column, value in _values(table):
        unfit[column, fit(value, table.asked(model, column)[1])].append(f"{model} {value}")
    for (column, how), rows in unfit.items():
        where = f"{table.name}: {column.heading}"
        if how == "none":
            what = f"no whole number of {column.n} items gives {', '.join(rows)}"
            yield Finding(level="caution", where=where, what=f"{what}: several samples, other items, or a slip")
        if how == "truncated":
            yield Finding(level="note", where=where, what=f"cut, not rounded: {', '.join(rows)}")


def _mixed(table: Table) -> Iterable[Finding]:
    for column in table.columns:
        sizes: dict[int, list[str]] = defaultdict(list)
        for model, other, _ in _values(table):
            if other is column:
                sizes[table.asked(model, column)[1]].append(model)
        if len(sizes) > 1:
            small = min(sizes)
            what = f"{', '.join(sizes[small])} are on {small} items, the other rows on {max(sizes)}"
            yield Finding(level="caution", where=f"{table.name}: {column.heading}", what=what)


def _contradictions(tables: Sequence[Table]) -> Iterable[Finding]:
    """Yield models with different numbers for the same items, where nothing stated differs in how they were asked."""
    found: dict[tuple[str, str], dict[float, list[str]]] = defaultdict(lambda: defaultdict(list))
    for table in tables:
        for model, column, value in _values(table):
            asked = column.items or f"{column.heading}, {table.asked(model, column)[1]} items, {column.shots} shots"
            found[model, asked][value].append(table.name.partition(",")[0])
    for (model, asked), by_value in found.items():
        if len(by_value) > 1:
            said = ", ".join(f"{value} ({' and '.join(where)})" for value, where in by_value.items())
            yield Finding(level="caution", where=f"{model} on {asked}", what=said)


def _overlaps(table: Table) -> Iterable[Finding]:
    rows = dict(table.rows)
    for better, worse in table.claims:
        for place, column in enumerate(table.columns):
            a, b = rows[better][place], rows[worse][place]
            if a is None or b is None:
                continue
            (low, high), (other_low, other_high) = (
                wilson(value / 100, table.asked(model, column)[1]) for model, value in ((better, a), (worse, b))
            )
            if low <= other_high and other_low <= high:
                what = (
                    f"{better} {a} [{100 * low:.1f}, {100 * high:.1f}] and {worse} {b} "
                    f"[{100 * other_low:.1f}, {100 * other_high:.1f}] overlap: a difference is not shown"
                )
                yield Finding(level="caution", where=f"{table.name}: {column.heading}", what=what)
