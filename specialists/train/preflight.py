"""What must hold before a stage trains.

Six checks on the model and the data that will be trained, on a few short pieces of it, each with one line of proof in
the log and in `preflight.json`. The first that does not hold stops the stage: every one stands for an error that a loss
curve does not show.

Legend: a piece is up to 32 tokens of one document around its first trained one.
"""

import copy
import itertools
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specialists import checkpoint
from specialists.blocks import Block, Blocks
from specialists.chat import TURN_END, Rendered, show
from specialists.errors import TrainError
from specialists.plan import Memory
from specialists.progress import say
from specialists.recipe import Stage
from specialists.run import write_text
from specialists.train import attention
from specialists.train.batches import MicroBatch, join
from specialists.train.engine import Learner
from specialists.train.loss import plain_nll
from specialists.train.seat import Seat

Slope = tuple[float, Tensor]  # a mean loss, and its gradient
Document = tuple[NDArray[np.uint32], NDArray[np.bool_]]  # ids, and whether each is trained on

FILE = "preflight.json"
_BLOCKS = 16  # looked at for pieces and for stop tokens; they lie in shuffled order
_PIECES, _PIECE_TOKENS = 2, 32
_SHOWN_CHARACTERS = 300
_TOLERANCE = {torch.float32: 5e-3, torch.bfloat16: 3e-2}  # relative; rounding comes to 2e-4, a leak to 2e-1


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, whether it holds, and the proof in one line."""

    name: str
    holds: bool
    proof: str


@dataclass(frozen=True)
class Subject:
    """Everything a check may look at."""

    stage: Stage
    blocks: Blocks
    learner: Learner
    tokenizer: Any
    seat: Seat
    need: Memory  # what `plan` foresees for one device


def preflight(subject: Subject, out: Path) -> None:
    """Check everything on the first process and write `out/preflight.json`; the others wait for it.

    Raises:
        TrainError: a check does not hold; names it and gives the proof.
    """
    failed: Check | None = None
    if subject.seat.leads:
        subject.learner.eval()  # no dropout
        failed = _first_failed(subject, out)
        subject.learner.train()
    if any(subject.seat.total(float(failed is not None))):
        reason = f"{failed.name}: {failed.proof}" if failed else "failed on the first process"
        raise TrainError(f"stage {subject.stage.name}, preflight, {reason}")


def _first_failed(subject: Subject, out: Path) -> Check | None:
    found: list[Check] = []
    for check in _checks(subject, out):
        found.append(check)
        say(f"preflight, {check.name}: {check.proof}")
        if not check.holds:
            break
    written = {"memory_gib": round(subject.need.total, 3), "checks": [asdict(check) for check in found]}
    write_text(out / FILE, json.dumps(written, indent=1, ensure_ascii=False))
    return None if found[-1].holds else found[-1]


def _checks(subject: Subject, out: Path) -> Iterator[Check]:
    yield check_memory(subject)
    yield check_fit(subject)
    yield check_stop(subject)
    yield check_sample(subject)
    pieces = _pieces(subject.blocks)
    with _precision(subject):
        at_once = _of_batches(subject, [join([_packed(pieces)])])
    yield check_packed(subject, pieces, at_once)
    yield check_accumulated(subject, pieces, at_once)
    yield check_round_trip(subject, out)


def check_memory(subject: Subject) -> Check:
    """Does the plan's estimate fit the device?"""
    need, has = subject.need.total, subject.seat.memory_gib
    device = subject.seat.device.type
    return Check("memory", need < has, f"{need:.2f} GiB foreseen at the peak of a step, the {device} has {has:.1f}")


def check_fit(subject: Subject) -> Check:
    """Are there blocks, do their tokens exist in the model, and are their documents within its context?"""
    blocks, config = subject.blocks, subject.learner.model.config
    if not len(blocks):
        return Check("fit", False, "there are no packed blocks: nothing was left of the data; see funnel.json")
    looked = [blocks[index] for index in _spread(len(blocks))]
    if empty := sum(not len(block.ids) or not block.lengths.all() for block in looked):
        return Check("fit", False, f"{empty} of {len(looked)} blocks hold an empty document; run `prepare` again")
    token, longest = (max(int(x.max()) for x in xs) for xs in zip(*((b.ids, b.lengths) for b in looked), strict=True))
    rows, context = subject.learner.head.weight.shape[0], config.max_position_embeddings
    proof = f"largest token {token} of {rows}, longest document {longest} of {context} in {len(looked)} blocks"
    if token >= rows:
        proof += "; the blocks were made with another tokenizer, run `prepare` again"
    if longest > context:
        proof += f"; lower stages.{subject.stage.name}.seq_len"
    return Check("fit", token < rows and longest <= context, proof)


