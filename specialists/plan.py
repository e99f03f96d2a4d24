"""What a recipe will cost, before anything is run.

Tokens, steps, memory per device and hours, from the recipe and the model's shape alone; no torch, no data. A plan is an
estimate with its assumptions written beside it, and it refuses what cannot work: a batch that cannot be shared out, a
block longer than the model's context, more memory than the device has.

Notation: N parameters, T tokens of a forward pass, L layers, C hidden size, F feed-forward size, V vocabulary.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from specialists import host
from specialists.errors import ConfigError
from specialists.recipe import Recipe, Shape, Stage

GIB = 1 << 30
LOSS_CHUNK_ROWS = 1024  # rows of logits that exist at once (train/loss.py)


@dataclass(frozen=True)
class Device:
    """A kind of device: memory, and the dense bf16 rate its maker states (for a CPU: a measured one)."""

    name: str
    memory_gib: float
    tflops: float
    utilisation: float  # share of the rate that training is assumed to reach


DEVICES: Mapping[str, Device] = {
    device.name: device
    for device in (
        Device("h200", 141, 989, 0.40),
        Device("h100", 80, 989, 0.40),
        Device("a100-80g", 80, 312, 0.45),
        Device("a100-40g", 40, 312, 0.45),
        Device("l40s", 48, 362, 0.35),
        Device("rtx4090", 24, 165, 0.40),
        # Two cores with bf16 instructions: 370 GFLOP/s sustained in training a 135M model (455 tokens/s x 6 N).
        Device("cpu", host.memory_gib(), 0.37, 1.0),
    )
}


@dataclass(frozen=True)
class Memory:
    """GiB on one device at the peak of an optimizer step."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits


@dataclass(frozen=True)
class StagePlan:
    """One line of a plan. `steps`, `tokens` and `hours` are None where they depend on data not yet prepared."""

    stage: str
    gives: str
    objective: str
    steps: int | None
    tokens: int | None
    batch_tokens: int
    peak_lr: float
    warmup_steps: int | None
    zero_stage: int  # 0 where one device trains alone
    memory: Memory
    hours: float | None


@dataclass(frozen=True)
class Plan:
    """A recipe's cost on some devices."""

    recipe: str
    parameters: int
    devices: int
    device: Device
    stages: tuple[StagePlan, ...]

    def to_json(self) -> str:
        """Return the plan as indented JSON."""
        return json.dumps(asdict(self), indent=1)


def plan(recipe: Recipe, *, device: str = "h100", devices: int = 1) -> Plan:
    """Work out what a recipe costs.

    Args:
        recipe: what to plan.
        device: a name from `DEVICES`.
        devices: how many of them train together.

    Raises:
        ConfigError: the device is unknown, the model's shape cannot be known without its config.json, or the recipe
            cannot work on these devices; says which knob and what would be right.
    """
    if device not in DEVICES:
        raise ConfigError(f"--device {device}: unknown; known are {', '.join(DEVICES)}")
    kind = DEVICES[device]
    shape, context = _shape(recipe)
    stages = tuple(_plan_stage(stage, shape, context, kind, devices) for stage in recipe.stages)
    return Plan(recipe.name, num_parameters(shape), devices, kind, stages)


def num_parameters(shape: Shape) -> int:
    """Return N of a decoder with SwiGLU, RMSNorm and biases on query, key and value only (Qwen report, section 2.3)."""
    c, f = shape.hidden_size, shape.ffn_size
    kv = c * shape.num_kv_heads // shape.num_heads
    attention = c * (c + 2 * kv) + (c + 2 * kv) + c * c
    layer = attention + 3 * c * f + 2 * c
    return shape.num_layers * layer + (1 if shape.tied else 2) * shape.vocab_size * c + c


def flops_per_token(shape: Shape, seq_len: int) -> float:
    """Return the floating-point operations to train on one token: 6 per weight used in a product, plus attention.

    The output matrix counts once and the input embedding not at all; causal attention adds 6 L S C for documents of
    mean length S (here the block length, an upper bound).
    """
    products = num_parameters(shape) - (0 if shape.tied else shape.vocab_size * shape.hidden_size)
    return 6.0 * products + 6.0 * shape.num_layers * seq_len * shape.hidden_size


