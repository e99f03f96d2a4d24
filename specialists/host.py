"""How this process uses its machine: threads and memory.

Two defaults of the C libraries cost a training on a CPU dearly, and neither is torch's to change:

Waiting: OpenMP's threads spin long while they wait. As soon as another process wants a core that makes training twenty
times slower; spinning briefly costs 2 % on an idle machine (benchmarks/host.py).

Freed memory: glibc gives large blocks back to the system at once and asks for them again in the next step, which then
faults in 300,000 pages. Keeping them saves 5 to 15 % of a step in a virtual machine (benchmarks/host.py).
"""

import ctypes
import os
import platform
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_BYTES = (1 << 31) - 1


def memory_gib() -> float:
    """Return the memory of this machine in GiB, or of the container that this process runs in."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    container = Path("/sys/fs/cgroup/memory.max")
    if container.is_file() and (limit := container.read_text(encoding="ascii").strip()).isdigit():
        limits.append(int(limit))
    return min(limits) / (1 << 30)


def settle() -> None:
    """Set both for this process; before torch is loaded."""
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
