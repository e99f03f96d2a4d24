r"""Answer text in, tokens in one spelling out.

LaTeX and Unicode have many spellings for one sign: `\dfrac`, `\tfrac` and `\frac`, `\times` and ×, ％ and `\%`. Here
they become one, and what only shapes the page (`\left`, `\,`, `$`) disappears, so that two answers with the same tokens
are the same answer. Words are told from products of letters: `\text{even}` and `even` are a word, `xy` is x times y.
Scanning is linear in the length of the text.
"""

import re
from typing import NamedTuple

from math_qwen.answers.spellings import (
    BRACKETS,
    CHARACTERS,
    ESCAPED,
    FUNCTION_SPELLINGS,
    FUNCTIONS,
    GREEK,
    IGNORED,
    NAME_SPELLINGS,
    OF_MANY,
    SIGN_SPELLINGS,
    TEXT_COMMANDS,
    TEXT_SWITCHES,
    WORD_SIGNS,
    WORDS,
)


class Token(NamedTuple):
    """One number, name, word, function, command or sign, as `kind` says; `after_gap` if space stood before it."""

    kind: str
    text: str
    after_gap: bool = False


# (?<!\d) keeps each search linear: a run of digits is tried once, from its start.
_SQUARE_METRES = re.compile(r"(?<=[\d\s])m([²³])")
_COLOUR = re.compile(r"\\(?:textcolor|color) ?\{[^{}]{0,20}\}")
_TIMES_TEN = re.compile(r"(?<=\d) ?[xX] ?(?=10\^)")
_CHINESE_FRACTIONS = (
    (re.compile(r"(?<!\d)(\d+)又(\d+)分之(\d+)"), r"\1 \3/\2"),
    (re.compile(r"(?<!\d)(\d+)又(?=\d+/)"), r"\1 "),
    (re.compile(r"百分之(\d+(?:\.\d+)?)"), r"\1%"),
    (re.compile(r"(?<!\d)(\d+)分之(\d+)"), r"\2/\1"),
)

_THIN = r"(?:\s?\{\s?,\s?\}\s?|(?:,\s?)?\\!\s*|\\[,; ]|~)"  # separators that can only mean thousands between digits
_SPACED = r"(?P<spaced>(?<![\d.,^_])[1-9]\d{0,2}(?: \d{3})+(?:\.\d+)?(?![\d/]| [\d/]))"
_EUROPEAN = r"(?P<european>[1-9]\d{0,2}(?:\.\d{3})+,\d+(?![\d.,]))"
_GROUPED = r"(?P<grouped>(?<!\d,)[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?!\d)(?!,\d))"
_SCIENTIFIC = r"(?:[eE][+-]?\d+(?!\w|\.\d))?"
_REST = (
    rf"{_SPACED}|(?P<thin>\d{{1,3}}(?:{_THIN}\d{{3}})+(?:\.\d+)?(?!\d))"
    rf"|(?P<number>(?:\d+(?:\.\d+|\.(?=\(|\\overline|\\dot))?|\.\d+){_SCIENTIFIC})"
    r"|(?P<gap>\s+|~|\\[,;:!> ]|\\(?:left|right)\s*\.)"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|(?P<escaped>\\.)"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<han>[\u4e00-\u9fff]+)"
    r"|(?P<sign>\*\*|\.\.\.|<=|>=|!=|.)"
)
_HAN_PIECES = re.compile("或者|[或和与]|^[万亿]|(?:(?!或者|[或和与]).)+")
_INSIDE_BRACKETS = re.compile(_REST, re.DOTALL)
_OUTSIDE = re.compile(f"{_EUROPEAN}|{_GROUPED}|{_REST}", re.DOTALL)  # a comma between digits may mean thousands


def tokenize(text: str) -> tuple[Token, ...]:
    """Return the tokens of an answer; never fails, unknown signs become tokens too.

    Args:
        text: an answer in LaTeX, plain text or Chinese, as it was extracted.

    Returns:
        The tokens without math delimiters, spacing commands and a closing full stop or comma.
    """
    scanner = _Scanner(_one_alphabet(text))
    tokens = scanner.scan()
    while tokens and tokens[-1].text in (".", ",", ";"):
        tokens.pop()
    return tuple(tokens)


def _one_alphabet(text: str) -> str:
    text = _SQUARE_METRES.sub(r"\\text{m}\1", text).translate(CHARACTERS)
    text = _COLOUR.sub("", text)
    text = _TIMES_TEN.sub(r"\\times ", text)
    text = text.replace(r"\left<", r"\langle ").replace(r"\right>", r"\rangle ")
    if text[:1] == "<" and text[-1:] == ">":
        text = rf"\langle {text[1:-1]}\rangle "
    if "分之" in text or "又" in text:
        for pattern, replacement in _CHINESE_FRACTIONS:
            text = pattern.sub(replacement, text)
    return _without_dollar_delimiters(text)


