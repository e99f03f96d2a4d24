"""An answer in, its plainest form out.

An answer can be given in many forms: `x < 3` or `(-oo, 3)`, `x = 5` or `5`, `1 ± 2` or `3, -1`, a column or a row.
These functions bring a tree to the plainer form where there is one.
"""

import re
from functools import reduce
from typing import NamedTuple

from math_qwen.answers.inequalities import MIRRORED, solution
from math_qwen.answers.realsets import INTERVALS, as_items, intersection, real_set, union
from math_qwen.answers.tree import (
    CONSTANTS,
    INFINITY,
    MINUS_INFINITY,
    NUMBER_SET,
    REALS,
    Apply,
    Expression,
    Items,
    Matrix,
    Name,
    Node,
    Number,
    Relation,
    mentions,
    names,
)


def plain(node: Node) -> Node:
    """Return the form that is compared.

    Both signs become two answers, memberships and inequalities sets, unions of intervals disjoint ones in order, and a
    row or a column a vector.

    Raises:
        OverLimit: a constant is too large to compute.
    """
    if isinstance(node, Matrix):
        return _plain_matrix(node)
    if isinstance(node, Items) and node.kind in ("list", "or", "{}", "cup", "cap", "setminus"):
        node = _without_domains(node)
        if node.kind == "list" and len(node.items) == 1:
            return plain(node.items[0])
        if both := _common_solutions(node):
            return both
        return _plain_items(node.kind, tuple(plain(one) for item in node.items for one in _both_signs(item)))
    both = _both_signs(node)
    if len(both) > 1:
        return plain(Items("list", both))
    return _solved(node) if isinstance(node, Relation) else node


_FUNCTION = re.compile(r"([A-Za-z]+)\((.+)\)")


class Definition(NamedTuple):
    """The names on one side of an equation, and what stands on its other sides."""

    names: frozenset[str]
    values: tuple[Node, ...]


def definition(relation: Relation) -> Definition | None:
    """Return what `x = 5`, `x = 10/2 = 5`, `f(x) = x + 1`, `(x, y) = (1, 2)` or `0.5 = 50%` defines.

    None for any other relation, also for `x = 2x`, which defines nothing. A lone variable may stand on the right; an
    equation between constants defines their value without a name.
    """
    if set(relation.ops) != {"="}:
        return None
    if not any(map(_all_names, relation.sides)):
        return Definition(frozenset(), relation.sides)
    for first, *values in (relation.sides, relation.sides[::-1]):
        labels = _labels(first)
        if labels and all(labels.isdisjoint(_all_names(value)) for value in values):
            return Definition(labels, tuple(values))
    return None


def with_common_argument(a: Definition, b: Definition) -> tuple[Definition, Definition] | None:
    """Return f(x) = x + 1 and f(z) = z + 1 with one name for the argument; None for any other two definitions."""
    found = [_FUNCTION.fullmatch(next(iter(one.names))) if len(one.names) == 1 else None for one in (a, b)]
    if found[0] is None or found[1] is None or found[0][1] != found[1][1] or found[0][2] == found[1][2]:
        return None
    label = frozenset({f"{found[0][1]}(argument)"})
    first, second = (
        Definition(label, tuple(renamed(value, match[2], "argument") for value in one.values))
        for one, match in zip((a, b), found, strict=True)
        if match
    )
    return first, second


def renamed(node: Node, old: str, new: str) -> Node:
    """Return an expression with the name `new` in place of `old`; any other tree as it is."""
    match node:
        case Name(text):
            return Name(new) if text == old else node
        case Apply(op, args):
            return Apply(
                op, tuple(arg for arg in (renamed(arg, old, new) for arg in args) if isinstance(arg, Expression))
            )
        case _:
            return node


def _labels(node: Node) -> frozenset[str]:
    match node:
        case Name(text) if text not in CONSTANTS:
            return frozenset({text})
        case Items("()", items) if all(isinstance(item, Name) for item in items):
            return frozenset().union(*map(_labels, items))
        case Apply("*", args) if all(isinstance(arg, Name) and arg.text.isupper() for arg in args):
            return frozenset({"".join(arg.text for arg in args if isinstance(arg, Name))})  # the segment AB
        case Apply("/", (Apply("*", (Name("d"), Name(y))), Apply("*", (Name("d"), Name(x))))):
            return frozenset({f"d{y}/d{x}"})
        case Apply("abs", (Apply("*") as segment,)):
            return _labels(segment)
    return frozenset()


def _all_names(node: Node) -> frozenset[str]:
    match node:
        case Items(_, items):
            return frozenset().union(*map(_all_names, items))
        case Relation(_, sides):
            return frozenset().union(*map(_all_names, sides))
        case _:
            return names(node)


def _plain_matrix(matrix: Matrix) -> Node:
    if len(matrix.rows) > 1 and len(matrix.rows[0]) > 1:
        return matrix
    items = tuple(entry for row in matrix.rows for entry in row)
    return items[0] if len(items) == 1 else Items("vector", items)


def _plain_items(kind: str, items: tuple[Node, ...]) -> Items:
    items = _without_common_name(items) if len(items) > 1 else items
    if kind == "or" and all(isinstance(item, Items) and item.kind in (*INTERVALS, "cup") for item in items):
        kind = "cup"  # x < 1 or x > 3
    if kind in ("cup", "cap", "setminus") and (exact := real_set(Items(kind, items))) is not None:
        return as_items(exact)
    if kind == "cup":
        items = tuple(part for item in items for part in _parts_of_union(item))
    return Items(kind, items)


