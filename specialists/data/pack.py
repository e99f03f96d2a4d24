"""Kept samples in, packed training blocks out.

Samples are tokenised one after the other into flat temporary files; then only their lengths are looked at. Best fit
decreasing puts the longest piece first, each into the fullest block that still has room: on code of mixed lengths 0.1 %
of the room stays empty and documents are cut only where they are longer than a block. No token is lost and none added:
a block that is not full is simply shorter.

A document that stands in the data several times (`Source.repeat`) is packed once in each of that many rounds, so that
two copies never meet in one block.
"""

from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from specialists.blocks import write_blocks
from specialists.chat import Rendered, Tokenizer, render
from specialists.data.middle import MiddleLast
from specialists.errors import DataError
from specialists.family import Drop, Spans
from specialists.recipe import Stage
from specialists.records import Sample

Piece = tuple[NDArray[np.uint32], NDArray[np.bool_]]


@dataclass(frozen=True)
class Packed:
    """What `pack` made. `fill` is the share of the blocks' room that holds tokens; the rest would be padding."""

    tokens: int
    trained_tokens: int
    documents: int  # repeated ones as often as they stand there
    cut_documents: int  # longer than a block
    middle_last: int  # of the documents, those with the middle at the end, for fill-in-the-middle
    blocks: int
    fill: float

    def facts(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return asdict(self)


class TokenSpool:
    """Tokenised samples in temporary files, in pieces of at most `seq_len` tokens; removed when the `with` ends."""

    def __init__(
        self, folder: Path, stage: Stage, tokenizer: Tokenizer, end_of_text: int, spans: Spans | None = None
    ) -> None:
        """Open the files.

        Args:
            folder: where the temporary files go.
            stage: its objective, its block length, and how often each source's samples stand in the data.
            tokenizer: a transformers tokenizer; conversations need its ChatML marks.
            end_of_text: the id that closes every text.
            spans: tells the nodes of a text, for fill-in-the-middle.

        Raises:
            ConfigError: texts shall be filled in, and the tokenizer has no marks for it.
        """
        self._middle_last = MiddleLast(tokenizer, stage.mix.fill_in_middle, stage.seed, spans)
        self.seq_len = stage.seq_len
        self.repeats, self.lengths = array("q"), array("q")  # of each piece
        self.documents = self.cut_documents = self.middle_last = 0
        self._objective = stage.objective
        self._repeat_of = {source.name: source.repeat for source in stage.mix.sources}
        self._tokenizer, self._end_of_text = tokenizer, end_of_text
        self._paths = folder / "ids.spool", folder / "trained.spool"
        self._ids, self._trained = (path.open("wb+") for path in self._paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file, path in zip((self._ids, self._trained), self._paths, strict=True):
            file.close()
            path.unlink()

    def add(self, sample: Sample) -> Drop | None:
        """Tokenise a sample and keep it, unless it is a conversation longer than a block: half of one misleads.

        Raises:
            DataError: a text for a chat stage, or a conversation for a text stage.
        """
        gives = "text" if sample.messages == () else "chat"
        if gives != self._objective:
            raise DataError(
                f"source {sample.source!r} gives {gives} samples, the stage's objective is {self._objective}"
            )
        rendered, has_middle_last = self._tokenise(sample)
        length = len(rendered.ids)
        if sample.messages and length > self.seq_len:
            return Drop("too_long", f"{length} tokens > {self.seq_len}")
        trained = np.array(rendered.trained, np.bool_)
        trained[:: self.seq_len] = False  # nothing stands before the first token of a piece to predict it from
        self._ids.write(np.array(rendered.ids, np.uint32).tobytes())
        self._trained.write(trained.tobytes())
        repeat = self._repeat_of[sample.source]
        for start in range(0, length, self.seq_len):
            self.lengths.append(min(self.seq_len, length - start))
            self.repeats.append(repeat)
        self.documents += repeat
        self.middle_last += repeat * has_middle_last
        self.cut_documents += repeat * (length > self.seq_len)
        return None

    def _tokenise(self, sample: Sample) -> tuple[Rendered, bool]:
        """Return the tokens of a sample, and whether its middle comes last: only where it stays in one piece."""
        ids = self._middle_last.ids(sample)
        if ids is not None and len(ids) < self.seq_len:
            return Rendered([*ids, self._end_of_text], [True] * (len(ids) + 1)), True
        return tokenise(sample, self._tokenizer, self._end_of_text), False

    def arrays(self) -> Piece:
        """Return the ids and trained flags of all pieces, one after the other, mapped from the files."""
        for file in (self._ids, self._trained):
            file.flush()
        return np.memmap(self._paths[0], np.uint32, "r"), np.memmap(self._paths[1], np.bool_, "r")


def tokenise(sample: Sample, tokenizer: Tokenizer, end_of_text: int) -> Rendered:
    """Return the tokens of a sample: a conversation as ChatML, or a text and `end_of_text`, all of it trained on."""
    if sample.text is None:
        return render(sample.messages, tokenizer)
    ids = [*tokenizer.encode(sample.text, add_special_tokens=False, split_special_tokens=True), end_of_text]
    return Rendered(ids, [True] * len(ids))


def pack(tokens: TokenSpool, *, seed: int, out: Path) -> Packed:
    """Pack the pieces into blocks, in an order shuffled by `seed`, and write them to the folder `out`."""
    lengths, repeats = np.array(tokens.lengths), np.array(tokens.repeats)
    plan: list[list[int]] = []
    for rounds in range(repeats.max(initial=0)):
        present = np.flatnonzero(repeats > rounds)
        plan += [present[block].tolist() for block in best_fit(lengths[present], tokens.seq_len)]
    order = np.random.default_rng(seed).permutation(len(plan)).tolist()
    ids, trained = tokens.arrays()
    edges = np.cumsum([0, *lengths]).tolist()

    def piece(number: int) -> Piece:
        where = slice(edges[number], edges[number + 1])
        return ids[where], trained[where]

    write_blocks(out, ([piece(number) for number in plan[index]] for index in order))
    num_tokens = int((lengths * repeats).sum())
    return Packed(
        tokens=num_tokens,
        trained_tokens=sum(int(piece(number)[1].sum()) * times for number, times in enumerate(tokens.repeats)),
        documents=tokens.documents,
        cut_documents=tokens.cut_documents,
        middle_last=tokens.middle_last,
        blocks=len(plan),
        fill=round(num_tokens / (len(plan) * tokens.seq_len), 6),
    )


def best_fit(lengths: NDArray[np.int64], room: int) -> list[list[int]]:
    """Group pieces so that each group fits into `room`: best fit decreasing.

    Args:
        lengths: tokens of each piece, from 1 to `room`.
        room: tokens in a block.

    Returns:
        The numbers of the pieces in each block. The same lengths give the same blocks.
    """
    blocks: list[list[int]] = []
    open_blocks: dict[int, list[int]] = {}  # room left -> blocks
    sizes = 0  # bit r is set where some block has room r left
    for number in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[number])
        fitting = sizes >> length
        if fitting:
            left = length + (fitting & -fitting).bit_length() - 1  # the least room that is enough
            block = open_blocks[left].pop()
            if not open_blocks[left]:
                sizes &= ~(1 << left)
        else:
            left, block = room, len(blocks)
            blocks.append([])
        blocks[block].append(number)
        if left > length:
            open_blocks.setdefault(left - length, []).append(block)
            sizes |= 1 << (left - length)
    return blocks
