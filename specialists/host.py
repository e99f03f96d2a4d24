"""How this process uses its machine: waiting threads, freed memory.

Two defaults of the C libraries cost a training on a CPU dearly, and neither is torch's to change:

Waiting: OpenMP's threads spin long while they wait. As soon as another process wants a core that makes training twenty
times slower; spinning briefly costs 2 % on an idle machine (benchmarks/host.py).

Freed memory: glibc gives large blocks back to the system at once and asks for them again in the next step, which then
faults in 300,000 pages. Keeping them saves 5 to 15 % of a step in a virtual machine (benchmarks/host.py).
"""

import ctypes
import os
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEEP_BYTES = (1 << 31) - 1


def settle() -> None:
    """Set both for this process; before torch is loaded."""
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
