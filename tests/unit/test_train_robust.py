"""What can go wrong while a stage trains: signals, bad batches, full disks, states that are cut short."""

import json
import math
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specialists import checkpoint
from specialists.blocks import write_blocks
from specialists.errors import ConfigError, TrainError
from specialists.recipe import Stage
from specialists.train.engine import Engine, Learner, TorchEngine, open_torch
from specialists.train.guard import Watch
from specialists.train.loop import train
from specialists.train.seat import Seat
from specialists.train.states import best_step
from tests.stages import make_stage

ONE = Seat(0, 1, torch.device("cpu"))
Act = Callable[[TorchEngine, int], None]


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def acting(act: Act) -> Callable[[Learner, Stage, Seat], Engine]:
    """An engine that does something before each of its steps; they count from 1."""

    def open_engine(learner: Learner, stage: Stage, seat: Seat) -> Engine:
        engine, steps = open_torch(learner, stage, seat), 0
        step = engine.step

        def act_and_step(lr: float, limit: float = math.inf) -> float:
            nonlocal steps
            steps += 1
            act(engine, steps)
            return step(lr, limit)

        engine.step = act_and_step
        return engine

    return open_engine


def gradient_times(factor: float, *at: int) -> Act:
    def act(engine: TorchEngine, step: int) -> None:
        for weight in engine._learner.parameters():
            if step in at and weight.grad is not None:
                weight.grad *= factor

    return act


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_same_call_goes_on_bit_for_bit(
    number: signal.Signals, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    stage, whole, cut = make_stage(steps=6), tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    train(stage, tiny_blocks, tiny_checkpoint, whole, seat=ONE, open_engine=open_torch)
    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    asked = acting(lambda _, step: os.kill(os.getpid(), number) if step == 3 else None)
    with pytest.raises(KeyboardInterrupt):
        train(stage, tiny_blocks, tiny_checkpoint, cut, seat=ONE, open_engine=asked)
    assert [path.name for path in (cut / "state").iterdir()] == ["step-00000003"]
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers
    train(stage, tiny_blocks, tiny_checkpoint, cut, seat=ONE, open_engine=open_torch)
    assert [repr(row["loss"]) for row in rows(cut)] == [repr(row["loss"]) for row in rows(whole)]


def test_a_second_signal_ends_at_once(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    def twice(_: TorchEngine, step: int) -> None:
        if step == 3:
            signal.raise_signal(signal.SIGINT)  # to this thread, at once: two signals to a process may become one
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(make_stage(), tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=acting(twice))
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_batch_that_is_not_finite_is_left_out_and_counted(
    factor: float, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    before = checkpoint.open_model(tiny_checkpoint, checkpoint.open_tokenizer(tiny_checkpoint), torch.float32)
    seen: list[bool] = []

    def act(engine: TorchEngine, step: int) -> None:
        gradient_times(factor, 1)(engine, step)
        if step == 2:  # nothing was learnt from the first batch, nor remembered of it
            pairs = zip(engine._learner.model.parameters(), before.parameters(), strict=True)
            seen.append(all(torch.equal(a, b) for a, b in pairs) and not engine._adamw.state)

    facts = train(make_stage(), tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=acting(act))
    assert seen == [True]
    assert [row["skipped"] for row in rows(tmp_path)] == [True] + [False] * 5
    assert facts["skipped"] == 1 and math.isfinite(facts["last_loss"])
    assert rows(tmp_path)[0]["grad_norm"] is None


def test_too_many_batches_left_out_stop_the_stage(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    def exploding(learner: Learner, stage: Stage, seat: Seat) -> Engine:
        for weight in learner.parameters():
            weight.data.fill_(math.inf)
        return open_torch(learner, stage, seat)

    stage = make_stage(guard={"max_skips": 2}, steps=6)
    with pytest.raises(TrainError, match=r"step 3: 3 batches were left out .*guard\.max_skips = 2; lower optim\.peak"):
        train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=exploding)
    assert [row["loss"] for row in rows(tmp_path)] == [None] * 3


def test_a_spike_is_left_out_and_a_resumed_run_judges_alike(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    """The usual norm is remembered over the kill: the second run knows it from the metrics alone."""
    stage = make_stage(steps=22, save_every=5, guard={"spike": 20}, peak_lr=1e-4)
    spiking = gradient_times(1e4, 19)

    def then_stopped(_: TorchEngine, step: int) -> None:
        if step == 18:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=acting(then_stopped))
    resumed = acting(lambda engine, step: spiking(engine, step + 15))
    facts = train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=resumed)
    assert facts["skipped"] == 1 and rows(tmp_path)[18]["skipped"]


LIMITS = [
    # spike, norms seen, limit
    (None, [1.0] * 30, math.inf),
    (4.0, [1.0] * 15, math.inf),  # too early to know what is usual
    (4.0, [1.0] * 16, 4.0),
    (4.0, [9.0] * 64 + [2.0] * 64, 8.0),  # only the last 64 count
]


@pytest.mark.parametrize(("spike", "norms", "limit"), LIMITS)
def test_the_limit_of_a_gradient(spike: float | None, norms: list[float], limit: float) -> None:
    seen = [{"step": i, "grad_norm": norm, "skipped": False} for i, norm in enumerate(norms)]
    assert Watch(make_stage(guard={"spike": spike}), seen).limit == limit


@pytest.mark.parametrize(
    ("measured", "among", "best"),
    [
        ({}, [2, 4], None),
        ({2: 1.0, 4: 0.5, 6: 0.7}, [2, 4, 6], 4),
        ({2: 1.0, 4: 0.5, 6: 0.7}, [2, 6], 6),  # the best is no longer on disk
        ({2: 0.5, 4: 0.5}, [2, 4], 2),
    ],
)
def test_the_best_state(measured: dict[int, float], among: list[int], best: int | None) -> None:
    metrics = [{"step": step, "holdout_loss": measured.get(step)} for step in range(1, 8)]
    assert best_step(metrics, among) == best


def test_the_last_and_the_best_states_are_kept_and_the_best_becomes_the_result(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    """Learning much too fast from the fourth step on: the best state is the one before."""
    stage = make_stage(
        steps=9, save_every=3, peak_lr=0.02, keep={"states": 1, "holdout_blocks": 4, "result": "best"}, clip_norm=None
    )
    kept: list[list[str]] = []

    def act(engine: TorchEngine, step: int) -> None:
        kept.append(sorted(path.name for path in (tmp_path / "state").glob("step-*")))
        if step > 3:
            for weight in engine._learner.parameters():
                weight.data += 0.2

    train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=acting(act))
    losses = {row["step"]: row["holdout_loss"] for row in rows(tmp_path) if "holdout_loss" in row}
    assert list(losses) == [3, 6, 9] and min(losses, key=lambda step: losses[step]) == 3
    assert kept[-1] == ["step-00000003", "step-00000006"]
    again = tmp_path / "again"
    again.mkdir()
    short = make_stage(steps=3, peak_lr=0.02, keep={"holdout_blocks": 4}, clip_norm=None, schedule="linear-constant")
    train(short, tiny_blocks, tiny_checkpoint, again, seat=ONE, open_engine=open_torch)
    tokenizer = checkpoint.open_tokenizer(again / "checkpoint")
    found = [checkpoint.open_model(x / "checkpoint", tokenizer, torch.float32) for x in (tmp_path, again)]
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in found), strict=True))


