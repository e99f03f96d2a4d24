"""A text in, its tokens with the middle at the end out.

For learning to fill in (Bavarian et al. 2022, arXiv 2207.14255): a text is cut in three, and the middle moved behind
the two others, so that an ordinary left-to-right model learns to write what stands between them. Both orders of the
paper are used alike often:

    PSM    prefix-mark prefix  suffix-mark suffix  middle-mark middle
    SPM    prefix-mark suffix-mark suffix  middle-mark prefix middle

The middle is a node of the syntax tree (a statement, a call, a block) in half of the texts of which the family can tell
the nodes, and otherwise what lies between two random characters. Which texts, where and how follows from the seed and
the text alone, so that neither order nor number of workers matters.
"""

import random

from specialists.chat import Tokenizer
from specialists.data.dedup import fingerprint
from specialists.errors import ConfigError
from specialists.family import Spans
from specialists.records import Sample

SPM_SHARE = 0.5  # arXiv 2207.14255, section 4.4: both orders, half and half
NODE_SHARE = 0.5  # ours; StarCoder2 (arXiv 2402.19173) cuts at characters only
MARKS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen2.5-Coder
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder, SmolLM2
)


class MiddleLast:
    """Turns a share of texts into tokens with the middle last."""

    def __init__(self, tokenizer: Tokenizer, share: float, seed: int, spans: Spans | None = None) -> None:
        """Find the tokenizer's marks.

        Raises:
            ConfigError: the share is above 0 and the tokenizer has no marks for it.
        """
        self._tokenizer, self._share, self._seed, self._spans = tokenizer, share, seed, spans
        self._marks = _marks_of(tokenizer) if share else (0, 0, 0)

    def ids(self, sample: Sample) -> list[int] | None:
        """Return the tokens of a text with its middle last, or None for a text that stays as it is."""
        if not self._share or not sample.text:
            return None
        rng = random.Random(f"{self._seed} {sample.source} {sample.id} {fingerprint(sample.text).hex()}")
        if rng.random() >= self._share:
            return None
        by_node, suffix_first = rng.random() < NODE_SHARE, rng.random() < SPM_SHARE
        spans = self._spans(sample) if by_node and self._spans is not None else ()
        parts = split_at(sample.text, *rng.choice(spans)) if spans else _split_anywhere(sample.text, rng)
        before, middle, after = map(self._encode, parts)
        prefix_mark, suffix_mark, middle_mark = self._marks
        if suffix_first:
            return [prefix_mark, suffix_mark, *after, middle_mark, *before, *middle]
        return [prefix_mark, *before, suffix_mark, *after, middle_mark, *middle]

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)


def split_at(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Cut a text before and behind a span of its UTF-8 bytes."""
    data = text.encode()
    return data[:start].decode(), data[start:end].decode(), data[end:].decode()


def _split_anywhere(text: str, rng: random.Random) -> tuple[str, str, str]:
    start, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
    return text[:start], text[start:end], text[end:]


def _marks_of(tokenizer: Tokenizer) -> tuple[int, int, int]:
    for marks in MARKS:
        ids = [tokenizer.convert_tokens_to_ids(mark) for mark in marks]
        known = [i for i, mark in zip(ids, marks, strict=True) if i is not None and _says(tokenizer, i, mark)]
        if len(known) == len(marks):
            return known[0], known[1], known[2]
    raise ConfigError(
        f"mix.fill_in_middle: the tokenizer has neither {MARKS[0][0]} nor {MARKS[1][0]}; set it to 0, or start from a"
        " checkpoint that has them"
    )


def _says(tokenizer: Tokenizer, number: int, mark: str) -> bool:
    return tokenizer.convert_ids_to_tokens(number) == mark
