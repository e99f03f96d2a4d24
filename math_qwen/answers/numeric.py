"""Expressions in, evidence from long decimals out.

Runs in the symbolic worker. Theory of operation: two expressions are compared at fixed points, with 50 and again with
100 digits. Where the difference shrinks with the digits it is rounding; where it stays it is real. So no tolerance is
needed: 10**-400 is told from 0, and exp(pi sqrt(163)) from the integer next to it. Points where both values are real
count first, because identities are meant over the reals. The points have both signs and sizes from 10**-9 to 10**9,
because |x - 5000| and 5000 - x agree on one side only; of expressions that grow like 2^{2^n}, from 10**-3 to 10**3.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from hashlib import blake2b
from typing import Any, NamedTuple

from mpmath import mp

from math_qwen.answers.evaluate import NoValue, Undefined, evaluate
from math_qwen.answers.latex import latex_value
from math_qwen.answers.outcome import Equivalence, equal, not_equal, undecided
from math_qwen.answers.tree import CONSTANTS, Apply, Expression, Latex, names

DIGITS = (50, 100)
MIN_POINTS = 3  # fewer usable points prove nothing about an expression with variables
_FAST = ("!", "binom", "sinh", "cosh", "tanh")
_SHRUNK = 20  # digits that a difference must lose between 50 and 100 digits to count as rounding

# What an evaluation may raise where there is no value; mpmath raises ValueError at the poles of gamma.
_NO_VALUE = (NoValue, Undefined, ArithmeticError, ValueError, TypeError)


class Point(NamedTuple):
    """Where variables lie: between two powers of ten, of either sign or positive, whole numbers or not."""

    seed: int
    low: float
    high: float
    signed: bool = False
    whole: bool = False


POINTS = (
    *(Point(seed, -0.5, 1.0) for seed in range(3)),
    *(Point(seed, -0.5, 1.0, signed=True) for seed in range(3, 5)),
    Point(5, 0.3, 1.1, whole=True),
    *(Point(6 + signed, 2.0, 3.5, signed=bool(signed)) for signed in range(2)),
    *(Point(8 + signed, -3.5, -2.0, signed=bool(signed)) for signed in range(2)),
)
FAR_POINTS = (
    *(Point(10 + signed, 6.0, 9.0, signed=bool(signed)) for signed in range(2)),
    *(Point(12 + signed, -9.0, -6.0, signed=bool(signed)) for signed in range(2)),
)


class Decimals:
    """Arithmetic in long decimals, real or complex, with every variable at a fixed place near `point`."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self.variables: set[str] = set()  # those that were asked for
        self.stays_real = True  # until a root or a logarithm of a negative number is taken

    def number(self, value: Fraction) -> Any:
        return mp.mpf(value.numerator) / value.denominator

    def name(self, text: str) -> Any:
        if text in CONSTANTS:
            return _constant(text)
        self.variables.add(text)
        point = self._point
        digest = blake2b(f"{point.seed} {text}".encode(), digest_size=9).digest()
        place = Fraction(int.from_bytes(digest[:8]), 2**64)
        size = mp.mpf(10) ** (point.low + (point.high - point.low) * self.number(place))
        size = mp.floor(size) if point.whole else size
        return -size if point.signed and digest[8] % 2 else size

    def latex(self, text: str) -> Any:
        return latex_value(text, self.name)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def divide(self, a: Any, b: Any) -> Any:
        return a / b

    def power(self, base: Any, exponent: Expression) -> Any:
        power = evaluate(exponent, self)
        self.stays_real &= mp.isint(power) or not _is_negative(base)
        return mp.power(base, power)

    def call(self, function: str, args: list[Any]) -> Any:
        if function in ("ln", "log") or (function == "root" and not _is_odd(args[1])):
            self.stays_real &= not _is_negative(args[0])
        if function == "log":  # without a base it may mean base e or base 10, so its base is one more unknown
            base = args[1] if len(args) == 2 else abs(self.name("base of log")) + 1
            return mp.log(args[0]) / mp.log(base)
        if function not in _FUNCTIONS:
            raise NoValue(function)
        return _FUNCTIONS[function](*args)


def identical(a: Expression, b: Expression) -> Equivalence:
    """Compare two expressions by value, over the reals where they have enough real values."""
    return _compared(lambda field: (evaluate(a, field), evaluate(b, field)), _points(a, b))


def proportional(a: Expression, b: Expression, *, positive: bool = False) -> Equivalence:
    """Tell whether `a` is `b` times a constant other than zero, or a positive one."""

    def cross_products(field: Decimals) -> tuple[Any, Any]:
        origin = Decimals(POINTS[0])
        a0, b0 = evaluate(a, origin), evaluate(b, origin)
        if a0 == 0 or b0 == 0:
            raise NoValue("zero at the origin")
        if positive and mp.re(a0 / b0) < 0:
            return mp.mpf(1), mp.mpf(0)  # whatever the factor is, it is the wrong one
        return evaluate(a, field) * b0, evaluate(b, field) * a0

    return _compared(cross_products, _points(a, b)[1:])


