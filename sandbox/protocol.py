"""Frames: JSON messages over a byte stream.

A frame is a big-endian u32 length followed by that many bytes of UTF-8 JSON, always an object. The same frames run
between client and supervisor (attached stdin and stdout of the box) and between judge and candidate (a socket pair).
Whoever reads sets a cap; a length above it, bytes that are not JSON, or JSON that is not an object end the stream with
a `FrameError`: there is no way to find the next frame after a bad one, so the peer counts as lost.

This file runs on both sides of the wall: standard library only.
"""

import json
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any

VERSION = 1
MAX_REQUEST_BYTES = 64 << 20
MAX_ANSWER_BYTES = 16 << 20
MAX_VALUE_BYTES = 16 << 20  # one call, or one returned value, between judge and candidate

_LENGTH = struct.Struct(">I")

Message = dict[str, Any]


class FrameError(ValueError):
    """The peer sent something that is not a frame; nothing after it can be trusted."""


class FrameTooBig(FrameError):
    """A message does not fit under the cap."""


def new_id() -> str:
    """Return a request id that nobody can guess, so that a stale or forged answer is told apart."""
    return os.urandom(16).hex()


def frame(message: Message, *, max_bytes: int = MAX_REQUEST_BYTES) -> bytes:
    """Return `message` as one frame. Raises `FrameTooBig` above `max_bytes`.

    The JSON is pure ASCII, so that lone surrogates in a program's text survive the trip.
    """
    body = _ENCODER.encode(message).encode("ascii")
    if len(body) > max_bytes:
        raise FrameTooBig(f"a message of {len(body)} bytes is above the cap of {max_bytes}")
    return _LENGTH.pack(len(body)) + body


class FrameParser:
    """Cuts a byte stream, fed in pieces of any size, into messages."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take `data` and yield every message that is now complete.

        Raises:
            FrameTooBig: a length above the cap, seen as soon as its four bytes are here.
            FrameError: a body that is not a JSON object.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._max_bytes:
                raise FrameTooBig(f"a frame of {length} bytes is above the cap of {self._max_bytes}")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield _parse(body)


def messages(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[Message]:
    """Yield the messages of a stream that ends; a frame cut short at its end is dropped."""
    parser = FrameParser(max_bytes)
    for chunk in chunks:
        yield from parser.feed(chunk)


def _parse(body: bytes) -> Message:
    try:
        message = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a frame is not JSON ({type(error).__name__})") from None
    if not isinstance(message, dict):
        raise FrameError(f"a frame holds a {type(message).__name__}, an object is needed")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
