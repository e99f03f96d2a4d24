"""Unit words in, one canonical spelling out.

5 km and 5000 m stay different answers, unless a profile converts units. A unit that is not in the table is its own
canonical spelling, so "18 eggs" meets "18 egg" but not "18 ducks".
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

_SPELLINGS = {
    "mm": "millimeter millimeters millimetre millimetres 毫米",
    "cm": "centimeter centimeters centimetre centimetres 厘米",
    "dm": "decimeter decimeters decimetre decimetres 分米",
    "m": "meter meters metre metres 米",
    "km": "kilometer kilometers kilometre kilometres 千米 公里",
    "inch": "in inches",
    "ft": "foot feet",
    "yd": "yard yards",
    "mi": "mile miles",
    "mg": "milligram milligrams 毫克",
    "g": "gm gram grams 克",
    "kg": "kilogram kilograms 千克 公斤",
    "t": "ton tons tonne tonnes 吨",
    "lb": "lbs pound pounds",
    "oz": "ounce ounces",
    "ml": "mL milliliter milliliters millilitre millilitres 毫升",
    "L": "l liter liters litre litres 升",
    "gal": "gallon gallons",
    "s": "sec secs second seconds 秒 秒钟",
    "min": "mins minute minutes 分钟",
    "h": "hr hrs hour hours 小时 时",
    "day": "days 天 日",
    "week": "weeks 周 星期",
    "month": "months 月 个月",
    "year": "years yr yrs 年",
    "dollar": "dollars USD $ 美元",
    "cent": "cents ¢ 美分",
    "euro": "euros EUR €",
    "sterling": "GBP £ 英镑",
    "yuan": "RMB CNY ¥ 元 块 块钱 人民币",
    "jiao": "角",
    "degree": "degrees deg 度",
    "rad": "radian radians",
    "m^2": "平方米",
    "dm^2": "平方分米",
    "cm^2": "平方厘米",
    "km^2": "平方千米 平方公里",
    "m^3": "立方米",
    "dm^3": "立方分米",
    "cm^3": "立方厘米",
    "unit": "units",
    "ft/s": "fps",
    "mi/h": "mph",
    "km/h": "kmh kph",
}
CANONICAL = {word: unit for unit, words in _SPELLINGS.items() for word in (unit, *words.split())}
CURRENCY_SIGNS = frozenset("$€£¥¢")

# How many of the first unit one of the others is: international foot and pound of 1959. Months and years have no one
# length.
_SIZES = {
    "m": {"mm": "1/1000", "cm": "1/100", "dm": "1/10", "km": "1000", "inch": "0.0254", "ft": "0.3048", "yd": "0.9144",
          "mi": "1609.344"},
    "g": {"mg": "1/1000", "kg": "1000", "t": "1000000", "lb": "453.59237", "oz": "28.349523125"},
    "L": {"ml": "1/1000"},
    "s": {"min": "60", "h": "3600", "day": "86400", "week": "604800"},
    "cent": {"dollar": "100"},
    "jiao": {"yuan": "10"},
}  # fmt: skip


class Size(NamedTuple):
    """How many of `unit` something is."""

    unit: str
    amount: Fraction


_IN_BASE = {
    unit: Size(base, Fraction(size)) for base, sizes in _SIZES.items() for unit, size in {base: "1", **sizes}.items()
}


def in_base_units(unit: str) -> Size | None:
    """Return what one of a canonical unit is in metres, grams, litres, seconds and cents; None where no table says.

    Args:
        unit: as `canonical_unit` writes it: "km", "cm^2", "mi/h".
    """
    above, *below = (_power_in_base(part) for part in unit.split("/"))
    if above is None or None in below:
        return None
    amount = above.amount
    for part in below:
        amount /= part.amount if part else 1
    return Size("/".join([above.unit, *(part.unit for part in below if part)]), amount)


def _power_in_base(unit: str) -> Size | None:
    name, _, power = unit.partition("^")
    size = _IN_BASE.get(name)
    if size is None or power not in ("", "2", "3"):
        return None
    return Size(f"{size.unit}^{power}" if power else size.unit, size.amount ** int(power or 1))


_POWER_BEFORE = {"square": "^2", "sq": "^2", "cubic": "^3", "cu": "^3"}
_POWER_AFTER = {"squared": "^2", "cubed": "^3"}

SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "万": 10**4,
    "亿": 10**8,
}

# Words that change or qualify the number before them: "2 or more" is not 2, "5 less" is not 5.
_QUALIFIERS = """about above again almost approx approximately around below between bigger but dozens either
    factorial fewer from greater half halves if larger least less lower maximum minimum minus modulo mod more most
    negative no not nor over plus positive quarter quarters score smaller than third thirds to twice under up upto
    upwards versus vs when where without"""
_REMARKS = (["in", "total"], ["in", "all"], ["altogether"], ["total"], ["overall"])
_QUALIFYING = frozenset(_QUALIFIERS.split())
_CHINESE_QUALIFIERS = frozenset("多上下左右到至或约近以超倍余半不几")


def canonical_unit(words: Iterable[str]) -> str | None:
    """Return one spelling for a unit phrase, or None where the words are no unit.

    Args:
        words: the words after a number, with "/" and exponents such as "^2" as words of their own.

    Returns:
        For example "mi/h" for miles per hour, "cm^2" for square centimeters, "egg" for eggs.
    """
    unit, power = "", ""
    for word in _without_remark(list(words)):
        if qualifies(word):
            return None
        if word in _POWER_BEFORE:
            power = _POWER_BEFORE[word]
        elif word in ("/", "per"):
            unit += "/"
        elif word in _POWER_AFTER or word.startswith("^"):
            unit += _POWER_AFTER.get(word, word)
        else:
            gap = " " if unit and not unit.endswith("/") else ""
            unit, power = unit + gap + _canonical_word(word) + power, ""
    return None if unit == "" or unit.startswith("^") else unit


def _without_remark(words: list[str]) -> list[str]:
    """Return unit words without an "in total" at their end."""
    folded = [word.casefold() for word in words]
    for remark in _REMARKS:
        if len(words) > len(remark) and folded[-len(remark) :] == remark:
            return words[: -len(remark)]
    return words


def qualifies(word: str) -> bool:
    """Tell whether a word changes what the number beside it means, as "about" and "or more" do."""
    return word.casefold() in _QUALIFYING or bool(_CHINESE_QUALIFIERS.intersection(word))


def _canonical_word(word: str) -> str:
    known = CANONICAL.get(word) or CANONICAL.get(word.casefold())
    if known:
        return known
    folded = word.casefold()
    return folded[:-1] if folded.endswith("s") and not folded.endswith("ss") else folded
