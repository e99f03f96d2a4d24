"""Generation with transformers: a batch that shrinks.

Requests are sorted by length, so that a batch needs little padding, and decoded together. Texts that have ended leave
the batch and their place in the cache is given up, so short answers do not pay for the longest. A start that all
prompts of a batch share (few-shot examples) is read once and its cache copied.

Legend: B rows, P tokens of the shared start, S tokens of the padded rest, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from specialists import checkpoint
from specialists.chat import render
from specialists.errors import ConfigError
from specialists.generate import kv
from specialists.generate.backend import Reply, Request, Settings
from specialists.precision import dtype_of, settle
from specialists.records import Prompt, Stop

_STOP_WINDOW = 24  # last tokens in which a stop string is looked for
_SHRINK_AT = 0.8  # ended texts leave the batch together, when this share or less goes on: leaving copies the cache
_MIN_SHARED = 32  # tokens from which reading a shared start once is worth it


@dataclass
class _Row:
    """One text on its way."""

    index: int
    prompt: list[int]
    random: torch.Generator | None
    made: list[int] = field(default_factory=list)
    ended: bool = False


class HFBackend:
    """A checkpoint opened with transformers."""

    def __init__(self, folder: Path, *, batch: int = 32, dtype: torch.dtype | None = None) -> None:
        """Open a checkpoint folder for generation.

        Args:
            folder: a checkpoint that transformers loads.
            batch: texts decoded together.
            dtype: in which the model computes; None for what is fastest here.
        """
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tokenizer = checkpoint.open_tokenizer(folder)
        dtype = dtype or dtype_of(settle("auto", self.device))
        self.model = checkpoint.open_model(folder, self.tokenizer, dtype).to(self.device).eval()
        kv.register()
        self.model.set_attn_implementation(kv.NAME)
        self._stops = set(checkpoint.stop_tokens(self.tokenizer))
        self._batch = batch

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index, reply)` as each text ends. Raises ConfigError where a prompt does not fit the model."""
        rows = [self._row(index, request, settings) for index, request in enumerate(requests)]
        rows.sort(key=lambda row: len(row.prompt))
        for begin in range(0, len(rows), self._batch):
            yield from self._decode(rows[begin : begin + self._batch], settings)

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt: raw text without its trailing blanks, or a conversation with an open reply.

        A trailing blank or line break would be merged with what follows it in natural text, so a prompt that ends in
        one asks the model something it has never seen.
        """
        if isinstance(prompt, str):
            return self.tokenizer.encode(prompt.rstrip(), add_special_tokens=False, split_special_tokens=True)
        return render(prompt, self.tokenizer, open_reply=True).ids

    def _row(self, index: int, request: Request, settings: Settings) -> _Row:
        ids = self.encode(request.prompt)
        limit = self.model.config.max_position_embeddings
        if len(ids) + settings.max_new_tokens > limit:
            raise ConfigError(
                f"a prompt of {len(ids)} tokens and max_new_tokens = {settings.max_new_tokens} exceed the model's "
                f"context of {limit}; lower judges.*.max_new_tokens"
            )
        random = torch.Generator().manual_seed(request.seed) if settings.temperature > 0 else None
        return _Row(index, ids, random)

    @torch.inference_mode()
    def _decode(self, rows: list[_Row], settings: Settings) -> Iterator[tuple[int, Reply]]:
        cache, mask_BS, logits_BV = self._prefill(rows)
        while True:
            for row, token in zip(rows, _choose(logits_BV, rows, settings), strict=True):
                row.made.append(token)
                if not row.ended and (reply := self._reply(row, settings)) is not None:
                    row.ended = True
                    yield row.index, reply
            stay = [place for place, row in enumerate(rows) if not row.ended]
            if not stay:
                return
            if len(stay) <= _SHRINK_AT * len(rows):
                rows = [rows[place] for place in stay]
                keep = torch.tensor(stay, device=self.device)
                cache.batch_select_indices(keep)
                mask_BS = mask_BS[keep]
            mask_BS = torch.cat([mask_BS, mask_BS.new_ones(len(rows), 1)], dim=1)
            logits_BV = self._forward([[row.made[-1]] for row in rows], mask_BS, cache)

    def _prefill(self, rows: list[_Row]) -> tuple[Cache, Tensor, Tensor]:
        """Read the prompts: a shared start once, then the rests, padded on the left."""
        shared = _shared_start([row.prompt for row in rows])
        cache = kv.open_cache()
        if shared:
            first = torch.ones(1, shared, dtype=torch.long, device=self.device)
            self._forward([rows[0].prompt[:shared]], first, cache)
            cache.batch_repeat_interleave(len(rows))
        rests = [row.prompt[shared:] for row in rows]
        width = max(map(len, rests))
        mask_BS = torch.tensor([[1] * shared + [0] * (width - len(r)) + [1] * len(r) for r in rests])
        mask_BS = mask_BS.to(self.device)
        padded = [[0] * (width - len(rest)) + rest for rest in rests]
        return cache, mask_BS, self._forward(padded, mask_BS, cache)

    def _forward(self, ids: list[list[int]], mask_BS: Tensor, cache: Cache) -> Tensor:
        """Run the model over new tokens; returns the logits [B, V] of the last one."""
        ids_BS = torch.tensor(ids, device=self.device)
        positions_BS = (mask_BS.cumsum(dim=1) - 1).clamp(min=0)[:, -ids_BS.shape[1] :]
        out = self.model(
            input_ids=ids_BS,
            attention_mask=mask_BS,
            position_ids=positions_BS,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return out.logits[:, -1].float()

    def _reply(self, row: _Row, settings: Settings) -> Reply | None:
        """Return the finished reply of a row, or None if it goes on."""
        if row.made[-1] in self._stops:
            return Reply(self._text(row.made[:-1], settings)[0], Stop.END, len(row.made))
        if settings.stop and any(stop in self._tail(row) for stop in settings.stop):
            text, cut = self._text(row.made, settings)
            if cut:
                return Reply(text, Stop.WORD, len(row.made))
        if len(row.made) >= settings.max_new_tokens:
            return Reply(self._text(row.made, settings)[0], Stop.LENGTH, len(row.made))
        return None

    def _tail(self, row: _Row) -> str:
        return self.tokenizer.decode(row.made[-_STOP_WINDOW:])

    def _text(self, ids: list[int], settings: Settings) -> tuple[str, bool]:
        """Return the text up to the first stop string, and whether there was one."""
        text = self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        found = [place for place in (text.find(stop) for stop in settings.stop) if place >= 0]
        return (text[: min(found)], True) if found else (text, False)


def _choose(logits_BV: Tensor, rows: Sequence[_Row], settings: Settings) -> list[int]:
    """Return the next token of each row: the likeliest, or one drawn from the row's own generator."""
    if settings.temperature == 0:
        return logits_BV.argmax(dim=-1).tolist()
    chances_BV = torch.softmax(logits_BV / settings.temperature, dim=-1).cpu()
    if settings.top_p < 1:
        chances_BV = _nucleus(chances_BV, settings.top_p)
    return [
        int(torch.multinomial(chances, 1, generator=row.random)) for chances, row in zip(chances_BV, rows, strict=True)
    ]


def _nucleus(chances_BV: Tensor, top_p: float) -> Tensor:
    """Keep the likeliest tokens that together reach `top_p`; the one that crosses it stays."""
    ordered, places = chances_BV.sort(dim=-1, descending=True)
    ordered[ordered.cumsum(dim=-1) - ordered >= top_p] = 0
    return torch.zeros_like(chances_BV).scatter(-1, places, ordered)


def _shared_start(prompts: list[list[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one of each; 0 where it is not worth it."""
    low, high = min(prompts), max(prompts)
    limit = min(map(len, prompts)) - 1
    shared = next((i for i in range(limit) if low[i] != high[i]), limit)
    return shared if len(prompts) > 1 and shared >= _MIN_SHARED else 0
