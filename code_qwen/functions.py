"""Small-function tasks: a grammar of things to do to a list.

A task picks which numbers of a list to keep, what to do to each, and what to return: "the sum of the squares of the
even numbers". Every combination is one task with a name, a description, a reference program and an evaluator that is
not the program (so the tests are not the program's own opinion of itself). A fifth of the combinations, chosen by a
hash of their name, is held out: the benchmark asks only those, and the training samples are made only of the others.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Part = Literal["train", "test"]
Numbers = Sequence[int]


@dataclass(frozen=True)
class Keep:
    """Which numbers take part."""

    name: str
    phrase: str  # "even numbers"
    condition: str  # Python over `x`; "" keeps all
    test: Callable[[int], bool]


@dataclass(frozen=True)
class Change:
    """What is done to each number that takes part."""

    name: str
    phrase: str  # "squares of the"; "" does nothing
    expression: str  # Python over `x`
    apply: Callable[[int], int]


@dataclass(frozen=True)
class Give:
    """What is returned of the changed numbers."""

    name: str
    phrase: str  # "sum of the"
    program: str  # Python over `{values}`, a generator expression without brackets
    apply: Callable[[list[int]], object]


KEEPS = (
    Keep("all", "numbers", "", lambda _: True),
    Keep("even", "even numbers", "x % 2 == 0", lambda x: x % 2 == 0),
    Keep("odd", "odd numbers", "x % 2 == 1", lambda x: x % 2 != 0),
    Keep("positive", "positive numbers", "x > 0", lambda x: x > 0),
    Keep("negative", "negative numbers", "x < 0", lambda x: x < 0),
    Keep("nonzero", "nonzero numbers", "x != 0", lambda x: x != 0),
    *(
        Keep(f"over_{k}", f"numbers greater than {k}", f"x > {k}", lambda x, k=k: x > k)
        for k in (2, 3, 5, 8, 10, 12, 20)
    ),
    *(Keep(f"under_{k}", f"numbers less than {k}", f"x < {k}", lambda x, k=k: x < k) for k in (4, 6, 7, 9, 15, 25)),
    *(Keep(f"multiples_of_{k}", f"multiples of {k}", f"x % {k} == 0", lambda x, k=k: x % k == 0) for k in (3, 4, 5, 7)),
)

CHANGES = (
    Change("", "", "x", lambda x: x),
    Change("squares", "squares of the", "x * x", lambda x: x * x),
    Change("cubes", "cubes of the", "x ** 3", lambda x: x * x * x),
    Change("doubles", "doubles of the", "2 * x", lambda x: x + x),
    Change("negatives", "negated values of the", "-x", lambda x: 0 - x),
    Change("absolutes", "absolute values of the", "abs(x)", lambda x: x if x >= 0 else -x),
    Change("last_digits", "last digits of the", "abs(x) % 10", lambda x: int(str(x)[-1])),
    Change("successors", "successors of the", "x + 1", lambda x: x - -1),
)

GIVES = (
    Give("sum", "sum of the", "sum({values})", lambda xs: sum(xs)),
    Give("largest", "largest of the", "max(({values}), default=0)", lambda xs: sorted(xs)[-1] if xs else 0),
    Give("smallest", "smallest of the", "min(({values}), default=0)", lambda xs: sorted(xs)[0] if xs else 0),
    Give("list", "list of the", "[{values}]", lambda xs: list(xs)),
    Give("sorted", "sorted list of the", "sorted({values})", lambda xs: sorted(xs)),
    Give(
        "distinct_count", "number of distinct values among the", "len(set({values}))", lambda xs: len(dict.fromkeys(xs))
    ),
    Give("reversed", "reversed list of the", "[{values}][::-1]", lambda xs: [xs[-1 - i] for i in range(len(xs))]),
    Give("first", "first of the", "next(({values}), 0)", lambda xs: xs[0] if xs else 0),
)


@dataclass(frozen=True)
class Task:
    """One combination: what to keep, what to change, what to give."""

    keep: Keep
    change: Change
    give: Give

    @property
    def name(self) -> str:
        """The function's name, e.g. `sum_squares_even`."""
        return "_".join(part for part in (self.give.name, self.change.name, self.keep.name) if part)

    @property
    def description(self) -> str:
        """What to return, e.g. "the sum of the squares of the even numbers in xs"."""
        phrases = (self.give.phrase, self.change.phrase, self.keep.phrase)
        return "the " + " ".join(phrase for phrase in phrases if phrase) + " in xs"

    @property
    def fallback(self) -> str:
        """What to return when nothing takes part, as a sentence; "" where that goes without saying."""
        return "Return 0 if there are none." if self.give.name in ("largest", "smallest", "first") else ""

    @property
    def body(self) -> str:
        """The reference program's one line."""
        condition = f" if {self.keep.condition}" if self.keep.condition else ""
        return f"return {self.give.program.format(values=f'{self.change.expression} for x in xs{condition}')}"

    @property
    def program(self) -> str:
        """The reference program."""
        return f"def {self.name}(xs):\n    {self.body}\n"

    def answer(self, xs: Numbers) -> object:
        """Work the answer out without the program."""
        return self.give.apply([self.change.apply(x) for x in xs if self.keep.test(x)])

    def examples(self, num: int) -> list[tuple[list[int], object]]:
        """Return inputs with their answers, the same each time: drawn from the task's name, the last one empty."""
        rng = random.Random(self.name)
        inputs = [[rng.randint(-12, 30) for _ in range(rng.randint(3, 9))] for _ in range(num - 1)] + [[]]
        return [(xs, self.answer(xs)) for xs in inputs]


def tasks(part: Part) -> Iterator[Task]:
    """Yield all tasks of one part, in a fixed order."""
    for give in GIVES:
        for change in CHANGES:
            for keep in KEEPS:
                task = Task(keep, change, give)
                if _part(task) == part:
                    yield task


def drawn(part: Part, seed: int) -> list[Task]:
    """Return all tasks of one part in an order drawn from the seed."""
    everything = list(tasks(part))
    random.Random(seed).shuffle(everything)
    return everything


def _part(task: Task) -> Part:
    return "test" if hashlib.sha256(task.name.encode()).digest()[0] % 5 == 0 else "train"
