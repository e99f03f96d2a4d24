r"""An inequality in one variable in, the set that solves it out.

    2x + 1 < 5    1 < 2x + 1 <= 5    |x - 2| <= 3    x^2 - 3x + 2 <= 0    x^2 < 2

Polynomials up to the second degree with rational coefficients. The coefficients are found from three values and then
proved by an exact test of identity.
"""

from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from math_qwen.answers import identity
from math_qwen.answers.evaluate import Undefined
from math_qwen.answers.exact import exact_value
from math_qwen.answers.realsets import (
    EVERYTHING,
    RealSet,
    Segment,
    as_items,
    below,
    complement,
    intersection,
    point,
    union,
)
from math_qwen.answers.tree import (
    INFINITY,
    MINUS_INFINITY,
    Apply,
    Expression,
    Items,
    Name,
    Number,
    Relation,
    difference,
    names,
)

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDERS = frozenset({*MIRRORED, "!="})


class _Quadratic(NamedTuple):
    """c2 x^2 + c1 x + c0"""

    c0: Fraction
    c1: Fraction
    c2: Fraction


def solution(relation: Relation) -> Items | None:
    """Return the set of reals that satisfies an inequality; None where it is not of the kinds above.

    Raises:
        OverLimit: a constant is too large to compute.
    """
    sides = [side for side in relation.sides if isinstance(side, Expression)]
    variables = frozenset[str]().union(*map(names, sides))
    if len(sides) < len(relation.sides) or len(variables) != 1 or not _ORDERS.issuperset(relation.ops):
        return None
    if len(sides) > 2 and (names(sides[0]) or names(sides[-1])):
        return None
    (x,) = variables
    links = list(zip(relation.ops, sides, sides[1:], strict=False))
    if len(links) == 1 and (between_roots := _between_irrational_roots(*links[0], x)):
        return between_roots
    solved = [_solve(op, left, right, x) for op, left, right in links]
    return None if None in solved else as_items(reduce(intersection, [part for part in solved if part is not None]))


def _solve(op: str, left: Expression, right: Expression, x: str) -> RealSet | None:
    for inner, bound, sign in ((left, right, op), (right, left, MIRRORED.get(op, op))):
        match inner, bound:
            case Apply("abs", (content,)), Number(value) if value >= 0:
                return _solve_absolute(sign, content, value, x)
    polynomial = _polynomial(left, right, x)
    roots = _rational_roots(polynomial) if polynomial else None
    return None if polynomial is None or roots is None else _where(op, polynomial, roots)


def _solve_absolute(op: str, content: Expression, bound: Fraction, x: str) -> RealSet | None:
    """Solve |content| < bound and the like."""
    inside = op if op in ("<", "<=") else {">": "<=", ">=": "<"}.get(op)
    if inside is None:
        return None
    low = _solve(MIRRORED[inside], content, Number(-bound), x)
    high = _solve(inside, content, Number(bound), x)
    if low is None or high is None:
        return None
    between = intersection(low, high)
    return between if inside == op else complement(between)


def _polynomial(left: Expression, right: Expression, x: str) -> _Quadratic | None:
    """Return left - right as a polynomial in x, None where it is none of the second degree or less."""
    difference_of_sides = difference(left, right)
    try:
        values = [exact_value(difference_of_sides, {x: Fraction(place)}) for place in (0, 1, -1)]
    except Undefined:
        return None
    at_0, at_1, at_minus_1 = values
    if at_0 is None or at_1 is None or at_minus_1 is None:
        return None
    found = _Quadratic(at_0, (at_1 - at_minus_1) / 2, (at_1 + at_minus_1) / 2 - at_0)
    return found if identity.identical(difference_of_sides, _written(found, x)) else None


def _written(polynomial: _Quadratic, x: str) -> Expression:
    c0, c1, c2 = map(Number, polynomial)
    squared = Apply("^", (Name(x), Number(Fraction(2))))
    return Apply("+", (Apply("*", (c2, squared)), Apply("*", (c1, Name(x))), c0))


def _discriminant(polynomial: _Quadratic) -> Fraction:
    return polynomial.c1**2 - 4 * polynomial.c2 * polynomial.c0


def _rational_roots(polynomial: _Quadratic) -> list[Fraction] | None:
    """Return the real roots in order; None where they are irrational."""
    c0, c1, c2 = polynomial
    if not c2:
        return [-c0 / c1] if c1 else []
    discriminant = _discriminant(polynomial)
    if discriminant < 0:
        return []
    root = exact_value(Apply("root", (Number(discriminant), Number(Fraction(2)))))
    return None if root is None else sorted({(-c1 - root) / (2 * c2), (-c1 + root) / (2 * c2)})


def _where(op: str, polynomial: _Quadratic, roots: list[Fraction]) -> RealSet:
    """Return where the polynomial, whose roots these are, is `op` 0."""
    zeros = union(map(point, roots)) if any(polynomial) else EVERYTHING
    negative = intersection(_negative(polynomial, roots), complement(zeros))
    match op:
        case "<":
            return negative
        case "<=":
            return union([*negative, *zeros])
        case ">":
            return complement(union([*negative, *zeros]))
        case ">=":
            return complement(negative)
        case _:
            return complement(zeros)


def _negative(polynomial: _Quadratic, roots: list[Fraction]) -> RealSet:
    c0, c1, c2 = polynomial
    if len(roots) == 2:
        between = union([Segment((roots[0], 0), (roots[1], 1))])
        return between if c2 > 0 else complement(between)
    if roots and not c2:
        side = below(roots[0], closed=True)
        return side if c1 > 0 else complement(side)
    return EVERYTHING if (c2 or c0) < 0 else ()


def _between_irrational_roots(op: str, left: Expression, right: Expression, x: str) -> Items | None:
    """Return the set for x^2 < 2 and its like, whose ends are no fractions."""
    polynomial = _polynomial(left, right, x)
    if polynomial is None or _discriminant(polynomial) <= 0 or _rational_roots(polynomial) is not None or op == "!=":
        return None
    _, c1, c2 = polynomial
    root = Apply("root", (Number(_discriminant(polynomial)), Number(Fraction(2))))
    low, high = (
        Apply("/", (Apply("+", (Number(-c1), end)), Number(2 * c2)))
        for end in ((Apply("neg", (root,)), root) if c2 > 0 else (root, Apply("neg", (root,))))
    )
    closed = op in ("<=", ">=")
    if (op in ("<", "<=")) == (c2 > 0):
        return Items("[]" if closed else "()", (low, high))
    first = Items("(]" if closed else "()", (MINUS_INFINITY, low))
    return Items("cup", (first, Items("[)" if closed else "()", (high, INFINITY))))
