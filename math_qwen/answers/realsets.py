r"""Sets of real numbers, exactly: intervals, points, unions, differences.

A set is a sorted tuple of segments between two cuts. A cut is a place on the line just before a number, (x, 0), or just
after it, (x, 1): [1, 2) lies between (1, 0) and (2, 0), the point 5 between (5, 0) and (5, 1). So open and closed ends
need no cases of their own.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from math import inf
from typing import NamedTuple

from math_qwen.answers.evaluate import Undefined
from math_qwen.answers.exact import exact_value
from math_qwen.answers.tree import INFINITY, MINUS_INFINITY, Apply, Expression, Items, Name, Node, Number

Place = Fraction | float  # a fraction, or plus or minus infinity
Cut = tuple[Place, int]


class Segment(NamedTuple):
    """What lies between two cuts."""

    low: Cut
    high: Cut


RealSet = tuple[Segment, ...]
EVERYTHING: RealSet = (Segment((-inf, 1), (inf, 0)),)
INTERVALS = frozenset({"()", "(]", "[)", "[]"})


def real_set(node: Node) -> RealSet | None:
    """Return the set that intervals, points and their unions and differences make.

    None where this is no such set, or an end of it is no rational number.
    """
    match node:
        case Items("cup" | "or", items):
            parts = [real_set(item) for item in items]
            return union(segment for part in parts if part for segment in part) if None not in parts else None
        case Items("cap", items):
            parts = [real_set(item) for item in items]
            return reduce(intersection, [part for part in parts if part is not None]) if None not in parts else None
        case Items("setminus", (whole, rest)):
            kept, removed = real_set(whole), real_set(rest)
            return None if kept is None or removed is None else intersection(kept, complement(removed))
        case Items("{}", items):
            points = [_place(item) for item in items]
            return None if None in points else union(point(x) for x in points if x is not None)
        case Items(kind, (low, high)) if kind in INTERVALS:
            x, y = _place(low), _place(high)
            return None if x is None or y is None else union([_segment(kind, x, y)])
    return None


def union(segments: Iterable[Segment]) -> RealSet:
    """Return the set that segments in any order cover; those without points vanish."""
    merged: list[Segment] = []
    for segment in sorted(segments):
        if segment.low >= segment.high:
            continue
        if merged and segment.low <= merged[-1].high:
            merged[-1] = Segment(merged[-1].low, max(merged[-1].high, segment.high))
        else:
            merged.append(segment)
    return tuple(merged)


def intersection(a: RealSet, b: RealSet) -> RealSet:
    """Return what two sets have in common."""
    return union(Segment(max(s.low, t.low), min(s.high, t.high)) for s in a for t in b)


def complement(a: RealSet) -> RealSet:
    """Return the real numbers outside a set."""
    (everything,) = EVERYTHING
    starts = [everything.low, *(segment.high for segment in a)]
    return union(map(Segment, starts, [*(segment.low for segment in a), everything.high]))


def point(x: Place) -> Segment:
    """Return the segment that holds one number."""
    return Segment((x, 0), (x, 1))


def below(x: Place, *, closed: bool) -> RealSet:
    """Return the numbers smaller than x, with x itself if `closed`."""
    return union([Segment((-inf, 1), (x, int(closed)))])


def as_items(a: RealSet) -> Items:
    """Return the set as it would be written."""
    parts = tuple(map(_written, a))
    if all(part.kind == "{}" for part in parts):
        return Items("{}", tuple(item for part in parts for item in part.items))
    return parts[0] if len(parts) == 1 else Items("cup", parts)


def _written(segment: Segment) -> Items:
    (low, after_low), (high, after_high) = segment
    if low == high:
        return Items("{}", (_number(low),))
    return Items(("(" if after_low else "[") + ("]" if after_high else ")"), (_number(low), _number(high)))


def _number(x: Place) -> Expression:
    if isinstance(x, Fraction):
        return Number(x)
    return INFINITY if x > 0 else MINUS_INFINITY


def _segment(kind: str, x: Place, y: Place) -> Segment:
    return Segment((x, int(kind[0] == "(" or x == -inf)), (y, int(kind[1] == "]" and y != inf)))


def _place(node: Node) -> Place | None:
    match node:
        case Name("oo"):
            return inf
        case Apply("neg", (Name("oo"),)):
            return -inf
        case Number() | Apply():
            try:
                return exact_value(node)
            except Undefined:
                return None
    return None
