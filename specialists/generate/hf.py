"""Generation with transformers: a batch that stays full.

Requests are sorted by length, so that reading them needs little padding, and decoded together. When a fifth of the
places is free, the texts that have ended leave and the next requests join (`batch.py`), so short answers do not pay for
the longest.

Legend: B rows, V vocabulary.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
import transformers
from torch import Tensor

from specialists import checkpoint
from specialists.generate import kv
from specialists.generate.backend import Reply, Request, Settings, cut
from specialists.generate.batch import Batch, Row
from specialists.generate.prompts import Encoder, check_fits
from specialists.precision import dtype_of, resolve
from specialists.records import Stop

_STOP_WINDOW = 24  # last tokens in which a stop string is looked for
_REFILL_AT = 0.8  # texts leave and join together, when this share or less goes on: each time the cache is copied
_LIKELIEST = 512  # tokens in which the nucleus is looked for before all are sorted
_READ_TOKENS = 2048  # of prompts read in one pass: more brings no speed, and costs memory


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
        self.encoder = Encoder(folder)
        self.tokenizer = self.encoder.tokenizer
        dtype = dtype or dtype_of(resolve("auto", self.device))
        self.model = checkpoint.open_model(folder, self.tokenizer, dtype).to(self.device).eval()
        kv.register()
        self.model.set_attn_implementation(kv.NAME)
        self._stops = self.encoder.stops
        self._batch = batch

    @property
    def protocol(self) -> Mapping[str, str]:
        """Which library made the texts, and in which numbers; see `Backend`."""
        dtype = str(self.model.dtype).removeprefix("torch.")
        engine = f"transformers {transformers.__version__}, {dtype} on {self.device.type}"
        return {"backend": engine, **self.encoder.protocol}

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index, reply)` as each text ends; see `Backend`."""
        rows: list[Row] = []
        for index, request in enumerate(requests):
            row = self._row(index, request, settings)
            if settings.may_outgrow and len(row.prompt) + settings.max_new_tokens > self._context:
                yield index, Reply("", Stop.LENGTH, 0)
                continue
            check_fits(len(row.prompt), settings.max_new_tokens, self._context)
            rows.append(row)
        rows.sort(key=lambda row: len(row.prompt))
        if rows:
            yield from self._decode(deque(rows), settings)

    @property
    def _context(self) -> int:
        return self.model.config.max_position_embeddings

    def _row(self, index: int, request: Request, settings: Settings) -> Row:
        random = torch.Generator().manual_seed(request.seed) if settings.temperature > 0 else None
        return Row(index, self.encoder.encode(request.prompt), random)

    @torch.inference_mode()
    def _decode(self, waiting: deque[Row], settings: Settings) -> Iterator[tuple[int, Reply]]:
        batch = Batch(self.model, self.device, [row.prompt for row in waiting])
        while waiting or batch.num_going:
            if batch.num_going <= _REFILL_AT * (self._batch if waiting else len(batch.rows)):
                batch.drop_ended()
                while waiting and len(batch.rows) < self._batch:
                    new = _next_to_join(waiting, self._batch - len(batch.rows), batch.num_shared)
                    yield from self._extend(new, batch.join(new), settings)
            if batch.num_going:
                yield from self._extend(batch.rows, batch.grow(), settings)

    def _extend(self, rows: Sequence[Row], logits_BV: Tensor, settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Give every row its next token, and yield the replies of those that end with it."""
        for row, token in zip(rows, _choose(logits_BV, rows, settings), strict=True):
            row.made.append(token)
            if not row.ended and (reply := self._reply(row, settings)) is not None:
                row.ended = True
                yield row.index, reply

    def _reply(self, row: Row, settings: Settings) -> Reply | None:
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

    def _tail(self, row: Row) -> str:
        return self.tokenizer.decode(row.made[-_STOP_WINDOW:])

    def _text(self, ids: list[int], settings: Settings) -> tuple[str, bool]:
        """Return the text up to the first stop string, and whether there was one."""
        return cut(self.tokenizer.decode(ids, clean_up_tokenization_spaces=False), settings.stop)


def _choose(logits_BV: Tensor, rows: Sequence[Row], settings: Settings) -> list[int]:
    """Return the next token of each row: the likeliest, or one drawn from the row's own generator."""
    if settings.temperature == 0:
        return logits_BV.argmax(dim=-1).tolist()
    logits_BV = logits_BV / settings.temperature
    if 0 < settings.top_k < logits_BV.shape[-1]:
        least_B1 = logits_BV.topk(settings.top_k, dim=-1).values[:, -1:]
        logits_BV = logits_BV.masked_fill(logits_BV < least_B1, float("-inf"))
    chances_BV = torch.softmax(logits_BV, dim=-1).cpu()
    if settings.top_p < 1:
        chances_BV = _nucleus(chances_BV, settings.top_p)
    return [
        int(torch.multinomial(chances, 1, generator=row.random)) for chances, row in zip(chances_BV, rows, strict=True)
    ]


def _nucleus(chances_BV: Tensor, top_p: float) -> Tensor:
    """Keep the likeliest tokens that together reach `top_p`; the one that crosses it stays.

    A few hundred tokens nearly always reach it, and finding those takes a twentieth of the time that sorting all does.
    """
    ordered, places = chances_BV.topk(min(_LIKELIEST, chances_BV.shape[-1]), dim=-1)
    if bool((ordered.sum(dim=-1) < top_p).any()):
        ordered, places = chances_BV.sort(dim=-1, descending=True)
    ordered[ordered.cumsum(dim=-1) - ordered >= top_p] = 0
    return torch.zeros_like(chances_BV).scatter(-1, places, ordered)


def _next_to_join(waiting: deque[Row], room: int, shared: int) -> list[Row]:
    """Take the next rows off the queue, shortest first: as many as have room and are read well in one pass.

    Rows that sample from one prompt stand one after the other, and reading them all costs no more than one.
    """
    new, num_prompts = [waiting.popleft()], 1
    while waiting and len(new) < room:
        num_prompts += waiting[0].prompt != new[-1].prompt
        if num_prompts * (len(waiting[0].prompt) - shared) > _READ_TOKENS and num_prompts > 1:
            break
        new.append(waiting.popleft())
    return new
