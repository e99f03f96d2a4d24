"""Two ratios, times, dates, remainders or numbers in other bases in, their equivalence out.

- A base must agree where both sides name one; a number without one is read in the base of the other side, unless the
  profile is strict.
- 10 modulo 7 is 3 modulo 7, and 3 where the other side names no modulus, unless the profile is strict.
- A ratio equals its multiples and, with two parts, its value: 6:2, 3:1 and 3. A time without "am" or "pm" may be one.
- 8:34 PM is 20:34. A time without "am" or "pm" may be either up to twelve, unless the profile is strict.
"""

from collections.abc import Callable
from fractions import Fraction

from math_qwen.answers.evaluate import Undefined
from math_qwen.answers.exact import exact_value
from math_qwen.answers.outcome import Equivalence, Layer, all_of, equal, not_equal
from math_qwen.answers.tree import Apply, Based, Clock, Congruence, Date, Expression, Node, Number, Ratio, difference

SPECIAL = (Based, Congruence, Ratio, Clock, Date)

Compare = Callable[[Node, Node], Equivalence]
_HALF_DAY_S = 12 * 3600


def compare_special(a: Node, b: Node, *, strict: bool, compare: Compare) -> Equivalence:
    """Compare two answers of which one at least is of a kind in `SPECIAL`.

    Args:
        a, b: the answers; the order makes no difference.
        strict: accept no missing base and no missing "am" or "pm".
        compare: compares two expressions.

    Raises: as `compare`.
    """
    match a, b:
        case Clock(), Clock():
            return _compare_clocks(a, b, strict=strict)
        case Date(), Date():
            return equal("the same date") if a == b else not_equal("different dates")
        case Based(), Based():
            return compare(a.digits, b.digits) if a.base == b.base else not_equal("different bases")
        case (Based() as based, (Number() | Apply()) as other) | ((Number() | Apply()) as other, Based() as based):
            return not_equal("no base is given") if strict else compare(based.digits, other)
        case Congruence(), Congruence():
            same = compare(a.modulus, b.modulus)
            return _compare_remainders(a.value, b.value, a.modulus, compare) if same else same
        case (Congruence() as rest, (Number() | Apply()) as other) | (
            (Number() | Apply()) as other,
            Congruence() as rest,
        ):
            return not_equal("no modulus is given") if strict else _compare_remainder_with(rest, other, compare)
    return _compare_ratios(_as_ratio(a), _as_ratio(b), compare)


def _compare_remainders(x: Expression, y: Expression, modulus: Expression, compare: Compare) -> Equivalence:
    """Compare two numbers that stand for all that differ from them by a multiple of the modulus."""
    quotient = _exact(Apply("/", (difference(x, y), modulus)))
    if quotient is None:
        return compare(x, y)
    same = quotient.denominator == 1
    return equal("the same remainder", Layer.EXACT) if same else not_equal("different remainders", Layer.EXACT)


def _compare_remainder_with(rest: Congruence, other: Expression, compare: Compare) -> Equivalence:
    """Compare 10 modulo 7 with a plain number: it is 10 itself, or 3."""
    result, value = compare(rest.value, other), _exact(Apply("/", (other, rest.modulus)))
    if result or value is None or not 0 <= value < 1:
        return result
    return _compare_remainders(rest.value, other, rest.modulus, compare)


def _exact(node: Expression) -> Fraction | None:
    try:
        return exact_value(node)
    except Undefined:
        return None


def _compare_clocks(a: Clock, b: Clock, *, strict: bool) -> Equivalence:
    if bool(a.half) == bool(b.half) or strict:
        same = _seconds(a) == _seconds(b)
    else:
        same = (_seconds(a) - _seconds(b)) % _HALF_DAY_S == 0 and _may_be_either(b if a.half else a)
        same = same or _seconds(a) == _seconds(b)
    return equal("the same time") if same else not_equal("different times")


def _may_be_either(clock: Clock) -> bool:
    return 1 <= clock.hour <= 12


def _seconds(clock: Clock) -> int:
    """Return the seconds since midnight."""
    hour = clock.hour % 12 + 12 * (clock.half == "pm") if clock.half else clock.hour
    return hour * 3600 + clock.minute * 60 + clock.second


def _as_ratio(node: Node) -> tuple[Expression, ...]:
    match node:
        case Ratio(parts):
            return parts
        case Clock(hour, minute, second, ""):
            numbers = (hour, minute, second) if second else (hour, minute)
            return tuple(Number(Fraction(number)) for number in numbers)
        case Number() | Apply():
            return (node, Number(Fraction(1)))
    return ()


def _compare_ratios(a: tuple[Expression, ...], b: tuple[Expression, ...], compare: Compare) -> Equivalence:
    if not a or not b:
        return not_equal("different types")
    if len(a) != len(b):
        return not_equal("ratios of different lengths")
    return all_of(
        compare(Apply("/", (x, y)), Apply("/", (v, w))) for x, y, v, w in zip(a, a[1:], b, b[1:], strict=False)
    )
