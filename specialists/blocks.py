"""Packed training blocks as files: writer and reader.

What `prepare` leaves for `train`. A block is a list of whole documents (or pieces of long ones) of at most `seq_len`
tokens together; there is no padding and nothing says that documents may see each other. Four flat arrays, read by
memory map, so that a corpus larger than memory costs none:

    ids.npy        uint32 [N]      tokens, documents one after the other in the order of the blocks
    trained.npy    bool   [N]      whether the token is a target of the loss
    documents.npy  int64  [D + 1]  where each document begins in `ids`, and the end
    blocks.npy     int64  [B + 1]  where each block begins in `documents`, and the end
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specialists.errors import DataError

_FILES = ("ids.npy", "trained.npy", "documents.npy", "blocks.npy")


@dataclass(frozen=True)
class Block:
    """One packed block of T tokens: `ids` [T], `trained` [T], and the `lengths` of its documents, summing to T."""

    ids: NDArray[np.uint32]
    trained: NDArray[np.bool_]
    lengths: NDArray[np.int64]


class Blocks:
    """A folder of packed blocks, opened for reading."""

    def __init__(self, path: Path) -> None:
        """Open the folder. Raises DataError where files are missing or do not fit together."""
        try:
            arrays: list[NDArray[Any]] = [np.load(path / name, mmap_mode="r") for name in _FILES]
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: no packed blocks here ({error}); run `prepare` first") from None
        self._ids, self._trained, self._documents, self._blocks = arrays
        if not len(self._ids) == len(self._trained) == self._documents[-1] or self._blocks[-1] + 1 != len(
            self._documents
        ):
            raise DataError(f"{path}: the arrays do not fit together; delete the folder and run `prepare` again")

    def __len__(self) -> int:
        return len(self._blocks) - 1

    def __getitem__(self, index: int) -> Block:
        edges = self._documents[self._blocks[index] : self._blocks[index + 1] + 1]
        where = slice(int(edges[0]), int(edges[-1]))
        return Block(self._ids[where], self._trained[where], np.diff(edges))

    @property
    def num_tokens(self) -> int:
        return len(self._ids)

    @property
    def num_documents(self) -> int:
        return len(self._documents) - 1


def write_blocks(path: Path, blocks: Iterable[Sequence[tuple[NDArray[np.uint32], NDArray[np.bool_]]]]) -> None:
    """Write blocks, each a sequence of documents `(ids, trained)`, into the folder `path`.

    The arrays are streamed, so memory holds one block at a time.
    """
    path.mkdir(parents=True, exist_ok=True)
    document_ends, block_ends = [0], [0]
    with (path / "ids.raw").open("wb") as ids_file, (path / "trained.raw").open("wb") as trained_file:
        for block in blocks:
            for ids, trained in block:
                ids_file.write(np.ascontiguousarray(ids, dtype=np.uint32).tobytes())
                trained_file.write(np.ascontiguousarray(trained, dtype=np.bool_).tobytes())
                document_ends.append(document_ends[-1] + len(ids))
            block_ends.append(len(document_ends) - 1)
    _raw_to_npy(path / "ids.raw", path / "ids.npy", np.dtype(np.uint32))
    _raw_to_npy(path / "trained.raw", path / "trained.npy", np.dtype(np.bool_))
    np.save(path / "documents.npy", np.asarray(document_ends, dtype=np.int64))
    np.save(path / "blocks.npy", np.asarray(block_ends, dtype=np.int64))


def _raw_to_npy(raw: Path, npy: Path, dtype: np.dtype[Any]) -> None:
    """Put numpy's header before a raw array, copying in pieces."""
    length = raw.stat().st_size // dtype.itemsize
    with npy.open("wb") as target, raw.open("rb") as source:
        np.lib.format.write_array_header_1_0(
            target, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (length,)}
        )
        while piece := source.read(1 << 24):
            target.write(piece)
    raw.unlink()
