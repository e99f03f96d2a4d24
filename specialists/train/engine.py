"""One optimizer behind one small surface, plain torch.

The loop knows a few verbs: `learn` from a micro-batch, `step`, `measure`, `save`, `load`. This file has the surface and
the plain engine, for one process or several that each hold the whole model; `zero.py` has the same surface over
DeepSpeed, for models that one device cannot hold. Both divide the summed loss by the tokens of the whole optimizer
step, so uneven micro-batches and processes weigh each token alike, and both give the same losses.
"""

import contextlib
import math
import pickle
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from specialists.errors import TrainError
from specialists.recipe import Optim, Parallel, Stage
from specialists.train import attention
from specialists.train.batches import MicroBatch
from specialists.train.loss import Head
from specialists.train.seat import Seat

STATE_FILE = "state.pt"
NOTHING = -1.0  # as the limit of a step: no gradient is taken, however small


class Learner(nn.Module):
    """A causal language model that answers a micro-batch with its summed loss."""

    model: Any

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.head = Head(model.get_output_embeddings().weight)

    def forward(self, batch: MicroBatch) -> Tensor:
        """Return the summed negative log-likelihood of the batch's targets."""
        hidden_1TC = self.model.get_decoder()(
            input_ids=batch.ids_1T,
            position_ids=batch.positions_1T,
            use_cache=False,
            cu_seq_lens_q=batch.edges,
            cu_seq_lens_k=batch.edges,
            max_length_q=batch.longest,
            max_length_k=batch.longest,
        ).last_hidden_state
        return self.head(hidden_1TC[0, batch.rows_R], batch.targets_R)

    def trained(self) -> dict[str, nn.Parameter]:
        """Return the parameters that learn, by their names in the model; a tied one once."""
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}


class Engine(Protocol):
    """What the loop asks of an optimizer, whoever holds the weights."""

    device: torch.device

    def learn(self, batch: MicroBatch, step_targets: int) -> float:
        """Run forward and backward; returns the summed loss. `step_targets`: trained tokens of the whole step."""
        ...

    def step(self, lr: float, limit: float = math.inf) -> float:
        """Clip, update, clear; returns the norm of the gradient before clipping.

        Where that norm is not finite or above `limit`, the gradient is cleared and nothing is updated.
        """
        ...

    def measure(self, batch: MicroBatch) -> float:
        """Return the summed loss of a batch that is not learnt from."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything needed to go on from here."""
        ...

    def load(self, folder: Path) -> None:
        """Take up what `save` wrote, on any number of processes."""
        ...

    def weights(self) -> dict[str, Tensor] | None:
        """Return the weights that learnt by name, whole and on the CPU; None on processes that need not save."""
        ...


class TorchEngine:
    """AdamW with every weight on every process; weights in fp32, products in bf16 where the recipe says so."""

    def __init__(
        self, learner: Learner, optim: Optim, parallel: Parallel, device: torch.device, *, micro_steps: int = 1
    ) -> None:
        """Set up the optimizer, and the exchange of gradients where processes have joined.

        Args:
            learner: the model.
            optim, parallel: the recipe's knobs.
            device: where this process computes.
            micro_steps: how many `learn` calls one process makes between two `step` calls.
        """
        self.device = device
        self._learner = learner.to(device)
        self._clip_norm = optim.clip_norm
        self._bf16 = parallel.precision == "bf16"
        self._adamw = make_adamw(learner, optim)
        self._micro_steps, self._learned = micro_steps, 0
        joined = torch.distributed.is_available() and torch.distributed.is_initialized()
        self._world = torch.distributed.get_world_size() if joined else 1
        self._shared = DistributedDataParallel(learner, gradient_as_bucket_view=True) if self._world > 1 else None

    def learn(self, batch: MicroBatch, step_targets: int) -> float:
        self._learned += 1
        ends_step = self._learned % self._micro_steps == 0
        wait = contextlib.nullcontext() if ends_step or self._shared is None else self._shared.no_sync()
        with wait:
            with self._autocast():
                nll = (self._shared or self._learner)(batch.to(self.device))
            (nll * (self._world / step_targets)).backward()  # the exchange averages over the processes
        return nll.item()

    def step(self, lr: float, limit: float = math.inf) -> float:
        weights = [weight for weight in self._learner.parameters() if weight.grad is not None]
        total = nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
        norm = total.item()
        if math.isfinite(norm) and norm <= limit:
            if self._clip_norm is not None:
                nn.utils.clip_grads_with_norm_(weights, self._clip_norm, total)
            for group in self._adamw.param_groups:
                group["lr"] = lr
            self._adamw.step()
        self._adamw.zero_grad()
        return norm

    def measure(self, batch: MicroBatch) -> float:
        self._learner.eval()
        with torch.no_grad(), self._autocast():
            nll = self._learner(batch.to(self.device)).item()
        self._learner.train()
        return nll

    def save(self, folder: Path) -> None:
        if self._world > 1 and torch.distributed.get_rank() != 0:
            return
        weights = {name: weight.detach() for name, weight in self._learner.trained().items()}
        torch.save({"weights": weights, "adamw": self._adamw.state_dict()}, folder / STATE_FILE)

    def load(self, folder: Path) -> None:
        trained = self._learner.trained()
        try:
            state = torch.load(folder / STATE_FILE, map_location="cpu", weights_only=True)
            missing = trained.keys() ^ state["weights"].keys()
        except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise TrainError(f"{folder}: cannot resume from it ({error}); delete it to start the stage over") from None
        if missing:
            raise TrainError(f"{folder}: holds other weights than the stage trains ({min(missing)}); delete it")
        with torch.no_grad():
            for name, weight in trained.items():
                weight.copy_(state["weights"][name])
        self._adamw.load_state_dict(state["adamw"])

    def weights(self) -> dict[str, Tensor] | None:
        if self._world > 1 and torch.distributed.get_rank() != 0:
            return None
        return {name: weight.detach().cpu() for name, weight in self._learner.trained().items()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._bf16)


def open_torch(learner: Learner, stage: Stage, seat: Seat) -> TorchEngine:
    """Return the plain engine, for one process or for all that `Seat.join` joined."""
    return TorchEngine(learner, stage.optim, stage.parallel, seat.device, micro_steps=micro_steps(stage, seat.world))


def micro_steps(stage: Stage, world: int) -> int:
    """Return how many micro-batches one process learns from in a step; `batches.micro_batches` checks the shares."""
    return max(1, stage.batch_blocks // (stage.parallel.micro_blocks * world))


def make_adamw(learner: Learner, optim: Optim) -> torch.optim.AdamW:
    """Return AdamW with the recipe's numbers; norms and biases (one-dimensional weights) are not decayed."""
    weights = [p for p in learner.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.dim() >= 2], "weight_decay": optim.weight_decay},
        {"params": [p for p in weights if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optim.peak_lr, betas=(optim.beta1, optim.beta2), eps=optim.eps, fused=True)


def prepare_model(model: Any, parallel: Parallel) -> Learner:
    """Set a transformers model up for packed training: our attention, and no cache."""
    attention.register()
    model.set_attn_implementation(attention.NAME)
    model.config.use_cache = False
    if parallel.recompute_activations:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    return Learner(model)