def memory(stage: Stage, shape: Shape, devices: int) -> Memory:
    """Return the peak memory of one device.

    Mixed precision on one device keeps fp32 weights, gradients and two AdamW moments (16 bytes a parameter) and a bf16
    copy of the weights during the step. Under ZeRO with bf16 the weights and gradients are bf16, and fp32 weights and
    moments (12 bytes) are shared out from stage 1 on, gradients from 2, weights from 3. Activations are those the
    backward pass needs, in bf16: per token and layer 6 C + 2 C_kv + 3 F values and fp32 copies for the two norms, or
    with recomputation one C per layer and one full layer. Precision "auto" is planned as fp32, the larger.
    """
    n, zero = num_parameters(shape), stage.parallel.zero_stage if devices > 1 else 0
    low = 2 if stage.parallel.precision == "bf16" else 4
    share = [devices if zero >= level else 1 for level in (3, 2, 1)]
    if devices > 1:
        weights, gradients = low * n / share[0], low * n / share[1]
        optimizer = (12 if low == 2 else 8) * n / share[2]
    else:
        weights, gradients, optimizer = (4 + (2 if low == 2 else 0)) * n, 4 * n, 8 * n
    tokens = stage.parallel.micro_blocks * stage.seq_len
    c, f, layers = shape.hidden_size, shape.ffn_size, shape.num_layers
    kv = c * shape.num_kv_heads // shape.num_heads
    layer = tokens * ((6 * c + 2 * kv + 3 * f) * low + 2 * 4 * c)
    activations = layer * layers if not stage.parallel.recompute_activations else layer + tokens * c * low * layers
    logits = min(LOSS_CHUNK_ROWS, tokens) * shape.vocab_size * (4 + 4 + low) + 4 * shape.vocab_size * c
    return Memory(*(value / GIB for value in (weights, gradients, optimizer, activations, logits)))


def _plan_stage(stage: Stage, shape: Shape, context: int | None, device: Device, devices: int) -> StagePlan:
    where = f"stages.{stage.name}"
    share = stage.parallel.micro_blocks * devices
    if stage.batch_blocks % share:
        raise ConfigError(
            f"{where}.batch_blocks = {stage.batch_blocks}: must be a multiple of micro_blocks x devices = "
            f"{stage.parallel.micro_blocks} x {devices}"
        )
    if context is not None and stage.seq_len > context:
        raise ConfigError(f"{where}.seq_len = {stage.seq_len}: the model's context is {context} tokens")
    need = memory(stage, shape, devices)
    if need.total > device.memory_gib:
        raise ConfigError(
            f"{where} needs {need.total:.0f} GiB on each of {devices} x {device.name}, which has "
            f"{device.memory_gib:.0f} GiB; {_cure(stage, shape, device, devices)}"
        )
    batch_tokens = stage.batch_blocks * stage.seq_len
    steps = stage.steps if stage.epochs is None else None
    if stage.tokens is not None:
        steps = math.ceil(stage.tokens / batch_tokens)
    tokens = steps * batch_tokens if steps is not None else None
    rate = device.tflops * 1e12 * device.utilisation * devices
    hours = tokens * flops_per_token(shape, stage.seq_len) / rate / 3600 if tokens is not None else None
    warmup = stage.optim.warmup_steps
    if warmup is None and steps is not None:
        warmup = math.ceil((stage.optim.warmup_share or 0) * steps)
    return StagePlan(
        stage=stage.name,
        gives=stage.gives,
        objective=stage.objective,
        steps=steps,
        tokens=tokens,
        batch_tokens=batch_tokens,
        peak_lr=stage.optim.peak_lr,
        warmup_steps=warmup,
        zero_stage=stage.parallel.zero_stage if devices > 1 else 0,
        memory=need,
        hours=hours,
    )


def _cure(stage: Stage, shape: Shape, device: Device, devices: int) -> str:
    """Name the smallest change that would make the stage fit."""
    tries = [
        {"recompute_activations": True},
        {"recompute_activations": True, "micro_blocks": 1},
        {"recompute_activations": True, "micro_blocks": 1, "zero_stage": 3},
    ]
    for count in sorted({devices, 2, 4, 8, 16, 32, 64} - set(range(devices))):
        for change in tries:
            eased = stage.model_copy(update={"parallel": stage.parallel.model_copy(update=change)})
            if memory(eased, shape, count).total <= device.memory_gib:
                knobs = ", ".join(f"parallel.{knob} = {str(value).lower()}" for knob, value in change.items())
                return f"it would fit with {knobs}" + (f" on {count} devices" if count != devices else "")
    return "it does not fit on up to 64 of them either; use a smaller model or larger devices"


def _shape(recipe: Recipe) -> tuple[Shape, int | None]:
    """Return the model's shape and context length: from its config.json if the start is a folder, else the recipe's."""
    config = Path(recipe.start).expanduser() / "config.json"
    if config.is_file():
        try:
            fields: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
            return shape_of(fields), fields.get("max_position_embeddings")
        except ValueError as error:
            raise ConfigError(f"{config}: no usable config ({str(error).splitlines()[0]})") from None
        except KeyError as error:
            raise ConfigError(f"{config}: has no {error}; give the recipe a shape") from None
    if recipe.shape is not None:
        return recipe.shape, None
    raise ConfigError(f"start = {recipe.start!r}: its size is not known here; add a shape to the recipe")


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a config.json describes. Raises KeyError naming a field that is not there."""
    return Shape(
        hidden_size=config["hidden_size"],
        num_layers=config["num_hidden_layers"],
        num_heads=config["num_attention_heads"],
        num_kv_heads=config.get("num_key_value_heads", config["num_attention_heads"]),
        ffn_size=config["intermediate_size"],
        vocab_size=config["vocab_size"],
        tied=config.get("tie_word_embeddings", False),
    )
