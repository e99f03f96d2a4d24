"""One optimizer behind one small surface, plain torch.

The loop knows four verbs: `learn` from a micro-batch, `step`, `save`, `load`. This file has the surface and the
single-process engine; `zero.py` has the same surface over DeepSpeed. Both divide the summed loss by the tokens of the
whole optimizer step, so uneven micro-batches and processes weigh each token alike, and both give the same losses.
"""

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from specialists.errors import TrainError
from specialists.recipe import Optim, Parallel, Stage
from specialists.train import attention
from specialists.train.batches import MicroBatch
from specialists.train.loss import Head
from specialists.train.seat import Seat


class Learner(nn.Module):
    """A causal language model that answers a micro-batch with its summed loss."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.head = Head(model.get_output_embeddings().weight)  # pyright: ignore[reportCallIssue]

    def forward(self, batch: MicroBatch) -> Tensor:
        """Return the summed negative log-likelihood of the batch's targets."""
        decoder = self.model.get_decoder()  # pyright: ignore[reportCallIssue]
        hidden_1TC = decoder(
            input_ids=batch.ids_1T,
            position_ids=batch.positions_1T,
            use_cache=False,
            cu_seq_lens_q=batch.edges,
            cu_seq_lens_k=batch.edges,
            max_length_q=batch.longest,
            max_length_k=batch.longest,
        ).last_hidden_state
        return self.head(hidden_1TC[0, batch.rows_R], batch.targets_R)


class Engine(Protocol):
    """What the loop asks of an optimizer, whoever holds the weights."""

    device: torch.device

    def learn(self, batch: MicroBatch, step_targets: int) -> float:
        """Run forward and backward; returns the summed loss. `step_targets`: trained tokens of the whole step."""
        ...

    def step(self, lr: float) -> float:
        """Clip, update, clear; returns the norm of the gradient before clipping."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything needed to go on from here."""
        ...

    def load(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        ...

    def weights(self) -> dict[str, Tensor] | None:
        """Return the model's weights by name, whole and on the CPU; None on processes that need not save."""
        ...


class TorchEngine:
    """AdamW in one process; weights in fp32, products in bf16 where the recipe says so."""

    def __init__(self, learner: Learner, optim: Optim, parallel: Parallel, device: torch.device) -> None:
        self.device = device
        self._learner = learner.to(device)
        self._clip_norm = optim.clip_norm
        self._bf16 = parallel.precision == "bf16"
        self._adamw = make_adamw(learner, optim)

    def learn(self, batch: MicroBatch, step_targets: int) -> float:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._bf16):
            nll = self._learner(batch.to(self.device))
        (nll / step_targets).backward()
        return nll.item()

    def step(self, lr: float) -> float:
        limit = self._clip_norm if self._clip_norm is not None else float("inf")
        norm = nn.utils.clip_grad_norm_(self._learner.parameters(), limit).item()
        for group in self._adamw.param_groups:
            group["lr"] = lr
        self._adamw.step()
        self._adamw.zero_grad()
        return norm

    def save(self, folder: Path) -> None:
        state = {"learner": self._learner.model.state_dict(), "adamw": self._adamw.state_dict(), "rng": rng_state()}
        torch.save(state, folder / "state.pt")

    def load(self, folder: Path) -> None:
        try:
            state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError) as error:
            raise TrainError(f"{folder}: cannot resume from it ({error}); delete it to start the stage over") from None
        self._learner.model.load_state_dict(state["learner"])
        self._adamw.load_state_dict(state["adamw"])
        restore_rng(state["rng"])

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu() for name, tensor in self._learner.model.state_dict().items()}


def open_single(learner: Learner, stage: Stage, seat: Seat) -> Engine:
    """Return the engine for one process."""
    return TorchEngine(learner, stage.optim, stage.parallel, seat.device)


def make_adamw(learner: Learner, optim: Optim) -> torch.optim.AdamW:
    """Return AdamW with the recipe's numbers; norms and biases (one-dimensional weights) are not decayed."""
    weights = [p for p in learner.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.dim() >= 2], "weight_decay": optim.weight_decay},
        {"params": [p for p in weights if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=optim.peak_lr, betas=(optim.beta1, optim.beta2), eps=optim.eps, fused=True)


def rng_state() -> dict[str, Any]:
    """Return the state of torch's random generators."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def restore_rng(state: dict[str, Any]) -> None:
    """Set torch's random generators back to a saved state."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])


def prepare_model(model: Any, parallel: Parallel) -> Learner:
    """Set a transformers model up for packed training: our attention, and no cache."""
    attention.register()
    model.set_attn_implementation(attention.NAME)
    model.config.use_cache = False
    if parallel.recompute_activations:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    return Learner(model)