def check_stop(subject: Subject) -> Check:
    """Is the token that ends an answer (chat) or a document (text) trained on?"""
    chat = subject.stage.objective == "chat"
    stop = subject.tokenizer.convert_tokens_to_ids(TURN_END) if chat else checkpoint.end_of_text(subject.tokenizer)
    ends = [_ends(ids, trained, chat=chat) for ids, trained in _documents(subject.blocks)]
    spans = [token for tokens in ends for token in tokens]
    count = sum(token == stop for token in spans)
    what, name = ("answers end", TURN_END) if chat else ("documents end", subject.tokenizer.decode([stop]))
    proof = f"{count} of {len(spans)} {what} in a trained {name}"
    # Texts longer than a block are cut, and only their last piece has an end.
    return Check("stop token", (count == len(spans) if chat else count > 0) and count > 0, proof)


def check_sample(subject: Subject) -> Check:
    """Show a document with exactly its trained tokens between ⟦ and ⟧."""
    ids, trained = next((d for d in _documents(subject.blocks) if d[1].any()), next(_documents(subject.blocks)))
    text = show(Rendered(ids.tolist(), trained.tolist()), subject.tokenizer)
    short = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " ..."
    proof = f"{int(trained.sum())} of {len(ids)} tokens are trained: {short!r}"
    return Check("sample", bool(trained.any()), proof)


def check_packed(subject: Subject, pieces: list[Block], at_once: Slope) -> Check:
    """Are loss and gradient of a packed block those of its documents, each alone in transformers' own attention and
    loss? (A model that has learnt nothing has the same loss whatever it sees; its gradient has not.)"""
    with _precision(subject):
        alone = _of_documents(subject, pieces)
    return _compared(subject, "packing", "packed", at_once, f"with {len(pieces)} documents alone", alone)


def check_accumulated(subject: Subject, pieces: list[Block], at_once: Slope) -> Check:
    """Do the loss and the gradient of one batch equal those of its parts added up?"""
    with _precision(subject):
        added = _of_batches(subject, [join([piece]) for piece in pieces])
    return _compared(subject, "accumulation", "at once", at_once, f"in {len(pieces)} parts", added)


def check_round_trip(subject: Subject, out: Path) -> Check:
    """Does a saved checkpoint open with the same weights, tokens and stops? Tried on the model's first layer."""
    if subject.stage.adapter and subject.stage.adapter.kind == "qlora":
        return Check("round trip", True, "not tried: the weights are held in 4 bits, and merged in fp32 at the end")
    folder = out / "preflight-checkpoint"
    small = _first_layer(subject.learner.model)
    weights = {name: weight.detach().cpu().to(torch.bfloat16) for name, weight in small.state_dict().items()}
    checkpoint.save(small, weights, subject.tokenizer, folder, torch.bfloat16)
    tokenizer = checkpoint.open_tokenizer(folder)
    opened = checkpoint.open_model(folder, tokenizer, torch.bfloat16)
    again = opened.state_dict()
    differ = [name for name, weight in weights.items() if not torch.equal(weight, again[name])]
    ids, _ = next(_documents(subject.blocks))
    text = subject.tokenizer.decode(ids.tolist())
    same = tokenizer.encode(text) == subject.tokenizer.encode(text)
    stops = opened.generation_config.eos_token_id
    shutil.rmtree(folder)
    holds = not differ and same and set(checkpoint.stop_tokens(tokenizer)) <= set(stops)
    proof = f"{len(weights)} tensors, {len(differ)} differ; tokens {'equal' if same else 'DIFFER'}; stops at {stops}"
    return Check("round trip", holds, proof)


def _dtype(subject: Subject) -> torch.dtype:
    """Return in which precision to compare. A CPU runs the same code in fp32, where nothing hides in rounding; CUDA
    has another attention for bf16, and frozen weights may be held in it."""
    on_cuda = subject.seat.device.type == "cuda" and subject.stage.parallel.precision == "bf16"
    held = any(weight.dtype == torch.bfloat16 for weight in subject.learner.parameters())
    return torch.bfloat16 if on_cuda or held else torch.float32


