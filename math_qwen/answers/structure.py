"""Two trees in, their equivalence out.

Tuples, matrices and intervals compare in order and with their brackets, lists and sets in any order, equations up to a
constant factor, inequalities up to a positive one, quantities by value and unit. One comparison has one deadline for
all that it asks of the symbolic worker, however many elements there are.
"""

import re
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeGuard

from math_qwen.answers import identity
from math_qwen.answers.forms import Definition, definition, plain, renamed, with_common_argument
from math_qwen.answers.kinds import SPECIAL, compare_special
from math_qwen.answers.outcome import Equivalence, Layer, Outcome, OverLimit, all_of, equal, not_equal, undecided
from math_qwen.answers.profile import Profile
from math_qwen.answers.realsets import INTERVALS
from math_qwen.answers.scalars import compare_expressions
from math_qwen.answers.symbolic import Question, Solver
from math_qwen.answers.tree import (
    Apply,
    Expression,
    Items,
    Matrix,
    Name,
    Node,
    Number,
    Prose,
    Quantity,
    Relation,
    Unread,
    difference,
    mentions,
    names,
)
from math_qwen.answers.units import in_base_units

MAX_ITEMS = 64
_LOOSE = ("list", "or", "{}")  # bare lists and sets
_CHOICES = frozenset("ABCDEFGH")
_CIRCLED = re.compile("[①-⑳ ,、和]+")
_UNIT_VECTORS = ("i", "j", "k")
_PUNCTUATION = frozenset(".,;:!?'\"")
_CHOICE = re.compile(
    r"\(? ?([A-Z]) ?[:.)](?! ?(?:or|to|and|not) )(?!.*\b[A-Z]\b)", re.DOTALL
)  # one letter, not a list of all


