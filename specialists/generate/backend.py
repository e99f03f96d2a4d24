"""What generates text: the surface every backend has."""

from collections.abc import Iterator, Sequence
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
    stop: tuple[str, ...] = ()  # strings that end a completion; they are cut off


@dataclass(frozen=True)
class Reply:
    """The text that was made, why it ended, and how many tokens it took, the stop token included."""

    text: str
    stop: Stop
    num_tokens: int


class Backend(Protocol):
    """Turns requests into replies."""

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index of the request, reply)` as each one ends, in any order."""
        ...
