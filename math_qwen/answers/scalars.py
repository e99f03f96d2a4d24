"""Two expressions in, their equivalence out.

The cheapest rule that decides comes first.

1. Exact fractions: equal or not, or within the tolerance that a data set's own rule allows.
2. A decimal against an exact value: equal if it has six significant digits and the exact value rounds or is cut to it.
3. Rational expressions: an exact test of identity, see `math_qwen.answers.identity`.
4. Everything else: long decimals in the symbolic worker, see `math_qwen.answers.numeric`.
"""

from collections.abc import Callable
from fractions import Fraction

from math_qwen.answers import identity
from math_qwen.answers.evaluate import Undefined
from math_qwen.answers.exact import exact_value
from math_qwen.answers.outcome import Equivalence, equal, not_equal
from math_qwen.answers.profile import Profile
from math_qwen.answers.tree import Apply, Expression, Number, mentions, names

MIN_DIGITS = 6  # significant digits that a decimal must show to stand for an exact value

Ask = Callable[..., Equivalence]
"""Puts a question of `math_qwen.answers.symbolic.Question` about expressions to the symbolic worker."""


def compare_expressions(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """Compare two expressions; the order of the two makes no difference.

    Raises:
        OverLimit: a constant is too large to compute.
    """
    if a == b:
        return equal("same expression")
    if mentions(a, "oo") or mentions(b, "oo"):
        return not_equal("infinite")
    if _is_percent(a) or _is_percent(b):
        return _compare_percents(a, b, profile, ask)
    return _compare_values(a, b, profile, ask)


def _is_percent(node: Expression) -> bool:
    return isinstance(node, Apply) and node.op == "percent"


def _compare_percents(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """28% equals 28% and 0.28, and 28 where the other side left the sign away; 28 does not equal 0.28."""
    by_value = _compare_values(a, b, profile, ask)
    if by_value or (_is_percent(a) and _is_percent(b)):
        return by_value
    without_sign = _compare_values(_without_percent(a), _without_percent(b), profile, ask)
    return equal("percent sign left away") if without_sign else by_value


def _without_percent(node: Expression) -> Expression:
    return node.args[0] if isinstance(node, Apply) and node.op == "percent" else node


def _compare_values(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    try:
        x, y = exact_value(a), exact_value(b)
    except Undefined:
        return not_equal("undefined")
    if x is not None and y is not None:
        return _compare_fractions(a, x, b, y, profile)
    if x is not None and not names(b):
        return _compare_with_constant(a, x, b, profile, ask)
    if y is not None and not names(a):
        return _compare_with_constant(b, y, a, profile, ask)
    same = identity.identical(a, b)
    if same is None:
        return ask("identical", a, b)
    return equal("identity") if same else not_equal("no identity")


def _compare_fractions(a: Expression, x: Fraction, b: Expression, y: Fraction, profile: Profile) -> Equivalence:
    if x == y:
        return equal("exact value")
    if profile.tolerance is not None:
        return equal("within tolerance") if abs(x - y) < profile.tolerance else not_equal("beyond tolerance")
    for decimal, exact in ((decimal_literal(a), y), (decimal_literal(b), x)):
        other_is_exact = not (decimal_literal(a) and decimal_literal(b)) and exact.denominator != 1
        if decimal and other_is_exact and _shows_enough_digits(decimal):
            low, high = _rounds_to(decimal)
            return equal("six digits") if low <= exact < high else not_equal("digits differ")
    return not_equal("exact value")


def _compare_with_constant(a: Expression, x: Fraction, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """Compare `a`, whose exact value is `x`, with an irrational or unevaluated constant."""
    if profile.tolerance is not None:
        return ask("between", b, Number(x - profile.tolerance), Number(x + profile.tolerance))
    decimal = decimal_literal(a)
    if decimal is None:
        return ask("identical", a, b)
    if not _shows_enough_digits(decimal):
        return not_equal("too few digits")
    low, high = _rounds_to(decimal)
    return ask("between", b, Number(low), Number(high))


def decimal_literal(node: Expression) -> Number | None:
    """Return a decimal as it is printed, also one in scientific notation; None for anything exact."""
    match node:
        case Number(_, step) if step is not None:
            return node
        case Apply("neg", (inner,)) if (literal := decimal_literal(inner)) and literal.step:
            return Number(-literal.value, literal.step)
        case Apply("*", (Number(value, step), Apply("^", (Number(ten), _)) as power)) if step is not None and ten == 10:
            scale = exact_value(power)
            return None if scale is None else Number(value * scale, step * scale)
    return None


def _shows_enough_digits(decimal: Number) -> bool:
    assert decimal.step is not None
    return abs(decimal.value) >= decimal.step * 10 ** (MIN_DIGITS - 1)


def _rounds_to(decimal: Number) -> tuple[Fraction, Fraction]:
    """Return the ends of the values that are printed as this decimal when they are rounded or cut off."""
    assert decimal.step is not None
    half = decimal.step / 2
    if decimal.value < 0:
        return decimal.value - decimal.step, decimal.value + half
    return decimal.value - half, decimal.value + decimal.step
