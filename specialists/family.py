"""What a specialist's folder hands to the library.

A `Family` is plain data made of functions: recipes, benchmarks, makers of samples and filters. The library calls them;
it never looks one up by import. A new specialist is one folder that builds one `Family`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from specialists.recipe import Recipe, Source
from specialists.records import Completion, Problem, Prompt, Sample, Verdict


@dataclass(frozen=True)
class Drop:
    """Why a sample is left out: the rule, and the value that broke it."""

    reason: str
    detail: str = ""


Filter = Callable[[Sample], Drop | None]
"""Looks at one sample; returns why to drop it, or None to keep it."""

Maker = Callable[[Source, int], Iterator[Sample]]
"""Generates samples for a source of kind "made", given the source and the stage's seed."""


@dataclass(frozen=True)
class Judging:
    """How the person who runs us wants programs judged; graders that execute nothing ignore it."""

    sandbox: str = "docker"  # name of the sandbox backend
    accept_risk: bool = False  # needed for backends without a container's walls
    workers: int | None = None  # None: one per core


class Grader(Protocol):
    """Judges completions of one benchmark, in order; must not depend on what it judged before."""

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        """Yield one verdict for each item, in the order of the items."""
        ...

    def stamps(self) -> tuple[str, ...]:
        """What a reader of the score must know about how it was judged; empty for the normal way."""
        ...


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: its problems, how a model is asked, how its answer is judged.

    `forms` maps a name to a way of asking; "chat" is what chat models get, and the first other one is what text models
    get. A base model is asked in every form and keeps the best. `protocol` is printed beside the score. `mutants` turns
    a problem into answers that must be judged wrong, for `check`.
    """

    name: str
    title: str
    metric: str
    load: Callable[[], list[Problem]]
    forms: Mapping[str, Callable[[Problem], Prompt]]
    open_grader: Callable[[Judging], AbstractContextManager[Grader]]
    mutants: Callable[[Problem], Iterable[str]]
    max_new_tokens: int
    stop: Mapping[str, tuple[str, ...]]
    protocol: Mapping[str, str]
    needs: str = ""  # what has to be there for `load` to work, in words; "" if nothing
    gold_exceptions: Mapping[str, str] = field(default_factory=dict)  # problem id -> why its own gold fails


@dataclass(frozen=True)
class Family:
    """A specialist folder as the library sees it."""

    name: str
    title: str
    recipes: Mapping[str, Recipe]
    benchmarks: tuple[Benchmark, ...]
    makers: Mapping[str, Maker] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
