"""Attention inside packed documents, forward and backward.

Compares, for one layer of SmolLM2-135M's shape: our backend, SDPA document by document, and one SDPA call over the
whole block with a block-diagonal mask.
"""

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from measure import machine, rounds
from torch import Tensor

from specialists.train.attention import attend

HEADS, GROUPS, SIZE = 9, 3, 64
BLOCKS = {
    "8 documents of about 64": (50, 70, 64, 48, 80, 60, 66, 74),
    "30 short documents": (17,) * 30,
    "1 document of 512": (512,),
    "2 documents of 1024": (1024, 1024),
}


def main() -> None:
    """Print milliseconds a layer for each block and precision."""
    print(machine())
    for dtype in (torch.bfloat16, torch.float32):
        for name, lengths in BLOCKS.items():
            found = rounds(_variants(lengths, dtype), count=15, warmups=2)
            print(f"{dtype}, {name}: " + ", ".join(f"{who} {1000 * s:.1f} ms" for who, s in found.items()))


def _variants(lengths: tuple[int, ...], dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    tokens = sum(lengths)
    query, key, value = (
        torch.randn(1, heads, tokens, SIZE, dtype=dtype, requires_grad=True) for heads in (HEADS, GROUPS, GROUPS)
    )
    edges = [0, *itertools.accumulate(lengths)]
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    mask = (owner[:, None] == owner[None, :]).tril()
    bounds = torch.tensor(edges, dtype=torch.int32)

    def ours() -> Tensor:
        return attend(torch.nn.Identity(), query, key, value, None, cu_seq_lens_q=bounds, max_length_q=max(lengths))[0]

    def each() -> Tensor:
        parts = [
            F.scaled_dot_product_attention(
                query[:, :, a:b], key[:, :, a:b], value[:, :, a:b], is_causal=True, enable_gqa=True
            )
            for a, b in itertools.pairwise(edges)
        ]
        return torch.cat(parts, dim=2)

    def masked() -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)

    return {name: lambda run=run: run().sum().backward() for name, run in
            (("ours", ours), ("SDPA per document", each), ("one masked SDPA", masked))}  # fmt: skip


if __name__ == "__main__":
    main()
