"""Next-token loss that never holds all logits.

The output matrix of these models is large (152k x 4096 in the report's) and most tokens of chat data are masked, so the
logits of a whole block would be the largest tensor of the training and mostly waste. Here only the rows that are
trained on are multiplied, in chunks, and the gradient of a chunk is made while its logits are still there.

Legend: R rows that are trained on, C hidden size, V vocabulary.
"""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK_ROWS = 1024


class Head(nn.Module):
    """The output matrix of a model and the loss behind it.

    A module of its own, so that ZeRO-3 gathers the (perhaps tied, perhaps partitioned) weight around its forward.
    """

    def __init__(self, weight_VC: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight_VC

    def forward(self, hidden_RC: Tensor, targets_R: Tensor) -> Tensor:
        """Return the summed loss; see `summed_nll`."""
        return summed_nll(hidden_RC, self.weight, targets_R)


def summed_nll(hidden_RC: Tensor, weight_VC: Tensor, targets_R: Tensor) -> Tensor:
    """Return the summed negative log-likelihood of the targets, a float32 scalar.

    Equals `F.cross_entropy((hidden @ weight.T).float(), targets, reduction="sum")`, value and gradients, without
    holding [R, V]. Under autocast the products are made in its type and accumulated in float32.
    """
    return cast("Tensor", _SummedNLL.apply(hidden_RC, weight_VC, targets_R))


class _SummedNLL(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_RC: Tensor, weight_VC: Tensor, targets_R: Tensor) -> Tensor:
        device = hidden_RC.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else hidden_RC.dtype
        weight = weight_VC.to(dtype)
        total = torch.zeros((), dtype=torch.float32, device=hidden_RC.device)
        grad_hidden_RC = torch.empty_like(hidden_RC)
        grad_weight_VC: Tensor | None = None
        with torch.autocast(device, enabled=False):
            for begin in range(0, len(targets_R), CHUNK_ROWS):
                rows = slice(begin, begin + CHUNK_ROWS)
                hidden, targets = hidden_RC[rows].to(dtype), targets_R[rows, None]
                logits = (hidden @ weight.T).float()
                log_sums = logits.logsumexp(dim=1, keepdim=True)
                total += (log_sums - logits.gather(1, targets)).sum()
                grad = logits.sub_(log_sums).exp_()
                grad.scatter_add_(1, targets, torch.full_like(targets, -1, dtype=grad.dtype))
                grad = grad.to(dtype)
                grad_hidden_RC[rows] = grad @ weight
                if ctx.needs_input_grad[1]:
                    grad_weight_VC = _added(grad_weight_VC, grad.T @ hidden)
        if ctx.needs_input_grad[1] and grad_weight_VC is None:
            grad_weight_VC = torch.zeros_like(weight_VC, dtype=torch.float32)
        ctx.save_for_backward(grad_hidden_RC, grad_weight_VC)
        ctx.weight_dtype = weight_VC.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        (grad,) = grads
        grad_hidden_RC, grad_weight_VC = ctx.saved_tensors
        if grad_weight_VC is not None:
            grad_weight_VC = grad_weight_VC.mul_(grad).to(ctx.weight_dtype)  # in place: it is as large as the weight
        return grad_hidden_RC * grad, grad_weight_VC, None


def _added(total: Tensor | None, part: Tensor) -> Tensor:
    """Add up in float32; the first part is the total, so that one chunk costs no copy."""
    return part.float() if total is None else total.add_(part)


def plain_nll(logits_TV: Tensor, targets_T: Tensor) -> Tensor:
    """The formula itself, for tests and for reading: summed cross-entropy, targets of -100 left out."""
    return F.cross_entropy(logits_TV.float(), targets_T, ignore_index=-100, reduction="sum")
