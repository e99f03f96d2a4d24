r"""A solution in, the answer it commits to out.

The last marker in the text wins, whatever its kind: `\boxed{}`, `#### 5`, "the answer is 5", "Answer: 5", 答案是,
答：. Reasoning between <think> tags and a next question that the model asks itself are cut off first. Where no marker
stands there is no answer: the strict extractor never guesses. The flexible one, for base models that never saw a
format, then takes the last number. All scans are linear in the length of the text.
"""

import re
from collections.abc import Callable

from math_qwen.answers.boxes import last_boxes
from specialists.errors import ConfigError

MAX_CHARS = 1_000_000  # of a solution; of a longer one the end is read
MAX_ANSWER_CHARS = 5_000  # behind a marker
_MAX_MARKERS = 16  # at the end of a text that repeats an empty marker

_THINK_TAG = re.compile(r"<(?P<close>/)?think>")
_NEXT_TURN = re.compile(
    r"\n\s{0,3}(?:Q|Question|Problem|Human|User|问题)\s?[:：]|<\|(?:im_start|im_end|endoftext)\|>|</s>"
)

# "####" ends GSM8K's solutions, "the final answer is" Minerva's (arXiv 2206.14858, appendix D), 答案是 and 答： Chinese
# ones. After 答： a whole sentence follows, whose last number is the answer. "We may check our answer:" is no marker.
_MARKER = re.compile(
    r"(?P<hashes>####)"
    r"|(?i:\banswers?\s{1,3}(?:is|are)\b)\*{0,2}(?!')"
    r"|(?:\bA(?:nswers?|NSWERS?)|(?i:\b(?:the|final|correct)\s{1,3}answers?))\*{0,2}\s{0,3}[:：=]"
    r"|<answer>"
    r"|答案\s?(?:应该|应)?(?:[是为]\s?[:：]?|[:：])|所以答案(?!\s?[应是为:：])|故选\s?[:：]?"
    r"|(?P<sentence>(?<![回解作])答\s?[:：])"
)
_SENTENCE_END = re.compile(r"\.(?=\s|$)|。|\n|<\||</|(?:,|，)?\s(?:because|since|which)\b|，?因为")
_NUMBER = re.compile(
    r"\\[dt]?frac\{-?\d+\}\{\d+\}"
    r"|(?<!\d)(?:\d+又)?\d+分之\d+"
    r"|(?<!\d)\d+\(\d+/\d+\)"
    r"|(?:(?<![A-Za-z0-9)\]}])-)?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:/\d+)?%?"
)
_AROUND = " \t\r*`.,;:：。，；"
_NOT_MERE_WORDS = re.compile(r"[\d\\$]|^\(?[A-Z]\)?$")
_DISPLAYS = {r"\[": r"\]", "$$": "$$"}


def extract_answer(solution: str) -> str | None:
    r"""Return the last marked answer of a solution, None where no answer is marked.

    Args:
        solution: what a model wrote, or a published solution.

    Returns:
        The answer without its marker, as it is written; boxes joined by "and" or a comma as one list.
    """
    return _marked(_judged_part(solution))


def extract_flexible(solution: str) -> str | None:
    """Return the last marked answer, else the last number of the text, None where there is neither.

    A thought that was never finished is no text to take a number from.
    """
    text = _judged_part(solution)
    return _marked(text) or (None if "<think>" in text else _last_number(text))


EXTRACTORS: dict[str, Callable[[str], str | None]] = {"strict": extract_answer, "flexible": extract_flexible}


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


def _marked(text: str) -> str | None:
    """Return what follows the last marker that anything follows.

    Mere words behind a box are a remark on it: "so our answer is correct" ends three of MATH's 5,000 test solutions.
    """
    box = last_boxes(text)
    behind_box = list(_MARKER.finditer(text, box.end if box else 0))
    for marker in reversed(behind_box[-_MAX_MARKERS:]):
        answer = _after(marker, text[marker.end() : marker.end() + MAX_ANSWER_CHARS])
        if answer and (not box or _NOT_MERE_WORDS.search(answer)):
            return answer
    return box.content.strip() if box else None


def _after(marker: re.Match[str], text: str) -> str:
    """Return the answer at the start of `text`, which follows the marker; "" where there is none."""
    text = text.lstrip(" \t\r\n*:：")
    for opening, closing in _DISPLAYS.items():
        if text.startswith(opening) and (end := text.find(closing, len(opening))) > 0:
            return text[len(opening) : end].strip()
    if _MARKER.match(text):
        return ""
    if marker["hashes"]:
        return text.split("\n", 1)[0].strip(_AROUND)
    content = _SENTENCE_END.split(text, 1)[0].strip(_AROUND)
    return (_last_number(content) or content) if marker["sentence"] else content


def _last_number(text: str) -> str | None:
    numbers: list[str] = _NUMBER.findall(text)
    return numbers[-1] if numbers else None
