"""The preflight: it lets sound stages pass, and each check refuses the error it is there for."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specialists import checkpoint
from specialists.blocks import Blocks, write_blocks
from specialists.chat import render
from specialists.errors import TrainError
from specialists.plan import Memory
from specialists.records import Message
from specialists.train import attention, loss
from specialists.train.engine import prepare_model
from specialists.train.preflight import FILE, Check, Subject, preflight
from specialists.train.seat import Seat
from tests.stages import make_stage

ONE = Seat(0, 1, torch.device("cpu"))
SMALL = Memory(0.1, 0.0, 0.0, 0.0, 0.0)
CHECKS = ["memory", "fit", "stop token", "sample", "packing", "accumulation", "round trip"]
Document = tuple[Sequence[int], Sequence[bool]]


def subject_of(start: Path, blocks: Path, need: Memory = SMALL, **stage: Any) -> Subject:
    made, tokenizer = make_stage(**stage), checkpoint.open_tokenizer(start)
    learner = prepare_model(checkpoint.open_model(start, tokenizer, torch.float32), made.parallel)
    return Subject(made, Blocks(blocks), learner, tokenizer, ONE, need)


def blocks_of(folder: Path, *documents: Document) -> Path:
    write_blocks(folder, [[(np.array(ids, np.uint32), np.array(trained, bool)) for ids, trained in documents]])
    return folder


def conversation(start: Path, *, drop_end: bool = False) -> Document:
    tokenizer = checkpoint.open_tokenizer(start)
    turns = [Message(role="user", content="What is 12 + 30?"), Message(role="assistant", content="It is 42.")]
    rendered = render(turns, tokenizer)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    trained = [learn and not (drop_end and token == end) for token, learn in zip(*_fields(rendered), strict=True)]
    return rendered.ids, trained


def _fields(rendered: Any) -> tuple[list[int], list[bool]]:
    return rendered.ids, rendered.trained


def test_a_sound_stage_passes_and_every_check_leaves_its_proof(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = subject_of(tiny_checkpoint, tiny_blocks)
    before = {name: weight.clone() for name, weight in subject.learner.state_dict().items()}
    preflight(subject, tmp_path)
    written = json.loads((tmp_path / FILE).read_text())
    assert [check["name"] for check in written["checks"]] == CHECKS
    assert all(check["holds"] for check in written["checks"])
    logged = [line for line in capsys.readouterr().err.splitlines() if line.startswith("preflight")]
    assert [line.split(":")[0] for line in logged] == [f"preflight, {name}" for name in CHECKS]
    assert all(torch.equal(weight, before[name]) for name, weight in subject.learner.state_dict().items())
    assert all(weight.grad is None for weight in subject.learner.parameters())
    assert subject.learner.training and not (tmp_path / "preflight-checkpoint").exists()


def test_the_sample_shows_exactly_the_trained_tokens(tmp_path: Path, tiny_checkpoint: Path) -> None:
    blocks = blocks_of(tmp_path / "blocks", conversation(tiny_checkpoint))
    preflight(subject_of(tiny_checkpoint, blocks, objective="chat"), tmp_path)
    (sample,) = [c for c in json.loads((tmp_path / FILE).read_text())["checks"] if c["name"] == "sample"]
    assert "assistant\\n⟦It is 42.<|im_end|>⟧\\n" in sample["proof"]


IDS = [5, 6, 7, 8, 9, 10, 11, 0]
ALL = [True] * len(IDS)
BAD_DATA = [
    # what is wrong, documents, stage, check and words of the error
    ("no block at all", None, {}, "fit: there are no packed blocks"),
    ("an empty document", [(IDS, ALL), ([], [])], {}, "fit: 1 of 1 blocks hold an empty document"),
    ("foreign tokens", [([5, 40_000, 0], [True] * 3)], {}, "fit: largest token 40000 of 349.*another tokenizer"),
    ("beyond the context", [([5] * 599 + [0], [True] * 600)], {"seq_len": 1024}, "fit: .* longest document 600 of 512"),
    ("text without an end", [(IDS[:-1], ALL[:-1])], {}, "stop token: 0 of 1 documents end"),
    ("an end that is masked", [(IDS, [*ALL[:-1], False])], {}, "stop token: 0 of 0 documents end"),
    ("nothing trained", [(IDS, [False] * len(IDS))], {"objective": "chat"}, "stop token: 0 of 0 answers end"),
]


@pytest.mark.parametrize(("documents", "stage", "words"), [c[1:] for c in BAD_DATA], ids=[c[0] for c in BAD_DATA])
def test_bad_data_is_refused(
    documents: list[Document] | None, stage: dict[str, Any], words: str, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    if documents is None:
        write_blocks(tmp_path / "blocks", [])
    else:
        blocks_of(tmp_path / "blocks", *documents)
    with pytest.raises(TrainError, match=f"preflight, {words}"):
        preflight(subject_of(tiny_checkpoint, tmp_path / "blocks", **stage), tmp_path)


def test_a_masked_end_of_turn_is_refused(tmp_path: Path, tiny_checkpoint: Path) -> None:
    """The classic: padding is the end-of-turn token, and labels are masked where a token is padding."""
    good, bad = conversation(tiny_checkpoint), conversation(tiny_checkpoint, drop_end=True)
    blocks = blocks_of(tmp_path / "blocks", good, bad)
    with pytest.raises(TrainError, match=r"stop token: 1 of 2 answers end in a trained <\|im_end\|>"):
        preflight(subject_of(tiny_checkpoint, blocks, objective="chat"), tmp_path)


def test_a_model_too_large_for_the_device_is_refused(tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path) -> None:
    with pytest.raises(TrainError, match=r"memory: 9000\d\d\.00 GiB foreseen at the peak of a step, the cpu has"):
        preflight(subject_of(tiny_checkpoint, tiny_blocks, Memory(9e5, 0, 0, 0, 0)), tmp_path)


attend = attention.attend


def leaking(*args: Any, cu_seq_lens_q: torch.Tensor, **options: Any) -> Any:
    """Attention that takes a packed block for one document."""
    length = int(cu_seq_lens_q[-1])
    options |= {"cu_seq_lens_q": torch.tensor([0, length], dtype=torch.int32), "max_length_q": length}
    return attend(*args, **options)


def mean_of_means(hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return 50 * loss.plain_nll(hidden @ weight.T, targets) / len(targets)


BROKEN_CODE: list[tuple[str, Callable[[pytest.MonkeyPatch], None], str]] = [
    ("documents see each other", lambda m: m.setattr(attention, "attend", leaking), "packing: loss"),
    ("every micro-batch weighs alike", lambda m: m.setattr(loss, "summed_nll", mean_of_means), "packing: loss"),
]


@pytest.mark.parametrize(("breaks", "words"), [c[1:] for c in BROKEN_CODE], ids=[c[0] for c in BROKEN_CODE])
def test_broken_code_is_noticed(
    breaks: Callable[[pytest.MonkeyPatch], None], words: str, tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    breaks(monkeypatch)
    with pytest.raises(TrainError, match=words):
        preflight(subject_of(tiny_checkpoint, tiny_blocks), tmp_path)


def test_accumulation_that_weighs_batches_alike_is_noticed(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subject_of(tiny_checkpoint, tiny_blocks)
    forward = type(subject.learner).forward
    monkeypatch.setattr("specialists.train.preflight.check_packed", lambda *_: Check("packing", True, ""))
    monkeypatch.setattr(type(subject.learner), "forward", lambda self, batch: forward(self, batch) / len(batch.rows_R))
    with pytest.raises(TrainError, match=r"accumulation: loss .* at once, .* in 2 parts"):
        preflight(subject, tmp_path)


def test_a_checkpoint_that_changes_on_the_way_is_noticed(
    tmp_path: Path, tiny_checkpoint: Path, tiny_blocks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = checkpoint.save

    def forgetful(model: Any, weights: dict[str, torch.Tensor], *rest: Any) -> None:
        save(model, weights | {"model.norm.weight": weights["model.norm.weight"] + 1}, *rest)

    monkeypatch.setattr(checkpoint, "save", forgetful)
    with pytest.raises(TrainError, match=r"round trip: .* 1 differ"):
        preflight(subject_of(tiny_checkpoint, tiny_blocks), tmp_path)
