"""The training loop: blocks in, a checkpoint out.

One loop for continued pretraining and for chat, on one process or many. What differs between them is decided before:
the blocks know which tokens are trained on, the schedule is a function of the step, the engine hides the processes.

    out/metrics.jsonl     one line an optimizer step
    out/state/            what a killed run goes on from; gone at the end
    out/checkpoint/       the result, a folder that transformers loads
"""

import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from specialists import checkpoint
from specialists.blocks import Blocks
from specialists.errors import TrainError
from specialists.jsonl import drop_torn_line, read_rows
from specialists.precision import resolve
from specialists.progress import bar
from specialists.recipe import Parallel, Stage
from specialists.run import write_text
from specialists.train.batches import count_targets, micro_batches, num_steps
from specialists.train.engine import Engine, Learner, prepare_model
from specialists.train.schedule import learning_rate
from specialists.train.seat import Seat

OpenEngine = Callable[[Learner, Stage, Seat], Engine]


def train(
    stage: Stage, blocks_path: Path, start: Path, out: Path, *, seat: Seat, open_engine: OpenEngine
) -> dict[str, Any]:
    """Train one stage, going on from an earlier attempt's state where there is one.

    Args:
        stage: the recipe's knobs.
        blocks_path: folder of packed blocks.
        start: folder of the checkpoint to begin from.
        out: folder to work in; must exist.
        seat: this process among those that train.
        open_engine: `engine.open_single`, or `zero.open_zero` for several processes.

    Returns:
        Facts for the manifest: steps, tokens, last loss, seconds.

    Raises:
        ConfigError: the batch cannot be shared out over the processes.
        TrainError: the loss is not finite, or the state to resume from cannot be read.
    """
    if not (out / "checkpoint").exists():
        _train(stage, Blocks(blocks_path), start, out, seat, open_engine)
    if seat.leads:
        shutil.rmtree(out / "state", ignore_errors=True)
    return _facts(out)


def _train(stage: Stage, blocks: Blocks, start: Path, out: Path, seat: Seat, open_engine: OpenEngine) -> None:
    torch.manual_seed(stage.seed)
    total = num_steps(stage, len(blocks), blocks.num_tokens)
    tokenizer = checkpoint.open_tokenizer(start)
    model = checkpoint.open_model(start, tokenizer, torch.float32)
    resolved = stage.model_copy(update={"parallel": _resolved(stage.parallel, out, seat)})
    engine = open_engine(prepare_model(model, resolved.parallel), resolved, seat)
    first = _resume(engine, out, seat)
    with bar(f"train {stage.name}", total, first) as advance:
        for step in range(first, total):
            metrics = _one_step(engine, blocks, resolved, step, total, seat)
            if seat.leads:
                _log(out, metrics)
                advance(1, f"loss {metrics['loss']:.3f}, {metrics['tokens_per_s']:.0f} tokens/s")
            if (step + 1) % stage.save_every == 0 and step + 1 < total:
                _save_state(engine, out, step + 1, seat)
    weights = engine.weights()
    if seat.leads and weights is not None:
        dtype = torch.float32 if stage.parallel.precision == "fp32" else torch.bfloat16
        checkpoint.save(model, weights, tokenizer, out / "checkpoint", dtype)
    seat.wait()


def _resolved(parallel: Parallel, out: Path, seat: Seat) -> Parallel:
    """Return the knobs with the precision decided: on a resumed run as before, else as the first process finds it."""
    votes = 0.0
    if seat.leads:
        path = out / "metrics.jsonl"
        drop_torn_line(path)
        begun = [row["precision"] for _, row in read_rows(path)] if path.exists() else []
        votes = float((begun[0] if begun else resolve(parallel.precision, seat.device)) == "bf16")
    (is_bf16,) = seat.total(votes)
    return parallel.model_copy(update={"precision": "bf16" if is_bf16 else "fp32"})


def _one_step(engine: Engine, blocks: Blocks, stage: Stage, step: int, total: int, seat: Seat) -> dict[str, Any]:
    begun = time.monotonic()
    targets = count_targets(blocks, stage, step)
    if targets == 0:
        raise TrainError(f"stage {stage.name}, step {step + 1}: the batch has no token to train on; see example.txt")
    nll, tokens = 0.0, 0
    for batch in micro_batches(blocks, stage, step, rank=seat.rank, world=seat.world):
        nll += engine.learn(batch, targets)
        tokens += batch.ids_1T.shape[1]
    nll, tokens = seat.total(nll, tokens)
    lr = learning_rate(stage.optim, step, total)
    if not math.isfinite(nll):
        raise TrainError(f"stage {stage.name}, step {step + 1}: the loss is {nll}; lower optim.peak_lr")
    norm = engine.step(lr)
    seconds = time.monotonic() - begun
    return {
        "step": step + 1,
        "loss": nll / targets,
        "lr": lr,
        "grad_norm": norm,
        "tokens": int(tokens),
        "targets": targets,
        "tokens_per_s": round(tokens / seconds, 1),
        "wall_s": round(seconds, 3),
        "precision": stage.parallel.precision,
    }


def _log(out: Path, metrics: dict[str, Any]) -> None:
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(metrics) + "\n")


def _save_state(engine: Engine, out: Path, step: int, seat: Seat) -> None:
    """Write a state that appears whole or not at all, then drop the one before it."""
    part, whole = out / "state" / "part", out / "state" / f"step-{step:08d}"
    if seat.leads:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    seat.wait()
    engine.save(part)
    seat.wait()
    if seat.leads:
        earlier = list((out / "state").glob("step-*"))
        part.rename(whole)
        for old in earlier:
            shutil.rmtree(old)
    seat.wait()


def _resume(engine: Engine, out: Path, seat: Seat) -> int:
    """Load the last whole state, if any; returns how many steps are done."""
    states = sorted((out / "state").glob("step-*"))
    done = int(states[-1].name.removeprefix("step-")) if states else 0
    if states:
        engine.load(states[-1])
    seat.wait()
    if seat.leads:
        _cut_metrics(out / "metrics.jsonl", done)
    return done


def _cut_metrics(path: Path, done: int) -> None:
    """Drop the lines of steps that will be taken again."""
    if path.exists():
        drop_torn_line(path)
        write_text(path, "".join(json.dumps(row) + "\n" for _, row in read_rows(path) if row["step"] <= done))


def _facts(out: Path) -> dict[str, Any]:
    rows = [row for _, row in read_rows(out / "metrics.jsonl")]
    return {
        "steps": len(rows),
        "tokens": sum(row["tokens"] for row in rows),
        "targets": sum(row["targets"] for row in rows),
        "last_loss": rows[-1]["loss"],
        "precision": rows[-1]["precision"],
        "wall_s": round(sum(row["wall_s"] for row in rows), 1),
    }
