"""Prompts in, the tokens that one checkpoint expects out.

Checkpoints that this project made are asked in exactly the tokens they were trained on: ChatML through `chat.render`,
text without a begin token. Everybody else's are asked as their makers mean it: with their own chat template where they
bring one, and with a begin token where their tokenizer puts one before text.
"""

import json
from pathlib import Path
from typing import Any

from specialists import checkpoint
from specialists.chat import CHAT_TEMPLATE, TURN_END, render
from specialists.errors import ConfigError
from specialists.records import Prompt


class Encoder:
    """The tokenizer of a checkpoint, and how it is asked."""

    def __init__(self, folder: Path) -> None:
        """Open the tokenizer of a checkpoint folder."""
        self.tokenizer = checkpoint.open_tokenizer(folder, keep_template=True)
        saved = self.tokenizer.chat_template
        self.has_own_template = saved not in (None, CHAT_TEMPLATE)
        self.stops = _stops(self.tokenizer, folder)
        self._head = [] if saved == CHAT_TEMPLATE else _begin(self.tokenizer)

    @property
    def protocol(self) -> dict[str, str]:
        """How a conversation becomes one text."""
        return {"chat template": "the checkpoint's own" if self.has_own_template else "ChatML"}

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt: raw text without its trailing blanks, or a conversation with an open reply.

        A trailing blank or line break would be merged with what follows it in natural text, so a prompt that ends in
        one asks the model something it has never seen.
        """
        if isinstance(prompt, str):
            text = prompt.rstrip()
            return self._head + self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        if not self.has_own_template:
            return render(prompt, self.tokenizer, open_reply=True).ids
        turns = [message.model_dump() for message in prompt]
        text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return self.tokenizer.encode(text, add_special_tokens=False)


def check_fits(num_tokens: int, max_new_tokens: int, context: int) -> None:
    """Raise ConfigError where a prompt and what may follow it are longer than a model's context, all in tokens."""
    if num_tokens + max_new_tokens > context:
        raise ConfigError(
            f"a prompt of {num_tokens} tokens and max_new_tokens = {max_new_tokens} exceed the model's context of "
            f"{context}; lower judges.*.max_new_tokens"
        )


def _begin(tokenizer: Any) -> list[int]:
    """Return the begin token if the tokenizer puts one before every text, as those of Llama and Gemma do."""
    first = tokenizer.encode("")[:1]
    return first if first == [tokenizer.bos_token_id] else []


def _stops(tokenizer: Any, folder: Path) -> set[int]:
    """Return every token that ends a reply: the marks we know, the tokenizer's own end, and those its maker lists."""
    known = tokenizer.get_vocab()
    ends = {known[mark] for mark in (TURN_END, checkpoint.END_OF_TEXT) if mark in known}
    config = folder / "generation_config.json"
    listed = json.loads(config.read_text(encoding="utf-8")).get("eos_token_id") if config.is_file() else None
    return ends | {
        end for end in (tokenizer.eos_token_id, *(listed if isinstance(listed, list) else [listed])) if end is not None
    }
