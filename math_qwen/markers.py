r"""A solution in, what stands behind its last answer marker out.

Markers are what people and models write at a final answer: `#### 5`, "the answer is 5", "Answer: 5", a heading "Final
Answer" with the answer below it, "A: 5" on a line of its own, "C is correct", <answer>, 答案是, 故选, 答：. What
follows may be a whole sentence, such as "Final answer: The largest n is 34."; then its one value is the answer. Boxes
are `math_qwen.answers.boxes`. All scans are linear in the length of the text.
"""

import re

from math_qwen.answers.units import CANONICAL, qualifies

MAX_ANSWER_CHARS = 5_000  # behind a marker
_MAX_SENTENCE_CHARS = 2_000  # in which braces are waited for
_MAX_MARKERS = 16  # at the end of a text that repeats an empty marker

# "####" ends GSM8K's solutions, "A:" the model solutions published with it (openai/grade-school-math), "# Answer" those
# of PRM800K, "the final answer is" Minerva's (arXiv 2206.14858, appendix D), "Answer D" the rationales of AQuA, 答案是
# and 答： Chinese ones. "We may check our answer:" is no marker.
_IS = r"(?:is|are|was|were|equals|(?:should|would|will|must)\s{1,3}be)"
_MARKER = re.compile(
    r"(?P<heading>(?im:^[#*_> ]{0,12}(?:the\s)?(?:final\s|correct\s)?answers?[#*_ ]{0,6}[:：]?[*_ ]{0,6}$))"
    r"|(?P<hashes>####)"
    rf"|(?i:\banswers?(?:\s{{1,3}}(?:to|for|of|in)\b[^.\n:：=]{{1,80}}?)?\s{{1,3}}{_IS}\b"
    r"(?:\s{1,3}(?:therefore|thus|then|simply|just|hence|indeed))?)\*{0,2}(?!')"
    r"|(?i:\b(?:correct|right|best)\s{1,3}(?:option|choice)\s{1,3}(?:is|are)\b)"
    r"|(?:\bA(?:nswers?|NSWERS?|ns)|(?i:\b(?:the|final|correct)\s{1,3}(?:answers?|result)))\*{0,2}\s{0,3}[:：=]"
    r"|(?im:^[*_ ]{0,6}answers?\*{0,2}\s{0,3}[:：=])"
    r"|(?P<line>(?m:^\s{0,3}A\s?[:：]))(?![^\n]*\n\s{0,3}\(?B\s?[:：.)])"  # not the first of several choices
    r"|(?i:\b(?:answer|ans|option|choice))\s?[-–.:]?\s{0,2}\(?(?P<choice>[A-H])\b\)?(?=[.)\s]*(?:$|\n)|\s{1,2}is\b)"
    r"|\(?\b(?P<subject>[A-H])\)?\s{1,3}is\s{1,3}(?:the\s{1,3})?(?:(?:correct|right)\s{1,3})?(?:answer|option|choice)\b"
    r"|\n\s{0,3}\(?(?P<alone>[A-H])[.)]{0,2}\s*\Z"
    r"|<answer>"
    r"|【答案】|(?:正确|答案)选项[是为]\s?[:：]?|答案\s?(?:应该|应)?(?:[是为]\s?[:：]?|[:：])|(?:所以|因此)答案(?!\s?[应是为:：])"
    r"|(?:故|应|所以|因此)选(?:择|项)?\s?[:：]?|选(?:项|择)?\s?[:：]?\s?(?=[(（]?[A-H][)）]?(?:[\s.。．,，]|$))"
    r"|(?P<sentence>(?<![回解作])答\s?[:：]|综上所述\s?[,，:：]?)"
)
_SENTENCE_END = re.compile(
    r"\.(?=\s|$|[A-Z][a-z])|(?<=\w)!(?=\s*$|\s+[A-Z])|[。！]|．(?!\d)|\n|<\||</"
    r"|(?:,|，)?\s(?:because|since|which|so|as|where|assuming)\b|，?因为"
)
_AROUND = ' \t\r*`.,;:：。．，；"“”'
_DISPLAYS = {r"\[": r"\]", "$$": "$$"}
_BOLD = re.compile(r"(?<=\S)\*\*(?=[\s.,;:!?)]|$)|(?:(?<=\s)|^)\*\*(?=\S)")  # but not the power 2**10

