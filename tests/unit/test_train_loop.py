"""The loop: resuming is exact, losses are the reference's, bad runs stop with a reason."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specialists import checkpoint
from specialists.blocks import Blocks
from specialists.errors import ConfigError, DataError, TrainError
from specialists.recipe import Stage
from specialists.train import loop
from specialists.train.batches import micro_batches, step_blocks
from specialists.train.engine import Engine, Learner, open_torch
from specialists.train.loop import train
from specialists.train.schedule import learning_rate
from specialists.train.seat import Seat
from tests.stages import make_stage

ONE = Seat(0, 1, torch.device("cpu"))
GOLDEN = Path(__file__).parents[1] / "golden" / "loss_curve.json"


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def dying(after: int) -> Callable[[Learner, Stage, Seat], Engine]:
    """An engine that is killed in the middle of a step."""

    def open_engine(learner: Learner, stage: Stage, seat: Seat) -> Engine:
        engine, steps = open_torch(learner, stage, seat), 0
        step = engine.step

        def step_or_die(lr: float, limit: float = math.inf) -> float:
            nonlocal steps
            steps += 1
            if steps > after:
                raise KeyboardInterrupt
            return step(lr, limit)

        engine.step = step_or_die
        return engine

    return open_engine


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_run_goes_on_bit_for_bit(
    precision: str, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    stage = make_stage(steps=8, save_every=3, precision=precision)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    facts = train(stage, tiny_blocks, tiny_checkpoint, whole, seat=ONE, open_engine=open_torch)
    with pytest.raises(KeyboardInterrupt):
        train(stage, tiny_blocks, tiny_checkpoint, cut, seat=ONE, open_engine=dying(after=5))
    assert len(losses(cut)) == 5
    with (cut / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # torn by the kill
    again = train(stage, tiny_blocks, tiny_checkpoint, cut, seat=ONE, open_engine=open_torch)
    assert [repr(x) for x in losses(cut)] == [repr(x) for x in losses(whole)]
    measured = {"wall_s", "peak_memory_gib"}
    assert {k: v for k, v in again.items() if k not in measured} == {
        k: v for k, v in facts.items() if k not in measured
    }
    weights = [checkpoint.open_model(x / "checkpoint", _tokenizer(x), torch.float32).state_dict() for x in (whole, cut)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not (cut / "state").exists()


def test_a_resumed_run_keeps_the_precision_it_began_with(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What "auto" means is measured, and a machine under load may measure otherwise the second time."""
    stage = make_stage(steps=4, save_every=2, precision="auto")
    monkeypatch.setattr(loop, "resolve", lambda *_: "fp32")
    with pytest.raises(KeyboardInterrupt):
        train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=dying(after=3))
    monkeypatch.setattr(loop, "resolve", lambda *_: "bf16")
    facts = train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    assert facts["precision"] == "fp32"


def test_a_finished_training_is_not_begun_again(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    stage = make_stage(steps=2)
    first = train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    second = train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=dying(after=0))
    assert first == second


@pytest.mark.parametrize("micro_blocks", [1, 2, 4])
@pytest.mark.parametrize("recompute", [False, True])
def test_losses_equal_a_plain_reference(
    micro_blocks: int, recompute: bool, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    """Eight steps of AdamW written out with transformers alone: each document by itself, no packing, no chunks."""
    stage = make_stage(steps=8, clip_norm=0.5, micro_blocks=micro_blocks, recompute_activations=recompute)
    train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    assert losses(tmp_path) == pytest.approx(_reference_losses(stage, tiny_blocks, tiny_checkpoint), abs=1e-5)


def test_the_loss_curve_is_the_recorded_one(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    """Recorded once; a change of the loop that is meant to change nothing shows here if it does."""
    train(make_stage(steps=8), tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    assert losses(tmp_path) == pytest.approx(json.loads(GOLDEN.read_text())["losses"], abs=2e-4)


def test_the_checkpoint_opens_with_transformers_alone(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    train(make_stage(steps=1), tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)
    folder = tmp_path / "checkpoint"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.config._attn_implementation == "sdpa"  # ours is not written into the checkpoint
    assert model.config.use_cache is True
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in GenerationConfig.from_pretrained(folder).eos_token_id
    assert "<|im_start|>assistant" in tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], add_generation_prompt=True, tokenize=False
    )


def test_a_batch_that_cannot_be_shared_out_is_refused(tiny_blocks: Path) -> None:
    stage = make_stage(batch_blocks=3, micro_blocks=3)
    with pytest.raises(ConfigError, match="multiple of micro_blocks x processes = 3 x 2"):
        next(micro_batches(Blocks(tiny_blocks), stage, 0, world=2))


def test_a_broken_state_says_what_to_do(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    stage = make_stage(save_every=3)
    with pytest.raises(KeyboardInterrupt):
        train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=dying(after=4))
    state = tmp_path / "state" / "step-00000003" / "state.pt"
    state.write_bytes(state.read_bytes()[:5000])
    with pytest.raises(TrainError, match="delete it to start the stage over"):
        train(stage, tiny_blocks, tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)


def test_missing_blocks_say_what_to_do(tmp_path: Path, tiny_checkpoint: Path) -> None:
    with pytest.raises(DataError, match="run `prepare` first"):
        train(make_stage(), tmp_path / "none", tiny_checkpoint, tmp_path, seat=ONE, open_engine=open_torch)


def _tokenizer(out: Path) -> Any:
    return checkpoint.open_tokenizer(out / "checkpoint")


def _reference_losses(stage: Stage, blocks_path: Path, start: Path) -> list[float]:
    blocks, tokenizer = Blocks(blocks_path), checkpoint.open_tokenizer(start)
    model = checkpoint.open_model(start, tokenizer, torch.float32)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    adamw = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    found: list[float] = []
    for step in range(stage.steps or 0):
        nll, targets = torch.zeros(()), 0
        for index in step_blocks(stage, len(blocks), step):
            block = blocks[int(index)]
            for end, length in zip(np.cumsum(block.lengths), block.lengths, strict=True):
                ids = torch.tensor(block.ids[end - length : end].astype(np.int64))
                trained = torch.tensor(np.array(block.trained[end - length : end]))[1:]
                logits = model(input_ids=ids[None]).logits[0, :-1]
                losses = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")
                nll, targets = nll + losses[trained].sum(), targets + int(trained.sum())
        (nll / targets).backward()
        found.append(nll.item() / targets)
        torch.nn.utils.clip_grad_norm_(model.parameters(), stage.optim.clip_norm or 0)
        for group in adamw.param_groups:
            group["lr"] = learning_rate(stage.optim, step, stage.steps or 0)
        adamw.step()
        adamw.zero_grad()
    return found
