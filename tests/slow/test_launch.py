"""Several processes: the losses of one, exact resume, resume on another number of them, one signal for all.

Plain data parallel (ZeRO stage 0) and DeepSpeed's stages go through the same tests.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from specialists import checkpoint
from specialists.recipe import Recipe, to_yaml
from specialists.train.engine import open_torch
from specialists.train.loop import train
from specialists.train.seat import Seat
from tests.stages import make_stage

pytestmark = pytest.mark.slow

# What `build` does for a stage, and at the step `at` one of three things happens in the last process.
WORKER = """
import os, signal, sys
from pathlib import Path
import torch
from specialists.build import _engine
from specialists.recipe import read_recipe
from specialists.train.loop import train
from specialists.train.seat import Seat

recipe, blocks, start, out, happens, at = sys.argv[1:]
stage, seat = read_recipe(Path(recipe)).stages[0], Seat.find()
opener = _engine(stage, seat)

def open_engine(learner, stage, seat):
    engine, steps = opener(learner, stage, seat), 0
    step, learn = engine.step, engine.learn
    frequencies = learner.model.model.rotary_emb.inv_freq
    assert frequencies.dtype == torch.float32, "RoPE frequencies lost precision"

    def act(lr, limit=float("inf")):
        nonlocal steps
        steps += 1
        if steps == int(at) and happens == "die":
            raise SystemExit(7)
        if steps == int(at) and happens == "signal" and seat.rank == seat.world - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(lr, limit)

    def learn_or_burst(batch, targets):
        if steps + 1 == int(at) and happens == "burst" and seat.rank == seat.world - 1:
            targets = float("nan")
        return learn(batch, targets)

    engine.step, engine.learn = act, learn_or_burst
    return engine

train(stage, Path(blocks), Path(start), Path(out), seat=seat, open_engine=open_engine)
"""


def launch(
    recipe: Path, blocks: Path, start: Path, out: Path, *, count: int = 2, at: int = 0, happens: str = ""
) -> str:
    """Train on `count` processes; returns what they said, and raises where they fail though nothing happens to them."""
    out.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = recipe.with_name("worker.py")
    worker.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count), "--master-addr"]
    command += ["127.0.0.1", "--master-port", str(port), str(worker), *map(str, (recipe, blocks, start, out))]
    command += [happens or "nothing", str(at)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    if (found.returncode == 0) != (happens in ("", "burst")):
        raise AssertionError(found.stderr[-3000:])
    return found.stderr


def write_stage(folder: Path, zero_stage: int, **changes: object) -> Path:
    if zero_stage:
        pytest.importorskip("deepspeed", reason="DeepSpeed is not installed: pip install 'specialists[deepspeed]'")
    stage = make_stage(zero_stage=zero_stage, save_every=3, **{"steps": 8} | changes)
    path = folder / "recipe.yaml"
    path.write_text(to_yaml(Recipe(name="launch", start="none", stages=(stage,))))
    return path


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_blocks: Path) -> Path:
    """Eight steps on one process, without a launcher."""
    out = tmp_path_factory.mktemp("alone")
    stage = make_stage(steps=8, clip_norm=0.5)
    train(stage, tiny_blocks, tiny_checkpoint, out, seat=Seat(0, 1, torch.device("cpu")), open_engine=open_torch)
    return out


@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_two_processes_give_the_losses_of_one(
    zero_stage: int, alone: Path, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    together = tmp_path / "together"
    said = launch(write_stage(tmp_path, zero_stage, clip_norm=0.5), tiny_blocks, tiny_checkpoint, together)
    assert losses(together) == pytest.approx(losses(alone), abs=1e-5)
    assert said.count("preflight, packing") == 1  # only the first process speaks
    tokenizer = checkpoint.open_tokenizer(together / "checkpoint")
    models = [checkpoint.open_model(x / "checkpoint", tokenizer, torch.float32) for x in (alone, together)]
    for ours, theirs in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("zero_stage", [0, 3])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_run_goes_on_bit_for_bit_with_the_same_command(
    zero_stage: int, precision: str, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    recipe = write_stage(tmp_path, zero_stage, steps=6, precision=precision)
    launch(recipe, tiny_blocks, tiny_checkpoint, whole)
    launch(recipe, tiny_blocks, tiny_checkpoint, cut, at=5, happens="die")
    assert len(losses(cut)) == 4 and (cut / "state" / "step-00000003").is_dir()
    launch(recipe, tiny_blocks, tiny_checkpoint, cut)
    assert [repr(x) for x in losses(cut)] == [repr(x) for x in losses(whole)]


@pytest.mark.parametrize(("zero_stage", "before", "after"), [(0, 2, 1), (0, 1, 2), (1, 2, 1), (2, 2, 4), (3, 1, 2)])
def test_a_killed_run_goes_on_with_another_number_of_processes(
    zero_stage: int, before: int, after: int, alone: Path, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    out, recipe = tmp_path / "out", write_stage(tmp_path, zero_stage, clip_norm=0.5)
    launch(recipe, tiny_blocks, tiny_checkpoint, out, count=before, at=5, happens="die")
    launch(recipe, tiny_blocks, tiny_checkpoint, out, count=after)
    assert losses(out) == pytest.approx(losses(alone), abs=1e-5)


def test_a_signal_to_one_process_stops_all_and_loses_nothing(
    alone: Path, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    out, recipe = tmp_path / "out", write_stage(tmp_path, 0, clip_norm=0.5)
    launch(recipe, tiny_blocks, tiny_checkpoint, out, at=5, happens="signal")
    assert [path.name for path in (out / "state").iterdir()] == ["step-00000005"]
    launch(recipe, tiny_blocks, tiny_checkpoint, out)
    assert losses(out) == pytest.approx(losses(alone), abs=1e-5)


@pytest.mark.parametrize("zero_stage", [0, 2, 3])
def test_a_gradient_that_bursts_on_one_process_is_left_out_on_all(
    zero_stage: int, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    out, recipe = tmp_path / "out", write_stage(tmp_path, zero_stage, steps=4)
    launch(recipe, tiny_blocks, tiny_checkpoint, out, at=2, happens="burst")
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["skipped"] for row in rows] == [False, True, False, False]
    tokenizer = checkpoint.open_tokenizer(out / "checkpoint")
    model = checkpoint.open_model(out / "checkpoint", tokenizer, torch.float32)
    assert all(weight.isfinite().all() for weight in model.parameters())
