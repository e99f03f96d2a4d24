"""Where one sample lives: its users, its directory, and the end of both.

A sample may take several steps here, a compiler's and its program's. After each, everything that ran under its users is
killed, whether or not it looks clean; after the last, everything it wrote is removed.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.image import linux
from sandbox.image.nursery import BoxBroken, Nursery
from sandbox.image.wipe import remove, wipe

_END_S = 10.0  # killed processes that are not gone by then mean that the box is broken
_NEWS_S = 0.002
HOME = "home"  # in the box's directory for samples; there is one at a time
_USERS = 4000  # pairs of user ids that one worker goes through before it starts again


@dataclass(frozen=True)
class Box:
    """What one worker gives to its samples; `uid_base` is None where we are not root."""

    work: str
    wiped: tuple[str, ...]
    uid_base: int | None
    oom: linux.OomCounter
    other_processes: int = 0  # of our own user, which share its limit where children are not given their own


class Home:
    """The users and the directory of sample `number`; entering makes the directory, leaving wipes it."""

    def __init__(self, box: Box, nursery: Nursery, number: int) -> None:
        self.box = box
        self.directory = f"{box.work}/{HOME}"
        base = box.uid_base
        self.users = [] if base is None else [base + 2 * (number % _USERS) + n for n in range(2)]
        self._nursery = nursery

    def __enter__(self) -> Self:
        Path(self.directory).mkdir(mode=0o700)
        if self.users:
            os.chown(self.directory, self.users[0], self.users[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is BoxBroken:
            return
        remove(self.directory)
        for directory in self.box.wiped:
            wipe(directory)

    def strangers(self) -> dict[int, list[bytes]]:
        """Every process below the supervisor that is not the zygote."""
        if os.getpid() == 1 and set(linux.all_pids()) == {1, self._nursery.zygote_pid}:
            return {}
        below = linux.descendants(os.getpid())
        below.pop(self._nursery.zygote_pid, None)
        return below

    def kill(self, *, judge_too: bool) -> None:
        """Kill what runs under the sample's users, or, where it has none, what runs below the supervisor."""
        for uid in self.users[: 1 + judge_too]:
            linux.kill_user(uid)
        if self.users:
            return
        judge = self._nursery.pids.get("judge")
        for pid in self.strangers():
            if judge_too or pid != judge:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill and reap every process. Raises `BoxBroken` if one stays.

        One pass over the users leaves nobody behind but a child that has not got its user yet, so another pass is made
        whenever no news comes.
        """
        deadline = time.monotonic() + _END_S
        self.kill(judge_too=True)
        while True:
            self._reap()
            if self._nursery.all_ended() and not self.strangers():
                return
            heard = self._nursery.hear(_NEWS_S)
            if not (heard and self.users):
                self.kill(judge_too=True)
            if time.monotonic() > deadline:
                raise BoxBroken(f"processes that cannot be killed: {sorted(self.strangers())}")

    def _reap(self) -> None:
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            if pid == self._nursery.zygote_pid:
                raise BoxBroken("the zygote is gone")
