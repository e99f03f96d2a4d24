"""The supervisor's handle on the zygote: order children, hear how they end.

The zygote is started by exec, not by fork, because the supervisor will read requests. There is one sample at a time, so
a child is known by its role.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence

from sandbox.image.child import Order
from sandbox.image.verdict import Exit

_CONTROL = 3  # the descriptor at which the zygote finds its end of the control socket
_START_S = 30.0
_MAX_NEWS_BYTES = 4096
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # programs that walk a set get the same verdict in every worker
}


class BoxBroken(Exception):
    """This box can no longer be trusted to be clean: the supervisor ends, and with it everything inside."""


class Nursery:
    """A running zygote and the children of the present sample."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.ended: dict[str, Exit] = {}
        self._ordered: set[str] = set()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.zygote_pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-s", "-B", "-X", "utf8", sys.argv[0], "zygote"],
                _ENVIRONMENT,
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), _CONTROL)],
            )
        self.hear(_START_S)

    @property
    def fd(self) -> int:
        """Readable when there is news."""
        return self._control.fileno()

    def spawn(self, order: Order, fds: Sequence[int]) -> None:
        """Order one child; `fds` are handed over and closed here."""
        socket.send_fds(self._control, [order.to_bytes()], fds)
        self._ordered.add(order.role)
        for fd in fds:
            os.close(fd)

    def hear(self, timeout_s: float) -> bool:
        """Take one piece of news; False if there is none in time. Raises `BoxBroken` if the zygote is gone."""
        if not select.select([self._control], [], [], timeout_s)[0]:
            return False
        data = self._control.recv(_MAX_NEWS_BYTES)
        if not data:
            raise BoxBroken("the zygote is gone")
        news = json.loads(data)
        role = news.pop("role")
        if "pid" in news:
            self.pids[role] = news["pid"]
        else:
            self.ended[role] = Exit(**news)
        return True

    def all_ended(self) -> bool:
        """Whether every child that was ordered is known to have ended."""
        return self._ordered == self.ended.keys()

    def close(self) -> None:
        """End the zygote; its children have ended before, or end with it."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.zygote_pid, signal.SIGKILL)
            os.waitpid(self.zygote_pid, 0)

    def forget(self) -> None:
        """Make room for the next sample."""
        self.pids.clear()
        self.ended.clear()
        self._ordered.clear()
