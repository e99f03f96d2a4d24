"""A question in, what is left of it with other numbers and other people out.

For decontamination: a benchmark's question that is asked again with other numbers and other names is a lesson for that
question. Every number becomes one and the same, and so does every capitalised word, which takes the names of people and
months and, on both sides alike, the first word of a sentence. Between Chinese characters nothing stands that would part
them; each is a word.
"""

import re
from collections.abc import Iterable

from specialists.family import Disguise
from specialists.records import Sample

MIN_WORDS = 16
MIN_SHARE = 0.8

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*%?")
_CAPITALISED = re.compile(r"\b[A-Z][a-z]*\b")
_HAN = re.compile(r"([\u4e00-\u9fff])")


def masked(text: str) -> str:
    """Return a question with one number for all numbers and one name for all names."""
    return _HAN.sub(r" \1 ", _CAPITALISED.sub(" Somebody ", _NUMBER.sub(" 0 ", text)))


def _question(prompt: str, _: tuple[str, ...]) -> Iterable[str]:
    return (prompt,)


def _asked(sample: Sample) -> Iterable[str]:
    if sample.text is not None:
        return (sample.text,)
    return [message.content for message in sample.messages if message.role == "user"]


RENUMBERED = Disguise(
    name="renumbered",
    of_item=_question,
    of_sample=_asked,
    bare=masked,
    fixed_words=None,
    min_words=MIN_WORDS,
    min_share=MIN_SHARE,
)
