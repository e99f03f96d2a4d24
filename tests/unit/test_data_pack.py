"""Packing: every token arrives, in blocks that fit."""

import random
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from specialists.blocks import Blocks
from specialists.data.pack import Packed, TokenSpool, best_fit, pack
from specialists.recipe import Mix, Optim, Source, Stage
from specialists.records import Message, Sample

END = 300


class Bytes:
    """A tokenizer whose tokens are bytes; the ChatML marks are 256 and 257."""

    marks = ("<|im_start|>", "<|im_end|>")

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        assert split_special_tokens
        assert not add_special_tokens
        return list(text.encode())

    def convert_tokens_to_ids(self, tokens: str) -> int | None:
        return 256 + self.marks.index(tokens) if tokens in self.marks else None

    def convert_ids_to_tokens(self, ids: int) -> str | None:
        return self.marks[ids - 256]

    def decode(self, token_ids: list[int]) -> str:
        return "".join(self.marks[i - 256] if i > 255 else chr(i) for i in token_ids)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("room", [1, 7, 64, 1000])
def test_best_fit_places_every_piece_once_and_never_overfills(seed: int, room: int) -> None:
    rng = random.Random(seed)
    lengths = np.array([rng.randint(1, room) for _ in range(rng.randint(1, 400))])
    blocks = best_fit(lengths, room)
    assert sorted(number for block in blocks for number in block) == list(range(len(lengths)))
    used = [int(lengths[block].sum()) for block in blocks]
    assert max(used) <= room
    assert len(blocks) <= 11 / 9 * lengths.sum() / room + 1  # the bound of first fit decreasing, met by best fit
    assert best_fit(lengths, room) == blocks


def test_no_token_is_lost_and_long_texts_are_cut(tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = ["".join(rng.choices("abc ", k=rng.choice([1, 5, 40, 63, 64, 65, 200]))) for _ in range(300)]
    packed = _pack(tmp_path, [_text(text) for text in texts], seq_len=64)
    blocks = Blocks(tmp_path / "blocks")
    assert all(int(blocks[i].lengths.sum()) <= 64 for i in range(len(blocks)))
    expected = Counter(tuple(piece) for text in texts for piece in _pieces([*text.encode(), END], 64))
    assert Counter(_documents(blocks)) == expected
    assert packed.tokens == blocks.num_tokens == sum(len(text) + 1 for text in texts)
    assert packed.documents == 300
    assert packed.cut_documents == sum(len(text) + 1 > 64 for text in texts)
    assert packed.fill == round(packed.tokens / (64 * len(blocks)), 6)
    assert packed.fill > 0.97


def test_the_first_token_of_a_piece_is_no_target(tmp_path: Path) -> None:
    packed = _pack(tmp_path, [_text("x" * 40)], seq_len=16)
    blocks = Blocks(tmp_path / "blocks")
    for i in range(len(blocks)):
        first = np.cumsum([0, *blocks[i].lengths[:-1]])
        assert not blocks[i].trained[first].any()
        assert blocks[i].trained.sum() == len(blocks[i].ids) - len(first)
    assert packed.trained_tokens == 41 - 3


def test_conversations_are_masked_and_never_cut(tmp_path: Path) -> None:
    short, long = _chat("2+3?", "5"), _chat("2+3?", "5" * 100)
    with TokenSpool(tmp_path, _stage("chat", 48, {"s": 1}), Bytes(), END) as tokens:
        drop = tokens.add(long)
        assert drop is not None
        assert drop.reason == "too_long"
        assert "> 48" in drop.detail
        assert tokens.add(short) is None
        packed = pack(tokens, seed=0, out=tmp_path / "blocks")
    (block,) = [Blocks(tmp_path / "blocks")[0]]
    assert Bytes().decode(block.ids[block.trained].tolist()) == "5<|im_end|>"
    assert (packed.documents, packed.trained_tokens, packed.blocks) == (1, 2, 1)


def test_marks_in_text_stay_text(tmp_path: Path) -> None:
    _pack(tmp_path, [_text("<|im_end|>")], seq_len=16)
    assert _documents(Blocks(tmp_path / "blocks")) == [(*b"<|im_end|>", END)]


def test_repeats_stand_in_different_blocks(tmp_path: Path) -> None:
    samples = [_text(f"doc {i}", "twice" if i % 2 else "once") for i in range(10)]
    packed = _pack(tmp_path, samples, seq_len=64, repeats={"once": 1, "twice": 3})
    blocks = Blocks(tmp_path / "blocks")
    counts = Counter(_documents(blocks))
    assert sorted(counts.values()) == [1] * 5 + [3] * 5
    for i in range(len(blocks)):
        inside = _split(blocks, i)
        assert len(inside) == len(set(inside))
    assert (packed.documents, packed.tokens) == (20, 20 * 6)


def test_same_seed_same_bytes_other_seed_other_order(tmp_path: Path) -> None:
    samples = [_text("x" * (1 + i % 50)) for i in range(400)]
    found: list[tuple[bytes, ...]] = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        _pack(folder, samples, seq_len=64, seed=seed)
        found.append(tuple(path.read_bytes() for path in sorted((folder / "blocks").iterdir())))
        assert [path.name for path in folder.iterdir()] == ["blocks"]
    assert found[0] == found[1] != found[2]


def _pack(
    folder: Path, samples: list[Sample], *, seq_len: int, seed: int = 0, repeats: dict[str, int] | None = None
) -> Packed:
    with TokenSpool(folder, _stage("text", seq_len, repeats or {"s": 1}), Bytes(), END) as tokens:
        assert [tokens.add(sample) for sample in samples] == [None] * len(samples)
        return pack(tokens, seed=seed, out=folder / "blocks")


def _documents(blocks: Blocks) -> list[tuple[int, ...]]:
    return [document for i in range(len(blocks)) for document in _split(blocks, i)]


def _split(blocks: Blocks, i: int) -> list[tuple[int, ...]]:
    return [tuple(part.tolist()) for part in np.split(blocks[i].ids, np.cumsum(blocks[i].lengths)[:-1])]


def _pieces(ids: list[int], size: int) -> list[list[int]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _stage(objective: Literal["text", "chat"], seq_len: int, repeats: dict[str, int]) -> Stage:
    sources = tuple(Source(name=name, kind="made", repeat=repeat) for name, repeat in repeats.items())
    optim = Optim(peak_lr=1e-4, schedule="cosine-decay", warmup_steps=0)
    mix = Mix(sources=sources)
    return Stage(name="st", objective=objective, mix=mix, seq_len=seq_len, batch_blocks=1, steps=1, optim=optim)


def _text(text: str, source: str = "s") -> Sample:
    return Sample(id="1", source=source, text=text)


def _chat(question: str, answer: str) -> Sample:
    return Sample(
        id="1", source="s", messages=(Message(role="user", content=question), Message(role="assistant", content=answer))
    )
