r"""LaTeX text in, what stands in `\boxed{...}` out.

One pass over the text with a stack of open braces, so that a million nested boxes cost as much as a million letters.
"""

import re
from typing import NamedTuple


class Box(NamedTuple):
    r"""One `\boxed{content}`: where it starts and ends in the text, and what it holds."""

    start: int
    end: int
    content: str


_TOKENS = re.compile(r"\\(?P<box>(?:boxed|fbox)\s{0,3}\{)|\\(?P<bare>(?:boxed|fbox)\s{1,3})|\\.|[{}]", re.DOTALL)
_JOINTS = {
    "": ", ",
    ",": ", ",
    "and": ", ",
    ",and": ", ",
    "、": ", ",
    "和": ", ",
    "or": " or ",
    ",or": " or ",
    "或": " or ",
}
_MAX_BARE_CHARS = 500  # of a box without braces, which must end before each of a million looks for its end
_MAX_JOINT_CHARS = 40  # between two boxes that give one answer: $, \text{ and } $


def find_boxes(text: str) -> list[Box]:
    r"""Return the boxes of a text from left to right, without those inside another box, empty or never closed.

    `\boxed 2$` without braces holds what stands before the next `$` or the end of the line.
    """
    boxes: list[Box] = []
    braces: list[tuple[int, int] | None] = []  # start and inner start of an open box, None for a plain brace
    for match in _TOKENS.finditer(text):
        if match["box"]:
            braces.append((match.start(), match.end()))
        elif match["bare"]:
            end = _end_of_bare(text, match.end())
            boxes.append(Box(match.start(), end, text[match.end() : end]))
        elif match[0] == "{":
            braces.append(None)
        elif match[0] == "}" and braces and (opened := braces.pop()):
            start, inner = opened
            while boxes and boxes[-1].start > start:
                boxes.pop()
            boxes.append(Box(start, match.end(), text[inner : match.start()]))
    return [box for box in boxes if box.content.strip()]


def last_boxes(text: str) -> Box | None:
    r"""Return the last box; boxes that only "and", "or" or a comma joins to it are one answer with it.

    A box that repeats its neighbour counts once.
    """
    boxes = find_boxes(text)
    if not boxes:
        return None
    last = joined = boxes.pop()
    for box in reversed(boxes):
        joint = _joint(text, box.end, joined.start)
        if joint is None:
            break
        repeated = box.content.strip() == last.content.strip()
        content = joined.content if repeated else box.content.strip() + joint + joined.content.strip()
        joined, last = Box(box.start, joined.end, content), box
    return joined


def _end_of_bare(text: str, start: int) -> int:
    limit = min(start + _MAX_BARE_CHARS, len(text))
    ends = [end for end in (text.find("$", start, limit), text.find("\n", start, limit)) if end >= 0]
    return min(ends, default=limit)


def _joint(text: str, start: int, end: int) -> str | None:
    if end - start > _MAX_JOINT_CHARS:
        return None
    if text[start:end].isspace():  # only boxes that touch each other, or mathematics, are one answer
        return None
    between = re.sub(r"\\text|\\quad|[\s${}\\]", "", text[start:end])
    return _JOINTS.get(between)
