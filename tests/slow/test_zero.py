"""DeepSpeed on two processes: the same losses as one process, exact resume, a checkpoint that opens."""

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
pytest.importorskip("deepspeed", reason="DeepSpeed is not installed: pip install 'specialists[deepspeed]'")

WORKER = """
import sys
from pathlib import Path
from specialists.recipe import read_recipe
from specialists.train import zero
from specialists.train.loop import train
from specialists.train.seat import Seat

recipe, blocks, start, out, die_at = sys.argv[1:]
seat = Seat.find()
zero.join_processes(seat.device)

def open_engine(learner, stage, seat):
    engine, steps = zero.open_zero(learner, stage, seat), 0
    step = engine.step
    def step_or_die(lr, limit=float("inf")):
        nonlocal steps
        steps += 1
        if steps > int(die_at):
            raise SystemExit(7)
        return step(lr, limit)
    engine.step = step_or_die
    return engine

stage = read_recipe(Path(recipe)).stages[0]
train(stage, Path(blocks), Path(start), Path(out), seat=seat, open_engine=open_engine)
"""


def launch(stage_file: Path, blocks: Path, start: Path, out: Path, *, die_at: int = 1000) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    worker = stage_file.with_name("worker.py")
    worker.write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    command += ["--master-port", str(port), str(worker), *map(str, (stage_file, blocks, start, out, die_at))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if found.returncode and die_at == 1000:
        raise AssertionError(found.stderr[-3000:])
    return found.returncode


def write_stage(folder: Path, zero_stage: int, **changes: object) -> Path:
    stage = make_stage(zero_stage=zero_stage, steps=6, save_every=3, **changes)
    path = folder / "recipe.yaml"
    path.write_text(to_yaml(Recipe(name="zero", start="none", stages=(stage,))))
    return path


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("zero_stage", [1, 3])
def test_two_processes_give_the_losses_of_one(
    zero_stage: int, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    one = Seat(0, 1, torch.device("cpu"))
    stage = make_stage(steps=6, clip_norm=0.5)
    train(stage, tiny_blocks, tiny_checkpoint, alone, seat=one, open_engine=open_torch)
    launch(write_stage(tmp_path, zero_stage, clip_norm=0.5), tiny_blocks, tiny_checkpoint, together)
    assert losses(together) == pytest.approx(losses(alone), abs=1e-5)
    tokenizer = checkpoint.open_tokenizer(together / "checkpoint")
    models = [checkpoint.open_model(x / "checkpoint", tokenizer, torch.float32) for x in (alone, together)]
    for ours, theirs in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_killed_zero_run_goes_on_bit_for_bit(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    recipe = write_stage(tmp_path, 3)
    launch(recipe, tiny_blocks, tiny_checkpoint, whole)
    assert launch(recipe, tiny_blocks, tiny_checkpoint, cut, die_at=4) != 0
    assert len(losses(cut)) == 4 and (cut / "state" / "step-00000003").is_dir()
    launch(recipe, tiny_blocks, tiny_checkpoint, cut)
    assert [repr(x) for x in losses(cut)] == [repr(x) for x in losses(whole)]