_NUMERAL = "零〇一二两三四五六七八九十百千万亿"
_LITERAL = (
    r"(?:(?<![\d.])\d+ ?\\[dt]?frac\{\d+\}\{\d+\}|(?<![\d./])\d+ \d+/\d+"
    r"|\\[dt]?frac\{-?\d+\}\{\d+\}"
    r"|(?<!\d)(?:\d+又)?\d+分之\d+"
    r"|(?<!\d)\d+又\d+/\d+"
    r"|百分之\d+(?:\.\d+)?"
    r"|(?<!\d)\d+\(\d+/\d+\)"
    r"|(?:(?<![A-Za-z0-9)\]}])[-−])?(?:\d[\d,]*\d|\d)(?:\.\d+)?(?:/\d+)?(?:%|\s?[万亿])?)"
)
_NUMBER = re.compile(_LITERAL)
_HALF_WIDTH = str.maketrans("０１２３４５６７８９．％／（）－", "0123456789.%/()-")
_SPOKEN = re.compile(
    rf"百分之[{_NUMERAL}]+|(?:[{_NUMERAL}]+又)?[{_NUMERAL}]+分之[{_NUMERAL}]+|[{_NUMERAL}]+(?:点[{_NUMERAL}]+)?"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")

_VALUE = r"(?=[-+−]?[\d$\\(\[{|¥€£.])"
_STARTS_VALUE = re.compile(rf"{_VALUE}|[A-Za-z]\w{{0,3}}(?:\([a-z]\))?\s?=|\(?[A-Z]\)?(?:$|[.:)])")
_VERB = re.compile(rf"\s(?:is|are|was|were|equals|has|have|had|be|by)\s(?:(?:equal\s)?to\s)?{_VALUE}")
_NEGATION = re.compile(r"\b(?:not|cannot|never|no|nor|neither)\b|n't\b")
_FIRST_VALUE = re.compile(r"[-+−]?[\d$\\¥€£]")
_LEAD_IN = re.compile(
    r"(?:(?:that|option|choice|therefore|simply|exactly|only|just|precisely|a total of)\s,?\s?|选项\s?)(?=.)",
    re.IGNORECASE,
)
_OPTION = re.compile(r"\(?(?i:option|choice|选项)\s?\(?([A-H])\)?")
_MIN_WORDS = 3  # before the one number of a sentence without "is"

# A reply that is nothing but a value: a number with a unit of at most two words, x = 5, mathematics, a choice.
_BARE = re.compile(
    rf"(?:[A-Za-z]\s?=\s?)?[-+−]?\\?[$¥€£]?\s?{_LITERAL}(?:\s[A-Za-z]{{2,20}}){{0,2}}\.?"
    r"|\$[^$]{1,300}\$\.?|\$\$[^$]{1,300}\$\$|\\\([^\n]{1,300}\\\)\.?|\\\[[^\[\]]{1,300}\\\]|\(?[A-H]\)?\.?",
)
_MAX_BARE_CHARS = 310


def marked(text: str, start: int = 0) -> str | None:
    """Return the answer behind the last marker that anything follows, None where there is none.

    Args:
        text: a solution without its thoughts.
        start: of a text with a box, where the box ends. What then counts is a value: "so our answer is correct" ends
            three of MATH's 5,000 test solutions.
    """
    for marker in reversed(list(_MARKER.finditer(text, start))[-_MAX_MARKERS:]):
        answer = _after(marker, text[marker.end() : marker.end() + MAX_ANSWER_CHARS])
        if answer and (not start or _STARTS_VALUE.match(answer)):
            return answer
    return None


def bare(text: str) -> str | None:
    """Return a text that is nothing but one value, None for any other text."""
    text = _BOLD.sub("", text).strip() if len(text) <= _MAX_BARE_CHARS else ""
    return text if _BARE.fullmatch(text) else None


def last_number(text: str) -> str | None:
    """Return the last number written in digits, with its fraction, percent sign or 万; None where there is none."""
    numbers: list[str] = _NUMBER.findall(text.translate(_HALF_WIDTH))
    return numbers[-1] if numbers else None


def _after(marker: re.Match[str], text: str) -> str:
    """Return the answer at the start of `text`, which follows the marker; "" where there is none."""
    if letter := marker["choice"] or marker["subject"] or marker["alone"]:
        return letter
    text = text.lstrip(" \t\r\n*_:：=>")
    for opening, closing in _DISPLAYS.items():
        if text.startswith(opening) and (end := text.find(closing, len(opening))) > 0:
            return text[len(opening) : end].strip()
    if (following := _MARKER.match(text)) and not following["line"]:
        return ""
    if marker["hashes"]:
        return _value(_plain(text.split("\n", 1)[0]))
    content = _plain(_first_sentence(text))
    return (_spoken_value(content) or content) if marker["sentence"] else _value(content)


def _first_sentence(text: str) -> str:
    r"""Return the text up to the end of its first sentence; what stands in braces or `\begin...\end` ends none."""
    open_braces = position = 0
    for end in _SENTENCE_END.finditer(text):
        open_braces += text.count("{", position, end.start()) - text.count("}", position, end.start())
        position = end.start()
        begun = text.rfind(r"\begin{", 0, position)
        if open_braces <= 0 and (begun < 0 or text.find(r"\end{", begun, position) > 0):
            return text[:position]
        if position > _MAX_SENTENCE_CHARS:
            break
    open_braces += text.count("{", position) - text.count("}", position)
    return _SENTENCE_END.split(text, 1)[0] if open_braces > 0 else text


def _plain(text: str) -> str:
    text = text.rstrip(_AROUND).lstrip(_AROUND.replace(".", ""))
    return _BOLD.sub("", text[1:] if text[:1] == "." and not text[1:2].isdigit() else text).strip(" *")


def _value(content: str) -> str:
    """Return the one value of a sentence; what is no sentence, or has no value or several, as it is."""
    if letter := _OPTION.fullmatch(content):
        return letter[1]
    content = _LEAD_IN.sub("", content, count=1) if _LEAD_IN.match(content) else content
    if _STARTS_VALUE.match(content) or not (first := _FIRST_VALUE.search(content)):
        return content
    if _HAN.search(content):
        return content if _qualified(content) else _spoken_value(content) or content
    verbs = list(_VERB.finditer(content))
    if len(verbs) == 1 and not _NEGATION.search(content):
        return content[verbs[0].end() :].strip()
    words = re.findall(r"[A-Za-z']{2,}", content)
    several = (
        len(_NUMBER.findall(content)) > 1 or len(re.findall(r"[A-Za-z']{2,}", content[: first.start()])) < _MIN_WORDS
    )
    return content if verbs or several or _qualified(content) or "or" in words else content[first.start() :]


def _qualified(content: str) -> bool:
    return any(qualifies(word) for word in re.findall(r"[A-Za-z]+|[\u4e00-\u9fff]+", content))


def _spoken_value(sentence: str) -> str | None:
    """Return the last number of a Chinese sentence: in digits, else a numeral that a unit or nothing follows."""
    if number := last_number(sentence):
        return number
    for found in reversed(list(_SPOKEN.finditer(sentence))):
        unit = sentence[found.end() :].strip(_AROUND)
        if unit in ("", "个") or any(unit.startswith(word) for word in CANONICAL):
            return found[0]
    return None
