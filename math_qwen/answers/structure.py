"""Two trees in, their equivalence out.

Tuples and intervals compare in order and with their brackets, lists and sets in any order, equations up to a constant
factor, quantities by value and unit. One comparison has one deadline for all that it asks of the symbolic worker,
however many elements there are.
"""

import re
import time
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeGuard

from math_qwen.answers import identity
from math_qwen.answers.forms import definition, plain
from math_qwen.answers.outcome import Equivalence, Outcome, OverLimit, equal, not_equal, undecided
from math_qwen.answers.profile import Profile
from math_qwen.answers.scalars import compare_expressions
from math_qwen.answers.symbolic import Question, SymbolicPool
from math_qwen.answers.tree import (
    Apply,
    Expression,
    Items,
    Name,
    Node,
    Number,
    Prose,
    Quantity,
    Relation,
    Unread,
    mentions,
)

MAX_ITEMS = 64
_LOOSE = ("list", "or", "{}")  # bare lists and sets
_PUNCTUATION = frozenset(".,;:!?'\"")
_CHOICE = re.compile(r"\(? ?([A-Z]) ?[:.)](?!.*\b[A-Z]\b)", re.DOTALL)  # one letter, not a list of all


class Comparison:
    """Compares the parts of two answers; made for one pair and thrown away."""

    def __init__(self, profile: Profile, pool: SymbolicPool, deadline_s: float) -> None:
        self._profile = profile
        self._pool = pool
        self._ends = time.monotonic() + deadline_s

    def compare(self, a: Node, b: Node) -> Equivalence:
        """Compare two answers or parts of answers.

        Raises:
            OverLimit: a constant is too large to compute, or a list too long.
            GradeError: the symbolic worker does not start.
        """
        a, b = plain(a), plain(b)
        if isinstance(a, Prose) or isinstance(b, Prose):
            return _compare_prose(a, b)
        if isinstance(a, Unread) or isinstance(b, Unread):
            return _not_yet(a, b)
        if isinstance(a, Relation) or isinstance(b, Relation):
            return self._compare_relations(a, b)
        if isinstance(a, Items) or isinstance(b, Items):
            return self._compare_items(a, b)
        if isinstance(a, Quantity) or isinstance(b, Quantity):
            return self._compare_quantities(a, b)
        return compare_expressions(a, b, self._profile, self._ask)

    def _ask(self, question: Question, *nodes: Expression) -> Equivalence:
        left_s = self._ends - time.monotonic()
        return self._pool.ask(question, *nodes, deadline_s=left_s) if left_s > 0 else undecided("timeout")

    def _compare_relations(self, a: Node, b: Node) -> Equivalence:
        if _is_approximate(a) or _is_approximate(b):
            return self._compare_approximate(a, b)
        if isinstance(a, Relation) and isinstance(b, Relation):
            return self._compare_two_relations(a, b)
        relation, other = (a, b) if isinstance(a, Relation) else (b, a)
        assert isinstance(relation, Relation)
        if set(relation.ops) != {"="}:
            return undecided("not compared yet: inequality")
        value = self._value(relation)
        return not_equal("equation against value") if value is None else self.compare(value, other)

    def _value(self, relation: Relation) -> Node | None:
        """Return the value that `x = 10/2 = 5` gives; None where it gives none, or its steps differ."""
        defined = definition(relation)
        if defined is None:
            return None
        *steps, last = defined.values
        return last if all(self.compare(step, last) for step in steps) else None

    def _compare_approximate(self, a: Node, b: Node) -> Equivalence:
        """Every side of `2 pi ~ 6.28` is given as the answer, but only the first one is exact."""
        sides_a, sides_b = (node.sides if _is_approximate(node) else (node,) for node in (a, b))
        if len(sides_a) > 1 and len(sides_b) > 1:
            return self.compare(sides_a[0], sides_b[0])
        results = [self.compare(x, y) for x in sides_a for y in sides_b]
        return next(filter(None, results), results[0])

    def _compare_two_relations(self, a: Relation, b: Relation) -> Equivalence:
        in_a, in_b = definition(a), definition(b)
        if in_a and in_b and in_a.names == in_b.names:
            value_a, value_b = self._value(a), self._value(b)
            if value_a is None or value_b is None:
                return not_equal("sides of an equation differ")
            by_value = self.compare(value_a, value_b)
            if by_value or not in_a.names:
                return by_value
        if a.ops == b.ops == ("=",):
            return self._compare_equations(a.sides, b.sides)
        if a.ops == b.ops and self._in_order(a.sides, b.sides):
            return equal("sides")
        return undecided("not compared yet: inequality")

    def _compare_equations(self, sides_a: Sequence[Node], sides_b: Sequence[Node]) -> Equivalence:
        """Two equations are equal if their differences of sides are, up to a constant factor."""
        a, b = _difference(*sides_a), _difference(*sides_b)
        if a is None or b is None:
            return not_equal("different equations")
        same = identity.proportional(a, b)
        if same is None:
            return self._ask("proportional", a, b)
        return equal("equation up to a factor") if same else not_equal("different equations")

    def _compare_quantities(self, a: Node, b: Node) -> Equivalence:
        """Units must agree where both sides have one; 90 degrees is also pi/2."""
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            return self.compare(a.value, b.value) if a.unit == b.unit else not_equal("different units")
        quantity, other = (a, b) if isinstance(a, Quantity) else (b, a)
        assert isinstance(quantity, Quantity)
        result = self.compare(quantity.value, other)
        if result or quantity.unit != "degree" or not mentions(other, "pi"):
            return result
        if isinstance(quantity.value, Expression) and isinstance(other, Expression):
            return self.compare(Apply("degree", (quantity.value,)), other)
        return result

    def _compare_items(self, a: Node, b: Node) -> Equivalence:
        if isinstance(a, Items) and isinstance(b, Items):
            return self._compare_two_items(a, b)
        items, other = (a, b) if isinstance(a, Items) else (b, a)
        assert isinstance(items, Items)
        if items.kind == "{}" and len(items.items) == 1:
            return self.compare(items.items[0], other)
        if isinstance(other, Number) and other.groups and items.kind in _LOOSE:
            pieces = tuple(Number(Fraction(group)) for group in other.groups)
            return self._compare_two_items(items, Items("list", pieces))
        if items.kind == "or" and all(self.compare(item, other) for item in items.items):
            return equal("one answer said twice")
        return not_equal("several answers against one" if items.kind in ("list", "or") else "different types")

    def _compare_two_items(self, a: Items, b: Items) -> Equivalence:
        named_a, named_b = _named_values(a), _named_values(b)
        if named_a and named_b:
            if named_a.keys() != named_b.keys():
                return not_equal("different names")
            return self._in_order([named_a[name] for name in named_a], [named_b[name] for name in named_a])
        if named_a or named_b:
            return self._in_order(list(named_a.values()) or a.items, list(named_b.values()) or b.items)
        if (a.kind in _LOOSE and b.kind in _LOOSE) or a.kind == b.kind == "cup":
            return self._in_any_order(_elements(a), _elements(b))
        return self._in_order(a.items, b.items) if a.kind == b.kind else not_equal("different brackets")

    def _in_order(self, a: Sequence[Node], b: Sequence[Node]) -> Equivalence:
        if len(a) != len(b):
            return not_equal("different lengths")
        return _all_of(self.compare(x, y) for x, y in zip(a, b, strict=True))

    def _in_any_order(self, a: Sequence[Node], b: Sequence[Node]) -> Equivalence:
        if len(a) != len(b):
            return not_equal("different lengths")
        if len(a) > MAX_ITEMS:
            raise OverLimit(f"a list of more than {MAX_ITEMS} items")
        unmatched = list(b)
        results: list[Equivalence] = []
        for x in a:
            index, result = self._first_match(x, unmatched)
            if result:
                del unmatched[index]
            results.append(result)
        return _all_of(results)

    def _first_match(self, x: Node, others: Sequence[Node]) -> tuple[int, Equivalence]:
        """Return where `x` is found among others, else the first doubt about one of them, else a difference."""
        doubt = not_equal("elements differ")
        for index, other in enumerate(others):
            result = self.compare(x, other)
            if result:
                return index, result
            if result.outcome is Outcome.UNDECIDED and doubt.outcome is not Outcome.UNDECIDED:
                doubt = result
        return -1, doubt


