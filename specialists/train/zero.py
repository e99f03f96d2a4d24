"""The training engine over DeepSpeed ZeRO.

For models that one device cannot hold: ZeRO stage 1 shares out the optimizer, 2 the gradients too, 3 the weights too.
(Stage 0 is the plain engine.) The verbs are those of `engine.TorchEngine`, and in fp32 the losses are the same.

Three defaults of DeepSpeed are closed here: clipping is on at 1.0 when the key is left out; `backward` divides by the
accumulation steps and averages over processes, so a loss that is to weigh tokens alike must be multiplied back; and
its own optimizers and CPU collectives compile C++ at start, so torch's AdamW and gloo are used instead.
"""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import deepspeed
import torch
from torch import Tensor

from specialists.errors import TrainError
from specialists.recipe import Optim, Parallel, Stage
from specialists.train.batches import MicroBatch
from specialists.train.engine import NOTHING, Learner, make_adamw, micro_steps
from specialists.train.seat import Seat

_TAG, _UNIVERSAL = "state", "universal"


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

    def step(self, lr: float, limit: float = math.inf) -> float:
        """As `Engine.step`, but `limit` only tells that the loss is not finite: ZeRO clears a gradient that is not."""
        for group in self._engine.optimizer.param_groups:
            group["lr"] = lr
        self._engine.step()
        if self._engine.optimizer.overflow:
            return math.nan
        if limit == NOTHING:
            raise TrainError("the loss is not finite but its gradient is; lower optim.peak_lr")
        return float(self._engine.get_global_grad_norm())

    def measure(self, batch: MicroBatch) -> float:
        self._engine.eval()
        with torch.no_grad():
            nll = self._engine(batch.to(self.device)).item()
        self._engine.train()
        return nll

    def save(self, folder: Path) -> None:
        self._engine.save_checkpoint(str(folder), tag=_TAG)

    def load(self, folder: Path) -> None:
        """Take up a state; one of another number of processes is first rewritten weight by weight, once."""
        tag, shards = _TAG, _num_shards(folder)
        if shards not in (0, self._world):
            tag = _UNIVERSAL
            if torch.distributed.get_rank() == 0 and not (folder / tag).exists():
                _make_universal(folder, inject=self._stage < 3)
            torch.distributed.barrier()
        self._engine._config.load_universal_checkpoint = tag == _UNIVERSAL
        try:
            path, _ = self._engine.load_checkpoint(str(folder), tag=tag)
        except (OSError, RuntimeError, EOFError, AssertionError) as error:
            raise TrainError(f"{folder}: cannot resume from it ({error}); delete it to start the stage over") from None
        if path is None:
            raise TrainError(f"{folder}: cannot resume from it; delete it to start the stage over")

    def weights(self) -> dict[str, Tensor] | None:
        module = self._learner.model
        keep = torch.distributed.get_rank() == 0
        with deepspeed.zero.GatheredParameters(list(module.parameters()), enabled=self._stage == 3):
            if not keep:
                return None
            return {name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}


def _num_shards(folder: Path) -> int:
    """Return how many processes wrote a state; 0 where it has no shards."""
    return len(list((folder / _TAG).glob("*_optim_states.pt")))


def _make_universal(folder: Path, *, inject: bool) -> None:
    """Rewrite a state so that any number of processes can take it up, with DeepSpeed's own converter."""
    part = folder / "universal-part"
    shutil.rmtree(part, ignore_errors=True)
    command = [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", "--input_folder", str(folder / _TAG)]
    command += ["--output_folder", str(part), "--num_extract_workers", "1", "--num_merge_workers", "1"]
    if inject:
        command.append("--inject_missing_state")  # stages 1 and 2 write none of what the converter asks for
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        raise TrainError(f"{folder}: cannot be rewritten for another number of processes ({' '.join(reason)})")
    part.rename(folder / _UNIVERSAL)


def open_zero(learner: Learner, stage: Stage, seat: Seat) -> ZeroEngine:
    """Return the engine for the processes that `join_processes` joined."""
    steps = micro_steps(stage, seat.world)
    return ZeroEngine(learner, stage.optim, stage.parallel, seat.device, micro_steps=steps)


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
