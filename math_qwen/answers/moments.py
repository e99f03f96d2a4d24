"""A text in, the time of day or the date it is out.

    20:34    8:34 PM    8:34 p.m.    3 pm    16:51:06
    June 20    20th of June, 2021    Oct. 30    2021-06-20    6月20日

A time without "am" or "pm" may also be a ratio; who compares it decides.
"""

import re

from math_qwen.answers.tree import Clock, Date

_MAX_CHARS = 60  # of a text that may be a time or a date
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_MONTH} (?:the )?{_DAY}(?:(?: ?, ?| ){_YEAR})?",
        rf"(?:the )?{_DAY} (?:of )?{_MONTH}(?:(?: ?, ?| ){_YEAR})?",
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
        rf"(?:{_YEAR} ?年 ?)?(?P<month>\d{{1,2}}) ?月 ?(?P<day>\d{{1,2}}) ?[日号]",
    )
)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}) ?: ?(?P<minute>[0-5]\d)(?: ?: ?(?P<second>[0-5]\d))?(?: ?(?P<half>[ap])\.? ?m)?"
    r"|(?P<full>\d{1,2}) ?(?P<full_half>[ap])\.? ?m"
)
_HINT = re.compile(r"\d\D{0,8}:|[ap]\.? ?m\b|[月年]|\d-\d\d-\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")
_WRAPPING = re.compile(r"\\(?:text|textbf|mbox|mathrm|rm)\b|\\[!,;:> ]|[{}$~]")


def read_moment(text: str) -> Clock | Date | None:
    r"""Return the time or the date that the whole text is, None for any other text.

    Args:
        text: an answer, plain or in LaTeX such as `8\!:\!34 \text{ p.m.}`.
    """
    if len(text) > _MAX_CHARS or not _HINT.search(folded := text.casefold()):
        return None
    plain = " ".join(_WRAPPING.sub(" ", folded.replace("：", ":").replace(r"\colon", ":")).split()).rstrip(" .,")
    if clock := _CLOCK.fullmatch(plain):
        return _clock(clock)
    return next((_date(found) for pattern in _DATES if (found := pattern.fullmatch(plain))), None)


def _clock(found: re.Match[str]) -> Clock | None:
    half = found["half"] or found["full_half"] or ""
    hour = int(found["hour"] or found["full"])
    if hour > (12 if half else 24):
        return None
    return Clock(hour, int(found["minute"] or 0), int(found["second"] or 0), half and half + "m")


def _date(found: re.Match[str]) -> Date:
    month = str(found["month"])
    number = int(month) if month.isdecimal() else _MONTHS.index(month[:3]) + 1
    return Date(int(found["year"] or 0) if "year" in found.re.groupindex else 0, number, int(found["day"]))
