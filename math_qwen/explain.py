"""Two answers on the command line in, why they are equal or not out."""

from typing import Annotated

import typer

from math_qwen.answers.profile import PROFILES
from math_qwen.equivalence import equivalent

# A negative answer is no option.
SETTINGS = {"ignore_unknown_options": True}


def explain(
    gold: Annotated[str, typer.Argument(help="one answer, such as '\\frac{1}{2}'")],
    answer: Annotated[str, typer.Argument(help="the other one, such as 0.5")],
    profile: Annotated[str, typer.Option(help=f"a data set's own rules: {', '.join(PROFILES)}")] = "generic",
) -> None:
    """Say whether two answers are equal, what decided and how each was read. Exit code 1 if they are not equal."""
    result = equivalent(gold, answer, profile=profile)
    print(f"{result.outcome.replace('_', ' ')}: {result.reason} ({result.layer})")
    print(f"gold    {result.gold_form}")
    print(f"answer  {result.answer_form}")
    if not result:
        raise typer.Exit(1)