def between(a: Expression, low: Fraction, high: Fraction) -> Equivalence:
    """Tell whether a constant lies strictly between two fractions."""
    field = Decimals(POINTS[0])
    try:
        coarse, fine = _at_both(lambda: evaluate(a, field))
    except _NO_VALUE:
        return undecided("no value")
    if field.variables:
        return not_equal("free variable")
    with mp.workdps(DIGITS[1]):
        if not _is_real(coarse, fine) or not _stays(abs(coarse), abs(fine)):
            return not_equal("not a real number")
        inside = field.number(low) < mp.re(fine) < field.number(high)
    return equal("value") if inside else not_equal("value")


def _points(a: Expression, b: Expression) -> tuple[Point, ...]:
    return POINTS if _grows_fast(a) or _grows_fast(b) else POINTS + FAR_POINTS


def _grows_fast(node: Expression) -> bool:
    """Tell whether a variable stands in an exponent or a factorial, or in LaTeX that we do not read."""
    match node:
        case Latex():
            return True
        case Apply("^", (base, exponent)):
            return bool(names(exponent)) or _grows_fast(base)
        case Apply(op, args):
            return (op in _FAST and bool(names(node))) or any(map(_grows_fast, args))
        case _:
            return False


class _Comparison(NamedTuple):
    vanishes: bool  # the difference is rounding
    stays: bool  # the difference is real
    is_real: bool  # both values are real numbers


def _compared(pair: Callable[[Decimals], tuple[Any, Any]], points: Iterable[Point]) -> Equivalence:
    comparisons: list[_Comparison] = []
    wanted = MIN_POINTS
    for point in points:
        field = Decimals(point)
        comparison = _compared_at(field, pair)
        if comparison:
            comparisons.append(comparison)
        if not field.variables:
            wanted = 1
            break
    return _judged(comparisons, wanted)


def _judged(comparisons: list[_Comparison], wanted: int) -> Equivalence:
    real = [comparison for comparison in comparisons if comparison.is_real]
    counted = real if len(real) >= wanted else comparisons
    if any(comparison.stays for comparison in counted):
        return not_equal("values differ")
    if len(counted) >= wanted and all(comparison.vanishes for comparison in counted):
        return equal("values agree")
    return undecided("too few values to compare")


def _compared_at(field: Decimals, pair: Callable[[Decimals], tuple[Any, Any]]) -> _Comparison | None:
    try:
        (a1, b1), (a2, b2) = _at_both(lambda: pair(field))
    except _NO_VALUE:
        return None
    if not all(map(mp.isfinite, (a1, b1, a2, b2))):
        return None
    with mp.workdps(DIGITS[1]):
        noise = max(abs(a1), abs(b1)) * mp.mpf(10) ** -DIGITS[0]
        coarse, fine = max(abs(a1 - b1), noise), abs(a2 - b2)
        real = field.stays_real and _is_real(a1, a2) and _is_real(b1, b2)
        return _Comparison(_vanishes(coarse, fine), _stays(coarse, fine), real)


def _at_both(value: Callable[[], Any]) -> tuple[Any, Any]:
    """Return `value()` computed with 50 and with 100 digits."""
    with mp.workdps(DIGITS[0]):
        coarse = value()
    with mp.workdps(DIGITS[1]):
        return coarse, value()


def _vanishes(coarse: Any, fine: Any) -> bool:
    return fine <= coarse * mp.mpf(10) ** -_SHRUNK


def _stays(coarse: Any, fine: Any) -> bool:
    return fine > 0 and coarse / 2 <= fine <= coarse * 2


def _is_real(coarse: Any, fine: Any) -> bool:
    imaginary = abs(mp.im(coarse)), abs(mp.im(fine))
    return imaginary == (0, 0) or _vanishes(max(imaginary[0], abs(coarse) * mp.mpf(10) ** -DIGITS[0]), imaginary[1])


def _constant(text: str) -> Any:
    if text == "oo":
        raise NoValue(text)
    return {"pi": mp.pi, "e": mp.e, "i": mp.j}[text] * 1


def _is_odd(x: Any) -> bool:
    return bool(mp.isint(x)) and int(mp.re(x)) % 2 == 1


def _is_negative(x: Any) -> bool:
    return mp.im(x) == 0 and mp.re(x) < 0


def _root(x: Any, degree: Any) -> Any:
    """Return the real root of a negative number where the degree is odd, the principal root elsewhere."""
    if _is_odd(degree) and _is_negative(x):
        return -mp.root(-mp.re(x), int(degree))
    return mp.power(x, 1 / degree)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "cot": mp.cot, "sec": mp.sec, "csc": mp.csc,
    "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh,
    "ln": mp.log, "abs": abs, "floor": mp.floor, "ceil": mp.ceil, "root": _root,
    "!": mp.factorial, "binom": mp.binomial, "max": max, "min": min,
}  # fmt: skip
