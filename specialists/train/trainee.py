"""The model that learns, and what becomes of it.

Here every weight learns. `adapters.py` opens a model of which only small added matrices learn. The loop does not know
the difference: it trains what requires a gradient, and asks for the whole at the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specialists import checkpoint
from specialists.recipe import Stage
from specialists.train.seat import Seat

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Trainee:
    """A transformers model whose parameters that require a gradient learn.

    `whole` turns what was learnt (by name, on the CPU) into a model of the result's architecture and all its weights.
    """

    model: Any
    whole: Callable[[Weights], tuple[Any, Weights]]


OpenTrainee = Callable[[Path, Any, Stage, Seat], Trainee]


def open_whole(start: Path, tokenizer: Any, stage: Stage, _seat: Seat) -> Trainee:
    """Open a checkpoint in fp32: the optimizer adds small numbers to large ones, whatever the products are made in."""
    model = checkpoint.open_model(start, tokenizer, torch.float32, rope_base=stage.rope_base)
    return Trainee(model, lambda learnt: (model, learnt))
