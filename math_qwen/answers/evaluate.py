"""An expression in, its value out.

One walk over the tree serves three arithmetics, each a `Field`: fractions in `exact`, residues modulo a prime in
`identity`, long decimals in `numeric`.
"""

from fractions import Fraction
from functools import reduce
from typing import Protocol, TypeVar

from math_qwen.answers.tree import Apply, Expression, Latex, Name, Number

V = TypeVar("V")


class NoValue(Exception):
    """This arithmetic has no value for the expression; another one may."""


class Undefined(Exception):
    """The expression has no value in any arithmetic, as 1/0."""


class Field(Protocol[V]):
    """An arithmetic. Every method may raise `NoValue`, `Undefined` or `OverLimit`."""

    def number(self, value: Fraction) -> V: ...

    def name(self, text: str) -> V: ...

    def latex(self, text: str) -> V: ...

    def add(self, a: V, b: V) -> V: ...

    def multiply(self, a: V, b: V) -> V: ...

    def divide(self, a: V, b: V) -> V: ...

    def power(self, base: V, exponent: Expression) -> V: ...

    def call(self, function: str, args: list[V]) -> V: ...


def evaluate(node: Expression, field: Field[V]) -> V:
    """Return the value of an expression in `field`. Raises what the field raises."""
    match node:
        case Number(value):
            return field.number(value)
        case Name(text):
            return field.name(text)
        case Latex(text):
            return field.latex(text)
        case Apply("^", (base, exponent)):
            return field.power(evaluate(base, field), exponent)
        case Apply(op, args):
            return _operate(op, [evaluate(arg, field) for arg in args], field)


def _operate(op: str, values: list[V], field: Field[V]) -> V:
    match op:
        case "+":
            return reduce(field.add, values)
        case "*":
            return reduce(field.multiply, values)
        case "/":
            return field.divide(values[0], values[1])
        case "neg":
            return field.multiply(field.number(Fraction(-1)), values[0])
        case "percent":
            return field.divide(values[0], field.number(Fraction(100)))
        case "degree":
            return field.divide(field.multiply(values[0], field.name("pi")), field.number(Fraction(180)))
        case _:
            return field.call(op, values)