class Comparison:
    """Compares the parts of two answers; made for one pair and thrown away."""

    def __init__(self, profile: Profile, pool: Solver, deadline_s: float) -> None:
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
        if isinstance(a, Matrix) or isinstance(b, Matrix):
            return self._compare_matrices(a, b)
        if isinstance(a, SPECIAL) or isinstance(b, SPECIAL):
            return compare_special(a, b, strict=self._profile.strict, compare=self.compare)
        return compare_expressions(a, b, self._profile, self._ask)

    def _ask(self, question: Question, *nodes: Expression) -> Equivalence:
        left_s = self._ends - time.monotonic()
        return (
            self._pool.ask(question, *nodes, deadline_s=left_s) if left_s > 0 else undecided("timeout", Layer.SYMBOLIC)
        )

    def _compare_relations(self, a: Node, b: Node) -> Equivalence:
        if _is_approximate(a) or _is_approximate(b):
            return self._compare_approximate(a, b)
        if isinstance(a, Relation) and isinstance(b, Relation):
            return self._compare_two_relations(a, b)
        relation, other = (a, b) if isinstance(a, Relation) else (b, a)
        assert isinstance(relation, Relation)
        if set(relation.ops) != {"="}:
            return undecided("an inequality that is not solved")
        value = self._value(relation)
        return not_equal("equation against value") if value is None else self.compare(value, other)

    def _value(self, relation: Relation) -> Node | None:
        """Return the value that `x = 10/2 = 5` gives; None where it gives none, or its steps differ."""
        defined = definition(relation)
        return self._last_value(defined) if defined else None

    def _last_value(self, defined: Definition) -> Node | None:
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
        if in_a and in_b and (same_name := with_common_argument(in_a, in_b)):
            in_a, in_b = same_name
        if in_a and in_b and in_a.names == in_b.names:
            value_a, value_b = self._last_value(in_a), self._last_value(in_b)
            if value_a is None or value_b is None:
                return not_equal("sides of an equation differ")
            by_value = self.compare(value_a, value_b)
            if by_value or not in_a.names:
                return by_value
        if a.ops == b.ops == ("=",):
            return self._compare_equations(a.sides, b.sides)
        if a.ops == b.ops and self._in_order(a.sides, b.sides):
            return equal("the same inequality")
        return self._compare_inequalities(a, b)

    def _compare_inequalities(self, a: Relation, b: Relation) -> Equivalence:
        """Two inequalities are equal if their differences of sides are, up to a positive factor."""
        if len(a.sides) == len(b.sides) > 2 and set(a.sides) == set(b.sides):
            return not_equal("another order")
        both = [_difference(*relation.sides) if len(relation.sides) == 2 else None for relation in (a, b)]
        if both[0] is None or both[1] is None:
            return undecided("inequalities that are not solved")
        factor = self._ask("positive", both[0], both[1])
        if factor:
            same = a.ops == b.ops
            return equal("the same inequality", factor.layer) if same else not_equal("different signs of inequality")
        if self._ask("proportional", both[0], both[1]):
            return not_equal("the opposite inequality", factor.layer)
        return undecided("inequalities that are not solved")

    def _compare_equations(self, sides_a: Sequence[Node], sides_b: Sequence[Node]) -> Equivalence:
        """Two equations are equal if their differences of sides are, up to a constant factor."""
        a, b = _difference(*sides_a), _difference(*sides_b)
        if a is None or b is None:
            return not_equal("different equations")
        same = identity.proportional(a, b)
        if same is None:
            return self._ask("proportional", a, b)
        if same:
            return equal("the same equation up to a factor", Layer.IDENTITY)
        return not_equal("different equations", Layer.IDENTITY)

    def _compare_matrices(self, a: Node, b: Node) -> Equivalence:
        if not (isinstance(a, Matrix) and isinstance(b, Matrix)):
            return not_equal("different types")
        if len(a.rows) != len(b.rows) or len(a.rows[0]) != len(b.rows[0]):
            return not_equal("matrices of different shapes")
        return self._in_order(*(tuple(entry for row in matrix.rows for entry in row) for matrix in (a, b)))

    def _compare_quantities(self, a: Node, b: Node) -> Equivalence:
        """Units must agree where both sides have one; 90 degrees is also pi/2."""
        if isinstance(a, Quantity) and isinstance(b, Quantity):
            if {a.unit, b.unit} == {"degree", "rad"}:
                return self.compare(_in_radians(a), _in_radians(b))
            return self.compare(a.value, b.value) if a.unit == b.unit else self._compare_converted(a, b)
        quantity, other = (a, b) if isinstance(a, Quantity) else (b, a)
        assert isinstance(quantity, Quantity)
        result = self.compare(quantity.value, other)
        if result or quantity.unit != "degree" or not mentions(other, "pi"):
            return result
        if isinstance(quantity.value, Expression) and isinstance(other, Expression):
            return self.compare(Apply("degree", (quantity.value,)), other)
        return result

    def _compare_converted(self, a: Quantity, b: Quantity) -> Equivalence:
        one_a, one_b = in_base_units(a.unit), in_base_units(b.unit)
        if not ((self._profile.convert_units or a.mixed or b.mixed) and one_a and one_b and one_a.unit == one_b.unit):
            return not_equal("different units")
        if not (isinstance(a.value, Expression) and isinstance(b.value, Expression)):
            return not_equal("different units")
        return self.compare(Apply("*", (Number(one_a.amount), a.value)), Apply("*", (Number(one_b.amount), b.value)))

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
        if choices := _as_choices(items, other):
            return self._in_any_order(items.items, choices)
        if unit_vectors := _in_unit_vectors(items, other):
            return self.compare(*unit_vectors)
        if items.kind == "or" and all(self.compare(item, other) for item in items.items):
            return equal("one answer is said twice")
        return not_equal("several answers against one" if items.kind in ("list", "or") else "different types")

    def _compare_two_items(self, a: Items, b: Items) -> Equivalence:
        named_a, named_b = _named_values(a), _named_values(b)
        if named_a and named_b:
            if named_a.keys() != named_b.keys():
                return not_equal("different names")
            return self._in_order([named_a[name] for name in named_a], [named_b[name] for name in named_a])
        if named_a or named_b:
            values_a, values_b = list(named_a.values()) or a.items, list(named_b.values()) or b.items
            if _are_numbered(named_a or named_b) and "()" not in (a.kind, b.kind):
                return self._in_any_order(values_a, values_b)
            return self._in_order(values_a, values_b)
        if {a.kind, b.kind} == {"list", "cup"} and not self._profile.strict:
            a, b = (_as_union(items) for items in (a, b))
        if (a.kind in _LOOSE and b.kind in _LOOSE) or a.kind == b.kind == "cup":
            return self._in_any_order(_elements(a), _elements(b))
        if a.kind == b.kind == "cases":
            return self._in_any_order(a.items, b.items)
        if a.kind == b.kind or self._may_be_one_tuple(a, b):
            return self._in_order(a.items, b.items)
        return not_equal("different brackets")

    def _may_be_one_tuple(self, a: Items, b: Items) -> bool:
        """Tell whether both may mean a tuple: [1, 2] as a row, [1, 2, 3], and, unless strict, a bare list."""
        kinds = {a.kind, b.kind}
        if kinds == {"()", "[]"}:
            return len(a.items) != 2  # two items in square brackets are an interval
        return kinds in ({"vector", "()"}, {"vector", "[]"}) or (
            not self._profile.strict and kinds in ({"list", "()"}, {"list", "vector"})
        )

    def _in_order(self, a: Sequence[Node], b: Sequence[Node]) -> Equivalence:
        if len(a) != len(b):
            return not_equal("different lengths")
        return all_of(self.compare(x, y) for x, y in zip(a, b, strict=True))

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
        return all_of(results)

    def _first_match(self, x: Node, others: Sequence[Node]) -> tuple[int, Equivalence]:
        """Return where `x` is found among others, else the first doubt about one of them, else a difference."""
        doubt = not_equal("nothing on the other side equals it")
        for index, other in enumerate(others):
            result = self.compare(x, other)
            if result:
                return index, result
            if result.outcome is Outcome.UNDECIDED and doubt.outcome is not Outcome.UNDECIDED:
                doubt = result
        return -1, doubt


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


