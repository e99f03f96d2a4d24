"""What a specialist's folder hands to the library.

A `Family` is plain data made of functions: recipes, benchmarks, makers of samples and filters. The library calls them;
it never looks one up by import. A new specialist is one folder that builds one `Family`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from specialists.errors import ConfigError
from specialists.recipe import Recipe, Source
from specialists.records import Completion, Problem, Prompt, Sample, Verdict

CHAT = "chat"


@dataclass(frozen=True)
class Drop:
    """Why a sample is left out: the rule, and the value that broke it."""

    reason: str
    detail: str = ""


Filter = Callable[[Sample], Drop | None]
"""Looks at one sample; returns why to drop it, or None to keep it."""

Maker = Callable[[Source, int], Iterator[Sample]]
"""Generates samples for a source of kind "made", given the source and the stage's seed."""

Row = Mapping[str, Any]
P = TypeVar("P", bound=Problem)


@dataclass(frozen=True)
class Disguise:
    """A change under which a benchmark item is still the item: other names in a program, other numbers in a question.

    Attributes:
        name: what is done to the item, for reports: "renamed".
        of_item: its prompt and its other texts in, the texts to look for out.
        of_sample: the texts of a sample to look in; none where the disguise cannot be worn.
        bare: a text in, the text without what is free to change (comments; numbers made one) out.
        fixed_words: names that are never changed, where names may change; None where they may not.
        min_words: a text of fewer words cannot be told from others.
        min_share: the part of a text whose unbroken run in a sample is the item.
    """

    name: str
    of_item: Callable[[str, tuple[str, ...]], Iterable[str]]
    of_sample: Callable[[Sample], Iterable[str]]
    bare: Callable[[str], str]
    fixed_words: frozenset[str] | None
    min_words: int
    min_share: float


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


class Interpreter(Protocol):
    """Runs programs that a model writes while it answers, each alone."""

    def run(self, programs: Iterable[str]) -> Iterator[str]:
        """Yield what each program printed, or how it failed, in order. Raises GenerateError."""
        ...

    def stamps(self) -> tuple[str, ...]:
        """What a reader of the score must know about how they were run; empty for the normal way."""
        ...


@dataclass(frozen=True)
class Published:
    """Where the rows of a published data set lie; the places are tried in this order."""

    mirror: str  # path inside the folder that SPECIALISTS_DATA names
    package: str = ""  # "module/path/inside" of an installed Python package
    hub: str = ""  # dataset id on the Hugging Face hub
    subset: str = ""
    split: str = "test"


@dataclass(frozen=True)
class Benchmark(Generic[P]):
    """One benchmark: its problems, how a model is asked, how its answer is judged.

    Attributes:
        rows: where its published rows lie; None for a benchmark that is generated.
        problems: turns the rows (none for a generated one) into problems.
        forms: name -> a way of asking. "chat" is what chat models get, the first other one what text models get; a base
            model is asked in every form and keeps the best.
        stop: form -> strings that end a completion.
        right: a completion of the problem that must be judged correct.
        wrong: completions that must not be.
        exceptions: problem id -> why its own right completion is refused.
        protocol: what is printed beside the score.
    """

    name: str
    title: str
    metric: str
    rows: Published | None
    problems: Callable[[Iterable[Row]], list[P]]
    forms: Mapping[str, Callable[[P], Prompt]]
    open_grader: Callable[[Judging], AbstractContextManager[Grader]]
    right: Callable[[P], str]
    wrong: Callable[[P], Iterable[str]]
    max_new_tokens: int
    protocol: Mapping[str, str]
    stop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def form_for(self, objective: str) -> str:
        """Return the form in which a model trained for `objective` ("text" or "chat") is asked."""
        if objective == CHAT:
            return CHAT
        return next(form for form in self.forms if form != CHAT)


@dataclass(frozen=True)
class Family:
    """A specialist folder as the library sees it."""

    name: str
    title: str
    recipes: Mapping[str, Recipe]
    benchmarks: tuple[Benchmark[Any], ...]
    makers: Mapping[str, Maker] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    disguises: tuple[Disguise, ...] = ()  # in which its benchmarks are looked for in training data
    judged_with: tuple[str, ...] = ()  # packages beside its own whose code decides its verdicts
    open_interpreter: Callable[[Judging], AbstractContextManager[Interpreter]] | None = None

    def benchmark(self, name: str) -> Benchmark[Any]:
        """Return a benchmark by name; raises ConfigError naming those there are."""
        for benchmark in self.benchmarks:
            if benchmark.name == name:
                return benchmark
        known = ", ".join(b.name for b in self.benchmarks)
        raise ConfigError(f"benchmark {name!r} is not one of {self.name}'s; there are: {known}")

    def recipe(self, name: str) -> Recipe:
        """Return a recipe by name; raises ConfigError naming those there are."""
        if name not in self.recipes:
            raise ConfigError(f"recipe {name!r} is not one of {self.name}'s; there are: {', '.join(self.recipes)}")
        return self.recipes[name]