def test_a_full_disk_leaves_the_state_before_it(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    """The limit on the size of a file stands for the end of the disk: the write fails in the middle either way."""
    stage = make_stage(steps=6, save_every=2)

    def fill(_: TorchEngine, step: int) -> None:
        if step == 4:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(TrainError, match=r"the state after step 4 cannot be written .* after step 2 is whole"):
            train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=acting(fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["step-00000002"]
    train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    assert len(rows(tmp_path)) == 6


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path: Path, tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    model = checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32)
    checkpoint.save(model, model.state_dict(), tokenizer, tmp_path / "kept", torch.float32)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(TrainError, match="kept: cannot be written"):
            checkpoint.save(model, model.state_dict(), tokenizer, tmp_path / "kept", torch.float32)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    checkpoint.open_model(tmp_path / "kept", tokenizer, torch.float32)


def test_holdout_blocks_are_never_trained_on(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """A held-out block of one token over and over: had it been trained on, its loss would have gone."""
    rng = np.random.default_rng(0)
    blocks = [[(np.append(rng.integers(3, 200, 30), 0).astype(np.uint32), np.ones(31, bool))] for _ in range(8)]
    strange = [(np.append(np.full(30, 301), 0).astype(np.uint32), np.append(np.ones(30, bool), True))]
    write_blocks(tmp_path / "blocks", [*blocks, strange])
    stage = make_stage(steps=12, save_every=4, batch_blocks=2, keep={"holdout_blocks": 1})
    train(stage, tmp_path / "blocks", tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    measured = [row["holdout_loss"] for row in rows(tmp_path) if "holdout_loss" in row]
    assert len(measured) == 3 and measured[-1] > 5.0


def test_a_stage_that_holds_everything_out_is_refused(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    with pytest.raises(ConfigError, match=r"keep\.holdout_blocks = 16: the data has 16 packed blocks"):
        train(
            make_stage(keep={"holdout_blocks": 16}), tiny_blocks, tiny_checkpoint, tmp_path,
            seat=ONE, open_engine=open_torch,
        )  # fmt: skip
