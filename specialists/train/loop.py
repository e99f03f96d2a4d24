"""The training loop: blocks in, a checkpoint out.

One loop for continued pretraining and for chat, on one process or many. What differs between them is decided before:
the blocks know which tokens are trained on, the schedule is a function of the step, the engine hides the processes.
So are the random numbers: what a step draws depends on the seed, the step and the process alone.

    out/preflight.json    what was checked before the first step
    out/metrics.jsonl     one line an optimizer step
    out/state/            what a stopped run goes on from; gone at the end
    out/checkpoint/       the result, a folder that transformers loads
"""

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specialists import checkpoint
from specialists.blocks import Blocks
from specialists.errors import TrainError
from specialists.plan import memory, shape_of
from specialists.precision import resolve
from specialists.progress import bar
from specialists.recipe import Stage
from specialists.train.batches import count_targets, holdout_batches, micro_batches, num_steps, num_trained
from specialists.train.engine import NOTHING, Engine, Learner, prepare_model
from specialists.train.guard import Watch
from specialists.train.preflight import FILE as PREFLIGHT
from specialists.train.preflight import Subject, preflight
from specialists.train.schedule import learning_rate
from specialists.train.seat import Seat
from specialists.train.states import States
from specialists.train.stopping import Stopping
from specialists.train.trainee import OpenTrainee, Trainee, open_whole

OpenEngine = Callable[[Learner, Stage, Seat], Engine]
Watcher = Callable[[dict[str, Any]], None]


def train(
    stage: Stage,
    blocks_path: Path,
    start: Path,
    out: Path,
    *,
    seat: Seat,
    open_engine: OpenEngine,
    open_trainee: OpenTrainee = open_whole,
    watchers: Sequence[Watcher] = (),
) -> dict[str, Any]:
    """Train one stage, going on from an earlier attempt's state where there is one.

    Args:
        stage: the recipe's knobs.
        blocks_path: folder of packed blocks.
        start: folder of the checkpoint to begin from.
        out: folder to work in; must exist.
        seat: this process among those that train.
        open_engine: `engine.open_torch`, or `zero.open_zero` for models that one device cannot hold.
        open_trainee: `trainee.open_whole`, or `adapters.open_adapted` for stages with an adapter.
        watchers: called on the first process with the metrics of each step, which go to `metrics.jsonl` in any case.

    Returns:
        Facts for the manifest: steps, tokens, last loss, seconds, memory foreseen and used.

    Raises:
        ConfigError: the start cannot be opened, or the batch cannot be shared out over the processes.
        TrainError: the preflight fails, too many batches are left out, or a state can be neither read nor written.
        KeyboardInterrupt: SIGTERM or SIGINT came; the state is saved, and the same call goes on from it.
    """
    states = States(out, stage.keep, seat)
    if not (out / "checkpoint").exists():
        blocks, stage = Blocks(blocks_path), _resolved(stage, states, seat)
        tokenizer = checkpoint.open_tokenizer(start)
        trainee = open_trainee(start, tokenizer, stage, seat)
        learner = prepare_model(trainee.model, stage.parallel).to(seat.device)
        if not states.steps():
            need = memory(stage, shape_of(trainee.model.config.to_dict()), seat.world)
            preflight(Subject(stage, blocks, learner, tokenizer, seat, need), out)
        course = _Course(stage, blocks, open_engine(learner, stage, seat), states, seat, watchers)
        with Stopping() as stopping:
            _steps(course, states.resume(course.engine), stopping)
        _save_result(course, trainee, tokenizer, out)
    states.clear()
    return _facts(states.rows(), out)


@dataclass(frozen=True)
class _Course:
    """What stays the same from step to step."""

    stage: Stage
    blocks: Blocks
    engine: Engine
    states: States
    seat: Seat
    watchers: Sequence[Watcher]


