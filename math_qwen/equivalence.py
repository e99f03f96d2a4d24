r"""Two answers in, are they equal out, and why.

The cheapest layer that can tell decides: the same tokens; exact numbers; typed structures element by element; exact
identity of rational expressions; long decimals, and sympy for LaTeX beyond our grammar, in a killable worker process.
The order of the two answers makes no difference. Nothing that stands in an answer is ever run as code.

Compared: integers, decimals, fractions, mixed and repeating numbers, percent, units, currency; tuples, sets, lists,
intervals and unions; expressions with variables, roots and the usual functions; equations; inequalities solved for one
variable; words and choice letters. Recognised and not compared yet, hence undecided unless spelled the same: matrices,
numbers in other bases, ratios, times and dates, set-builder notation, other inequalities. Known to be too strict: a
bare list never equals a tuple, no unit is converted, number words are words, `\log` without a base equals neither
`\ln` nor `\log_{10}`.
"""

from functools import lru_cache

from math_qwen.answers.outcome import Equivalence, Outcome, OverLimit, equal, not_equal, undecided
from math_qwen.answers.parse import read_answer
from math_qwen.answers.profile import profile_named
from math_qwen.answers.structure import Comparison
from math_qwen.answers.symbolic import DEADLINE_S, SymbolicPool, default_pool
from math_qwen.answers.tokens import Token, tokenize
from math_qwen.answers.tree import Node

__all__ = ["Equivalence", "Outcome", "equivalent"]

MAX_CHARS = 4_096  # of one answer; published gold answers stay under 400


def equivalent(
    gold: str,
    answer: str,
    *,
    profile: str = "generic",
    pool: SymbolicPool | None = None,
    deadline_s: float = DEADLINE_S,
) -> Equivalence:
    """Tell whether two answers are equal.

    Args:
        gold: one answer, without the text around it.
        answer: the other answer; the order makes no difference.
        profile: a key of `math_qwen.answers.profile.PROFILES`: what the data set's own rules add.
        pool: the symbolic workers to ask; those that this process shares if None.
        deadline_s: seconds of wall clock for all that this comparison asks of them.

    Returns:
        Truthy if equal; `outcome` tells "not equal" from "undecided", `reason` names the rule that decided.

    Raises:
        ConfigError: there is no such profile.
        GradeError: the symbolic worker does not start.
    """
    rules = profile_named(profile)
    first, second = sorted((gold.strip(), answer.strip()))
    if not first:
        return not_equal("empty")
    if first == second:
        return equal("same text")
    if max(len(first), len(second)) > MAX_CHARS:
        return undecided(f"over limit: more than {MAX_CHARS} characters")
    tokens, other_tokens = _tokens(first), _tokens(second)
    if not (tokens and other_tokens):
        return not_equal("empty")
    if _same_spelling(tokens, other_tokens):
        return equal("same text")
    try:
        a, b = (_read(text, rules.bracketed_mixed) for text in (first, second))
        return Comparison(rules, pool or default_pool(), deadline_s).compare(a, b)
    except OverLimit as limit:
        return undecided(f"over limit: {limit}")


# Rejection sampling compares one gold answer with many samples.
_tokens = lru_cache(maxsize=4_096)(tokenize)


@lru_cache(maxsize=4_096)
def _read(text: str, bracketed_mixed: bool) -> Node:
    return read_answer(text, _tokens(text), bracketed_mixed=bracketed_mixed)


def _same_spelling(a: tuple[Token, ...], b: tuple[Token, ...]) -> bool:
    """Tell whether the tokens are the same; in words, capitals and the way of writing `\\text` do not count."""
    if [token.text for token in a] == [token.text for token in b]:
        return True
    if not all(token.kind in ("name", "word") for token in a + b):
        return False
    if not any(token.kind == "word" and len(token.text) > 1 for token in a + b):
        return False
    return "".join(token.text for token in a).casefold() == "".join(token.text for token in b).casefold()
