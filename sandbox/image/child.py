"""From a fork of the zygote to a confined process.

A child gets an `Order`: numbers and names only, so that the zygote, which reads it, never holds a byte of any sample.
What to run lies in a memfd that the child reads after the fork, when nobody else can see its memory. The descriptors
have fixed numbers; everything else is closed.

The order of the steps matters: limits before the change of user (root may raise them), the user before the filter (it
would refuse nothing we need, but it should be the last), and one byte into the setup pipe at the very end. A child
without that byte died in our hands, not in the program's.
"""

import gc
import json
import math
import os
import random
import resource
import signal
import sys
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.image import linux, seccomp
from sandbox.image.verdict import READY

STDIN, STDOUT, STDERR, REQUEST, SETUP, RPC, REPORT = range(7)

Role = Literal["program", "candidate", "judge", "command", "inproc"]

_STACK_BYTES = 64 << 20
_NICENESS = 10
_OOM_FIRST = {"program": 1000, "candidate": 1000, "command": 1000, "inproc": 1000, "judge": 900}


@dataclass(frozen=True)
class Order:
    """How one child is to be confined.

    `uid` is None where we are not root and children keep our user. Where a runtime `reserves` far more address space
    than it uses, memory is what it may write to, and not all that it has mapped.
    """

    role: Role
    uid: int | None
    directory: str
    cpu_s: float
    memory_mib: int
    reserves: bool
    processes: int
    file_mib: int
    num_fds: int
    families: tuple[int, ...]

    def to_bytes(self) -> bytes:
        return json.dumps(vars(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Order":
        fields = json.loads(data)
        return cls(**{**fields, "families": tuple(fields["families"])})


def confine(order: Order, fds: list[int]) -> dict[str, Any]:
    """Turn this fresh fork into the process of `order` and return its request.

    Args:
        order: the confinement.
        fds: descriptors in the order of STDIN ... REPORT; a role that has no RPC or REPORT leaves them out. A command
            has its secret and its witness in their places.
    """
    os.setsid()
    linux.set_dumpable(True)
    _arrange(fds)
    _forget_zygote(order.directory)
    _set_limits(order)
    with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write(str(_OOM_FIRST[order.role]))
    os.nice(_NICENESS)
    os.chdir(order.directory)
    if order.uid is not None:
        os.setgroups([])
        os.setresgid(order.uid, order.uid, order.uid)
        os.setresuid(order.uid, order.uid, order.uid)
    linux.die_with_parent()
    linux.renounce_privileges()
    linux.set_dumpable(order.role != "judge")
    seccomp.install(order.families)
    request = _read_request()
    os.write(SETUP, READY.encode())
    os.close(SETUP)
    return request


def _arrange(fds: list[int]) -> None:
    high = [os.dup2(fd, 100 + n) for n, fd in enumerate(fds)]
    for target, fd in enumerate(high):
        os.dup2(fd, target)
    os.closerange(len(fds), 256)


def _forget_zygote(directory: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(HOME=directory, TMPDIR=directory, PATH="/usr/local/bin:/usr/bin:/bin", LANG="C.UTF-8")
    sys.path.remove(sys.argv[0])
    sys.argv[:] = ["program.py"]
    sys.stdin = open(STDIN, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    random.seed(0)  # the same program gets the same verdict
    gc.enable()


def _set_limits(order: Order) -> None:
    mib = 1 << 20
    cpu_s = math.ceil(order.cpu_s) + 1  # the supervisor is more exact; this holds if it is late
    for limit, value in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_DATA if order.reserves else resource.RLIMIT_AS, order.memory_mib * mib),
        (resource.RLIMIT_NPROC, order.processes),
        (resource.RLIMIT_NOFILE, order.num_fds),
        (resource.RLIMIT_FSIZE, order.file_mib * mib),
        (resource.RLIMIT_STACK, _STACK_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bounded, bounded))


def _read_request() -> dict[str, Any]:
    size = os.fstat(REQUEST).st_size
    os.lseek(REQUEST, 0, os.SEEK_SET)
    with open(REQUEST, "rb") as file:  # noqa: PTH123
        return json.loads(file.read(size))
