"""The traps of training, each closed: leaking attention, mean of means, clipping, chunked loss, cut documents."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from specialists import checkpoint
from specialists.blocks import Block, Blocks
from specialists.train import attention
from specialists.train.batches import MicroBatch, count_targets, join, micro_batches, num_steps, step_blocks
from specialists.train.engine import Learner, TorchEngine, prepare_model
from specialists.train.loss import plain_nll, summed_nll
from tests.stages import make_stage

CPU = torch.device("cpu")


def learner(folder: Path) -> Learner:
    tokenizer = checkpoint.open_tokenizer(folder)
    return prepare_model(checkpoint.open_model(folder, tokenizer, torch.float32), make_stage().parallel)


def batch_of(*documents: list[int]) -> MicroBatch:
    ids = np.concatenate([np.asarray(d, dtype=np.uint32) for d in documents])
    return join([Block(ids, np.ones(len(ids), dtype=bool), np.asarray([len(d) for d in documents]))])


@pytest.mark.parametrize("rows", [0, 1, 5, 1024, 1500])
def test_chunked_loss_equals_the_formula(rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    hidden = torch.randn(rows, 16, generator=generator, requires_grad=True)
    weight = torch.randn(37, 16, generator=generator, requires_grad=True)
    targets = torch.randint(0, 37, (rows,), generator=generator)
    loss = summed_nll(hidden, weight, targets)
    grads = torch.autograd.grad(loss * 0.3, (hidden, weight))
    plain = plain_nll(hidden @ weight.T, targets) if rows else (hidden.sum() + weight.sum()) * 0.0
    expected = torch.autograd.grad(plain * 0.3, (hidden, weight))
    assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
    for ours, theirs in zip(grads, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_a_poisoned_document_changes_nothing_in_its_neighbour(tiny_checkpoint: Path) -> None:
    model = learner(tiny_checkpoint)
    clean, poisoned = batch_of([5, 6, 7, 8], [9, 10, 11]), batch_of([99, 98, 97, 96], [9, 10, 11])
    heads = model.head(_hidden(model, clean), clean.targets_R), model.head(_hidden(model, poisoned), poisoned.targets_R)
    assert heads[0].item() != heads[1].item()
    assert torch.equal(_hidden(model, clean)[3:], _hidden(model, poisoned)[3:])


def test_transformers_alone_would_leak(tiny_checkpoint: Path) -> None:
    """The negative control: reset positions with an attention mask of ones, as common collators send, do leak."""
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    model = checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32)
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2]])
    logits = [
        model(input_ids=torch.tensor([ids]), position_ids=positions, attention_mask=torch.ones(1, 7)).logits
        for ids in ([5, 6, 7, 8, 9, 10, 11], [99, 98, 97, 96, 9, 10, 11])
    ]
    assert (logits[0][0, 4:] - logits[1][0, 4:]).abs().max() > 1e-3


def test_packed_loss_equals_the_loss_of_each_document_alone(tiny_checkpoint: Path) -> None:
    model = learner(tiny_checkpoint)
    documents = [[5, 6, 7, 8, 20], [9, 10], [30, 31, 32, 33, 34, 35]]
    alone = sum(model(batch_of(document)).item() for document in documents)
    assert model(batch_of(*documents)).item() == pytest.approx(alone, rel=1e-6)


def test_loss_equals_plain_transformers(tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    plain = checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32)
    ids = [5, 6, 7, 8, 20, 30, 31]
    reference = plain(input_ids=torch.tensor([ids]), labels=torch.tensor([ids])).loss.item()
    assert learner(tiny_checkpoint)(batch_of(ids)).item() / (len(ids) - 1) == pytest.approx(reference, abs=1e-5)


def test_the_first_token_of_a_document_is_never_a_target() -> None:
    batch = batch_of([5, 6], [7, 8, 9])
    assert batch.targets_R.tolist() == [6, 8, 9]
    assert batch.rows_R.tolist() == [0, 2, 3]
    assert batch.positions_1T.tolist() == [[0, 1, 0, 1, 2]]


def test_tokens_weigh_alike_however_a_step_is_cut(tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    blocks = Blocks(tiny_blocks)
    gradients, means = [], []
    for micro_blocks in (4, 1):
        stage = make_stage(micro_blocks=micro_blocks)
        model = learner(tiny_checkpoint)
        engine = TorchEngine(model, stage.optim, stage.parallel, CPU)
        targets = count_targets(blocks, stage, 0)
        batches = list(micro_batches(blocks, stage, 0))
        means.append(float(np.mean([engine.learn(b, targets) / len(b.targets_R) for b in batches])))
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-7)
    assert abs(means[0] - means[1]) > 1e-4  # the mean of means would have differed


def test_processes_share_a_step_without_overlap(tiny_blocks: Path) -> None:
    blocks, stage = Blocks(tiny_blocks), make_stage()
    whole = [b.ids_1T for b in micro_batches(blocks, stage, 3)]
    shares = [[b.ids_1T for b in micro_batches(blocks, stage, 3, rank=r, world=2)] for r in range(2)]
    assert sorted(x.sum().item() for x in whole) == sorted(x.sum().item() for share in shares for x in share)


def test_every_epoch_visits_every_block_once() -> None:
    stage = make_stage(batch_blocks=3, steps=14)
    visited = np.concatenate([step_blocks(stage, 7, step) for step in range(14)])
    for epoch in range(6):
        assert sorted(visited[7 * epoch : 7 * epoch + 7]) == list(range(7))
    assert list(visited[:7]) != list(visited[7:14])


@pytest.mark.parametrize(
    ("length", "steps"),
    [({"steps": 9}, 9), ({"steps": None, "epochs": 2.0}, 8), ({"steps": None, "tokens": 2000}, 5)],
)
def test_length_of_a_stage(length: dict[str, float], steps: int) -> None:
    assert num_steps(make_stage(**length), num_blocks=16, num_tokens=1600) == steps


@pytest.mark.parametrize(("clip_norm", "moves"), [(None, True), (1e-6, False)])
def test_clipping_is_off_when_the_recipe_says_none(
    clip_norm: float | None, moves: bool, tiny_checkpoint: Path, tiny_blocks: Path
) -> None:
    """AdamW's first step hides the size of a gradient, so a tiny clip shows in the second moment it leaves."""
    stage, blocks = make_stage(clip_norm=clip_norm), Blocks(tiny_blocks)
    engine = TorchEngine(learner(tiny_checkpoint), stage.optim, stage.parallel, CPU)
    for batch in micro_batches(blocks, stage, 0):
        engine.learn(batch, count_targets(blocks, stage, 0))
    assert engine.step(1e-3) > 0.01  # the norm before clipping
    moment = max(state["exp_avg"].abs().max().item() for state in engine._adamw.state.values())
    assert (moment > 1e-5) == moves


