"""What a data set's own rules, and a user's choices, add."""

from dataclasses import dataclass
from fractions import Fraction

from specialists.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Profile:
    """How answers are read and compared; change one with `dataclasses.replace(PROFILES["math"], strict=True)`.

    `tolerance` is the absolute difference below which two numbers count as equal, None where only equal ones do.
    `bracketed_mixed` reads 1(1/2) as one and a half. `strict` accepts nothing that the reader must complete: a list for
    a tuple, a number without its base, a time without "am" or "pm", a logarithm without its base. `convert_units` makes
    2 hours equal 120 minutes. `worked_out` refuses what repeats the question: 12 + 30 is no answer where 42 is one.
    """

    tolerance: Fraction | None = None
    bracketed_mixed: bool = False
    strict: bool = False
    convert_units: bool = False
    worked_out: bool = False


PROFILES = {
    "generic": Profile(),
    "gsm8k": Profile(),
    "math": Profile(),
    # "If the difference between the decoded number and the target number is less than 1e-3, we consider it a correct
    # prediction": GanjinZero/math401-llm at 3def7f1, README, Metric; arXiv 2304.02015.
    "math401": Profile(tolerance=Fraction(1, 1000)),
    # The same where the question is itself an expression: it must not be its own answer.
    "calculated": Profile(tolerance=Fraction(1, 1000), worked_out=True),
    # Answers such as ((4)/(7)) and 5((2)/(3)): the published data of Wang et al., EMNLP 2017, D17-1088.
    "math23k": Profile(bracketed_mixed=True),
}


def profile_named(name: str | Profile) -> Profile:
    """Return the profile of this name, or the profile itself. Raises `ConfigError` where there is none."""
    if isinstance(name, Profile):
        return name
    try:
        return PROFILES[name]
    except KeyError:
        raise ConfigError(f"profile {name!r} is unknown; there are {', '.join(PROFILES)}") from None
