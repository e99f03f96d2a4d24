"""Pipes and memory files between the supervisor and a sample."""

import marshal
import os
from dataclasses import dataclass, field
from typing import Any

_CHUNK_BYTES = 1 << 16
_LARGEST_PIPE_BYTES = 1 << 20  # what an unprivileged process can widen a pipe to


@dataclass
class Output:
    """One captured stream: the head of it, and how much there was."""

    fd: int
    keep_bytes: int
    head: bytearray = field(default_factory=bytearray)
    seen_bytes: int = 0

    def read(self) -> bool:
        """Take what is there; False once the stream has ended."""
        try:
            data = os.read(self.fd, _CHUNK_BYTES)
        except BlockingIOError:
            return True
        self.head += data[: self.keep_bytes - len(self.head)]
        self.seen_bytes += len(data)
        return bool(data)

    def drain(self) -> None:
        """Take what still lies in the pipe when every writer is dead; never waits."""
        for _ in range(_LARGEST_PIPE_BYTES // _CHUNK_BYTES):
            if not self.read():
                return

    def text(self) -> str:
        return self.head.decode("utf-8", "replace")

    @property
    def dropped_bytes(self) -> int:
        return self.seen_bytes - len(self.head)


def pipe() -> tuple[int, int]:
    """Return (reader, writer) of a pipe whose reader never blocks."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    return reader, writer


def full_pipe(content: bytes, owner: int | None) -> int:
    """Return the reading end of a pipe that holds `content`, which can be read once, and opened again by `owner`."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    if owner is not None:
        os.fchown(reader, owner, owner)
    os.write(writer, content)
    os.close(writer)
    return reader


def memory_file(content: bytes) -> int:
    """Return a descriptor of an anonymous file that holds `content`, positioned at its start."""
    fd = os.memfd_create("sample")
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def memory_message(message: dict[str, Any]) -> int:
    """Return a descriptor of an anonymous file that holds `message` for a child of the zygote."""
    return memory_file(marshal.dumps(message))