def _without_domains(node: Items) -> Items:
    """Return `2 k pi, k in Z` without what it says of its variables."""
    kept = tuple(item for item in node.items if not _is_domain(item))
    return Items(node.kind, kept) if node.kind == "list" and kept else node


def listed_values(variable: Node, conditions: tuple[Node, ...]) -> Node | None:
    r"""Return the values k pi of `\{x | x = k\pi, k \in \mathbb{Z}\}`; None for other sets."""
    kept = [condition for condition in conditions if not _is_domain(condition)]
    match kept:
        case [Relation(("=",), (first, value))] if first == variable and len(kept) < len(conditions):
            return value
    return None


def _is_domain(node: Node) -> bool:
    match node:
        case Relation(("in",), (Name(), Name(text))):
            return text.startswith(NUMBER_SET) or text in ("Z", "N", "Q")
        case Relation(("in",), (Name(), values)):
            return values == REALS
    return False


def _common_solutions(node: Items) -> Items | None:
    """Return the set for `x >= 2, x < 5`: what satisfies both, or one of them where nothing satisfies both."""
    relations = [item for item in node.items if isinstance(item, Relation) and "=" not in item.ops]
    variables = {name for relation in relations for side in relation.sides for name in names(side)}
    if node.kind != "list" or len(relations) < len(node.items) or len(relations) < 2 or len(variables) != 1:
        return None
    sets = [real_set(_as_set(_solved(relation))) for relation in relations]
    known = [found for found in sets if found is not None]
    if len(known) < len(sets):
        return None
    return as_items(reduce(intersection, known) or union(segment for found in known for segment in found))


def _as_set(node: Node) -> Node:
    return Items("cup", (node,)) if isinstance(node, Items) else node


def _without_common_name(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the values of `x = 2 or x = 3` and of `x = 2, 3`; other items as they are."""
    named = [definition(item) if isinstance(item, Relation) else None for item in items]
    if not named[0] or len({found.names for found in named if found}) > 1:
        return items
    if any(isinstance(item, Relation) and not found for item, found in zip(items, named, strict=True)):
        return items
    if any(found and len(found.values) > 1 for found in named):
        return items
    return tuple(found.values[0] if found else item for item, found in zip(items, named, strict=True))


def _parts_of_union(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Items) and node.kind == "cup" else (node,)


def _solved(relation: Relation) -> Node:
    """Return the set that a membership or an inequality in one variable describes, else the relation."""
    match relation:
        case Relation(("in",), (Name(), values)):
            return plain(values)
        case Relation((op,), (Name(text), bound)) if _bounds(text, bound):
            return _half_line(op, bound) or relation
        case Relation((op,), (bound, Name(text))) if _bounds(text, bound):
            return _half_line(MIRRORED.get(op, op), bound) or relation
        case Relation((first, second), (left, Name(text), right)) if _bounds(text, left) and _bounds(text, right):
            if {first, second} <= {"<", "<="}:
                return _interval(left, right, first == "<=", second == "<=")
            if {first, second} <= {">", ">="}:
                return _interval(right, left, second == ">=", first == ">=")
    return solution(relation) or _ascending(relation)


def _ascending(relation: Relation) -> Relation:
    """Return `a > b >= c` as `c <= b < a`; other relations as they are."""
    if not all(op in (">", ">=") for op in relation.ops):
        return relation
    return Relation(tuple(MIRRORED[op] for op in reversed(relation.ops)), relation.sides[::-1])


def _bounds(variable: str, bound: Node) -> bool:
    return variable not in CONSTANTS and not isinstance(bound, (Items, Relation)) and not names(bound)


def _half_line(op: str, bound: Node) -> Items | None:
    match op:
        case "<" | "<=":
            return _interval(MINUS_INFINITY, bound, False, op == "<=")
        case ">" | ">=":
            return _interval(bound, INFINITY, op == ">=", False)
        case "!=":
            below, above = Items("()", (MINUS_INFINITY, bound)), Items("()", (bound, INFINITY))
            return Items("cup", (below, above))
    return None


def _interval(low: Node, high: Node, low_closed: bool, high_closed: bool) -> Items:
    return Items(("[" if low_closed else "(") + ("]" if high_closed else ")"), (low, high))


def _both_signs(node: Node) -> tuple[Node, ...]:
    """Return `1 ± 2` as the two values 1 + 2 and 1 - 2; anything else as itself."""
    if not _has_both_signs(node):
        return (node,)
    return _with_sign(node, "±"), _with_sign(node, "∓")


def _has_both_signs(node: Node) -> bool:
    match node:
        case Items(_, items):
            return any(map(_has_both_signs, items))
        case Relation(_, sides):
            return any(map(_has_both_signs, sides))
        case _:
            return mentions(node, "±") or mentions(node, "∓")


def _with_sign(node: Node, positive: str) -> Node:
    """Return the tree with the sign `positive` (± or ∓) read as plus and the other as minus."""
    match node:
        case Items(kind, items):
            return Items(kind, tuple(_with_sign(item, positive) for item in items))
        case Relation(ops, sides):
            return Relation(ops, tuple(_with_sign(side, positive) for side in sides))
        case Apply():
            return _expression_with_sign(node, positive)
        case _:
            return node


def _expression_with_sign(node: Expression, positive: str) -> Expression:
    if not isinstance(node, Apply):
        return node
    args = tuple(_expression_with_sign(arg, positive) for arg in node.args)
    if node.op not in ("±", "∓"):
        return Apply(node.op, args)
    if node.op == positive:
        return args[0]
    return Number(-args[0].value) if isinstance(args[0], Number) else Apply("neg", args)
