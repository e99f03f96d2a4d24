"""What generates text: the surface every backend has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from specialists.records import Prompt, Stop


@dataclass(frozen=True)
class Request:
    """One completion to make. `seed` belongs to this request alone, so results do not depend on the batch it is in."""

    prompt: Prompt
    seed: int = 0


@dataclass(frozen=True)
class Settings:
    """How to decode, the same for all requests of a call."""

    max_new_tokens: int
    temperature: float = 0.0  # 0 is greedy
    top_p: float = 1.0
    top_k: int = 0  # draw from the likeliest this many tokens; 0 draws from all
    stop: tuple[str, ...] = ()  # strings that end a completion; they are cut off
    may_outgrow: bool = False  # a prompt without room for max_new_tokens is answered with "", stopped for LENGTH


@dataclass(frozen=True)
class Reply:
    """The text that was made, why it ended, and how many tokens it took, the stop token included.

    `num_calls` counts the programs of the model that were run on the way (`tools.py`).
    """

    text: str
    stop: Stop
    num_tokens: int
    num_calls: int = 0


class Backend(Protocol):
    """Turns requests into replies."""

    @property
    def protocol(self) -> Mapping[str, str]:
        """What a reader of a score must know of how the texts were made."""
        ...

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index of the request, reply)` as each one ends, in any order.

        Raises:
            ConfigError: a prompt and `max_new_tokens` do not fit the model, unless `may_outgrow`.
            GenerateError: the backend cannot answer.
        """
        ...


def cut(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """Return the text up to the first stop string, and whether there was one."""
    found = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return (text[: min(found)], True) if found else (text, False)
