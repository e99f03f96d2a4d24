"""Two trees in, their equivalence out: structures element by element.

Tuples and intervals compare in order and with their brackets, lists and sets in any order, equations up to a constant
factor, quantities by value and unit. One comparison shares one deadline, however many elements it has, and after a
late answer asks the symbolic worker nothing more.
"""

import re
import time
from collections.abc import Iterable, Sequence
from fractions import Fraction

from math_qwen import identity
from math_qwen.forms import definition, plain
from math_qwen.outcome import Equivalence, Outcome, OverLimit, equal, not_equal, undecided
from math_qwen.profile import Profile
from math_qwen.scalars import compare_expressions
from math_qwen.symbolic import Question, SymbolicPool
from math_qwen.tree import (
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
_CHOICE = re.compile(r"\(? ?([A-Z]) ?[:.)]")


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
        match a, b:
            case (Prose(text), other) | (other, Prose(text)):
                return _compare_prose(text, other)
            case (Unread(kind), _) | (_, Unread(kind)):
                return undecided(f"not compared yet: {kind}")
            case (Relation(ops, sides), other) | (other, Relation(ops, sides)) if "~" in ops:
                return self._any_side(sides, other)
            case Relation(), Relation():
                return self._compare_relations(a, b)
            case (Relation() as relation, other) | (other, Relation() as relation):
                return self._compare_definition(relation, other)
            case Items(), Items():
                return self._compare_items(a, b)
            case (Items() as items, other) | (other, Items() as items):
                return self._compare_items_with_one(items, other)
            case Quantity(), Quantity():
                return self.compare(a.value, b.value) if a.unit == b.unit else not_equal("different units")
            case (Quantity() as quantity, other) | (other, Quantity() as quantity):
                return self._compare_quantity_with_number(quantity, other)
        return compare_expressions(a, b, self._profile, self._ask)

    def _ask(self, question: Question, *nodes: Expression) -> Equivalence:
        left_s = self._ends - time.monotonic()
        return self._pool.ask(question, *nodes, deadline_s=left_s) if left_s > 0 else undecided("timeout")

    def _any_side(self, sides: Sequence[Node], other: Node) -> Equivalence:
        """Compare with `A = 2 pi ~ 6.28`, where every side is given as the answer."""
        results = [self.compare(side, other) for side in sides]
        return next(filter(None, results), results[-1])

    def _compare_definition(self, relation: Relation, other: Node) -> Equivalence:
        """Compare `x = 5` with an answer that names nothing."""
        defined = definition(relation)
        if defined is None:
            return undecided("not compared yet: inequality") if set(relation.ops) != {"="} else not_equal("equation")
        _, values = defined
        *steps, last = values
        if not all(self.compare(step, last) for step in steps):
            return not_equal("sides of the equation differ")
        return self.compare(last, other)

    def _compare_relations(self, a: Relation, b: Relation) -> Equivalence:
        in_a, in_b = definition(a), definition(b)
        if in_a and in_b and in_a[0] == in_b[0]:
            by_value = self._compare_definition(a, in_b[1][-1])
            if by_value.outcome is not Outcome.NOT_EQUAL:
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

    def _compare_quantity_with_number(self, quantity: Quantity, other: Node) -> Equivalence:
        """A unit may be missing on one side; 90 degrees is also pi/2."""
        result = self.compare(quantity.value, other)
        if result or quantity.unit != "degree" or not mentions(other, "pi"):
            return result
        if isinstance(quantity.value, Expression) and isinstance(other, Expression):
            return self.compare(Apply("degree", (quantity.value,)), other)
        return result

    def _compare_items_with_one(self, items: Items, other: Node) -> Equivalence:
        if items.kind == "{}" and len(items.items) == 1:
            return self.compare(items.items[0], other)
        if isinstance(other, Number) and other.groups and items.kind in _LOOSE:
            pieces = tuple(Number(Fraction(group)) for group in other.groups)
            return self._compare_items(items, Items("list", pieces))
        if items.kind == "or" and all(self.compare(item, other) for item in items.items):
            return equal("one answer said twice")
        return not_equal("several answers against one" if items.kind in ("list", "or") else "different types")

    def _compare_items(self, a: Items, b: Items) -> Equivalence:
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
        doubt: Equivalence | None = None
        for x in a:
            results = [self.compare(x, y) for y in unmatched]
            matches = [index for index, result in enumerate(results) if result]
            doubts = [result for result in results if result.outcome is Outcome.UNDECIDED]
            if matches:
                del unmatched[matches[0]]
            elif doubts:
                doubt = doubts[0]
            else:
                return not_equal("elements differ")
        return doubt or equal("elements")


def _all_of(results: Iterable[Equivalence]) -> Equivalence:
    """Return the first difference, else the first doubt, else equal."""
    doubt: Equivalence | None = None
    for result in results:
        if result.outcome is Outcome.NOT_EQUAL:
            return not_equal("elements differ")
        if result.outcome is Outcome.UNDECIDED:
            doubt = doubt or result
    return doubt or equal("elements")


def _named_values(items: Items) -> dict[frozenset[str], Node]:
    """Return the values of `w = 16, d = 3` by their names; empty where not every item has a name of its own."""
    found: dict[frozenset[str], Node] = {}
    for item in items.items:
        defined = definition(item) if isinstance(item, Relation) else None
        if defined is None or defined[0] in found:
            return {}
        found[defined[0]] = defined[1][-1]
    return found


def _elements(items: Items) -> tuple[Node, ...]:
    """Return the elements; those of a set without those that are written twice."""
    return tuple(dict.fromkeys(items.items)) if items.kind == "{}" else items.items


def _difference(left: Node, right: Node) -> Expression | None:
    if isinstance(left, Expression) and isinstance(right, Expression):
        return Apply("+", (left, Apply("neg", (right,))))
    return None


def _compare_prose(text: str, other: Node) -> Equivalence:
    """Words are equal up to case and punctuation; `(A) 12` also equals the choice A."""
    match other:
        case Prose(words):
            return equal("same words") if _letters(text) == _letters(words) else not_equal("different words")
        case Name(letter) if (choice := _CHOICE.match(text)) and choice[1] == letter:
            return equal("choice")
    return not_equal("different types")


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