def _without_dollar_delimiters(text: str) -> str:
    """Drop `$` that open and close mathematics; a `$` without a partner is the currency."""
    text = text.replace("\0", " ").replace(r"\$", "\0")
    if text.count("$") % 2:
        text = text.replace("$", "\0", 1)
    return text.replace("$", " ").replace("\0", "$")


class _Scanner:
    """Walks over the text once, remembering open brackets and whether the braces around it hold words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[Token] = []
        self._end = 0  # of what is being taken
        self._gap = False
        self._brackets = 0
        self._braces: list[tuple[bool, bool]] = []  # for each open brace: words outside it? was it a token?
        self._words = False  # are we inside \text{...}?
        self._text_command = False  # was the last token \text?

    def scan(self) -> list[Token]:
        position = 0
        while position < len(self._text):
            pattern = _INSIDE_BRACKETS if self._brackets else _OUTSIDE
            match = pattern.match(self._text, position)
            assert match is not None, "the last alternative takes any character"
            kind = str(match.lastgroup)
            self._end = match.end()
            if kind != "gap":
                self._take(kind, match[kind])
            self._gap = kind == "gap"
            position = self._end
        return self._tokens

    def _take(self, kind: str, text: str) -> None:
        match kind:
            case "european":
                self._add("number", text.replace(".", "").replace(",", "."))
            case "thin":
                self._add("number", re.sub(_THIN, "", text))
            case "spaced":
                self._add("number", text.replace(" ", ""))
            case "number" | "grouped":
                self._add("number", text)
            case "command":
                self._command(text)
            case "word":
                self._word(text)
            case "han":
                self._han(text)
            case _:
                self._sign(text)

    def _add(self, kind: str, text: str) -> None:
        self._tokens.append(Token(kind, text, self._gap))

    def _command(self, name: str) -> None:
        if name in TEXT_COMMANDS:
            self._text_command = True
        elif name in TEXT_SWITCHES:
            self._switch_to_words()
        elif name in IGNORED:
            return
        elif name in SIGN_SPELLINGS:
            self._sign(SIGN_SPELLINGS[name])
        elif name in NAME_SPELLINGS or name in GREEK:
            self._add("name", NAME_SPELLINGS.get(name, name))
        elif (function := FUNCTION_SPELLINGS.get(name, name)) in FUNCTIONS:
            self._add("function", function)
        else:
            self._add("command", name)

    def _word(self, word: str) -> None:
        folded = word.casefold()
        function = FUNCTION_SPELLINGS.get(folded, folded)
        if function in OF_MANY and not self._opens_arguments():
            function = ""
        if len(word) == 1:
            self._add("word" if self._words and word not in ("e", "i") else "name", word)
        elif folded in WORD_SIGNS:
            self._add("sign", WORD_SIGNS[folded])
        elif folded == "sec" and self._tokens and self._tokens[-1].kind == "number":
            self._add("word", word)
        elif function in FUNCTIONS:
            self._add("function", function)
        elif folded in NAME_SPELLINGS:
            self._add("name", NAME_SPELLINGS[folded])
        elif self._words or len(word) > 3 or not WORDS.isdisjoint((word, folded)):
            self._add("word", word)
        else:
            for letter in word:
                self._add("name", letter)

    def _opens_arguments(self) -> bool:
        """Tell whether a bracket follows the word: `min(3, 4)` is a function, 30 min are minutes."""
        return self._text[self._end : self._end + 3].lstrip("} ").startswith("(")

    def _han(self, text: str) -> None:
        for piece in _HAN_PIECES.findall(text):
            sign = WORD_SIGNS.get(piece)
            self._add("sign" if sign else "word", sign or piece)

    def _sign(self, text: str) -> None:
        text = ESCAPED.get(text, text)
        if text == "{":
            self._open_brace()
        elif text == "}":
            self._close_brace()
        elif text == "°":
            self._degree()
        elif text:
            self._brackets = max(0, self._brackets + BRACKETS.get(text, 0))
            self._add("sign", text)

    def _open_brace(self) -> None:
        self._braces.append((self._words, not self._text_command))
        if self._text_command:
            self._words, self._text_command = True, False
        else:
            self._add("sign", "{")

    def _close_brace(self) -> None:
        self._words, is_token = self._braces.pop() if self._braces else (False, True)
        if is_token:
            self._add("sign", "}")

    def _switch_to_words(self) -> None:
        r"""Read the rest of this brace as words: `{\rm cm}`."""
        if self._braces and self._tokens and self._tokens[-1].text == "{":
            self._tokens.pop()
            self._braces[-1] = (self._words, False)
        self._words = True

    def _degree(self) -> None:
        """Add a degree sign, taking back the `^` or `^{` before it."""
        if [token.text for token in self._tokens[-2:]] == ["^", "{"]:
            del self._tokens[-2:]
            self._braces[-1] = (self._words, False)
        elif self._tokens and self._tokens[-1].text == "^":
            self._tokens.pop()
        self._add("sign", "°")
