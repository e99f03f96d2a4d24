"""What a data set's own rules add."""

from dataclasses import dataclass
from fractions import Fraction

from specialists.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Profile:
    """How answers of one data set are read and compared.

    `tolerance` is the absolute difference below which two numbers count as equal, None where only equal ones do.
    `bracketed_mixed` reads 1(1/2) as one and a half.
    """

    tolerance: Fraction | None = None
    bracketed_mixed: bool = False


PROFILES = {
    "generic": Profile(),
    "gsm8k": Profile(),
    "math": Profile(),
    # "If the difference between the decoded number and the target number is less than 1e-3, we consider it a correct
    # prediction": GanjinZero/math401-llm at 3def7f1, README, Metric; arXiv 2304.02015.
    "math401": Profile(tolerance=Fraction(1, 1000)),
    # Answers such as ((4)/(7)) and 5((2)/(3)): the published data of Wang et al., EMNLP 2017, D17-1088.
    "math23k": Profile(bracketed_mixed=True),
}


def profile_named(name: str) -> Profile:
    """Return the profile of this name. Raises `ConfigError` where there is none."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ConfigError(f"profile {name!r} is unknown; there are {', '.join(PROFILES)}") from None
