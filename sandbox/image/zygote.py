"""The clean process that all children are forked from.

It has imported what programs usually import and has never seen a request: a fork server whose parent parsed one would
leak it, because freed memory is copied too. It receives `Order`s with the children's descriptors, forks, and reports
how each child ended, with what it used. It ends when the supervisor closes the control socket.

What is the same for every child is done here, once, and inherited: the filter of system calls, the renouncement of
privileges and a lower priority, none of which can be undone.
"""

import gc
import marshal
import os
import random
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from sandbox.image import candidate, child, command, inproc, judge, linux, seccomp

# fmt: off
PREIMPORTED = (
    "abc", "array", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "hashlib", "heapq", "io", "itertools", "json", "math", "operator", "random", "re",
    "statistics", "string", "struct", "textwrap", "time", "traceback", "types", "typing", "unicodedata",
)
# fmt: on

_CONTROL = 3
_MAX_ORDERS_BYTES = 4096
_MAX_FDS = 16
_NICENESS = 10  # the supervisor gets its turn even beside a fork bomb
_ROLES = {
    "program": candidate.run_program,
    "candidate": candidate.serve,
    "judge": judge.run,
    "command": command.run,
    "inproc": inproc.run,
}


def prepare() -> None:
    """Import what programs usually import, and keep the collector from ever touching the pages that this fills."""
    for name in PREIMPORTED:
        __import__(name)
    gc.collect()
    gc.freeze()


def serve(control_fd: int, families: tuple[int, ...], home: str) -> NoReturn:
    """Serve orders on the SOCK_SEQPACKET socket `control_fd` until it is closed, and end the process.

    Args:
        control_fd: nothing else is open here afterwards but the three standard streams.
        families: see `seccomp.install`.
        home: the directory of every sample.
    """
    os.dup2(control_fd, _CONTROL)
    os.closerange(_CONTROL + 1, child.MOST_FDS)
    _be_like_a_child(home)
    child.limit_for_good()
    os.nice(_NICENESS)
    linux.set_dumpable(False)
    linux.renounce_privileges()
    seccomp.install(families)
    gc.disable()
    control = socket.socket(fileno=_CONTROL)
    gc.freeze()
    control.send(marshal.dumps({"started": {}}))
    _serve(control)
    os._exit(0)


def _be_like_a_child(home: str) -> None:
    """Have what every program is to find, so that no child has to see to it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if os.getuid() == 0:
        os.setgroups([])
    os.environ.clear()
    os.environ.update(HOME=home, TMPDIR=home, PATH="/usr/local/bin:/usr/bin:/bin", LANG="C.UTF-8")
    sys.path.remove(sys.argv[0])
    sys.argv[:] = ["program.py"]
    os.dup2(os.memfd_create("nothing"), 0)  # a file, as the programs' own will be, so that they can seek in it
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    random.seed(0)  # the same program gets the same verdict


def _serve(control: socket.socket) -> None:
    poller = select.poll()
    poller.register(control, select.POLLIN)
    running: dict[int, tuple[str, int]] = {}  # pidfd -> role, pid
    while True:
        for fd, _ in poller.poll():
            if fd != _CONTROL:
                poller.unregister(fd)
                role, pid = running.pop(fd)
                os.close(fd)
                control.send(_obituary(role, pid))
                continue
            data, fds, _, _ = socket.recv_fds(control, _MAX_ORDERS_BYTES, _MAX_FDS)
            if not data:
                _end(running)
                return
            pids = {order.role: _fork(control, order, own) for order, own in child.orders_from_bytes(data, fds)}
            for fd in fds:
                os.close(fd)
            for role, pid in pids.items():
                pidfd = os.pidfd_open(pid)
                running[pidfd] = role, pid
                poller.register(pidfd, select.POLLIN)
            control.send(marshal.dumps({"started": pids}))


def _fork(control: socket.socket, order: child.Order, fds: list[int]) -> int:
    pid = os.fork()
    if pid == 0:
        control.detach()  # its descriptor is about to be closed with all others
        request = _confined(order, fds)
        _ROLES[order.role](request)
        sys.exit(0)
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
    end = {
        "role": role,
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "max_rss_mib": usage.ru_maxrss / 1024,
    }
    return marshal.dumps(end)


def _end(running: dict[int, tuple[str, int]]) -> None:
    for _, pid in running.values():
        os.kill(pid, signal.SIGKILL)
