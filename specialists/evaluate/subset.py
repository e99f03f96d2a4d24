"""A part of a benchmark, declared."""

from collections.abc import Sequence

from specialists.records import Problem


def subset(problems: Sequence[Problem], limit: int | None) -> tuple[list[Problem], str]:
    """Return the problems to ask, evenly spaced over the benchmark, and a note that says so ("" if all are asked)."""
    total = len(problems)
    if limit is None or limit >= total:
        return list(problems), ""
    return [problems[i * total // limit] for i in range(limit)], f"{limit} of {total}, evenly spaced"
