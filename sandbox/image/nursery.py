"""The supervisor's handle on the zygote: order children, hear how they end.

The zygote is forked before the supervisor has read its first request, so that it knows none, and both share the memory
of one interpreter. There is one sample at a time, so a child is known by its role.
"""

import contextlib
import marshal
import os
import select
import signal
import socket
from collections.abc import Sequence

from sandbox.image import zygote
from sandbox.image.child import Order, orders_to_bytes
from sandbox.image.verdict import Exit

_START_S = 30.0
_MAX_NEWS_BYTES = 4096


class BoxBroken(Exception):
    """This box can no longer be trusted to be clean: the supervisor ends, and with it everything inside."""


class Nursery:
    """A running zygote and the children of the present sample."""

    def __init__(self, families: tuple[int, ...], home: str) -> None:
        """Fork the zygote, whose children find `home` in their environment and open sockets of `families` only."""
        self.pids: dict[str, int] = {}
        self.ended: dict[str, Exit] = {}
        self._ordered: set[str] = set()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        zygote.prepare()
        self.zygote_pid = os.fork()
        if self.zygote_pid == 0:
            self._control.detach()  # its descriptor is about to be closed with all others
            zygote.serve(theirs.detach(), families, home)
        theirs.close()
        self.hear(_START_S)

    @property
    def fd(self) -> int:
        """Readable when there is news."""
        return self._control.fileno()

    def spawn(self, children: Sequence[tuple[Order, Sequence[int]]]) -> None:
        """Order children, each with its descriptors, which are handed over and closed here."""
        fds = [fd for _, own in children for fd in own]
        orders = [order for order, _ in children]
        socket.send_fds(self._control, [orders_to_bytes(orders)], fds)
        self._ordered.update(order.role for order in orders)
        for fd in fds:
            os.close(fd)

    def hear(self, timeout_s: float) -> bool:
        """Take one piece of news; False if there is none in time. Raises `BoxBroken` if the zygote is gone."""
        if not select.select([self._control], [], [], timeout_s)[0]:
            return False
        data = self._control.recv(_MAX_NEWS_BYTES)
        if not data:
            raise BoxBroken("the zygote is gone")
        news = marshal.loads(data)
        if "started" in news:
            self.pids.update(news["started"])
        else:
            role = news.pop("role")
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
