"""Which floating-point type computes fastest on this machine.

CPUs differ: of two that know bf16, one trained 1.8 times as fast in it as in fp32, the other 0.65 times
(benchmarks/host.py). So a recipe for laptops says "auto", and one that must give the same numbers everywhere says
which.
"""

import time
from functools import cache
from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16"]

# One layer's feed-forward product in a small model. Ours: bf16 is taken unless it is clearly slower, since it also
# halves the activations; CPU time on one thread hardly moves with what else the machine does.
_ROWS, _IN, _OUT = 512, 576, 1536
_CLEARLY = 1.25
_ROUNDS = 7


def resolve(precision: Precision, device: torch.device) -> Literal["fp32", "bf16"]:
    """Return what "auto" means for a device; anything else is returned as it is."""
    if precision != "auto":
        return precision
    if device.type != "cpu" or _seconds(torch.bfloat16) < _CLEARLY * _seconds(torch.float32):
        return "bf16"
    return "fp32"


def dtype_of(precision: Literal["fp32", "bf16"]) -> torch.dtype:
    """Return torch's name for a precision."""
    return torch.bfloat16 if precision == "bf16" else torch.float32


@cache
def _seconds(dtype: torch.dtype) -> float:
    """Return the least CPU time of one product on one thread, which other processes hardly change."""
    left, right = torch.ones(_ROWS, _IN, dtype=dtype), torch.ones(_IN, _OUT, dtype=dtype)
    num_threads, found = torch.get_num_threads(), list[float]()
    torch.set_num_threads(1)
    for _ in range(_ROUNDS):
        begun = time.thread_time()
        torch.mm(left, right)
        found.append(time.thread_time() - begun)
    torch.set_num_threads(num_threads)
    return min(found)
