"""Adapters: only they learn, a killed run goes on exactly, and the merged checkpoint is the model that was trained."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from specialists import checkpoint
from specialists.errors import ConfigError
from specialists.recipe import Recipe, change
from specialists.train.engine import Engine, Learner, open_torch
from specialists.train.loop import train
from specialists.train.seat import Seat
from tests.stages import make_stage

pytest.importorskip("peft", reason="peft is not installed: pip install 'specialists[adapters]'")

from specialists.recipe import Stage
from specialists.train.adapters import open_adapted

ONE = Seat(0, 1, torch.device("cpu"))


def stage_with(kind: str, *, steps: int = 4, precision: str = "fp32", **adapter: Any) -> Stage:
    knobs = {"kind": kind, "rank": 4, "alpha": 8} | adapter
    return make_stage(steps=steps, save_every=2, precision=precision, adapter=knobs)


def run(stage: Stage, blocks: Path, start: Path, out: Path, open_engine: Any = open_torch) -> list[float]:
    out.mkdir(exist_ok=True)
    train(stage, blocks, start, out, seat=ONE, open_engine=open_engine, open_trainee=open_adapted)
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("embeddings", [False, True])
def test_the_merged_checkpoint_is_the_model_that_was_trained(
    kind: str, embeddings: bool, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    """Its logits are those of the trained model, its names those of the start, and only what may learn has moved."""
    kept: list[Any] = []

    def keeping(learner: Learner, stage: Stage, seat: Seat) -> Engine:
        kept.append(learner.model)
        return open_torch(learner, stage, seat)

    stage = stage_with(kind, train_embeddings=embeddings, targets=("q_proj", "down_proj"))
    losses = run(stage, tiny_blocks, tiny_checkpoint, tmp_path / "run", keeping)
    assert losses[-1] < losses[0]
    from transformers import AutoModelForCausalLM

    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "checkpoint").eval()
    ids = torch.arange(5, 30)[None]
    trained = kept[0].eval()
    trained.set_attn_implementation("sdpa")
    torch.testing.assert_close(merged(input_ids=ids).logits, trained(input_ids=ids).logits, rtol=1e-4, atol=1e-4)
    start = AutoModelForCausalLM.from_pretrained(tiny_checkpoint).state_dict()
    moved = {name for name, weight in merged.state_dict().items() if not torch.equal(weight, start[name])}
    kinds = {name.split(".")[-2] for name in moved}
    assert kinds == {"q_proj", "down_proj"} | ({"embed_tokens", "lm_head"} if embeddings else set())


def test_every_linear_layer_but_the_head_is_the_default_target(tiny_checkpoint: Path) -> None:
    stage = stage_with("lora")
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    learner = Learner(open_adapted(tiny_checkpoint, tokenizer, stage, ONE).model)
    layers = {name.split(".lora_")[0].rsplit(".", 1)[1] for name in learner.trained()}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_frozen_weights_are_held_in_the_precision_of_the_products(tiny_checkpoint: Path) -> None:
    stage = stage_with("lora", precision="bf16", train_embeddings=True)
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    model = open_adapted(tiny_checkpoint, tokenizer, stage, ONE).model
    types = {weight.requires_grad: set() for weight in model.parameters()}
    for weight in model.parameters():
        types[weight.requires_grad].add(weight.dtype)
    assert types == {True: {torch.float32}, False: {torch.bfloat16}}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_killed_run_goes_on_bit_for_bit_with_its_dropout(
    precision: str, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    stage = stage_with("lora", steps=5, precision=precision, dropout=0.3)

    def dying(learner: Learner, stage: Stage, seat: Seat) -> Engine:
        engine = open_torch(learner, stage, seat)
        step, steps = engine.step, 0

        def step_or_die(lr: float, limit: float = math.inf) -> float:
            nonlocal steps
            steps += 1
            if steps > 3:
                raise KeyboardInterrupt
            return step(lr, limit)

        engine.step = step_or_die
        return engine

    whole = run(stage, tiny_blocks, tiny_checkpoint, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(stage, tiny_blocks, tiny_checkpoint, tmp_path / "cut", dying)
    cut = run(stage, tiny_blocks, tiny_checkpoint, tmp_path / "cut")
    assert [repr(x) for x in cut] == [repr(x) for x in whole]


def test_the_state_holds_only_what_learns(tmp_path: Path, tiny_checkpoint: Path) -> None:
    stage = stage_with("lora")
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    learner = Learner(open_adapted(tiny_checkpoint, tokenizer, stage, ONE).model)
    open_torch(learner, stage, ONE).save(tmp_path)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["weights"] and all("lora_" in name for name in state["weights"])


REFUSED = [
    ({"kind": "qlora"}, "adapter.kind = 'qlora': needs a CUDA device, and this trains on the cpu; use 'lora'"),
    ({"kind": "lora", "targets": ("c_attn",)}, r"adapter.targets = \['c_attn'\]: .*c_attn"),
]


@pytest.mark.parametrize(("adapter", "words"), REFUSED)
def test_what_cannot_be_done_is_refused(
    adapter: dict[str, Any], words: str, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(stage_with(**adapter), tiny_blocks, tiny_checkpoint, tmp_path / "run")


def test_an_adapter_under_zero_is_refused() -> None:
    recipe = Recipe(name="x", start="none", stages=(make_stage(),))
    with pytest.raises(ConfigError, match=r"adapter and guard\.spike need parallel\.zero_stage = 0"):
        change(recipe, ["stages.stage.adapter={kind: lora}", "stages.stage.parallel.zero_stage=2"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="QLoRA needs a CUDA device")
def test_qlora_trains_over_four_bits_and_merges_into_the_start(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    seat = Seat(0, 1, torch.device("cuda", 0))
    facts = train(
        stage_with("qlora", precision="bf16"), tiny_blocks, tiny_checkpoint, tmp_path,
        seat=seat, open_engine=open_torch, open_trainee=open_adapted,
    )  # fmt: skip
    assert math.isfinite(facts["last_loss"])
    checkpoint.open_model(tmp_path / "checkpoint", checkpoint.open_tokenizer(tmp_path / "checkpoint"), torch.float32)
