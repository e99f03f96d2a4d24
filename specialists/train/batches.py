"""Packed blocks in, micro-batches out: pure functions.

Which blocks an optimizer step sees depends on the seed and the step alone. So there is no data position to save or to
restore: a resumed run, on any number of processes, asks for the same step and gets the same blocks.

Legend: T tokens of the flattened micro-batch, D documents in it, R rows that are trained on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specialists.blocks import Block, Blocks
from specialists.errors import ConfigError
from specialists.recipe import Stage


@dataclass(frozen=True)
class MicroBatch:
    """A few packed blocks laid end to end: what one forward pass sees.

    `rows` are the positions whose next token is trained on, and `targets` are those next tokens. The first token of a
    document is never a target: nothing of its own document stands before it.
    """

    ids_1T: Tensor
    positions_1T: Tensor  # restart at 0 in each document
    edges: Tensor  # int32 [D + 1]
    longest: int
    rows_R: Tensor
    targets_R: Tensor

    def to(self, device: torch.device) -> "MicroBatch":
        """Return the batch on a device."""
        return MicroBatch(
            self.ids_1T.to(device),
            self.positions_1T.to(device),
            self.edges.to(device),
            self.longest,
            self.rows_R.to(device),
            self.targets_R.to(device),
        )


def num_trained(blocks: Blocks, stage: Stage) -> int:
    """Return how many blocks are trained on: all but the last `holdout_blocks`.

    Raises:
        ConfigError: nothing would be left.
    """
    left = len(blocks) - stage.keep.holdout_blocks
    if left < 1:
        raise ConfigError(
            f"stages.{stage.name}.keep.holdout_blocks = {stage.keep.holdout_blocks}: the data has {len(blocks)} "
            "packed blocks, and at least one must be left to train on"
        )
    return left


def num_steps(stage: Stage, num_blocks: int, num_tokens: int) -> int:
    """Return the optimizer steps of a stage, from whichever of steps, epochs and tokens the recipe gives."""
    if stage.steps is not None:
        return stage.steps
    blocks = num_blocks * stage.epochs if stage.epochs else (stage.tokens or 0) * num_blocks / num_tokens
    return max(1, round(blocks / stage.batch_blocks))


def step_blocks(stage: Stage, num_blocks: int, step: int) -> NDArray[np.int64]:
    """Return the indices of the blocks of one step: each epoch is a permutation of its own, drawn from the seed."""
    first = step * stage.batch_blocks
    epochs = range(first // num_blocks, (first + stage.batch_blocks - 1) // num_blocks + 1)
    orders = [np.random.default_rng([stage.seed, epoch]).permutation(num_blocks) for epoch in epochs]
    begin = first - epochs[0] * num_blocks
    return np.concatenate(orders)[begin : begin + stage.batch_blocks]


def micro_batches(blocks: Blocks, stage: Stage, step: int, *, rank: int = 0, world: int = 1) -> Iterator[MicroBatch]:
    """Yield this process's share of a step, `micro_blocks` blocks at a time.

    Raises:
        ConfigError: the batch cannot be shared out evenly over `world` processes.
    """
    share = stage.parallel.micro_blocks * world
    if stage.batch_blocks % share:
        raise ConfigError(
            f"stages.{stage.name}.batch_blocks = {stage.batch_blocks}: must be a multiple of micro_blocks x processes "
            f"= {stage.parallel.micro_blocks} x {world}"
        )
    mine = step_blocks(stage, num_trained(blocks, stage), step)[rank::world]
    for begin in range(0, len(mine), stage.parallel.micro_blocks):
        yield join([blocks[int(i)] for i in mine[begin : begin + stage.parallel.micro_blocks]])


def holdout_batches(blocks: Blocks, stage: Stage, *, rank: int = 0, world: int = 1) -> Iterator[MicroBatch]:
    """Yield this process's share of the blocks that are never trained on, one at a time.

    Raises:
        ConfigError: they cannot be shared out evenly over `world` processes.
    """
    if stage.keep.holdout_blocks % world:
        raise ConfigError(
            f"stages.{stage.name}.keep.holdout_blocks = {stage.keep.holdout_blocks}: must be a multiple of the "
            f"{world} processes"
        )
    for index in range(num_trained(blocks, stage) + rank, len(blocks), world):
        yield join([blocks[index]])


def count_targets(blocks: Blocks, stage: Stage, step: int) -> int:
    """Return how many tokens the whole step trains on, over all processes: what the loss is divided by."""
    return sum(len(_rows(blocks[int(i)])) for i in step_blocks(stage, num_trained(blocks, stage), step))


def join(blocks: list[Block]) -> MicroBatch:
    """Lay blocks end to end."""
    ids = np.concatenate([block.ids for block in blocks]).astype(np.int64)
    lengths = np.concatenate([block.lengths for block in blocks])
    offsets = np.cumsum([0, *(len(block.ids) for block in blocks)])
    rows = np.concatenate([_rows(block) + offset for block, offset in zip(blocks, offsets, strict=False)])
    edges = np.concatenate([[0], np.cumsum(lengths)])
    positions = np.arange(len(ids)) - np.repeat(edges[:-1], lengths)
    return MicroBatch(
        ids_1T=torch.from_numpy(ids)[None],
        positions_1T=torch.from_numpy(positions)[None],
        edges=torch.from_numpy(edges.astype(np.int32)),
        longest=int(lengths.max()),
        rows_R=torch.from_numpy(rows),
        targets_R=torch.from_numpy(ids[rows + 1]),
    )


def _rows(block: Block) -> NDArray[np.int64]:
    is_target = np.array(block.trained)
    is_target[np.concatenate([[0], np.cumsum(block.lengths)[:-1]])] = False
    return np.flatnonzero(is_target) - 1
