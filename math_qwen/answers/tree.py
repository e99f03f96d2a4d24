"""The tree that an answer is read into.

`Number`, `Name` and `Apply` make expressions. `Items`, `Matrix`, `Relation` and `Quantity` give them structure: tuples,
sets, intervals, equations, units. `Based`, `Congruence`, `Ratio`, `Clock` and `Date` are answers with rules of their
own. `Prose`, `Latex` and `Unread` stand for what our own grammar does not read. Building a tree computes nothing:
`9^{9^9}` is three numbers and two powers.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Number:
    """A literal with its exact value.

    `step` is one unit in the last printed place of a decimal (0.001 for 2.718), None where the literal is exact.
    `groups` holds the pieces of a literal written with plain commas: 1,234 may turn out to be the list 1, 234.
    """

    value: Fraction
    step: Fraction | None = None
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or one of the constants pi, e, i and oo (infinity)."""

    text: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on expressions: + * / ^ neg percent degree root abs ! ± ∓ or a function by its name."""

    op: str
    args: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Items:
    """Several answers in one. `kind` is one of the keys of `KINDS`."""

    kind: str
    items: "tuple[Node, ...]"


KINDS = {
    "list": "a, b",
    "or": "a or b",
    "{}": "a set",
    "()": "a tuple or an open interval",
    "[]": "a closed interval",
    "(]": "a half-open interval",
    "[)": "a half-open interval",
    "cup": "a union",
    "cap": "an intersection",
    "setminus": "a set without the elements of another",
    "vector": "a matrix of one row or one column",
    "cases": "the cases of a function given piece by piece",
    "case": "a value and its condition",
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Entries row by row; all rows are equally long."""

    rows: "tuple[tuple[Node, ...], ...]"


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides joined by = < <= > >= != ~ (about) or "in"; `ops` is one shorter than `sides`."""

    ops: tuple[str, ...]
    sides: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit in its canonical spelling."""

    value: "Node"
    unit: str
    mixed: bool = False  # written in several units, as 1 hour 30 minutes


@dataclass(frozen=True, slots=True)
class Based:
    """A number written in another base than ten: its digits read as a decimal, and the base."""

    digits: Number
    base: int


@dataclass(frozen=True, slots=True)
class Congruence:
    """All numbers that leave the same remainder: 3 modulo 7."""

    value: "Expression"
    modulus: "Expression"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two or more parts, as 3:1."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day as it is written; `half` is "am", "pm" or ""."""

    hour: int
    minute: int
    second: int
    half: str


@dataclass(frozen=True, slots=True)
class Date:
    """A day of the year; `year` is 0 where none is given."""

    year: int
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Prose:
    """Words, with spaces and punctuation normalised."""

    text: str


@dataclass(frozen=True, slots=True)
class Latex:
    """An expression that only the symbolic worker reads: sums, integrals, limits."""

    text: str


@dataclass(frozen=True, slots=True)
class Unread:
    """An answer of a kind that is not compared yet; `kind` names it for people."""

    kind: str
    text: str


Expression = Number | Name | Apply | Latex
Node = Expression | Items | Matrix | Relation | Quantity | Based | Congruence | Ratio | Clock | Date | Prose | Unread

CONSTANTS = frozenset({"pi", "e", "i", "oo"})
INFINITY = Name("oo")
MINUS_INFINITY = Apply("neg", (INFINITY,))
NUMBER_SET = "the set "  # begins the name of the integers, "the set Z", and their like
REALS = Items("()", (MINUS_INFINITY, INFINITY))


def names(node: Node) -> frozenset[str]:
    """Return the variables of an expression, without the constants."""
    match node:
        case Name(text):
            return frozenset() if text in CONSTANTS else frozenset({text})
        case Apply(_, args):
            return frozenset().union(*map(names, args))
        case _:
            return frozenset()


def mentions(node: Node, text: str) -> bool:
    """Tell whether the name or operation `text` occurs in an expression."""
    match node:
        case Name(name):
            return name == text
        case Apply(op, args):
            return op == text or any(mentions(arg, text) for arg in args)
        case _:
            return False


def difference(left: Expression, right: Expression) -> Expression:
    """Return left - right."""
    return Apply("+", (left, Apply("neg", (right,))))


def to_json(node: Node) -> list[Any]:
    """Return an expression as nested lists of strings, for the pipe to the symbolic worker."""
    match node:
        case Number(value):
            return ["number", f"{value.numerator:x}/{value.denominator:x}"]
        case Name(text):
            return ["name", text]
        case Apply(op, args):
            return ["apply", op, *map(to_json, args)]
        case Latex(text):
            return ["latex", text]
        case _:
            raise AssertionError(f"{type(node).__name__} is not an expression")


def from_json(data: list[Any]) -> Expression:
    """Return the expression that `to_json` wrote."""
    match data:
        case ["number", str(ratio)]:
            numerator, _, denominator = ratio.partition("/")
            return Number(Fraction(int(numerator, 16), int(denominator, 16)))
        case ["name", str(text)]:
            return Name(text)
        case ["apply", str(op), *args]:
            return Apply(op, tuple(map(from_json, args)))
        case ["latex", str(text)]:
            return Latex(text)
        case _:
            raise AssertionError(f"not an expression: {data!r}")
