"""Values as plain data: what may cross between judge and candidate.

The judge decodes what a hostile program sent. So the code carries data only: a value is rebuilt from its tag by this
file, never by anything the sender defined, and never through pickle, marshal or eval. What may cross:

    None bool int float (nan, inf) str bytes complex list tuple set frozenset dict Counter OrderedDict deque

Types are matched exactly. A subclass is refused, which is what makes an `__eq__` that is always true, or an `int` that
lies about its value, impossible to deliver. A defaultdict loses its factory and arrives as a dict. Shared references
arrive as copies; values nested deeper than `MAX_DEPTH`, and so every cycle, are refused.

In JSON, null, booleans, strings, lists, finite floats and small integers stand for themselves; everything else is an
object with one key, its tag. This file runs on both sides of the wall: standard library only.
"""

import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 60
_SMALL_INT = 1 << 53

Json = Any


class NotPlain(TypeError):
    """A value cannot cross as plain data; the text names its type."""


class BadValue(ValueError):
    """Encoded data that this file would never have written."""


def encode(value: object, depth: int = MAX_DEPTH) -> Json:
    """Return `value` as JSON data. Raises `NotPlain` for a type, or a depth, that cannot cross."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if depth == 0:
        raise NotPlain(f"a value nested deeper than {MAX_DEPTH}")
    writer = _WRITERS.get(kind)
    if writer is None:
        raise NotPlain(f"a value of type {kind.__module__}.{kind.__qualname__}")
    return writer(value, depth - 1)


def decode(data: Json, depth: int = MAX_DEPTH) -> Any:
    """Return the value that `encode` wrote. Raises `BadValue` for anything else, whoever sent it."""
    if data is None or isinstance(data, bool | str | int | float):
        return data
    if depth == 0:
        raise BadValue("nested too deep")
    if isinstance(data, list):
        return [decode(item, depth - 1) for item in data]
    if not isinstance(data, dict) or len(data) != 1:
        raise BadValue("neither a plain value nor a tag")
    ((tag, body),) = data.items()
    reader = _READERS.get(tag)
    if reader is None:
        raise BadValue(f"an unknown tag {tag[:40]!r}")
    try:
        return reader(body, depth - 1)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadValue(f"a bad {tag}: {error}") from None


def _write_int(value: int, _depth: int) -> Json:
    return value if -_SMALL_INT < value < _SMALL_INT else {"int": hex(value)}


def _write_float(value: float, _depth: int) -> Json:
    return value if math.isfinite(value) else {"float": repr(value)}


def _write_list(value: list[Any], depth: int) -> Json:
    return [encode(item, depth) for item in value]


def _write_items(tag: str) -> Callable[[Any, int], Json]:
    return lambda value, depth: {tag: [encode(item, depth) for item in value]}


def _write_pairs(tag: str) -> Callable[[Any, int], Json]:
    return lambda value, depth: {tag: [[encode(k, depth), encode(v, depth)] for k, v in value.items()]}


def _write_deque(value: "deque[Any]", depth: int) -> Json:
    return {"deque": [value.maxlen, [encode(item, depth) for item in value]]}


def _read_items(make: Callable[[list[Any]], Any]) -> Callable[[Json, int], Any]:
    return lambda body, depth: make([decode(item, depth) for item in _listed(body)])


def _read_pairs(make: Callable[[dict[Any, Any]], Any]) -> Callable[[Json, int], Any]:
    return lambda body, depth: make({decode(k, depth): decode(v, depth) for k, v in _listed(body)})


def _read_deque(body: Json, depth: int) -> "deque[Any]":
    maxlen, items = body
    if maxlen is not None and type(maxlen) is not int:
        raise BadValue("a bad deque length")
    return deque([decode(item, depth) for item in _listed(items)], maxlen)


def _read_float(body: Json, _depth: int) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise BadValue("only nan and infinities carry the tag float")
    return float(body)


def _read_complex(body: Json, depth: int) -> complex:
    real, imaginary = (decode(part, depth) for part in body)
    if type(real) is not float or type(imaginary) is not float:
        raise BadValue("a complex number has two floats")
    return complex(real, imaginary)


def _listed(body: Json) -> list[Any]:
    if not isinstance(body, list):
        raise BadValue("a list is needed")
    return body


_WRITERS: dict[type, Callable[[Any, int], Json]] = {
    int: _write_int,
    float: _write_float,
    list: _write_list,
    bytes: lambda value, _depth: {"bytes": value.hex()},
    complex: lambda value, depth: {"complex": [encode(value.real, depth), encode(value.imag, depth)]},
    tuple: _write_items("tuple"),
    set: _write_items("set"),
    frozenset: _write_items("frozenset"),
    dict: _write_pairs("dict"),
    defaultdict: _write_pairs("dict"),
    Counter: _write_pairs("Counter"),
    OrderedDict: _write_pairs("OrderedDict"),
    deque: _write_deque,
}

_READERS: dict[str, Callable[[Json, int], Any]] = {
    "int": lambda body, _depth: int(body, 16),
    "float": _read_float,
    "bytes": lambda body, _depth: bytes.fromhex(body),
    "complex": _read_complex,
    "tuple": _read_items(tuple),
    "set": _read_items(set),
    "frozenset": _read_items(frozenset),
    "dict": _read_pairs(dict),
    "Counter": _read_pairs(Counter),
    "OrderedDict": _read_pairs(OrderedDict),
    "deque": _read_deque,
}
