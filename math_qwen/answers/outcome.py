"""What a comparison came to, and which rule said so.

Three outcomes, because "we could not tell" is neither right nor wrong: a score counts it apart, and training on
verified samples leaves it out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """What decided, from the cheapest to the dearest."""

    TEXT = "text"  # the same tokens, or nothing to compare
    FORM = "form"  # kinds, lengths, brackets, words, units
    EXACT = "exact"  # fractions
    IDENTITY = "identity"  # rational expressions modulo a prime
    SYMBOLIC = "symbolic"  # a worker process: long decimals and sympy
    LIMIT = "limit"  # too long, too large, too deep: nothing was computed


class Outcome(StrEnum):
    """How a comparison of two answers ended."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    UNDECIDED = "undecided"  # over a limit, out of time, or of a kind that is not compared yet


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The outcome with the rule that decided; truthy only when the two answers are equal.

    `gold_form` and `answer_form` are the answers as the verifier read them; "" where it read none.
    """

    outcome: Outcome
    reason: str
    layer: Layer = Layer.FORM
    gold_form: str = ""
    answer_form: str = ""

    def __bool__(self) -> bool:
        return self.outcome is Outcome.EQUAL


class OverLimit(Exception):
    """Reading or computing this answer would cost more than we allow; the text names the limit."""


def equal(reason: str, layer: Layer = Layer.FORM) -> Equivalence:
    """Return "equal", decided by the rule `reason` in this layer."""
    return Equivalence(Outcome.EQUAL, reason, layer)


def not_equal(reason: str, layer: Layer = Layer.FORM) -> Equivalence:
    """Return "not equal", decided by the rule `reason` in this layer."""
    return Equivalence(Outcome.NOT_EQUAL, reason, layer)


def undecided(reason: str, layer: Layer = Layer.FORM) -> Equivalence:
    """Return "undecided"; `reason` says what stood in the way."""
    return Equivalence(Outcome.UNDECIDED, reason, layer)


def all_of(results: Iterable[Equivalence]) -> Equivalence:
    """Return what parts compared in order come to: a difference if there is one, else the first doubt, else equal."""
    doubt: Equivalence | None = None
    dearest = Layer.FORM
    for number, result in enumerate(results, start=1):
        if result.outcome is Outcome.NOT_EQUAL:
            return not_equal(f"part {number}: {result.reason}", result.layer)
        if result.outcome is Outcome.UNDECIDED:
            doubt = result if doubt is None else doubt
        dearest = max(dearest, result.layer, key=_COSTS.index)
    return equal("all parts are equal", dearest) if doubt is None else doubt


_COSTS = tuple(Layer)
