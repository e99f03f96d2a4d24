"""Learning rates: first, last of the warm-up, after it, and the end."""

import math

import pytest

from specialists.recipe import Optim
from specialists.train.schedule import learning_rate, warmup_steps

TOTAL = 1000
CASES = [
    # schedule, warm-up, step, learning rate as a share of the peak
    ("linear-constant", {"warmup_share": 0.03}, 0, 1 / 30),  # the first step learns
    ("linear-constant", {"warmup_share": 0.03}, 14, 15 / 30),
    ("linear-constant", {"warmup_share": 0.03}, 29, 1.0),
    ("linear-constant", {"warmup_share": 0.03}, 999, 1.0),
    ("linear-constant", {"warmup_steps": 0}, 0, 1.0),
    ("linear-constant", {"warmup_steps": 1430}, 999, 1000 / 1430),  # longer than the stage: still rising at its end
    ("cosine-rise-constant", {"warmup_share": 0.03}, 0, 0.5 * (1 - math.cos(math.pi / 30))),
    ("cosine-rise-constant", {"warmup_share": 0.03}, 14, 0.5),
    ("cosine-rise-constant", {"warmup_share": 0.03}, 29, 1.0),
    ("cosine-rise-constant", {"warmup_share": 0.03}, 999, 1.0),
    ("cosine-decay", {"warmup_share": 0.03}, 0, 1 / 30),
    ("cosine-decay", {"warmup_share": 0.03}, 29, 1.0),
    ("cosine-decay", {"warmup_share": 0.03}, 514, 0.1 + 0.9 * 0.5),  # half way down
    ("cosine-decay", {"warmup_share": 0.03}, 999, 0.1),
]


@pytest.mark.parametrize(("schedule", "warmup", "step", "share"), CASES)
def test_share_of_the_peak(schedule: str, warmup: dict[str, float], step: int, share: float) -> None:
    optim = Optim.model_validate({"peak_lr": 3e-5, "schedule": schedule, **warmup})
    assert learning_rate(optim, step, TOTAL) == pytest.approx(3e-5 * share, rel=1e-9)


@pytest.mark.parametrize("schedule", ["linear-constant", "cosine-rise-constant", "cosine-decay"])
def test_never_zero_and_never_above_the_peak(schedule: str) -> None:
    optim = Optim.model_validate({"peak_lr": 1e-3, "schedule": schedule, "warmup_share": 0.05})
    rates = [learning_rate(optim, step, 200) for step in range(200)]
    assert min(rates) > 0
    assert max(rates) == pytest.approx(1e-3)


def test_a_share_of_warmup_is_rounded_up() -> None:
    assert warmup_steps(Optim(peak_lr=1e-3, schedule="linear-constant", warmup_share=0.03), 40) == 2
