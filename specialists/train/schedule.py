"""Learning rates as pure functions of the step.

Steps count from 0 and the first one already learns: warm-up reaches `(step + 1) / warmup` of the peak. (The common
library schedules start at a learning rate of 0, which makes the first step a no-op.)
"""

import math

from specialists.recipe import Optim


def warmup_steps(optim: Optim, total: int) -> int:
    """Return the length of the warm-up in steps; a share is rounded up."""
    if optim.warmup_steps is not None:
        return optim.warmup_steps
    return math.ceil((optim.warmup_share or 0.0) * total)


def learning_rate(optim: Optim, step: int, total: int) -> float:
    """Return the learning rate of a step.

    Args:
        optim: peak, warm-up and the name of the schedule:
            `linear-constant`: linear rise, then the peak (Qwen report, section 4.1: 3 % warm-up, no decay);
            `cosine-rise-constant`: half a cosine up, then the peak (section 4.2);
            `cosine-decay`: linear rise, then half a cosine down to `final_share` of the peak (section 2.4).
        step: from 0 to total - 1.
        total: all steps of the stage.
    """
    warmup = warmup_steps(optim, total)
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if optim.schedule == "cosine-rise-constant":
        return optim.peak_lr * 0.5 * (1.0 - math.cos(math.pi * rise))
    if optim.schedule == "linear-constant" or rise < 1.0:
        return optim.peak_lr * rise
    way = (step + 1 - warmup) / max(1, total - warmup)
    fall = 0.5 * (1.0 + math.cos(math.pi * way))
    return optim.peak_lr * (optim.final_share + (1.0 - optim.final_share) * fall)
