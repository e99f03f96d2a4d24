"""Fill-in-the-middle: every text can be put together again, at the share that was asked for."""

import random
from pathlib import Path
from typing import Any

import pytest

from code_qwen.nodes import node_spans
from specialists.data.middle import MARKS, MiddleLast, split_at
from specialists.data.pack import TokenSpool, pack
from specialists.errors import ConfigError
from specialists.records import Message, Sample
from tests.stages import make_stage

PREFIX, SUFFIX, MIDDLE, END = 256, 257, 258, 300
PYTHON = "def add(first, second):\n    total = first + second  # größer\n    return total\n\n\nprint(add(1, 2))\n"


class Bytes:
    """A tokenizer whose tokens are bytes, and three marks."""

    def __init__(self, marks: tuple[str, ...] = MARKS[0]) -> None:
        self.marks = marks

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        assert split_special_tokens
        assert not add_special_tokens
        return list(text.encode())

    def convert_tokens_to_ids(self, tokens: str) -> int | None:
        return 256 + self.marks.index(tokens) if tokens in self.marks else 0  # an unknown one, as some tokenizers say

    def convert_ids_to_tokens(self, ids: int) -> str | None:
        return self.marks[ids - 256] if ids > 255 else chr(ids)

    def decode(self, token_ids: list[int]) -> str:
        return bytes(token_ids).decode()


@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("spans", [None, node_spans])
def test_the_parts_of_a_text_make_the_text(marks: tuple[str, ...], spans: Any) -> None:
    middle_last = MiddleLast(Bytes(marks), 1.0, 0, spans)
    orders: set[str] = set()
    for number in range(50):
        ids = middle_last.ids(_text(PYTHON, number))
        assert ids is not None
        text, order = _together(ids)
        assert text == PYTHON
        orders.add(order)
    assert orders == {"PSM", "SPM"}


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.3, 240, 360), (0.9, 870, 930), (1.0, 1000, 1000)])
def test_the_share_is_the_one_asked_for(share: float, low: int, high: int) -> None:
    middle_last = MiddleLast(Bytes(), share, 0)
    found = sum(middle_last.ids(_text(PYTHON, number)) is not None for number in range(1000))
    assert low <= found <= high


def test_the_seed_and_the_text_decide_and_nothing_else() -> None:
    samples = [_text(f"{PYTHON}# {n}\n", n) for n in range(40)]
    forwards, backwards = MiddleLast(Bytes(), 0.5, 1), MiddleLast(Bytes(), 0.5, 1)
    there = {sample.id: forwards.ids(sample) for sample in samples}
    back = {sample.id: backwards.ids(sample) for sample in reversed(samples)}
    other = {sample.id: MiddleLast(Bytes(), 0.5, 2).ids(sample) for sample in samples}
    assert there == back != other


def test_nodes_are_whole_and_cut_at_characters() -> None:
    spans = node_spans(_text(PYTHON, 0))
    parts = {split_at(PYTHON, *span)[1] for span in spans}
    assert {"total = first + second", "return total", "print(add(1, 2))", "(first, second)"} <= parts
    assert max(map(len, parts)) <= len(PYTHON) / 2
    assert node_spans(_text(PYTHON, 0, language="c")) == []


def test_conversations_stay_as_they_are() -> None:
    messages = (Message(role="user", content="Hi!"), Message(role="assistant", content="Hello!"))
    assert MiddleLast(Bytes(), 1.0, 0).ids(Sample(id="1", source="s", messages=messages)) is None


def test_without_marks_the_knob_is_refused() -> None:
    assert MiddleLast(Bytes(()), 0.0, 0).ids(_text(PYTHON, 0)) is None
    with pytest.raises(ConfigError, match=r"has neither <\|fim_prefix\|> nor <fim_prefix>"):
        MiddleLast(Bytes(()), 0.1, 0)


def test_texts_longer_than_a_block_keep_their_order(tmp_path: Path) -> None:
    rng = random.Random(0)
    texts = ["".join(rng.choices("abc \n", k=length)) for length in (20, 40, 59, 60, 61, 300)]
    stage = make_stage(seq_len=64)
    stage = stage.model_copy(update={"mix": stage.mix.model_copy(update={"fill_in_middle": 1.0})})
    with TokenSpool(tmp_path, stage, Bytes(), END) as tokens:
        for number, text in enumerate(texts):
            tokens.add(_text(text, number).model_copy(update={"source": "none"}))
        packed = pack(tokens, seed=0, out=tmp_path / "blocks")
    assert (packed.middle_last, packed.documents, packed.cut_documents) == (4, 6, 1)
    assert packed.tokens == sum(map(len, texts)) + 6 + 4 * 3


def _text(text: str, number: int, language: str = "python") -> Sample:
    return Sample(id=str(number), source="s", text=text, meta={"language": language})


def _together(ids: list[int]) -> tuple[str, str]:
    suffix, middle = ids.index(SUFFIX), ids.index(MIDDLE)
    assert ids[0] == PREFIX
    assert sorted(ids)[-3:] == [PREFIX, SUFFIX, MIDDLE]
    before, after, last = ids[1:suffix], ids[suffix + 1 : middle], ids[middle + 1 :]
    if suffix == 1:  # SPM: the prefix stands before the middle, behind its mark
        return bytes([*last, *after]).decode(), "SPM"
    return bytes([*before, *last, *after]).decode(), "PSM"
