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
from math_qwen.answers.outcome import Equivalence, Layer, equal, not_equal
from math_qwen.answers.profile import Profile
from math_qwen.answers.tree import Apply, Expression, Name, Number, mentions, names

_LOG_BASES = (Number(Fraction(10)), Name("e"))
MIN_DIGITS = 6  # significant digits that a decimal must show to stand for an exact value

Ask = Callable[..., Equivalence]
"""Puts a question of `math_qwen.answers.symbolic.Question` about expressions to the symbolic worker."""


def compare_expressions(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """Compare two expressions; the order of the two makes no difference.

    Raises:
        OverLimit: a constant is too large to compute.
    """
    if a == b:
        return equal("the same expression")
    if mentions(a, "oo") or mentions(b, "oo"):
        return not_equal("only one is infinite")
    compare = _compare_percents if _is_percent(a) or _is_percent(b) else _compare_values
    result = compare(a, b, profile, ask)
    if result or profile.strict or not (_has_bare_log(a) or _has_bare_log(b)):
        return result
    readings = (compare(_with_base(a, base), _with_base(b, base), profile, ask) for base in _LOG_BASES)
    return next(filter(None, readings), result)


def _has_bare_log(node: Expression) -> bool:
    """Tell whether a logarithm without a base occurs, which some read to base ten and some to base e."""
    if not isinstance(node, Apply):
        return False
    return (node.op == "log" and len(node.args) == 1) or any(map(_has_bare_log, node.args))


def _with_base(node: Expression, base: Expression) -> Expression:
    if not isinstance(node, Apply):
        return node
    args = tuple(_with_base(arg, base) for arg in node.args)
    return Apply(node.op, (*args, base) if node.op == "log" and len(args) == 1 else args)


def _is_percent(node: Expression) -> bool:
    return _without_percent(node) is not node


def _compare_percents(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """28% equals 28% and 0.28, and 28 where the other side left the sign away; 28 does not equal 0.28."""
    by_value = _compare_values(a, b, profile, ask)
    if by_value or (_is_percent(a) and _is_percent(b)):
        return by_value
    without_sign = _compare_values(_without_percent(a), _without_percent(b), profile, ask)
    return equal("the percent sign is left away", without_sign.layer) if without_sign else by_value


def _without_percent(node: Expression) -> Expression:
    match node:
        case Apply("percent", (value,)):
            return value
        case Apply("neg", (Apply("percent", (value,)),)):
            return Apply("neg", (value,))
    return node


def _compare_values(a: Expression, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    try:
        x, y = exact_value(a), exact_value(b)
    except Undefined:
        return not_equal("undefined", Layer.EXACT)
    if x is not None and y is not None:
        return _compare_fractions(a, x, b, y, profile)
    if x is not None and not names(b):
        return _compare_with_constant(a, x, b, profile, ask)
    if y is not None and not names(a):
        return _compare_with_constant(b, y, a, profile, ask)
    same = identity.identical(a, b)
    if same is None:
        return ask("identical", a, b)
    return _judged(same, "the same function", "different functions", Layer.IDENTITY)


def _compare_fractions(a: Expression, x: Fraction, b: Expression, y: Fraction, profile: Profile) -> Equivalence:
    if x == y:
        return equal("the same exact value", Layer.EXACT)
    if profile.tolerance is not None:
        return _judged(abs(x - y) < profile.tolerance, "within the tolerance", "beyond the tolerance", Layer.EXACT)
    for decimal, exact in ((decimal_literal(a), y), (decimal_literal(b), x)):
        other_is_exact = not (decimal_literal(a) and decimal_literal(b)) and exact.denominator != 1
        if decimal and other_is_exact and _shows_enough_digits(decimal):
            low, high = _rounds_to(decimal)
            return _judged(low <= exact < high, "the decimal rounds it", "the decimal does not round it", Layer.EXACT)
    return not_equal("different exact values", Layer.EXACT)


def _compare_with_constant(a: Expression, x: Fraction, b: Expression, profile: Profile, ask: Ask) -> Equivalence:
    """Compare `a`, whose exact value is `x`, with an irrational or unevaluated constant."""
    if profile.tolerance is not None:
        return ask("between", b, Number(x - profile.tolerance), Number(x + profile.tolerance))
    decimal = decimal_literal(a)
    if decimal is None or not _shows_enough_digits(decimal):
        return ask("identical", a, b)
    low, high = _rounds_to(decimal)
    return ask("between", b, Number(low), Number(high))


def _judged(same: bool, if_equal: str, if_not: str, layer: Layer) -> Equivalence:
    return equal(if_equal, layer) if same else not_equal(if_not, layer)


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
