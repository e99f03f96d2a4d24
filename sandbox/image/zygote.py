"""The clean process that all children are forked from.

It has imported what programs usually import and has never seen a request: a fork server whose parent parsed one would
leak it, because freed memory is copied too. It receives an `Order` with the child's descriptors, forks, and reports
how the child ended, with what it used. It ends when the supervisor closes the control socket.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from sandbox.image import candidate, child, command, inproc, judge, linux

# fmt: off
PREIMPORTED = (
    "abc", "array", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "io", "itertools", "json", "math", "operator", "random", "re",
    "statistics", "string", "struct", "textwrap", "time", "traceback", "types", "typing", "unicodedata",
)
# fmt: on

_MAX_ORDER_BYTES = 4096
_ROLES = {
    "program": candidate.run_program,
    "candidate": candidate.serve,
    "judge": judge.run,
    "command": command.run,
    "inproc": inproc.run,
}


def main(control_fd: int) -> None:
    """Serve orders on the SOCK_SEQPACKET socket `control_fd` until it is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for name in PREIMPORTED:
        __import__(name)
    linux.set_dumpable(False)
    gc.disable()
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=control_fd)
    control.send(_news("zygote", pid=os.getpid()))
    _serve(control)


def _serve(control: socket.socket) -> None:
    poller = select.poll()
    poller.register(control, select.POLLIN)
    running: dict[int, tuple[str, int]] = {}  # pidfd -> role, pid
    while True:
        for fd, _ in poller.poll():
            if fd != control.fileno():
                poller.unregister(fd)
                role, pid = running.pop(fd)
                os.close(fd)
                control.send(_obituary(role, pid))
                continue
            data, fds, _, _ = socket.recv_fds(control, _MAX_ORDER_BYTES, 8)
            if not data:
                _end(running)
                return
            order = child.Order.from_bytes(data)
            pid = _fork(control, order, fds)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = order.role, pid
            poller.register(pidfd, select.POLLIN)
            control.send(_news(order.role, pid=pid))


def _fork(control: socket.socket, order: child.Order, fds: list[int]) -> int:
    pid = os.fork()
    if pid == 0:
        control.detach()  # its descriptor is about to be closed with all others
        request = _confined(order, fds)
        _ROLES[order.role](request)
        sys.exit(0)
    for fd in fds:
        os.close(fd)
    return pid


def _confined(order: child.Order, fds: list[int]) -> dict[str, Any]:
    try:
        return child.confine(order, fds)
    except OSError as error:
        os.write(child.SETUP, str(error).encode())
        os._exit(1)


def _obituary(role: str, pid: int) -> bytes:
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return _news(
        role,
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        cpu_s=usage.ru_utime + usage.ru_stime,
        max_rss_mib=usage.ru_maxrss / 1024,
    )


def _news(role: str, **facts: object) -> bytes:
    return json.dumps({"role": role, **facts}).encode()


def _end(running: dict[int, tuple[str, int]]) -> None:
    for _, pid in running.values():
        os.kill(pid, signal.SIGKILL)
