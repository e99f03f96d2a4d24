"""Texts on their way: rows that join, grow and leave.

The rows of a batch are decoded together. A text that has ended leaves and gives up its place in the cache; another
takes it at once, so that a few long answers never keep a whole batch waiting. A start that all prompts share (few-shot
examples) is read once and its keys and values are copied to every row; so is a prompt that several rows sample from.

In the cache each row ends at the last column; what stands to the left of a shorter row is masked, and a column that no
row looks at is given up. A token's position is counted in its own row, so columns carry no meaning.

Legend: B rows, N of them new, P different prompts of these, S columns of the cache, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import Cache

from specialists.generate import kv

_MIN_SHARED = 8  # tokens from which reading a shared start once is worth it


@dataclass
class Row:
    """One text: which request it answers, its prompt, and the tokens made so far."""

    index: int
    prompt: list[int]
    random: torch.Generator | None
    made: list[int] = field(default_factory=list)
    ended: bool = False


class Batch:
    """Rows that are decoded together, and what the model remembers of them."""

    def __init__(self, model: Any, device: torch.device, prompts: Sequence[list[int]]) -> None:
        """Begin without rows.

        Args:
            model: a transformers model with attention `kv.NAME`.
            device: where it lies.
            prompts: tokens of every row that will join; what all of them begin with is read here.
        """
        self.rows: list[Row] = []
        self._model = model
        self._device = device
        self._cache = kv.open_cache()
        self._mask_BS = torch.ones(0, 0, dtype=torch.long, device=device)
        self.num_shared = shared_start(prompts)
        self._start = kv.open_cache()
        if self.num_shared:
            self._forward([prompts[0][: self.num_shared]], self._ones(1, self.num_shared), self._start)

    @property
    def num_going(self) -> int:
        """Rows that have not ended."""
        return sum(not row.ended for row in self.rows)

    def join(self, rows: Sequence[Row]) -> Tensor:
        """Read the prompts of new rows, each once; returns the logits [N, V] of their first new token."""
        prompts = {tuple(row.prompt): None for row in rows}
        place = {prompt: n for n, prompt in enumerate(prompts)}
        logits_PV, mask_PS, cache = self._read([list(prompt[self.num_shared :]) for prompt in prompts])
        places_N = torch.tensor([place[tuple(row.prompt)] for row in rows], device=self._device)
        logits_NV, mask_NS = logits_PV[places_N], mask_PS[places_N]
        if len(prompts) < len(rows):
            kv.keep(cache, places_N, 0)
        self._mask_BS = kv.below(self._mask_BS, mask_NS, dim=1) if self.rows else mask_NS
        self._cache = kv.joined(self._cache, cache) if self.rows else cache
        self.rows.extend(rows)
        return logits_NV

    def grow(self) -> Tensor:
        """Read the last token of every row; returns the logits [B, V] of the next one."""
        self._mask_BS = F.pad(self._mask_BS, (0, 1), value=1)
        return self._forward([[row.made[-1]] for row in self.rows], self._mask_BS, self._cache)

    def drop_ended(self) -> None:
        """Let the rows that have ended leave, and give up columns that no other looks at."""
        stay = [place for place, row in enumerate(self.rows) if not row.ended]
        if len(stay) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in stay]
        if stay:
            keep = torch.tensor(stay, device=self._device)
            mask_BS = self._mask_BS[keep]
            first = int(mask_BS.any(dim=0).int().argmax())
            self._mask_BS = mask_BS[:, first:]
            kv.keep(self._cache, keep, first)

    def _read(self, rests: list[list[int]]) -> tuple[Tensor, Tensor, Cache]:
        """Read prompts behind their shared start; returns the logits [P, V] behind them, their mask and their cache."""
        width = max(map(len, rests))
        rest_mask = [[0] * (width - len(rest)) + [1] * len(rest) for rest in rests]
        mask_PS = torch.cat(
            [self._ones(len(rests), self.num_shared), torch.tensor(rest_mask, device=self._device)], dim=1
        )
        cache = kv.repeated(self._start, len(rests))
        logits_PV = self._forward([[0] * (width - len(rest)) + rest for rest in rests], mask_PS, cache)
        return logits_PV, mask_PS, cache

    def _forward(self, ids: list[list[int]], mask_BS: Tensor, cache: Cache) -> Tensor:
        ids_BS = torch.tensor(ids, device=self._device)
        positions_BS = (mask_BS.cumsum(dim=1) - 1).clamp(min=0)[:, -ids_BS.shape[1] :]
        out = self._model(
            input_ids=ids_BS,
            attention_mask=mask_BS,
            position_ids=positions_BS,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float()

    def _ones(self, rows: int, columns: int) -> Tensor:
        return torch.ones(rows, columns, dtype=torch.long, device=self._device)


def shared_start(prompts: Sequence[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one of each; 0 where it is not worth it."""
    low, high = min(prompts), max(prompts)
    limit = min(map(len, prompts)) - 1
    shared = next((i for i in range(limit) if low[i] != high[i]), limit)
    return shared if len(prompts) > 1 and shared >= _MIN_SHARED else 0
