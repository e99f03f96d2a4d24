"""A sample in, the reason to drop it out.

Rules that hold for any language. Each is a pure function `Sample -> Drop | None` without randomness. `FORM` asks at the
door whether this is a document at all, `QUALITY` whether it is one to learn from; of each, the first rule that objects
decides. What depends on a programming language is the specialist's own.
"""

import re
from collections import Counter

from specialists.family import Drop, Filter
from specialists.records import Sample

# Thresholds without a source are ours: they leave out what no reader would call text, and no more.
MIN_CHARS = 5  # not blank; a document of less teaches nothing
MAX_LINE_CHARS = 100_000  # a longer line is data, whatever the language
MIN_ALPHANUMERIC_SHARE = 0.25  # bigcode-dataset, preprocessing, 2024-02
MIN_CHARS_FOR_SHARES = 200  # a share of less text says nothing: short formulas are fine
MAX_REPEATED_LINES_SHARE = 0.7  # OpenCoder, opc_data_filtering, 2025-03: duplicate lines <= 0.7
MIN_LINES_FOR_REPEATS = 20
MAX_CONTROL_SHARE = 0.01
MAX_REPLACED_SHARE = 0.01  # U+FFFD: text that was decoded wrongly before it came to us

_REFUSAL = re.compile(  # how a reply begins that declines; what follows an excuse must be an inability
    r"\s*(?:(?:i['’]?a?m (?:very |really |so |truly )?sorry|i am (?:very |really |so )?sorry|sorry|i apologi[sz]e"
    r"|my apologies|unfortunately|as an? (?:ai|artificial|large|language))\b[^.!?\n]{0,80}?"
    r"\b(?:i|we)\b[^.!?\n]{0,30}?\b(?:can(?:not|['’]t)|unable to|not able to|won['’]t|do(?:n['’]t| not) have"
    r"|am not (?:capable|allowed|permitted|designed))"
    r"|i(?: cannot|\s+can['’]t| am unable to|['’]m unable to| am not able to|['’]m not able to| will not| won['’]t)"
    r" (?:help|assist|provide|comply|fulfil|answer|do that|create|generate|write|support|engage|fulfill))\b"
    r"|\s*(?:很|非常)?(?:抱歉|对不起)[^。！？\n]{0,20}(?:无法|不能)|\s*作为一个?(?:人工智能|AI|语言模型)[^。！？\n]{0,20}(?:无法|不能)",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # all of C0 but tab, line ends, form feed and escape
_ASCII_MARKS = bytes(code for code in range(128) if not chr(code).isalnum())


def too_short(sample: Sample) -> Drop | None:
    """Drop empty and almost empty samples."""
    words = sample.content().split(maxsplit=MIN_CHARS)
    num_chars = sum(map(len, words))
    if num_chars >= MIN_CHARS:
        return None
    return Drop("near_empty" if num_chars else "empty", f"{num_chars} characters < {MIN_CHARS}")


def control_characters(sample: Sample) -> Drop | None:
    """Drop samples that hold NUL or many control characters."""
    text = sample.content()
    if "\0" in text:
        return Drop("control_characters", "holds NUL")
    return _above("control_characters", len(_CONTROL.findall(text)) / max(len(text), 1), MAX_CONTROL_SHARE)


def replaced_characters(sample: Sample) -> Drop | None:
    """Drop samples with many U+FFFD, the mark that an earlier decoder left for what it could not read."""
    text = sample.content()
    return _above("replaced_characters", text.count("\ufffd") / max(len(text), 1), MAX_REPLACED_SHARE)


def huge_line(sample: Sample) -> Drop | None:
    """Drop samples with a line so long that it is data."""
    text = sample.content()
    if len(text) <= MAX_LINE_CHARS:
        return None
    return _above("huge_line", max(map(len, text.splitlines())), MAX_LINE_CHARS)


def few_letters(sample: Sample) -> Drop | None:
    """Drop samples of marks: less than a quarter letters and digits, counting bytes outside ASCII as letters."""
    text = sample.content()
    if len(text) < MIN_CHARS_FOR_SHARES:
        return None
    data = text.encode()
    share = len(data.translate(None, _ASCII_MARKS)) / len(data)
    if share >= MIN_ALPHANUMERIC_SHARE:
        return None
    return Drop("few_letters", f"{share:.3f} < {MIN_ALPHANUMERIC_SHARE}")


def repeated_lines(sample: Sample) -> Drop | None:
    """Drop samples most of whose lines say what another line said."""
    lines = [line for line in map(str.strip, sample.content().splitlines()) if line]
    if len(lines) < MIN_LINES_FOR_REPEATS:
        return None
    return _above("repeated_lines", 1 - len(Counter(lines)) / len(lines), MAX_REPEATED_LINES_SHARE)


def broken_conversation(sample: Sample) -> Drop | None:
    """Drop conversations that are not `system? (user assistant)+` with something said in every turn."""
    if not sample.messages:
        return None
    for number, message in enumerate(sample.messages):
        if not message.content.strip():
            return Drop("empty_turn", f"turn {number} ({message.role})")
    roles = [message.role for message in sample.messages]
    turns = roles[1:] if roles[0] == "system" else roles
    if turns != ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2) or not turns:
        return Drop("role_order", " ".join(roles)[:200])
    return None if turns[-1] == "assistant" else Drop("no_reply", "the last turn is not the assistant's")


def refusal(sample: Sample) -> Drop | None:
    """Drop conversations in which the assistant declines to answer."""
    for number, message in enumerate(sample.messages):
        if message.role == "assistant" and (found := _REFUSAL.match(message.content)):
            return Drop("refusal", f"turn {number}: {found[0].strip()}")
    return None


def _above(reason: str, value: float, limit: float) -> Drop | None:
    return Drop(reason, f"{value:.6g} > {limit:g}") if value > limit else None


FORM: tuple[Filter, ...] = (broken_conversation, too_short, control_characters, replaced_characters, huge_line)
QUALITY: tuple[Filter, ...] = (few_letters, repeated_lines, refusal)
