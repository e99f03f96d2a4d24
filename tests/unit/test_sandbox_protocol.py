"""Frames survive any cut and no forgery."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.protocol import FrameError, FrameParser, FrameTooBig, frame, messages, new_id

MESSAGES = [{"id": "a", "text": "\ud800é\n"}, {}, {"n": [1, {"x": None}]}, {"big": "x" * 300}]


def raw(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def test_a_stream_may_be_cut_anywhere() -> None:
    stream = b"".join(map(frame, MESSAGES))
    for size in range(1, len(stream) + 1):
        chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert list(messages(chunks, max_bytes=1000)) == MESSAGES


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_waited_for(data: bytes) -> None:
    parser = FrameParser(100)
    try:
        for message in parser.feed(data):
            assert isinstance(message, dict)
    except FrameError:
        pass


@pytest.mark.parametrize(
    "stream",
    [
        raw(b"[1]"), raw(b"3"), raw(b""), raw(b"{"), raw(b'{"a":NaN}'), raw(b'{"a":Infinity}'), raw(b"\xff\xfe"),
        raw(b'{"a":' + b"9" * 5000 + b"}"), raw(b'{"a":' + b"[" * 100_000), b"HTTP/1.1 200 OK\r\n",
        b"\x01\x00\x00\x00\x00\x00\x00\x0f" + frame({"a": 1}),
    ],
    ids=lambda stream: repr(stream[:16]),
)  # fmt: skip
def test_what_is_not_a_frame_ends_the_stream(stream: bytes) -> None:
    with pytest.raises(FrameError):
        for _ in FrameParser(1 << 20).feed(stream):
            pass


def test_a_length_above_the_cap_is_refused_before_the_body_is_here() -> None:
    with pytest.raises(FrameTooBig):
        list(FrameParser(10).feed(struct.pack(">I", 11)))


def test_a_message_above_the_cap_is_not_sent() -> None:
    with pytest.raises(FrameTooBig):
        frame({"a": "x" * 100}, max_bytes=50)


def test_messages_before_a_bad_frame_are_kept() -> None:
    seen = []
    with pytest.raises(FrameError):
        for message in FrameParser(100).feed(frame({"a": 1}) + raw(b"no")):
            seen.append(message)
    assert seen == [{"a": 1}]


def test_ids_are_long_and_differ() -> None:
    assert len({new_id() for _ in range(100)}) == 100
    assert len(new_id()) == 32
