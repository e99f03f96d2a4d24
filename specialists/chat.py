"""ChatML: one renderer for training and generation.

A conversation becomes tokens and a mask that says which of them are trained on: the content of assistant turns and the
`<|im_end|>` that closes each, nothing else (Qwen report, section 3.1: system and user are masked). The same function
renders the open turn that generation continues, so a model is asked in exactly the tokens it was trained on.

Each turn is tokenised in pieces (mark, role line, content, mark, line break), so that no merge of the tokenizer can
run across the border between what is given and what is learned. Marks that stand inside the content are encoded as
plain text: nobody can close a turn from inside one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from specialists.errors import DataError
from specialists.records import Message

TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"

# The same text as `render`, for `tokenizer.apply_chat_template` of whoever loads the checkpoint.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that rendering needs."""

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]: ...

    def convert_tokens_to_ids(self, tokens: str) -> int | None: ...

    def convert_ids_to_tokens(self, ids: int) -> str | None: ...

    def decode(self, token_ids: list[int]) -> str: ...


@dataclass(frozen=True)
class Rendered:
    """Tokens of a conversation, `ids` [T], and for each whether it is trained on, `trained` [T]."""

    ids: list[int]
    trained: list[bool]


def render(messages: Sequence[Message], tokenizer: Tokenizer, *, open_reply: bool = False) -> Rendered:
    """Turn a conversation into tokens and a loss mask.

    Args:
        messages: the turns, in order.
        tokenizer: has `<|im_start|>` and `<|im_end|>` as single tokens.
        open_reply: end with the head of an assistant turn, for the model to continue.

    Raises:
        DataError: the tokenizer lacks the marks.
    """
    start, end = (_mark(tokenizer, mark) for mark in (TURN_START, TURN_END))
    line_break = _plain(tokenizer, "\n")
    ids: list[int] = []
    trained: list[bool] = []

    def add(piece: list[int], learn: bool) -> None:
        ids.extend(piece)
        trained.extend([learn] * len(piece))

    for message in messages:
        learn = message.role == "assistant"
        add([start, *_plain(tokenizer, f"{message.role}\n")], False)
        add([*_plain(tokenizer, message.content), end], learn)
        add(line_break, False)
    if open_reply:
        add([start, *_plain(tokenizer, "assistant\n")], False)
    return Rendered(ids, trained)


def show(rendered: Rendered, tokenizer: Tokenizer) -> str:
    """Return the text with exactly the trained tokens between ⟦ and ⟧, to be read by a person."""
    parts: list[str] = []
    pairs = zip(rendered.ids, rendered.trained, strict=True)
    for learn, run in itertools.groupby(pairs, key=lambda pair: pair[1]):
        text = tokenizer.decode([token for token, _ in run])
        parts.append(f"⟦{text}⟧" if learn else text)
    return "".join(parts)


def _plain(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)


def _mark(tokenizer: Tokenizer, mark: str) -> int:
    token = tokenizer.convert_tokens_to_ids(mark)
    if token is None or tokenizer.convert_ids_to_tokens(token) != mark:
        raise DataError(f"the tokenizer has no {mark} token; open the checkpoint through specialists.checkpoint")
    return token