def test_attention_refuses_what_it_cannot_do() -> None:
    query = torch.zeros(2, 4, 3, 8)
    edges = torch.tensor([0, 3], dtype=torch.int32)
    with pytest.raises(ValueError, match="2 rows"):
        attention.attend(torch.nn.Identity(), query, query, query, None, cu_seq_lens_q=edges, max_length_q=3)
    with pytest.raises(ValueError, match="window of 2"):
        attention.attend(
            torch.nn.Identity(), query[:1], query[:1], query[:1], None,
            cu_seq_lens_q=edges, max_length_q=3, sliding_window=2,
        )  # fmt: skip


def test_grouped_heads_and_scaling_match_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, heads, 5, 8, generator=generator) for heads in (4, 2, 2))
    ours, _ = attention.attend(
        torch.nn.Identity(), query, key, value, None,
        cu_seq_lens_q=torch.tensor([0, 2, 5], dtype=torch.int32), max_length_q=3, scaling=0.5,
    )  # fmt: skip
    allowed = torch.zeros(5, 5, dtype=torch.bool)
    allowed[:2, :2] = torch.ones(2, 2).tril().bool()
    allowed[2:, 2:] = torch.ones(3, 3).tril().bool()
    scores = (query @ key.repeat_interleave(2, dim=1).mT) * 0.5
    weights = scores.masked_fill(~allowed, float("-inf")).softmax(dim=-1)
    torch.testing.assert_close(ours, (weights @ value.repeat_interleave(2, dim=1)).transpose(1, 2))


def _hidden(model: Learner, batch: MicroBatch) -> torch.Tensor:
    found: list[torch.Tensor] = []
    hook = model.head.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    model(batch)
    hook.remove()
    return found[0].detach()


def test_recomputed_activations_change_nothing(tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    losses = []
    for recompute in (False, True):
        model = checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32)
        parallel = make_stage(recompute_activations=recompute).parallel
        losses.append(prepare_model(model, parallel)(batch_of([5, 6, 7, 8], [9, 10, 11])))
        losses[-1].backward()
    assert losses[0].item() == losses[1].item()


def test_weights_are_decayed_but_norms_and_biases_are_not(tiny_checkpoint: Path) -> None:
    engine = TorchEngine(learner(tiny_checkpoint), make_stage().optim, make_stage().parallel, CPU)
    decayed, free = engine._adamw.param_groups
    assert {p.dim() for p in decayed["params"]} == {2} and decayed["weight_decay"] == 0.1
    assert {p.dim() for p in free["params"]} == {1} and free["weight_decay"] == 0.0


def test_cross_entropy_reference_is_torchs() -> None:
    logits, targets = torch.randn(4, 9), torch.tensor([1, -100, 3, 8])
    assert plain_nll(logits, targets).item() == pytest.approx(
        F.cross_entropy(logits[[0, 2, 3]], targets[[0, 2, 3]], reduction="sum").item()
    )