def _steps(course: _Course, first: int, stopping: Stopping) -> None:
    stage, blocks, states, count = course.stage, course.blocks, course.states, num_trained(course.blocks, course.stage)
    total = num_steps(stage, count, blocks.num_tokens * count // len(blocks))
    watch = Watch(stage, states.rows())
    with bar(f"train {stage.name}", total, first) as advance:
        for done in range(first + 1, total + 1):
            metrics = _one_step(course, done - 1, total, watch.limit)
            (asked,) = course.seat.total(float(stopping.asked))
            saves = bool(asked) or done % stage.save_every == 0 or done == total
            if saves and stage.keep.holdout_blocks:
                metrics["holdout_loss"] = _holdout_loss(course)
            _log(course, metrics)
            advance(1, _note(metrics))
            watch.saw(done, metrics["grad_norm"], skipped=metrics["skipped"])
            if saves and (done < total or stage.keep.result == "best"):
                states.save(course.engine, done)
            if asked and done < total:
                raise KeyboardInterrupt


def _one_step(course: _Course, step: int, total: int, limit: float) -> dict[str, Any]:
    stage, blocks, engine, seat = course.stage, course.blocks, course.engine, course.seat
    begun = time.monotonic()
    targets = count_targets(blocks, stage, step)
    if targets == 0:
        raise TrainError(f"stage {stage.name}, step {step + 1}: the batch has no token to train on; see example.txt")
    torch.manual_seed(_seed(stage.seed, step, seat.rank))
    nll, tokens = 0.0, 0
    for batch in micro_batches(blocks, stage, step, rank=seat.rank, world=seat.world):
        nll += engine.learn(batch, targets)
        tokens += batch.ids_1T.shape[1]
    nll, tokens = seat.total(nll, tokens)
    lr = learning_rate(stage.optim, step, total)
    limit = limit if math.isfinite(nll) else NOTHING
    norm = engine.step(lr, limit)
    seconds = time.monotonic() - begun
    return {
        "step": step + 1,
        "loss": nll / targets if math.isfinite(nll) else None,
        "lr": lr,
        "grad_norm": norm if math.isfinite(norm) else None,
        "skipped": not norm <= min(limit, sys.float_info.max),
        "tokens": int(tokens),
        "targets": targets,
        "tokens_per_s": round(tokens / seconds, 1),
        "wall_s": round(seconds, 3),
        "precision": stage.parallel.precision,
        "peak_memory_gib": round(seat.peak_memory_gib, 3),
    }


def _log(course: _Course, metrics: dict[str, Any]) -> None:
    if course.seat.leads:
        course.states.log(metrics)
        for watcher in course.watchers:
            watcher(metrics)


def _holdout_loss(course: _Course) -> float:
    """Return the mean loss over the tokens that would be trained on in the blocks that never are."""
    nll, targets = 0.0, 0.0
    for batch in holdout_batches(course.blocks, course.stage, rank=course.seat.rank, world=course.seat.world):
        nll += course.engine.measure(batch)
        targets += len(batch.targets_R)
    nll, targets = course.seat.total(nll, targets)
    return nll / max(1.0, targets)


def _save_result(course: _Course, trainee: Trainee, tokenizer: Any, out: Path) -> None:
    best = course.states.best() if course.stage.keep.result == "best" else None
    if best is not None:
        course.states.load(course.engine, best)
    learnt = course.engine.weights()
    if course.seat.leads and learnt is not None:
        model, weights = trainee.whole(learnt)
        dtype = torch.float32 if course.stage.parallel.precision == "fp32" else torch.bfloat16
        checkpoint.save(model, weights, tokenizer, out / "checkpoint", dtype)
    course.seat.wait()


def _resolved(stage: Stage, states: States, seat: Seat) -> Stage:
    """Return the knobs with the precision decided: on a resumed run as before, else as the first process finds it."""
    votes = 0.0
    if seat.leads:
        begun = [row["precision"] for row in states.rows()]
        votes = float((begun[0] if begun else resolve(stage.parallel.precision, seat.device)) == "bf16")
    (is_bf16,) = seat.total(votes)
    parallel = stage.parallel.model_copy(update={"precision": "bf16" if is_bf16 else "fp32"})
    return stage.model_copy(update={"parallel": parallel})


def _seed(seed: int, step: int, rank: int) -> int:
    """Return the seed of one step on one process; unlike sums of the three, no two of them meet."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _note(metrics: dict[str, Any]) -> str:
    loss = "left out" if metrics["skipped"] else f"loss {metrics['loss']:.3f}"
    return f"{loss}, {metrics['tokens_per_s']:.0f} tokens/s"


def _facts(rows: list[dict[str, Any]], out: Path) -> dict[str, Any]:
    foreseen = json.loads((out / PREFLIGHT).read_text(encoding="utf-8"))["memory_gib"]
    losses = [row["loss"] for row in rows if not row["skipped"]]
    return {
        "steps": len(rows),
        "skipped": sum(row["skipped"] for row in rows),
        "tokens": sum(row["tokens"] for row in rows),
        "targets": sum(row["targets"] for row in rows),
        "last_loss": losses[-1] if losses else None,
        "precision": rows[-1]["precision"],
        "wall_s": round(sum(row["wall_s"] for row in rows), 1),
        "peak_memory_gib": max(row["peak_memory_gib"] for row in rows),
        "foreseen_memory_gib": foreseen,
    }
