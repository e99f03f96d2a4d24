"""What may cross between judge and candidate, and what must not."""

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from contextlib import suppress
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.values import MAX_DEPTH, BadValue, NotPlain, decode, encode

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.complex_numbers(allow_nan=False),
)
KEYS = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.lists(inner, max_size=3).map(deque),
        st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict),
        st.lists(KEYS, max_size=4).map(Counter),
    ),
    max_leaves=20,
)


def over_the_wire(value: object) -> Any:
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def typed(value: object) -> object:
    """Return `value` with the type of every part beside it, so that 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return type(value), [(typed(k), typed(v)) for k, v in value.items()]
    if isinstance(value, set | frozenset):
        return type(value), {repr(typed(item)) for item in value}
    if isinstance(value, list | tuple | deque):
        return type(value), [typed(item) for item in value]
    return type(value), repr(value)


@given(VALUES)
def test_a_value_arrives_as_it_was(value: object) -> None:
    assert typed(over_the_wire(value)) == typed(value)


def test_numbers_that_json_does_not_know_arrive() -> None:
    arrived = over_the_wire([math.inf, -math.inf, -0.0, 10**5000, complex(0, math.inf)])
    assert repr(arrived[:3]) == "[inf, -inf, -0.0]"
    assert arrived[3] == 10**5000
    assert arrived[4] == complex(0, math.inf)
    assert math.isnan(over_the_wire(math.nan))


def test_text_that_is_not_unicode_arrives() -> None:
    assert over_the_wire("\ud800 \U0001f40d \0") == "\ud800 \U0001f40d \0"


def test_a_defaultdict_loses_its_factory() -> None:
    assert typed(over_the_wire(defaultdict(list, a=[1]))) == typed({"a": [1]})


def test_a_deque_keeps_its_length_limit() -> None:
    arrived = over_the_wire(deque([1, 2], maxlen=2))
    assert isinstance(arrived, deque)
    assert arrived.maxlen == 2


class Same(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class MyList(list):
    pass


class MyStr(str):
    pass


Point = namedtuple("Point", "x y")
CYCLE: list = []
CYCLE.append(CYCLE)


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        Same(3), [Same(3)], {"a": (Same(3),)}, {Same(3): 1}, MyList([1]), MyStr("a"), Point(1, 2), object(), int, len,
        lambda: 0, range(3), iter([1]), {1: 2}.keys(), Fraction(1, 3), bytearray(b"a"), ValueError("x"), CYCLE,
        nested(MAX_DEPTH + 1),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_not_plain_is_refused(value: object) -> None:
    with pytest.raises(NotPlain):
        encode(value)


def test_the_deepest_value_that_crosses() -> None:
    assert over_the_wire(nested(MAX_DEPTH - 1)) == nested(MAX_DEPTH - 1)


@pytest.mark.parametrize(
    "data",
    [
        {}, {"a": 1, "b": 2}, {"pickle": "gASV"}, {"int": 3}, {"int": "x"}, {"float": "1.0"}, {"float": "nan()"},
        {"bytes": "0"}, {"bytes": 3}, {"tuple": 3}, {"tuple": {"tuple": []}}, {"set": [[1]]}, {"dict": [1]},
        {"dict": [[[], 1]]}, {"dict": [[1, 2, 3]]}, {"complex": [1]}, {"complex": ["a", "b"]}, {"deque": [-1, []]},
        {"deque": ["a", []]}, {"deque": [True, []]}, {"Counter": "ab"}, {"frozenset": [{"dict": []}]},
        nested(MAX_DEPTH + 1),
    ],
    ids=repr,
)  # fmt: skip
def test_forged_data_is_refused(data: object) -> None:
    with pytest.raises(BadValue):
        decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["int", "set", "dict", "deque", "x"]), inner),
)


@given(JSON)
def test_any_json_is_decoded_or_refused(data: object) -> None:
    with suppress(BadValue):
        decode(data)
