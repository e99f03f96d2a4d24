"""Bytes of a file in, its text out.

Order of belief: a byte order mark, a coding cookie (PEP 263: a comment in the first two lines), strict UTF-8. Nothing
is guessed and nothing replaced: text in an encoding that does not say its name is left out, with the reason.
"""

import codecs
import re

from specialists.family import Drop

_MARKS = (  # the longer mark first: that of UTF-32-LE begins with that of UTF-16-LE
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
# Python codecs that are no character sets: escapes, and host names, whose decoders need quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "utf-7"})


def decode(data: bytes) -> str | Drop:
    """Return the text, without a byte order mark, or why it is none: "binary" or "undecodable"."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data.removeprefix(mark), encoding)
    if b"\0" in data:
        return Drop("binary", "holds NUL bytes")
    return _decode(data, _cookie(data) or "utf-8")


def _cookie(data: bytes) -> str:
    for line in data[:1000].split(b"\n")[:2]:
        if match := _COOKIE.match(line):
            return match[1].decode("ascii", "replace")
    return ""


def _decode(data: bytes, encoding: str) -> str | Drop:
    if encoding.lower().replace("_", "-") in _NO_CHARSETS:
        return Drop("undecodable", f"{encoding} is not a character set")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        return Drop("undecodable", f"unknown encoding {encoding!r}")
    except UnicodeDecodeError as error:
        return Drop("undecodable", f"not {encoding}: {error.reason} at byte {error.start}")
