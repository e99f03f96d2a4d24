r"""Number tokens in, exact literals out.

Covers integers, decimals, thousands with commas, scientific notation, repeating decimals (`0.\overline{3}`, `0.(3)`)
mixed numbers (`3 1/2`, `3\frac12`) and other bases (`204_5`). A literal is exact: 0.1 is one tenth.
"""

import re
from fractions import Fraction

from math_qwen.answers.cursor import Cursor, Unreadable
from math_qwen.answers.outcome import OverLimit
from math_qwen.answers.spoken import SMALL
from math_qwen.answers.tokens import Token
from math_qwen.answers.tree import Apply, Based, Node, Number

MAX_DIGITS = 3000  # of one literal; Python itself refuses to read or print more than 4300

_MAX_BASE = 36
_INTEGER = re.compile(r"\d+")
_PERIODS = (("overline", "{", "}"), ("dot", "{", "}"), ("(", ")"))  # what stands around repeating digits


def read_number(cursor: Cursor, token: Token) -> Number:
    """Return the number that starts with `token`, taking the tokens that continue it.

    Raises:
        OverLimit: more digits, or a larger power of ten, than `MAX_DIGITS`.
    """
    literal = read_literal(token.text)
    if "." in token.text and (period := _take_period(cursor)):
        whole, _, start = token.text.partition(".")
        scale = 10 ** len(start)
        return Number(Fraction(int(whole + start), scale) + Fraction(int(period), scale * (10 ** len(period) - 1)))
    if _INTEGER.fullmatch(token.text) and (part := _take_plain_fraction(cursor)):
        return Number(literal.value + part)
    if literal.step is not None:
        cursor.accept("...")  # 0.333333... is read as the digits it shows
    return literal


def read_literal(text: str) -> Number:
    """Return the exact value of a decimal literal such as 1,234.50 or 1.2e-3.

    Raises:
        OverLimit: more digits, or a larger power of ten, than `MAX_DIGITS`.
    """
    mantissa, _, power = text.casefold().partition("e")
    whole, point, decimals = mantissa.replace(",", "").partition(".")
    if len(mantissa) > MAX_DIGITS or len(power) > len(str(MAX_DIGITS)) or abs(int(power or "0")) > MAX_DIGITS:
        raise OverLimit(f"a number of more than {MAX_DIGITS} digits")
    step = Fraction(10) ** (int(power or "0") - len(decimals))
    groups = tuple(map(int, mantissa.split(","))) if "," in mantissa and not point else ()
    return Number(int(whole + decimals) * step, step if decimals else None, groups)


def mixed_number(whole: Node, part: Node) -> Number | None:
    """Return the mixed number of an integer literal and a proper fraction of literals, None for anything else."""
    match whole, part:
        case Number(w, None), Apply("/", (Number(n, None), Number(d, None))) if _is_proper(w, n, d):
            return Number(w + n / d if w >= 0 else w - n / d)
    return None


def based(digits: Number, subscript: str) -> Based | Number:
    """Return a number with the base that its subscript names in digits or words; base ten is no base.

    Raises:
        Unreadable: the subscript names no base.
    """
    subscript = subscript.strip("( )")
    base = int(subscript) if subscript.isdecimal() else SMALL.get(subscript.replace(" ", "").casefold(), 0)
    if not 2 <= base <= _MAX_BASE:
        raise Unreadable(f"{subscript!r} is no base")
    return digits if base == 10 else Based(Number(digits.value), base)


def _is_proper(whole: Fraction, numerator: Fraction, denominator: Fraction) -> bool:
    integers = whole.denominator == numerator.denominator == denominator.denominator == 1
    return integers and 0 < numerator < denominator


def _take_period(cursor: Cursor) -> str:
    """Take the repeating digits that follow a decimal; "" where none do."""
    for *opening, closing in _PERIODS:
        length = len(opening)
        *before, digits, after = (cursor.peek(k).text for k in range(length + 2))
        if before != opening or after != closing or cursor.peek().after_gap:
            continue
        if _INTEGER.fullmatch(digits) and len(digits) <= MAX_DIGITS:
            cursor.skip(length + 2)
            return digits
    return ""


def _take_plain_fraction(cursor: Cursor) -> Fraction | None:
    """Take the " 1/2" of a mixed number such as 3 1/2."""
    numerator, slash, denominator = (cursor.peek(k) for k in range(3))
    if not numerator.after_gap or slash.text != "/":
        return None
    if not (_INTEGER.fullmatch(numerator.text) and _INTEGER.fullmatch(denominator.text)):
        return None
    n, d = read_literal(numerator.text).value, read_literal(denominator.text).value
    if not 0 < n < d:
        return None
    cursor.skip(3)
    return n / d
