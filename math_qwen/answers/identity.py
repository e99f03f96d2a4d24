"""Two rational expressions in, identical or not out.

Theory of operation: two rational expressions with rational coefficients are the same function exactly when they agree
as residues modulo a large prime at random points, but for a chance of degree / prime, here below 10**-12 (the lemma of
Schwartz and Zippel). Nothing grows: every value is one 61-bit residue, so `(x+1)^{1000}` costs ten multiplications.
A difference at one point is a proof that the expressions differ. The prime is 1 modulo 4, so that i has a residue; pi
and e are transcendental and count as variables. Roots and functions have no residue here: those go to the worker.
"""

from fractions import Fraction
from hashlib import blake2b
from typing import NamedTuple

from math_qwen.answers.evaluate import NoValue, Undefined, evaluate
from math_qwen.answers.exact import exact_value
from math_qwen.answers.tree import Expression

PRIME = 2**61 - 31
_I = pow(7, (PRIME - 1) // 4, PRIME)  # 7 is no square modulo PRIME, so this squares to -1
_NUM_POINTS = 3
_MAX_DEGREE = 10**6


def identical(a: Expression, b: Expression) -> bool | None:
    """Tell whether two expressions are the same rational function; None where they are no rational functions.

    Raises:
        OverLimit: a constant in an exponent is too large to compute.
    """
    try:
        return all(evaluate(a, field).value == evaluate(b, field).value for field in _FIELDS)
    except NoValue:
        return None


def proportional(a: Expression, b: Expression) -> bool | None:
    """Tell whether `a` is `b` times a constant other than zero; None where they are no rational functions.

    Raises: as `identical`.
    """
    try:
        values = [(evaluate(a, field).value, evaluate(b, field).value) for field in _FIELDS]
    except NoValue:
        return None
    (a0, b0), *others = values
    if not a0 or not b0:
        return None
    return all((a1 * b0 - b1 * a0) % PRIME == 0 for a1, b1 in others)


class _Residue(NamedTuple):
    value: int
    degree: int  # a bound on the degree of numerator and denominator


class _Residues:
    """Arithmetic modulo `PRIME` with every name standing for a fixed residue that differs from point to point."""

    def __init__(self, point: int) -> None:
        self._point = point

    def number(self, value: Fraction) -> _Residue:
        return _Residue(value.numerator * _inverse(value.denominator) % PRIME, 0)

    def name(self, text: str) -> _Residue:
        if text == "oo":
            raise NoValue(text)
        if text == "i":
            return _Residue(_I, 0)
        digest = blake2b(f"{self._point} {text}".encode(), digest_size=16).digest()
        return _Residue(int.from_bytes(digest) % PRIME, 1)

    def latex(self, text: str) -> _Residue:
        raise NoValue(text)

    def add(self, a: _Residue, b: _Residue) -> _Residue:
        return _Residue((a.value + b.value) % PRIME, a.degree + b.degree)

    def multiply(self, a: _Residue, b: _Residue) -> _Residue:
        return _Residue(a.value * b.value % PRIME, a.degree + b.degree)

    def divide(self, a: _Residue, b: _Residue) -> _Residue:
        return _Residue(a.value * _inverse(b.value) % PRIME, a.degree + b.degree)

    def power(self, base: _Residue, exponent: Expression) -> _Residue:
        try:
            e = exact_value(exponent)
        except Undefined:
            e = None
        if e is None or e.denominator != 1 or base.degree * abs(e) > _MAX_DEGREE or (base.value == 0 and e <= 0):
            raise NoValue("no small whole exponent")
        return _Residue(pow(base.value, int(e), PRIME), base.degree * abs(int(e)))

    def call(self, function: str, args: list[_Residue]) -> _Residue:
        raise NoValue(f"{function} of {len(args)} residues")


_FIELDS = tuple(_Residues(point) for point in range(_NUM_POINTS))


def _inverse(value: int) -> int:
    if value % PRIME == 0:
        raise NoValue("division by zero")
    return pow(value, -1, PRIME)
