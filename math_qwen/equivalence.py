r"""Two answers in, are they equal out, and why.

The cheapest layer that can tell decides: the same tokens; exact numbers; typed structures element by element; exact
identity of rational expressions; long decimals, and sympy for LaTeX beyond our grammar, in a killable worker process.
The order of the two answers makes no difference. Nothing that stands in an answer is ever run as code.

The policy is docs/verifier.md, row by row; tests/golden/answers.tsv holds it. Undecided unless spelled the same:
inequalities beyond the second degree or in several variables that are no multiples of each other, set-builder notation
with other conditions, and LaTeX that neither our grammar nor latex2sympy2_extended reads.
"""

import re
from dataclasses import replace
from functools import lru_cache

from math_qwen.answers.boxes import find_boxes
from math_qwen.answers.forms import plain
from math_qwen.answers.outcome import Equivalence, Layer, Outcome, OverLimit, equal, not_equal, undecided
from math_qwen.answers.parse import read_answer
from math_qwen.answers.profile import Profile, profile_named
from math_qwen.answers.render import rendered
from math_qwen.answers.spoken import in_digits
from math_qwen.answers.structure import Comparison
from math_qwen.answers.symbolic import DEADLINE_S, Solver, default_pool
from math_qwen.answers.tokens import Token, tokenize
from math_qwen.answers.tree import Node
from math_qwen.answers.worked import is_worked_out

__all__ = ["Equivalence", "Outcome", "equivalent"]

_DELIMITED = re.compile(r"\$([^$]*[^$\\])\$|\\\((.*)\\\)|\\\[(.*)\\\]", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"[^\d,()\[\]{}|]{0,9}(\d+,\d+)[^\d,()\[\]{}|]{0,40}")
_DECIMAL_POINT = re.compile(r"\d\.\d")
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")
MAX_CHARS = 4_096  # of one answer; published gold answers stay under 400


def equivalent(
    gold: str,
    answer: str,
    *,
    profile: str | Profile = "generic",
    pool: Solver | None = None,
    deadline_s: float = DEADLINE_S,
) -> Equivalence:
    """Tell whether two answers are equal.

    Args:
        gold: one answer, without the text around it.
        answer: the other answer; the order makes no difference.
        profile: a key of `math_qwen.answers.profile.PROFILES`, or a profile of your own.
        pool: the symbolic workers to ask; those that this process shares if None.
        deadline_s: seconds of wall clock for all that this comparison asks of them.

    Returns:
        Truthy if equal; `outcome` tells "not equal" from "undecided", `reason` names the rule that decided and `layer`
        where. What is no string (None, bytes) equals nothing.

    Raises:
        ConfigError: there is no such profile.
        GradeError: the symbolic worker does not start.
    """
    rules = profile_named(profile)
    if not (isinstance(gold, str) and isinstance(answer, str)):
        return not_equal("not a text", Layer.TEXT)
    gold, answer = _bare(gold), _bare(answer)
    first, second = sorted((gold, answer))
    if not first:
        return not_equal("empty", Layer.TEXT)
    if max(len(first), len(second)) > MAX_CHARS:
        if first == second:
            return equal("same text", Layer.TEXT)
        return undecided(f"over limit: more than {MAX_CHARS} characters", Layer.LIMIT)
    result = _compared(first, second, rules, pool, deadline_s)
    if not result and (points := _with_decimal_points(first, second)):
        result = _compared(*points, rules, pool, deadline_s)
    gold_form, answer_form = (_form(text, rules.bracketed_mixed) for text in (gold, answer))
    return replace(result, gold_form=gold_form, answer_form=answer_form)


def _bare(text: str) -> str:
    r"""Return an answer without the `$...$` or `\(...\)` and the `\boxed{...}` around all of it."""
    text = text.strip()
    if len(text) > 4 and text.startswith("**") and text.endswith("**"):
        text = text[2:-2].strip()
    if found := _DELIMITED.fullmatch(text):
        text = str(found[found.lastindex or 0]).strip()
    boxes = find_boxes(text) if text.startswith(r"\boxed") else []
    return boxes[0].content.strip() if boxes and (boxes[0].start, boxes[0].end) == (0, len(text)) else text


def _with_decimal_points(first: str, second: str) -> tuple[str, str] | None:
    """Return both texts with points for 2,74 against 2.74; None unless just one of two numbers has a comma for it."""
    for text, other in ((first, second), (second, first)):
        if "," in other or not _DECIMAL_POINT.search(other):
            continue
        if (comma := _DECIMAL_COMMA.fullmatch(text)) and not _THOUSANDS.fullmatch(comma[1]):
            pointed = text.replace(",", ".")
            return (pointed, other) if text == first else (other, pointed)
    return None


def _compared(first: str, second: str, rules: Profile, pool: Solver | None, deadline_s: float) -> Equivalence:
    tokens, other_tokens = _tokens(first), _tokens(second)
    if not (tokens and other_tokens):
        return not_equal("empty", Layer.TEXT)
    if _same_spelling(tokens, other_tokens):
        return equal("same text", Layer.TEXT)
    try:
        a, b = (_read(text, rules.bracketed_mixed) for text in (first, second))
        if rules.worked_out and is_worked_out(a) != is_worked_out(b):
            return not_equal("not worked out", Layer.FORM)
        return Comparison(rules, pool or default_pool(), deadline_s).compare(a, b)
    except OverLimit as limit:
        return undecided(f"over limit: {limit}", Layer.LIMIT)


# Rejection sampling compares one gold answer with many samples.
@lru_cache(maxsize=4_096)
def _tokens(text: str) -> tuple[Token, ...]:
    return tokenize(in_digits(text))


@lru_cache(maxsize=4_096)
def _read(text: str, bracketed_mixed: bool) -> Node:
    return read_answer(text, _tokens(text), bracketed_mixed=bracketed_mixed)


@lru_cache(maxsize=4_096)
def _form(text: str, bracketed_mixed: bool) -> str:
    try:
        return rendered(plain(_read(text, bracketed_mixed)))
    except OverLimit:
        return ""


def _same_spelling(a: tuple[Token, ...], b: tuple[Token, ...]) -> bool:
    """Tell whether the tokens are the same; in words, capitals and the way of writing `\\text` do not count."""
    if [token.text for token in a] == [token.text for token in b]:
        return True
    if not all(token.kind in ("name", "word") for token in a + b):
        return False
    if not any(token.kind == "word" and len(token.text) > 1 for token in a + b):
        return False
    return "".join(token.text for token in a).casefold() == "".join(token.text for token in b).casefold()
