"""Which optimizer steps are not taken.

A batch whose loss or gradient is not finite would ruin every weight at once, and one whose gradient is many times the
usual ruins weeks of averages. Such a batch is left out and counted, and when there are too many the stage stops: then
it is not the batch. What the guard knows is in `metrics.jsonl`, so a resumed run goes on with the same judgement.
"""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from specialists.errors import TrainError
from specialists.recipe import Stage

WINDOW_STEPS = 64  # whose median norm is the usual one
_SETTLED_STEPS = 16  # before so many, nothing is usual


class Watch:
    """The norms of the last steps, and how many were left out."""

    def __init__(self, stage: Stage, metrics: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take up where `metrics`, the lines of the steps taken so far, end."""
        self._stage = stage
        self._norms: deque[float] = deque(maxlen=WINDOW_STEPS)
        self.skips = 0
        for row in metrics:
            self.saw(row["step"], row["grad_norm"], skipped=row["skipped"])

    @property
    def limit(self) -> float:
        """The largest norm of a gradient that is taken."""
        spike = self._stage.guard.spike
        if spike is None or len(self._norms) < _SETTLED_STEPS:
            return math.inf
        return spike * statistics.median(self._norms)

    def saw(self, step: int, norm: float | None, *, skipped: bool) -> None:
        """Take note of a step. Raises TrainError where more were left out than the recipe allows."""
        if not skipped:
            assert norm is not None, "a step is taken only where its norm is finite"
            self._norms.append(norm)
            return
        self.skips += 1
        if self.skips > self._stage.guard.max_skips:
            usual = f"{statistics.median(self._norms):.3g}" if self._norms else "unknown"
            raise TrainError(
                f"stage {self._stage.name}, step {step}: {self.skips} batches were left out because their loss or "
                f"gradient was not finite or too large (this one's norm is {norm}, the usual {usual}), more than "
                f"guard.max_skips = {self._stage.guard.max_skips}; lower optim.peak_lr or look at the data"
            )
