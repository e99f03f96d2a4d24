r"""A solution in, the answer it commits to out.

The last marker in the text wins, whatever its kind: `\boxed{}`, `#### 5`, "the answer is 5", "Answer: 5", 答案是,
答：. Reasoning between <think> tags and a next question that the model asks itself are cut off first. Where no marker
stands there is no answer, unless the whole text is nothing but one value: the strict extractor never guesses. The
flexible one, for base models that never saw a format, then takes the last number. The report's is what the Qwen
report's released evaluation does. All scans are linear in the length of the text.
"""

import re
from collections.abc import Callable

from math_qwen.answers.boxes import last_boxes
from math_qwen.markers import bare, last_number, marked
from specialists.errors import ConfigError

MAX_CHARS = 1_000_000  # of a solution; of a longer one the end is read

_THINK_TAG = re.compile(r"<(?P<close>/)?think>")
_NEXT_TURN = re.compile(
    r"\n\s{0,3}(?:Q|Question|Problem|Human|User|问题)\s?[:：]|<\|(?:im_start|im_end|endoftext)\|>|</s>"
)
_DIGITS = re.compile(r"\d+")


def extract_answer(solution: str) -> str | None:
    r"""Return the last marked answer of a solution, None where no answer is marked.

    Args:
        solution: what a model wrote, or a published solution.

    Returns:
        The answer without its marker, as it is written; boxes joined by "and" or a comma as one list. A solution that
        is nothing but one value, such as "18 eggs" or "$x = 5$", is its own answer.
    """
    return _committed(_judged_part(solution))


def extract_flexible(solution: str) -> str | None:
    """Return the last marked answer, else the last number of the text, None where there is neither.

    A thought that was never finished is no text to take a number from.
    """
    text = _judged_part(solution)
    return _committed(text) or (None if "<think>" in text else last_number(text))


def extract_report(solution: str) -> str | None:
    r"""Return the last run of digits, None where there is none.

    The answer that the evaluation released with the Qwen report reads (QwenLM/Qwen at 67adc5d,
    eval/evaluate_chat_gsm8k.py, `extract_answer`). Signs, fractions, decimal points and thousands separators are lost:
    of 3.5 it reads 5. It is here to show how far a score depends on the extractor.
    """
    numbers: list[str] = _DIGITS.findall(solution[-MAX_CHARS:])
    return numbers[-1] if numbers else None


EXTRACTORS: dict[str, Callable[[str], str | None]] = {
    "strict": extract_answer,
    "flexible": extract_flexible,
    "report": extract_report,
}


def extractor_named(name: str) -> Callable[[str], str | None]:
    """Return the extractor of this name. Raises `ConfigError` where there is none."""
    try:
        return EXTRACTORS[name]
    except KeyError:
        raise ConfigError(f"extractor {name!r} is unknown; there are {', '.join(EXTRACTORS)}") from None


def _judged_part(solution: str) -> str:
    """Return what the model says to us: not its thoughts, and not the turns it goes on to invent."""
    text = _without_thoughts(solution[-MAX_CHARS:]).strip()
    for turn in _NEXT_TURN.finditer(text):
        return text[: turn.start()]
    return text


def _without_thoughts(text: str) -> str:
    """Drop closed thoughts; of one that is never closed, keep all from its opening tag on."""
    kept: list[str] = []
    position, opening = 0, None
    for tag in _THINK_TAG.finditer(text):
        if not tag["close"]:
            if opening is None:
                kept.append(text[position : tag.start()])
            opening = tag.start()
            continue
        if opening is None:  # the opening tag stood in the prompt
            kept.clear()
        position, opening = tag.end(), None
    return "".join(kept) + text[position:] if opening is None else text[opening:]


def _committed(text: str) -> str | None:
    """Return what follows the last marker, the last box if no answer is marked behind it, or a text that is a value."""
    if box := last_boxes(text):
        return marked(text, box.end) or box.content.strip()
    return marked(text) or bare(text)
