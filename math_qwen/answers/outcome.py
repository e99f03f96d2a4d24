"""What a comparison came to, and which rule said so.

Three outcomes, because "we could not tell" is neither right nor wrong: a score counts it apart, and training on
verified samples leaves it out.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a comparison of two answers ended."""

    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    UNDECIDED = "undecided"  # over a limit, out of time, or of a kind that is not compared yet


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The outcome with the rule that decided; truthy only when the two answers are equal."""

    outcome: Outcome
    reason: str

    def __bool__(self) -> bool:
        return self.outcome is Outcome.EQUAL


class OverLimit(Exception):
    """Reading or computing this answer would cost more than we allow; the text names the limit."""


def equal(reason: str) -> Equivalence:
    """Return "equal", decided by the rule `reason`."""
    return Equivalence(Outcome.EQUAL, reason)


def not_equal(reason: str) -> Equivalence:
    """Return "not equal", decided by the rule `reason`."""
    return Equivalence(Outcome.NOT_EQUAL, reason)


def undecided(reason: str) -> Equivalence:
    """Return "undecided"; `reason` says what stood in the way."""
    return Equivalence(Outcome.UNDECIDED, reason)