def _all_of(results: Iterable[Equivalence]) -> Equivalence:
    """Return a difference if there is one, else the first doubt, else equal."""
    doubts: list[Equivalence] = []
    for result in results:
        if result.outcome is Outcome.NOT_EQUAL:
            return not_equal("elements differ")
        if result.outcome is Outcome.UNDECIDED:
            doubts.append(result)
    return doubts[0] if doubts else equal("elements")


def _not_yet(a: Node, b: Node) -> Equivalence:
    kinds = dict.fromkeys(node.kind for node in (a, b) if isinstance(node, Unread))
    return undecided(f"not compared yet: {', '.join(kinds)}")


def _is_approximate(node: Node) -> TypeGuard[Relation]:
    return isinstance(node, Relation) and "~" in node.ops


def _named_values(items: Items) -> dict[frozenset[str], Node]:
    """Return the values of `w = 16, d = 3` by their names; empty where not every item has a name of its own."""
    found: dict[frozenset[str], Node] = {}
    for item in items.items:
        defined = definition(item) if isinstance(item, Relation) else None
        if defined is None or len(defined.values) != 1 or not defined.names or defined.names in found:
            return {}
        found[defined.names] = defined.values[-1]
    return found


def _elements(items: Items) -> tuple[Node, ...]:
    """Return the elements; those of a set without those that are written twice."""
    return tuple(dict.fromkeys(items.items)) if items.kind == "{}" else items.items


def _difference(left: Node, right: Node) -> Expression | None:
    if isinstance(left, Expression) and isinstance(right, Expression):
        return Apply("+", (left, Apply("neg", (right,))))
    return None


def _compare_prose(a: Node, b: Node) -> Equivalence:
    """Words are equal up to case and punctuation; `(A) 12` also equals the choice A."""
    match a, b:
        case Prose(words), Prose(others):
            return equal("same words") if _bare(words) == _bare(others) else not_equal("different words")
        case (Prose(words), Name(letter)) | (Name(letter), Prose(words)):
            choice = _CHOICE.match(words)
            if choice and choice[1] == letter:
                return equal("choice")
    return not_equal("different types")


def _bare(text: str) -> str:
    """Return words without capitals, spaces and punctuation; numbers and signs stay as they are."""
    return "".join(word for word in text.casefold().split(" ") if word not in _PUNCTUATION)
