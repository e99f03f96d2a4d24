"""Small-function tasks: a grammar of things to do to a list.

A task picks which numbers of a list to keep, what to do to each, and what to return: "of the even numbers, return the
sum of the squares". Every combination is one task with a name, a description, a reference program and an evaluator that
is not the program (so the tests are not the program's own opinion of itself). A fifth of the combinations, chosen by a
hash of what they compute, is held out: the benchmark asks only those, and the training samples are made only of the
others. So a task that computes the same as another under a different name ("sum of the absolute values" of positive
numbers) is never on the other side.

The wording puts what is kept first and is short, and no two kinds of keeping share a number: so any 13 successive words
of a held-out task name all three of its parts, and decontamination can tell the task from its neighbours.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
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
    phrase: str  # "squares"; "" does nothing
    expression: str  # Python over `x`
    apply: Callable[[int], int]


@dataclass(frozen=True)
class Give:
    """What is returned of the changed numbers."""

    name: str
    phrase: str  # "sum"
    program: str  # Python over `{values}`, a generator expression without brackets
    apply: Callable[[list[int]], object]


KEEPS = (
    Keep("all", "numbers", "", lambda _: True),
    Keep("even", "even numbers", "x % 2 == 0", lambda x: x % 2 == 0),
    Keep("odd", "odd numbers", "x % 2 == 1", lambda x: x % 2 != 0),
    Keep("positive", "positive numbers", "x > 0", lambda x: x > 0),
    Keep("negative", "negative numbers", "x < 0", lambda x: x < 0),
    Keep("nonzero", "nonzero numbers", "x != 0", lambda x: x != 0),
    *(Keep(f"over_{k}", f"numbers above {k}", f"x > {k}", lambda x, k=k: x > k) for k in (2, 6, 8, 10, 12, 20)),
    *(Keep(f"under_{k}", f"numbers below {k}", f"x < {k}", lambda x, k=k: x < k) for k in (1, 9, 11, 14, 18, 25)),
    *(Keep(f"multiples_of_{k}", f"multiples of {k}", f"x % {k} == 0", lambda x, k=k: x % k == 0) for k in (3, 4, 5, 7)),
)

CHANGES = (
    Change("", "", "x", lambda x: x),
    Change("squares", "squares", "x * x", lambda x: x * x),
    Change("cubes", "cubes", "x ** 3", lambda x: x * x * x),
    Change("doubles", "doubles", "2 * x", lambda x: x + x),
    Change("negated", "negated values", "-x", lambda x: 0 - x),
    Change("absolutes", "absolute values", "abs(x)", lambda x: x if x >= 0 else -x),
    Change("last_digits", "last digits", "abs(x) % 10", lambda x: int(str(x)[-1])),
    Change("successors", "successors", "x + 1", lambda x: x - -1),
)

GIVES = (
    Give("sum", "sum", "sum({values})", lambda xs: sum(xs)),
    Give("largest", "largest", "max(({values}), default=0)", lambda xs: sorted(xs)[-1] if xs else 0),
    Give("smallest", "smallest", "min(({values}), default=0)", lambda xs: sorted(xs)[0] if xs else 0),
    Give("list", "list", "[{values}]", lambda xs: list(xs)),
    Give("sorted", "sorted list", "sorted({values})", lambda xs: sorted(xs)),
    Give("distinct_count", "distinct count", "len(set({values}))", lambda xs: len(dict.fromkeys(xs))),
    Give("reversed", "reversed list", "[{values}][::-1]", lambda xs: [xs[-1 - i] for i in range(len(xs))]),
    Give("first", "first", "next(({values}), 0)", lambda xs: xs[0] if xs else 0),
)


_LOWEST, _HIGHEST = -12, 30  # of the numbers in examples
_MOST_BORDERS = 3
# Inputs that tell any two functions of the grammar apart: each number alone, and lists drawn once.
PROBES: tuple[list[int], ...] = (
    [],
    *([n] for n in range(_LOWEST - 1, _HIGHEST + 2)),
    *(random.Random(seed).choices(range(_LOWEST, _HIGHEST + 1), k=2 + seed % 7) for seed in range(40)),
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
        """What to do, e.g. "of the even numbers, return the largest of the squares, or 0"."""
        of = f" of the {self.change.phrase}" if self.change.phrase else ""
        otherwise = ", or 0" if self.give.name in ("largest", "smallest", "first") else ""
        return f"of the {self.keep.phrase}, return the {self.give.phrase}{of}{otherwise}"

    @property
    def body(self) -> str:
        """The reference program's one line."""
        condition = f" if {self.keep.condition}" if self.keep.condition else ""
        return f"return {self.give.program.format(values=f'{self.change.expression} for x in xs{condition}')}"

    @property
    def program(self) -> str:
        """The reference program."""
        return f"def {self.name}(xs):\n    {self.body}\n"

    @cached_property
    def behaviour(self) -> str:
        """A digest of what the task gives for `PROBES`: two tasks with one behaviour ask for the same function."""
        return hashlib.sha256(repr([self.answer(xs) for xs in PROBES]).encode()).hexdigest()

    def answer(self, xs: Numbers) -> object:
        """Work the answer out without the program."""
        return self.give.apply([self.change.apply(x) for x in xs if self.keep.test(x)])

    def examples(self, num: int) -> list[tuple[list[int], object]]:
        """Return inputs with their answers, the same each time: drawn from the task's name, the last one empty."""
        rng = random.Random(self.name)
        inputs = [[rng.randint(_LOWEST, _HIGHEST) for _ in range(rng.randint(3, 9))] for _ in range(num - 1)] + [[]]
        return [(xs, self.answer(xs)) for xs in inputs]

    def tests(self, num: int) -> list[tuple[list[int], object]]:
        """Return `num` examples and what else it takes to refuse programs that are nearly right.

        Added are the numbers on both sides of each border of what is kept, and for every other task of the grammar that
        would pass so far an input on which it is wrong.
        """
        borders = [n for n in range(_LOWEST, _HIGHEST) if self.keep.test(n) != self.keep.test(n + 1)][:_MOST_BORDERS]
        chosen = [xs for xs, _ in self.examples(num)]
        chosen += [xs for n in borders for xs in ([n], [n + 1], [n, n + 1], [n + 1, n])]
        for other in everything():
            if other.behaviour != self.behaviour and all(other.answer(xs) == self.answer(xs) for xs in chosen):
                chosen.append(next(xs for xs in PROBES if other.answer(xs) != self.answer(xs)))
        return [(xs, self.answer(xs)) for xs in chosen]


def tasks(part: Part) -> Iterator[Task]:
    """Yield all tasks of one part, in a fixed order."""
    return (task for task in everything() if _part(task) == part)


def drawn(part: Part, seed: int) -> list[Task]:
    """Return all tasks of one part in an order drawn from the seed."""
    order = list(tasks(part))
    random.Random(seed).shuffle(order)
    return order


@cache
def everything() -> tuple[Task, ...]:
    """Return every combination."""
    return tuple(Task(keep, change, give) for give in GIVES for change in CHANGES for keep in KEEPS)


def _part(task: Task) -> Part:
    return "test" if int(task.behaviour[:8], 16) % 5 == 0 else "train"
