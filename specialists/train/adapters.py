"""LoRA, DoRA and QLoRA: small matrices learn beside frozen weights.

The frozen weights are held in the precision of the products (or, for QLoRA, in four bits on a CUDA device), the small
matrices in fp32. At the end they are merged into the start opened anew in fp32, so that the result is a plain
checkpoint and a quantised start leaves no rounding in it.

Needs the package peft, and for QLoRA bitsandbytes.
"""

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

import peft
import torch
from transformers import BitsAndBytesConfig

from specialists import checkpoint
from specialists.errors import ConfigError
from specialists.precision import dtype_of
from specialists.recipe import Adapter, Stage
from specialists.train.seat import Seat
from specialists.train.trainee import Trainee, Weights


def open_adapted(start: Path, tokenizer: Any, stage: Stage, seat: Seat) -> Trainee:
    """Open a checkpoint with the adapter of the stage beside its weights.

    Raises:
        ConfigError: QLoRA without a CUDA device or bitsandbytes, or targets that the model does not have.
    """
    adapter = stage.adapter
    assert adapter is not None and stage.parallel.precision != "auto", "build resolves both"
    loading = _four_bits(stage, seat) if adapter.kind == "qlora" else {}
    dtype = dtype_of(stage.parallel.precision)
    model = checkpoint.open_model(start, tokenizer, dtype, rope_base=stage.rope_base, **loading)
    _attach(model, adapter, stage)
    return Trainee(model, partial(_merged, start, tokenizer, stage, adapter))


def _attach(model: Any, adapter: Adapter, stage: Stage) -> peft.PeftModel:
    """Put the small matrices into the model, in place, and let nothing else learn but the embeddings if asked."""
    config = peft.LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(adapter.targets) or "all-linear",
        use_dora=adapter.kind == "dora",
    )
    torch.manual_seed(stage.seed)
    try:
        wrapped: Any = peft.get_peft_model(model, config)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"stages.{stage.name}.adapter.targets = {list(adapter.targets)}: {reason}") from None
    if adapter.train_embeddings:
        for matrix in (model.get_input_embeddings(), model.get_output_embeddings()):
            matrix.to(torch.float32).weight.requires_grad_(True)
    return wrapped


def _merged(start: Path, tokenizer: Any, stage: Stage, adapter: Adapter, learnt: Weights) -> tuple[Any, Weights]:
    """Return the start with what was learnt added to its weights."""
    model = checkpoint.open_model(start, tokenizer, torch.float32, rope_base=stage.rope_base)
    wrapped = _attach(model, adapter, stage)
    unknown = model.load_state_dict(learnt, strict=False).unexpected_keys
    assert not unknown, f"what was learnt has no place in the model: {unknown[:3]}"
    whole: Any = wrapped.merge_and_unload()
    return whole, whole.state_dict()


def _four_bits(stage: Stage, seat: Seat) -> dict[str, Any]:
    """Return how transformers opens weights in four bits (NF4, twice quantised: QLoRA, section 3)."""
    where = f"stages.{stage.name}.adapter.kind = 'qlora'"
    if seat.device.type != "cuda":
        raise ConfigError(f"{where}: needs a CUDA device, and this trains on the {seat.device.type}; use 'lora'")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(f"{where}: needs bitsandbytes; pip install bitsandbytes")
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config, "device_map": {"": seat.device}}