def _are_numbered(named: Mapping[frozenset[str], Node]) -> bool:
    """Tell whether the names are one letter with different subscripts, as of the roots x_1 and x_2."""
    return len({name.partition("_")[0] for names in named for name in names}) == 1 < len(named)


def _as_union(items: Items) -> Items:
    """Return a list of intervals as their union, other items as they are."""
    if items.kind == "list" and all(isinstance(item, Items) and item.kind in INTERVALS for item in items.items):
        union = plain(Items("cup", items.items))
        return union if isinstance(union, Items) else items
    return items


def _as_choices(items: Items, other: Node) -> tuple[Node, ...]:
    """Return the letters of AC where the items are letters too, as A, C is; none for other nodes."""
    if not isinstance(other, Apply) or other.op != "*" or items.kind not in _LOOSE:
        return ()
    both = [*items.items, *other.args]
    return other.args if all(isinstance(one, Name) and one.text in _CHOICES for one in both) else ()


def _in_unit_vectors(items: Items, other: Node) -> tuple[Expression, Expression] | None:
    """Return (1, 2) and i + 2j as two expressions in unit vectors; None where they are no such pair."""
    parts = [item for item in items.items if isinstance(item, Expression)]
    if items.kind not in ("()", "vector") or len(parts) != len(items.items) or len(parts) not in (2, 3):
        return None
    if not isinstance(other, Expression) or not names(other) or not names(other) <= set(_UNIT_VECTORS):
        return None
    for name in _UNIT_VECTORS:
        other = renamed(other, name, f"the vector {name}")
    summands = (
        Apply("*", (part, Name(f"the vector {name}"))) for part, name in zip(parts, _UNIT_VECTORS, strict=False)
    )
    return (Apply("+", tuple(summands)), other) if isinstance(other, Expression) else None


def _elements(items: Items) -> tuple[Node, ...]:
    """Return the elements; those of a set without those that are written twice."""
    return tuple(dict.fromkeys(items.items)) if items.kind == "{}" else items.items


def _in_radians(angle: Quantity) -> Node:
    if angle.unit == "degree" and isinstance(angle.value, Expression):
        return Apply("degree", (angle.value,))
    return angle.value


def _difference(left: Node, right: Node) -> Expression | None:
    if isinstance(left, Expression) and isinstance(right, Expression):
        return difference(left, right)
    return None


def _compare_prose(a: Node, b: Node) -> Equivalence:
    """Words are equal up to case and punctuation; `(A) 12` also equals the choice A."""
    match a, b:
        case Prose(words), Prose(others) if _CIRCLED.fullmatch(words) and _CIRCLED.fullmatch(others):
            same = set(words) - set(" ,、和") == set(others) - set(" ,、和")
            return equal("the same statements") if same else not_equal("different statements")
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