def _precision(subject: Subject) -> torch.autocast:
    return torch.autocast(subject.seat.device.type, torch.bfloat16, enabled=_dtype(subject) == torch.bfloat16)


def _compared(subject: Subject, name: str, here: str, one: Slope, there: str, other: Slope) -> Check:
    tolerance = _TOLERANCE[_dtype(subject)]
    (loss, grad), (loss_there, grad_there) = one, other
    apart = ((grad - grad_there).norm() / grad_there.norm()).item()
    holds = math.isclose(loss, loss_there, rel_tol=tolerance) and apart < tolerance
    return Check(name, holds, f"loss {loss:.6f} {here}, {loss_there:.6f} {there}; gradients {apart:.1e} apart")


def _spread(count: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, _BLOCKS)).astype(int).tolist()


def _documents(blocks: Blocks) -> Iterator[Document]:
    for index in _spread(len(blocks)):
        block = blocks[index]
        for end, length in zip(np.cumsum(block.lengths), block.lengths, strict=True):
            yield np.array(block.ids[end - length : end]), np.array(block.trained[end - length : end])


def _ends(ids: NDArray[np.uint32], trained: NDArray[np.bool_], *, chat: bool) -> list[int]:
    """Return the last token of each trained stretch of a conversation, or of a text that is trained to its end."""
    if not chat:
        return [int(ids[-1])] if trained[-1] else []
    return ids[trained & ~np.append(trained[1:], False)].tolist()


def _pieces(blocks: Blocks) -> list[Block]:
    """Return short documents that each have a token to train on, the same ones again where there are too few."""
    found: list[Block] = []
    for ids, trained in _documents(blocks):
        places = np.flatnonzero(trained[1:]) + 1
        if len(places):
            begin = max(0, int(places[0]) - _PIECE_TOKENS // 2)
            window = slice(begin, begin + _PIECE_TOKENS)
            found.append(Block(ids[window], trained[window], np.array([len(ids[window])])))
        if len(found) == _PIECES:
            break
    return list(itertools.islice(itertools.cycle(found), _PIECES))


def _packed(pieces: list[Block]) -> Block:
    """Lay documents into one block."""
    return Block(
        np.concatenate([piece.ids for piece in pieces]),
        np.concatenate([piece.trained for piece in pieces]),
        np.concatenate([piece.lengths for piece in pieces]),
    )


def _of_batches(subject: Subject, batches: list[MicroBatch]) -> Slope:
    """Return the mean loss over the targets of all batches, and its gradient, as the engines add them up."""
    targets = sum(len(batch.targets_R) for batch in batches)
    return _added(subject, (subject.learner(batch.to(subject.seat.device)) / targets for batch in batches))


def _of_documents(subject: Subject, pieces: list[Block]) -> Slope:
    """Return the same of documents one by one, from all their logits, with the attention of transformers."""
    model = subject.learner.model
    targets = sum(int(piece.trained[1:].sum()) for piece in pieces)

    def losses() -> Iterator[Tensor]:
        for piece in pieces:
            ids = torch.from_numpy(piece.ids.astype(np.int64)).to(subject.seat.device)
            trained = torch.from_numpy(piece.trained).to(subject.seat.device)
            logits = model(input_ids=ids[None], use_cache=False).logits[0, :-1]
            yield plain_nll(logits, ids[1:].masked_fill(~trained[1:], -100)) / targets

    model.set_attn_implementation("sdpa")
    found = _added(subject, losses())
    model.set_attn_implementation(attention.NAME)
    return found


def _added(subject: Subject, losses: Iterator[Tensor]) -> Slope:
    """Add up losses, and their gradients by the last vector (or else matrix) that learns: the cheapest to have."""
    weights = list(subject.learner.trained().values())
    last = next((weight for weight in reversed(weights) if weight.dim() == 1), weights[-1])
    total, slope = 0.0, torch.zeros_like(last)
    for loss in losses:
        total, slope = total + loss.item(), slope + torch.autograd.grad(loss, last)[0]
    return total, slope


def _first_layer(model: Any) -> Any:
    """Return a model with the first layer, embeddings and head of another; no weight is copied."""
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = 1
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:1]
    with torch.device("meta"):
        small = type(model)(config)
    weights = {name.replace(".base_layer", ""): weight for name, weight in model.state_dict().items()}
    small.load_state_dict({name: weights[name] for name in small.state_dict()}, assign=True)
    small.tie_weights()
    return small
