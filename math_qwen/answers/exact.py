"""Literals in, their exact fraction out.

Every step is bounded before it is taken: the size of a power or a factorial is estimated from its operands, so that
`9^{9^9}` costs nothing and ends in `OverLimit`.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import comb, factorial, gcd, isqrt, lcm

from math_qwen.answers.evaluate import NoValue, Undefined, evaluate
from math_qwen.answers.outcome import OverLimit
from math_qwen.answers.tree import Expression

MAX_BITS = 10_000  # of a numerator or denominator; about 3000 digits
MAX_FACTORIAL = 1_000  # 1000! has 8530 bits


def exact_value(node: Expression, places: Mapping[str, Fraction] | None = None) -> Fraction | None:
    """Return the exact rational value of an expression, None where it has none that we compute.

    Args:
        node: the expression.
        places: the values of its variables; a variable without one has no value.

    Raises:
        OverLimit: the value, or one on the way to it, would be longer than `MAX_BITS`.
        Undefined: the expression divides by zero.
    """
    try:
        return evaluate(node, _Exact(places or {}))
    except NoValue:
        return None


class _Exact:
    def __init__(self, places: Mapping[str, Fraction]) -> None:
        self._places = places

    def number(self, value: Fraction) -> Fraction:
        return value

    def name(self, text: str) -> Fraction:
        if text not in self._places:
            raise NoValue(text)
        return self._places[text]

    def latex(self, text: str) -> Fraction:
        raise NoValue(text)

    def add(self, a: Fraction, b: Fraction) -> Fraction:
        return _bounded(a + b)

    def multiply(self, a: Fraction, b: Fraction) -> Fraction:
        return _bounded(a * b)

    def divide(self, a: Fraction, b: Fraction) -> Fraction:
        if b == 0:
            raise Undefined("division by zero")
        return _bounded(a / b)

    def power(self, base: Fraction, exponent: Expression) -> Fraction:
        e = evaluate(exponent, self)
        root = base if e.denominator == 1 else _root(base, e.denominator)
        return _integer_power(root, e.numerator)

    def call(self, function: str, args: list[Fraction]) -> Fraction:
        match function, args:
            case "root", [x, degree] if degree.denominator == 1 and degree > 0:
                return -_root(-x, int(degree)) if x < 0 and degree % 2 else _root(x, int(degree))
            case "abs", [x]:
                return abs(x)
            case "floor", [x]:
                return Fraction(x.__floor__())
            case "ceil", [x]:
                return Fraction(x.__ceil__())
            case "!", [x]:
                return Fraction(factorial(_count(x)))
            case "binom", [n, k]:
                return Fraction(comb(_count(n), _count(k)))
            case "gcd" | "lcm", _:
                return Fraction({"gcd": gcd, "lcm": _lcm}[function](*map(_whole, args)))
            case "max" | "min", _:
                return max(args) if function == "max" else min(args)
        raise NoValue(function)


def _bits(x: Fraction) -> int:
    return max(x.numerator.bit_length(), x.denominator.bit_length())


def _bounded(x: Fraction) -> Fraction:
    if _bits(x) > MAX_BITS:
        raise OverLimit(f"a number of more than {MAX_BITS} bits")
    return x


def _integer_power(base: Fraction, e: int) -> Fraction:
    if base == 0 and e <= 0:
        raise Undefined("zero to a power of zero or less")
    if abs(base) == 1:
        return base if e % 2 else Fraction(1)
    if base and (_bits(base) - 1) * abs(e) > MAX_BITS:
        raise OverLimit(f"a power of more than {MAX_BITS} bits")
    return base**e if base else base


def _root(x: Fraction, degree: int) -> Fraction:
    """Return the root of x >= 0 where it is rational; `NoValue` where it is not, or x is negative."""
    if x < 0 or degree > MAX_BITS:
        raise NoValue("not a rational root")
    root = Fraction(_integer_root(x.numerator, degree), _integer_root(x.denominator, degree))
    if root**degree != x:
        raise NoValue("not a rational root")
    return root


def _integer_root(n: int, degree: int) -> int:
    """Return the largest integer whose power `degree` is at most n >= 0."""
    if degree == 2:
        return isqrt(n)
    low, high = 0, 1 << (n.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= n else (low, middle)
    return low


def _lcm(*numbers: int) -> int:
    if sum(number.bit_length() for number in numbers) > MAX_BITS:
        raise OverLimit(f"a number of more than {MAX_BITS} bits")
    return lcm(*numbers)


def _whole(x: Fraction) -> int:
    if x.denominator != 1:
        raise NoValue("not a whole number")
    return int(x)


def _count(x: Fraction) -> int:
    """Return x as the argument of a factorial."""
    if x.denominator != 1 or x < 0:
        raise NoValue("not a natural number")
    if x > MAX_FACTORIAL:
        raise OverLimit(f"the factorial of more than {MAX_FACTORIAL}")
    return int(x)
