"""The training engine over DeepSpeed ZeRO.

Used when training is launched with more than one process. ZeRO stage 0 keeps everything everywhere, 1 shares out the
optimizer, 2 the gradients too, 3 the weights too. The four verbs are those of `engine.TorchEngine`, and in fp32 the
losses are the same.

Three defaults of DeepSpeed are closed here: clipping is on at 1.0 when the key is left out; `backward` divides by the
accumulation steps and averages over processes, so a loss that is to weigh tokens alike must be multiplied back; and
its own optimizers and CPU collectives compile C++ at start, so torch's AdamW and gloo are used instead.
"""

import os
from pathlib import Path
from typing import Any

import deepspeed
import torch
from torch import Tensor

from specialists.errors import TrainError
from specialists.recipe import Optim, Parallel, Stage
from specialists.train.batches import MicroBatch
from specialists.train.engine import Learner, make_adamw, restore_rng, rng_state
from specialists.train.seat import Seat

_TAG = "state"


class ZeroEngine:
    """AdamW over several processes, with ZeRO's stages."""

    def __init__(
        self, learner: Learner, optim: Optim, parallel: Parallel, device: torch.device, *, micro_steps: int
    ) -> None:
        """Set up DeepSpeed. `micro_steps`: how many `learn` calls one process makes between two `step` calls."""
        self.device = device
        self._micro_steps = micro_steps
        self._stage = parallel.zero_stage
        self._learner = learner.to(device)
        self._engine: Any = deepspeed.initialize(
            model=self._learner,
            optimizer=make_adamw(learner, optim),  # pyright: ignore[reportArgumentType]
            config=_config(optim, parallel, micro_steps),
        )[0]
        self._world = self._engine.world_size

    def learn(self, batch: MicroBatch, step_targets: int) -> float:
        nll = self._engine(batch.to(self.device))
        self._engine.backward(nll * (self._world * self._micro_steps / step_targets))
        if self._engine.is_gradient_accumulation_boundary():
            return nll.item()
        self._engine.step()
        return nll.item()

    def step(self, lr: float) -> float:
        for group in self._engine.optimizer.param_groups:
            group["lr"] = lr
        self._engine.step()
        norm = self._engine.get_global_grad_norm()
        return float(norm) if norm is not None else float("nan")

    def save(self, folder: Path) -> None:
        self._engine.save_checkpoint(str(folder), tag=_TAG, client_state={"rng": rng_state()})

    def load(self, folder: Path) -> None:
        path, state = self._engine.load_checkpoint(str(folder), tag=_TAG)
        if path is None:
            raise TrainError(f"{folder}: cannot resume from it; delete it to start the stage over")
        restore_rng(state["rng"])

    def weights(self) -> dict[str, Tensor] | None:
        module = self._learner.model
        keep = torch.distributed.get_rank() == 0
        with deepspeed.zero.GatheredParameters(list(module.parameters()), enabled=self._stage == 3):
            if not keep:
                return None
            return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}


def open_zero(learner: Learner, stage: Stage, seat: Seat) -> ZeroEngine:
    """Return the engine for the processes that `join_processes` joined."""
    micro_steps = stage.batch_blocks // (stage.parallel.micro_blocks * seat.world)
    return ZeroEngine(learner, stage.optim, stage.parallel, seat.device, micro_steps=micro_steps)


def join_processes(device: torch.device) -> None:
    """Join the processes that the launcher started (torchrun or DeepSpeed's own)."""
    if device.type == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
        # DeepSpeed compiles a shared-memory collective at start on every CPU run. Saying that it cannot be built keeps
        # to gloo; the name is private, hence the exact version pin in pyproject.toml.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend="gloo" if device.type == "cpu" else "nccl", verbose=False)


def _config(optim: Optim, parallel: Parallel, micro_steps: int) -> dict[str, Any]:
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": micro_steps,
        "gradient_clipping": optim.clip_norm if optim.clip_norm is not None else 0.0,
        "bf16": {"enabled": parallel.precision == "bf16"},
        "zero_optimization": {"stage": parallel.zero_stage},
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 1 << 62,
    }
