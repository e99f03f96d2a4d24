"""Linux calls that Python does not wrap.

Standard library and `ctypes` only; works on any Linux. Everything here raises `OSError` with the kernel's errno.
"""

import contextlib
import ctypes
import os
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_OOM_FILES = ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2)."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if _libc.prctl(option, *padded) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def set_dumpable(dumpable: bool) -> None:
    """Say whether processes of the same user may trace this one and read its memory."""
    prctl(_PR_SET_DUMPABLE, int(dumpable))


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends, as PID 1 is in its namespace."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def renounce_privileges() -> None:
    """No later exec, of whatever file, can give this process more rights than it has."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    """Be killed when the parent ends; call it after the last change of user id, which clears it."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_user(uid: int) -> None:
    """Kill every process of `uid` at once; only root can.

    `kill(-1)` reaches whatever the caller may signal, in one pass that a fork cannot outrun: the kernel holds the task
    list while it walks, and a fork with a pending SIGKILL does not complete. So this process becomes `uid` for the
    length of one call. It keeps 0 as its saved id, from which it comes back, and `kill(-1)` spares its caller.
    """
    os.setresuid(uid, uid, 0)
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.setresuid(0, 0, 0)
        set_dumpable(False)


def descendants(ancestor: int) -> dict[int, list[bytes]]:
    """Return pid -> fields of /proc/PID/stat, counted from the state on, for every process below `ancestor`."""
    stats = {pid: fields for pid in all_pids() if (fields := _stat(pid))}
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[1]), []).append(pid)
    below: dict[int, list[bytes]] = {}
    todo = list(children.get(ancestor, ()))
    while todo:
        pid = todo.pop()
        below[pid] = stats[pid]
        todo += children.get(pid, ())
    return below


def count_tasks(uid: int) -> int:
    """Return how many threads all processes of `uid` have together."""
    return sum(_num_threads(pid) for pid in all_pids() if _owner(pid) == uid)


def cpu_seconds(fields: list[bytes]) -> float:
    """Return the CPU time of a process and its reaped children, from the fields that `descendants` gave."""
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def run_delays(pid: int) -> dict[int, float]:
    """Return thread -> seconds for which it was ready to run but had to wait for a CPU, for the threads of `pid`."""
    delays = {}
    with contextlib.suppress(OSError, IndexError):  # it ended meanwhile, or the kernel does not tell
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            content = Path(f"/proc/{pid}/task/{thread}/schedstat").read_bytes()
            delays[int(thread)] = int(content.split()[1]) / 1e9
    return delays


class OomCounter:
    """Counts how often the kernel's out-of-memory killer strikes in this container (cgroup v1 or v2)."""

    def __init__(self) -> None:
        self._fd = next((os.open(path, os.O_RDONLY) for path in _OOM_FILES if os.path.exists(path)), None)  # noqa: PTH110
        self._seen = self._count()

    @property
    def works(self) -> bool:
        """Whether the memory of all processes together has a limit that can be seen from here."""
        return self._fd is not None

    def new(self) -> int:
        """Return how often it struck since this was asked the last time."""
        before, self._seen = self._seen, self._count()
        return self._seen - before

    def _count(self) -> int:
        text = b"" if self._fd is None else os.pread(self._fd, 4096, 0)
        counts = dict(line.split(b" ", 1) for line in text.splitlines())
        return int(counts.get(b"oom_kill", 0))


def all_pids() -> list[int]:
    """Return every process of this namespace that /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _num_threads(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[17]) if fields else 0


def _owner(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116
    except OSError:
        return None


def _stat(pid: int) -> list[bytes]:
    try:
        content = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return []
    return content[content.rindex(b")") + 2 :].split()
