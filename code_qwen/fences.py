"""An answer in, what it says and its code blocks out.

Thoughts between <think> tags, the turns that a model goes on to invent, and the marks of other models' formats
(`[PYTHON]`, `[BEGIN]`, `<code>`) are dealt with here, so that extraction sees text and blocks only.
"""

import re
import textwrap
from collections.abc import Callable
from itertools import islice

_MOST_ENDS = 20  # lines that may close one block that are looked at
_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL)
_OPEN_THOUGHT = re.compile(r"<(?:think|thinking|thought|reasoning)>")
_CLOSED_THOUGHT = re.compile(r".*</(?:think|thinking|thought|reasoning)>", re.DOTALL)
_TURN = re.compile(
    r"<\|(?:im_end|im_start|endoftext|eot_id|end|user|assistant)\|>|<(?:eos|end_of_turn)>|</s>[ \t]*$|^[ \t]*\[DONE\]",
    re.MULTILINE,
)
_OWN_TURN = re.compile(r"\s*(?:<\|im_start\|>\s*assistant|<\|assistant\|>|<s>)[ \t]*\n?")
_MARK = re.compile(r"^[ \t]*(?:\[/?(?:PYTHON|CODE|BEGIN)\]|</?(?:code|python)>)[ \t]*$", re.MULTILINE)
_OPENING = re.compile(r"(?:^|[\s:>*-])(`{3,}|~{3,})[ \t]*(?:[\w+#.-]+)?(?:[ \t{][^`~]*)?$")


def said(text: str) -> str:
    """Return what an answer says to us: without thoughts and invented turns, and with plain line breaks."""
    text = text.replace("\r\n", "\n")
    text = _CLOSED_THOUGHT.sub("", _THOUGHT.sub("", text))  # a tag that opened in the prompt is closed here
    thought = _OPEN_THOUGHT.search(text)
    text = text[: thought.start()] if thought else text
    begun = _OWN_TURN.match(text)
    text = text[begun.end() :] if begun else text
    turn = _TURN.search(text)
    return _MARK.sub("```", text[: turn.start()] if turn else text)


def first_fence(text: str) -> int:
    """Return where the first line begins that opens or closes a block; the length of the text if none does."""
    found = re.search(r"^[ \t]*(?:`{3,}|~{3,})", text, re.MULTILINE)
    return found.start() if found else len(text)


def blocks(text: str, is_whole: Callable[[str], bool]) -> list[str]:
    """Return the code blocks of an answer, in order; one that is never closed reaches to the end.

    Args:
        text: Markdown; a block may stand indented in a list, and loses that indentation.
        is_whole: whether a block is complete code. A fence inside a docstring does not close a block: of the lines that
            may close it, the first counts that makes it whole, else the first.
    """
    lines = text.split("\n")
    found: list[str] = []
    at = 0
    while at < len(lines):
        opening = _OPENING.search(lines[at])
        at += 1
        if opening:
            block, at = _block(lines, at, opening[1], is_whole)
            found.append(block)
    return found


def _block(lines: list[str], start: int, fence: str, is_whole: Callable[[str], bool]) -> tuple[str, int]:
    """Return the block that begins at line `start`, and the line after its end."""
    ends = list(islice((n for n in range(start, len(lines)) if _closes(lines[n], fence)), _MOST_ENDS))
    choices = [(_text(lines, start, end, fence), end) for end in ends]
    if not choices:
        return _text(lines, start, len(lines), fence), len(lines)
    block, end = next((choice for choice in choices if choice[0].strip() and is_whole(choice[0])), choices[0])
    reopened = lines[end].strip().strip("`~") and not lines[end].rstrip().endswith(fence)
    return block, end if reopened else end + 1


def _closes(line: str, fence: str) -> bool:
    """Whether a line ends a block: a fence alone, at the end of code, or with a language, which opens the next."""
    line = line.strip()
    return line.startswith(fence) or line.endswith(fence)


def _text(lines: list[str], start: int, end: int, fence: str) -> str:
    block = lines[start:end]
    if end < len(lines) and not lines[end].strip().startswith(fence):
        block.append(lines[end].rstrip().removesuffix(fence))
    text = "\n".join(block) + "\n" if block else ""
    first = next((line for line in block if line.strip()), "")
    return textwrap.dedent(text) if first[:1] in (" ", "\t") else text
