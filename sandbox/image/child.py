"""From a fork of the zygote to a confined process.

A child gets an `Order`: numbers and names only, so that the zygote, which reads it, never holds a byte of any sample.
What to run lies in a memfd that the child reads after the fork, when nobody else can see its memory. The descriptors
have fixed numbers; everything else is closed. What is the same for all children they inherit (`sandbox.image.zygote`);
every line here is paid for by every sample, mostly in pages that it is the first to write to.

The order of the steps matters: limits before the change of user (root may raise them), and one byte into the setup pipe
at the very end. A child without that byte died in our hands, not in the program's.
"""

import gc
import marshal
import math
import os
import resource
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sandbox.image import linux, unhooked
from sandbox.image.verdict import READY

STDIN, STDOUT, STDERR, REQUEST, SETUP, RPC, REPORT = range(7)
MOST_FDS = 64  # of the zygote; no descriptor can have this number or a higher one
_SPARE = MOST_FDS // 2  # above all that the zygote receives

Role = Literal["program", "candidate", "judge", "command", "inproc"]

_STACK_BYTES = 64 << 20
_OOM_FIRST = {"program": b"1000", "candidate": b"1000", "command": b"1000", "inproc": b"1000", "judge": b"900"}
_SETRLIMIT = resource.setrlimit


class Order(NamedTuple):
    """How one child is to be confined.

    `uid` is None where we are not root and children keep our user; `alone` says that the end of process 1 is the end of
    all. `handed` is how many descriptors come with the order.
    """

    role: Role
    uid: int | None
    alone: bool
    directory: str
    limits: tuple[tuple[int, int], ...]
    handed: int


def limits(numbers: dict[str, Any], other_processes: int) -> tuple[tuple[int, int], ...]:
    """Return the rlimits of a child as (which, value).

    Where a runtime `reserves` far more address space than it uses, memory is what it may write to, and not all that it
    has mapped. CPU time is watched more closely by the supervisor; its limit holds if that is late.
    """
    mib = 1 << 20
    wanted = (
        (resource.RLIMIT_CPU, math.ceil(numbers["cpu_s"]) + 1),
        (resource.RLIMIT_DATA if numbers["reserves"] else resource.RLIMIT_AS, numbers["memory_mib"] * mib),
        (resource.RLIMIT_NPROC, numbers["pids"] + other_processes),
        (resource.RLIMIT_NOFILE, numbers["num_fds"]),
        (resource.RLIMIT_FSIZE, numbers["file_mib"] * mib),
    )
    return tuple((which, _bounded(which, value)) for which, value in wanted)


def limit_for_good() -> None:
    """Set, in the zygote, the limits that are the same for all children."""
    for which, value in (
        (resource.RLIMIT_STACK, _STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        bounded = _bounded(which, value)
        resource.setrlimit(which, (bounded, bounded))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FDS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def orders_to_bytes(orders: Sequence[Order]) -> bytes:
    """Return what `orders_from_bytes` reads."""
    return marshal.dumps([tuple(order) for order in orders])


def orders_from_bytes(data: bytes, fds: list[int]) -> list[tuple[Order, list[int]]]:
    """Return each order with its share of the descriptors that came with them."""
    shares, used = [], 0
    for fields in marshal.loads(data):
        order = Order._make(fields)
        shares.append((order, fds[used : used + order.handed]))
        used += order.handed
    return shares


def confine(order: Order, fds: list[int]) -> dict[str, Any]:
    """Turn this fresh fork into the process of `order` and return its request.

    Args:
        order: the confinement.
        fds: descriptors in the order of STDIN ... REPORT; a role that has no RPC or REPORT leaves them out. A command
            has its secret and its witness in their places.
    """
    os.setpgid(0, 0)
    _arrange(fds)
    if order.uid is None:
        linux.set_dumpable(True)  # or its own /proc files would not be its own
    _be_killed_first(order)
    for which, value in order.limits:
        _SETRLIMIT(which, (value, value))
    os.chdir(order.directory)
    if order.uid is not None:
        os.setresgid(order.uid, order.uid, order.uid)
        os.setresuid(order.uid, order.uid, order.uid)  # from here on its memory is closed to all others
    elif order.role == "judge":
        linux.set_dumpable(False)
    if not order.alone:
        linux.die_with_parent()
    request = _read_request()
    gc.enable()
    unhooked.hook()
    os.write(SETUP, READY)
    os.close(SETUP)
    return request


def _arrange(fds: list[int]) -> None:
    for n, fd in enumerate(fds):
        os.dup2(fd, _SPARE + n)
    for n in range(len(fds)):
        os.dup2(_SPARE + n, n)
    os.closerange(len(fds), MOST_FDS)


def _bounded(which: int, value: int) -> int:
    hard = resource.getrlimit(which)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _be_killed_first(order: Order) -> None:
    """Let the kernel's out-of-memory killer choose the program before the judge, and both before ours."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, _OOM_FIRST[order.role])
    os.close(fd)


def _read_request() -> dict[str, Any]:
    size = os.fstat(REQUEST).st_size
    data = os.pread(REQUEST, size, 0)
    os.close(REQUEST)
    return marshal.loads(data)
