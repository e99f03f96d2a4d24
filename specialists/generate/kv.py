"""Keys and values of a running batch, and attention over them.

transformers' cache copies everything it holds for each new token, and its attention copies each shared key head once
per query head. In batched decoding on a CPU those copies cost ten times the attention itself. Here new keys and values
are written into room that is there already, and one query per row meets grouped heads in one product.

Legend: B rows, H query heads, G key/value heads, R = H / G, T new tokens, S tokens so far, K head size.
"""

import copy
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import Cache, DynamicLayer
from transformers.masking_utils import sdpa_mask

from specialists.errors import ConfigError

NAME = "grouped_decode"
ROOM = 128  # tokens of room made at a time


class _Layer(DynamicLayer):
    """One layer's keys and values, as a view of a longer buffer."""

    _room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write new keys and values [B, G, T, K] behind the old and return all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.get_seq_length()
        end = held + key_states.shape[2]
        if self._room is None or self._room[0].shape[2] < end:
            self._room = self._moved(self.keys, key_states, end), self._moved(self.values, value_states, end)
        for room, new in zip(self._room, (key_states, value_states), strict=True):
            room[:, :, held:end] = new
        self.keys, self.values = self._room[0][:, :, :end], self._room[1][:, :, :end]
        return self.keys, self.values

    def held(self) -> tuple[Tensor, Tensor]:
        """Return keys and values [B, G, S, K]; there must be some."""
        assert self.keys is not None and self.values is not None
        return self.keys, self.values

    def replace(self, keys: Tensor, values: Tensor) -> None:
        """Hold these instead; room is made anew at the next token."""
        self.keys, self.values, self._room = keys, values, None

    def _moved(self, held: Tensor | None, new: Tensor, end: int) -> Tensor:
        """Return a buffer for `end` tokens and some more, with what is held copied to its begin."""
        rows, heads, _, size = new.shape
        room = new.new_empty(rows, heads, end + ROOM, size)
        if held is not None and held.numel():
            room[:, :, : held.shape[2]] = held
        return room


def open_cache() -> Cache:
    """Return an empty cache with room to grow."""
    return Cache(layer_class_to_replicate=_Layer)


def repeated(cache: Cache, rows: int) -> Cache:
    """Return a copy of a cache of one row with that row `rows` times."""
    copied = open_cache()
    for layer in _layers(cache):
        new = copy.copy(layer)
        new.replace(*(held.expand(rows, -1, -1, -1) for held in layer.held()))
        copied.layers.append(new)
    return copied


def joined(cache: Cache, new: Cache) -> Cache:
    """Put the rows of one cache below those of another, and return it; the narrower one is filled up on the left."""
    for layer, other in zip(_layers(cache), _layers(new), strict=True):
        layer.replace(*(below(ours, theirs, dim=2) for ours, theirs in zip(layer.held(), other.held(), strict=True)))
    return cache


def keep(cache: Cache, rows: Tensor, first: int) -> None:
    """Keep only some rows of a cache, and its columns from `first` on."""
    for layer in _layers(cache):
        layer.replace(*(held[rows, :, first:] for held in layer.held()))


def below(upper: Tensor, lower: Tensor, *, dim: int) -> Tensor:
    """Stack two tensors along their rows; dimension `dim` of the shorter one is filled up at its beginning with 0."""
    width = max(upper.shape[dim], lower.shape[dim])
    zeros = (0, 0) * (upper.dim() - 1 - dim)
    return torch.cat([F.pad(part, (*zeros, width - part.shape[dim], 0)) for part in (upper, lower)])


def attend(
    _module: nn.Module,
    query_BHTK: Tensor,
    key_BGSK: Tensor,
    value_BGSK: Tensor,
    mask_B1TS: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of new tokens over all tokens so far; the signature is transformers' attention interface.

    Args:
        _module: the attention layer.
        query_BHTK, key_BGSK, value_BGSK: projections.
        mask_B1TS: True where a new token may look; None for plain causal attention.
        scaling: factor on the scores; None means 1 / sqrt(K).
        sliding_window: tokens that a token looks back at; what is longer is refused, as columns are not positions here.
        softcap, s_aux: bounded scores and attention sinks, which some models have and this does not.

    Returns:
        The attended values [B, T, H, K], and None for the weights.

    Raises:
        ConfigError: the model's attention is of a kind that would be computed wrongly.
    """
    if softcap is not None or s_aux is not None or (sliding_window or key_BGSK.shape[2]) < key_BGSK.shape[2]:
        raise ConfigError(
            "this model's attention (a sliding window, bounded scores or sinks) is not computed by --backend hf; use "
            "--backend vllm or an --endpoint"
        )
    rows, heads, new, size = query_BHTK.shape
    groups = key_BGSK.shape[1]
    if new > 1 or query_BHTK.is_cuda:
        attended_BHTK = F.scaled_dot_product_attention(
            query_BHTK,
            key_BGSK,
            value_BGSK,
            attn_mask=mask_B1TS,
            is_causal=mask_B1TS is None and new > 1,
            scale=scaling,
            enable_gqa=heads != groups,
        )
        return attended_BHTK.transpose(1, 2), None
    query_BGRK = query_BHTK.view(rows, groups, heads // groups, size)
    scores_BGRS = (query_BGRK @ key_BGSK.mT).float() * (size**-0.5 if scaling is None else scaling)
    if mask_B1TS is not None:
        scores_BGRS = scores_BGRS.masked_fill(~mask_B1TS, float("-inf"))
    weights_BGRS = scores_BGRS.softmax(dim=-1).to(value_BGSK.dtype)
    return (weights_BGRS @ value_BGSK).reshape(rows, 1, heads, size), None


def _layers(cache: Cache) -> list[_Layer]:
    return cast("list[_Layer]", cache.layers)


def register() -> None:
    """Make "grouped_decode" known to transformers, with the masks that SDPA takes."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
