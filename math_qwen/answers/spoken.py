"""Number words in, digits out.

    twenty-five -> 25    two thousand three hundred -> 2300    two thirds -> 2/3
    二十五 -> 25    一又三分之一 -> 1 1/3    百分之二十五 -> 25%    三点五 -> 3.5    一半 -> 1/2

Only where the whole answer is a number, alone or with a unit of the table: "two lines" stays words.
"""

import re

from math_qwen.answers.units import CANONICAL

_MAX_CHARS = 80  # of an answer in words

_SMALL_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL = {word: value for value, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * tens for tens, word in enumerate(_TENS_WORDS.split(), start=2)}
_POWERS = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip
_ENGLISH = re.compile(r"[$\s]*(?:\\(?:text|textbf|mbox|mathrm)\s*\{)?\s*([A-Za-z][A-Za-z \-]+?)\s*\.?\s*\}?[$\s.]*")

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_STEPS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_NUMERAL = f"[{''.join((*_DIGITS, *_STEPS, *_MYRIADS))}]"
_CHINESE = re.compile(
    rf"(?:(?P<half>一半)|百分之(?P<percent>{_NUMERAL}+)|(?P<whole>{_NUMERAL}+)(?:点(?P<decimals>[{''.join(_DIGITS)}]+))?"
    rf"|(?:(?P<before>{_NUMERAL}+)又)?(?P<below>{_NUMERAL}+)分之(?P<above>{_NUMERAL}+))(?P<unit>[^{''.join(_DIGITS)}]*)"
)


def in_digits(text: str) -> str:
    """Return an answer whose number is spelled out with digits instead; any other answer as it is."""
    if len(text) > _MAX_CHARS:
        return text
    if (english := _ENGLISH.fullmatch(text)) and (digits := _english(english[1].casefold())):
        return digits
    if (chinese := _CHINESE.fullmatch(text.strip().rstrip("。."))) and chinese["unit"] in ("", "个", *CANONICAL):
        return _chinese(chinese) or text
    return text


def _english(phrase: str) -> str | None:
    words = [word for word in re.split("[ -]+", phrase) if word]
    length = len(words)
    while length and words[length - 1] in CANONICAL and words[length - 1] not in _PARTS:
        length -= 1
    number, unit = words[:length], words[length:]
    if number[-3:] == ["and", "a", "half"]:
        whole = _cardinal(number[:-3])
        return None if whole is None else " ".join([whole, "1/2", *unit])
    digits = _fraction(number) if number and number[-1] in _PARTS else _cardinal(number)
    return None if digits is None else " ".join([digits, *unit])


def _fraction(words: list[str]) -> str | None:
    above = _cardinal(words[:-1])
    return None if above is None else f"{above}/{_PARTS[words[-1]]}"


def _cardinal(words: list[str]) -> str | None:
    """Return the digits of two thousand three hundred [and] five; None where this is no number."""
    total, group, last = 0, 0, ""
    for word in words:
        if word in SMALL and last not in SMALL:
            group += SMALL[word]
        elif word in _TENS and last not in SMALL and last not in _TENS:
            group += _TENS[word]
        elif word == "hundred" and 0 < group < 10:
            group *= 100
        elif word in _POWERS and group:
            total, group = total + group * _POWERS[word], 0
        elif not (word == "and" and last in ("hundred", *_POWERS)):
            return None
        last = word
    return None if last in ("", "and") else str(total + group)


def _chinese(found: re.Match[str]) -> str | None:
    names = ("percent", "whole", "before", "below", "above")
    values = {name: _numeral(found[name]) for name in names if found[name]}
    if found["half"]:
        return f"1/2{found['unit']}"
    if None in values.values():
        return None
    if "percent" in values:
        return f"{values['percent']}%{found['unit']}"
    if "whole" in values:
        decimals = "".join(str(_DIGITS[digit]) for digit in found["decimals"] or "")
        return f"{values['whole']}{'.' if decimals else ''}{decimals}{found['unit']}"
    return f"{values.get('before', '')} {values['above']}/{values['below']}{found['unit']}".strip()


def _numeral(text: str) -> int | None:
    """Return the value of 一百二十三万; None where the signs stand in no such order."""
    total, section, digit = 0, 0, None
    for sign in text:
        if sign in _DIGITS:
            if digit:  # 二三 is two signs side by side
                return None
            digit = _DIGITS[sign]
        elif sign in _STEPS:
            section, digit = section + (1 if digit is None else digit) * _STEPS[sign], None
        else:
            total, section, digit = total + (section + (digit or 0)) * _MYRIADS[sign], 0, None
    return total + section + (digit or 0)
