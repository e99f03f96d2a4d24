"""How checkpoints are asked: ours in the tokens they were trained on, others as their makers mean it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from specialists.errors import ConfigError
from specialists.generate.prompts import Encoder, check_fits
from specialists.records import Message

CHAT = (Message(role="system", content="Be brief."), Message(role="user", content="What is 12?"))
THEIRS = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}[reply]"


@pytest.fixture
def changed(tiny_checkpoint: Path, tmp_path: Path) -> Callable[[Callable[[Any], None]], Path]:
    """A copy of the tiny checkpoint with another tokenizer."""

    def make(change: Callable[[Any], None]) -> Path:
        folder = tmp_path / "changed"
        shutil.copytree(tiny_checkpoint, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        change(tokenizer)
        tokenizer.save_pretrained(folder)
        return folder

    return make


def begin_with_a_mark(tokenizer: Any) -> None:
    tokenizer.bos_token = "<|endoftext|>"
    mark = ("<|endoftext|>", tokenizer.convert_tokens_to_ids("<|endoftext|>"))
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<|endoftext|> $A", special_tokens=[mark])


def test_ours_speaks_chatml_and_begins_with_the_text(tiny_checkpoint: Path) -> None:
    encoder = Encoder(tiny_checkpoint)
    assert encoder.protocol == {"chat template": "ChatML"}
    text = encoder.tokenizer.decode(encoder.encode(CHAT))
    assert text.endswith("<|im_start|>user\nWhat is 12?<|im_end|>\n<|im_start|>assistant\n")
    assert encoder.tokenizer.decode(encoder.encode("What is \n")) == "What is"


def test_theirs_speaks_as_its_maker_means_it(changed: Callable[..., Path]) -> None:
    def change(tokenizer: Any) -> None:
        tokenizer.chat_template = THEIRS
        begin_with_a_mark(tokenizer)

    encoder = Encoder(changed(change))
    assert encoder.protocol == {"chat template": "the checkpoint's own"}
    assert encoder.tokenizer.decode(encoder.encode(CHAT)) == "[system] Be brief.\n[user] What is 12?\n[reply]"
    assert encoder.tokenizer.decode(encoder.encode("What")) == "<|endoftext|>What"


def test_a_base_without_a_template_gets_chatml_and_keeps_its_begin(changed: Callable[..., Path]) -> None:
    def change(tokenizer: Any) -> None:
        tokenizer.chat_template = None
        begin_with_a_mark(tokenizer)

    encoder = Encoder(changed(change))
    assert encoder.protocol == {"chat template": "ChatML"}
    assert "<|im_start|>user\nWhat is 12?<|im_end|>" in encoder.tokenizer.decode(encoder.encode(CHAT))
    assert encoder.tokenizer.decode(encoder.encode("What")) == "<|endoftext|>What"


@pytest.mark.parametrize("listed", [7, [7, 9]])
def test_every_end_that_the_maker_lists_ends_a_reply(listed: object, changed: Callable[..., Path]) -> None:
    folder = changed(lambda _: None)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": listed}))
    encoder = Encoder(folder)
    known = encoder.tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert encoder.stops == {*known, *(listed if isinstance(listed, list) else [listed])}


def test_what_fits() -> None:
    check_fits(3, 5, 8)
    with pytest.raises(
        ConfigError, match="a prompt of 4 tokens and max_new_tokens = 5 exceed the model's context of 8"
    ):
        check_fits(4, 5, 8)
