r"""Answer text in, tree out.

    answer   = relation (("," | ";" | "and" | "or") relation)*
    relation = side (("=" | "<" | "<=" | ... | "in") side)*
    side     = quantity ("cup" quantity)*
    quantity = sum scale* unit?                              5 million dollars
    brackets = "(" answer ")" | "[" answer ")" | "\{" answer "\}" | ...

What is not in the grammar becomes `Prose` (words), `Latex` (left to the symbolic worker) or `Unread` (a kind of answer
that is recognised and not compared yet: matrices, number bases, ratios and times, set-builder notation).
"""

from fractions import Fraction

from math_qwen.answers.cursor import NotYet, Unreadable
from math_qwen.answers.expression import ExpressionReader
from math_qwen.answers.tokens import Token
from math_qwen.answers.tree import KINDS, Apply, Items, Latex, Name, Node, Number, Prose, Quantity, Relation, Unread
from math_qwen.answers.units import SCALES, canonical_unit

MAX_WORKER_TOKENS = 200

_RELATIONS = ("=", "<", "<=", ">", ">=", "!=", "~", "in")
_CLOSING = {"(": (")", "]"), "[": (")", "]"), r"\{": (r"\}",), "{": ("}",)}
_WORKER_COMMANDS = frozenset({"int", "sum", "prod", "lim", "to", "Gamma", "gcd", "bmod"})


def read_answer(text: str, tokens: tuple[Token, ...], *, bracketed_mixed: bool = False) -> Node:
    """Return the tree of an answer; what the grammar does not know comes back as Prose, Latex or Unread.

    Args:
        text: the answer as it was extracted.
        tokens: its tokens.
        bracketed_mixed: read 1(1/2) as a mixed number.

    Raises:
        OverLimit: the answer is nested too deep, has too many parts, or a number too long.
    """
    try:
        return _AnswerReader(tokens, bracketed_mixed=bracketed_mixed).read()
    except Unreadable:
        return Prose(" ".join(token.text for token in tokens))
    except NotYet as kind:
        return Latex(text) if _worker_reads(tokens) else Unread(str(kind), text)


def _worker_reads(tokens: tuple[Token, ...]) -> bool:
    """Tell whether this is one plain expression with no sign of our grammar's structures outside braces."""
    depth = 0
    if not any(token.kind == "command" for token in tokens):
        return False
    for token in tokens:
        if token.kind == "word" or (token.kind == "command" and token.text not in _WORKER_COMMANDS):
            return False
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.text in (*_RELATIONS, ",", ";", "and", "or", "cup", "±", "∓", "...", "%", "°"):
            return False
    return len(tokens) <= MAX_WORKER_TOKENS


class _AnswerReader(ExpressionReader):
    """Reads a whole answer."""

    def read(self) -> Node:
        node = self._answer()
        rest = self.peek()
        if rest.kind == "command":
            raise NotYet("\\" + rest.text)
        if rest.text == ":" and isinstance(node, (Number, Quantity)):
            raise NotYet("ratio or time")
        if rest.kind != "end":
            raise Unreadable(f"{rest.text!r} is left over")
        return node

    def group(self, opening: str) -> Node:
        if opening not in _CLOSING:
            raise Unreadable(f"{opening!r} starts no expression")
        if opening == r"\{" and self.accept(r"\}"):
            return Items("{}", ())
        bars, self._bars = self._bars, 1 if opening == r"\{" else 0
        inner = self._answer()
        self._bars = bars
        if opening == r"\{" and self.peek().text in ("|", ":"):
            raise NotYet("set-builder notation")
        closing = self.accept(*_CLOSING[opening])
        if not closing:
            raise Unreadable(f"{opening} is not closed")
        return _bracketed_items(opening, inner, closing)

    def _answer(self) -> Node:
        parts = [self._relation()]
        kind = "list"
        while separators := self._separators():
            if "or" in separators:
                kind = "or"
            parts.append(self._relation())
        return parts[0] if len(parts) == 1 else Items(kind, tuple(parts))

    def _separators(self) -> list[str]:
        """Take one separator, or a comma with the word that follows it."""
        first = self.accept(",", ";", "and", "or")
        second = self.accept("and", "or") if first in (",", ";") else ""
        return [separator for separator in (first, second) if separator]

    def _relation(self) -> Node:
        self.accept("=", "~")
        sides, ops = [self._side()], []
        while op := self.accept(*_RELATIONS):
            ops.append(op)
            sides.append(self._side())
        return Relation(tuple(ops), tuple(sides)) if ops else sides[0]

    def _side(self) -> Node:
        label = self._label()
        if label:
            return label
        parts = [self._quantity()]
        while self.accept("cup"):
            parts.append(self._quantity())
        return parts[0] if len(parts) == 1 else Items("cup", tuple(parts))

    def _label(self) -> Name | None:
        """Take the left side of `f(x) =` or `Area =`, which names the answer."""
        first, *rest = (self.peek(ahead) for ahead in range(5))
        if first.kind == "word" and rest[0].text == "=":
            self.skip(1)
            return Name(first.text)
        if first.kind == "name" and [rest[0].text, *(t.text for t in rest[2:])] == ["(", ")", "="]:
            self.skip(4)
            return Name(f"{first.text}({rest[1].text})")
        return None

    def _quantity(self) -> Node:
        outer, self._currency = self._currency, ""
        value = self.sum()
        while self.peek().kind == "word" and self.peek().text in SCALES:
            value = self._apply("*", value, Number(Fraction(SCALES[self.next().text])))
        currency, self._currency = self._currency, outer
        words = self._unit_words()
        degrees = _degrees(value)
        if degrees:
            value, words = degrees, ["degree", *words]
        if currency and (not words or canonical_unit(words[:1]) != canonical_unit(currency)):
            words = [currency, *words]
        if not words:
            return value
        unit = canonical_unit(words)
        if unit is None:
            raise Unreadable("words that are no unit")
        return Quantity(value, unit)

    def _unit_words(self) -> list[str]:
        words: list[str] = []
        while True:
            token, after = self.peek(), self.peek(1)
            if token.kind == "word" or (token.text == "/" and after.kind == "word"):
                words.append(self.next().text)
            elif words and token.text == "^" and after.kind == "number":
                self.skip(2)
                words.append("^" + after.text)
            elif words and token.text == "^" and after.text == "{" and self.peek(3).text == "}":
                words.append("^" + self.peek(2).text)
                self.skip(4)
            elif words and token.text == ".":
                self.skip(1)
            else:
                return words


def _degrees(value: Node) -> Node | None:
    """Return the number of degrees where the whole value is in degrees, as in -5°."""
    match value:
        case Apply("degree", (number,)):
            return number
        case Apply("neg", (Apply("degree", (Number(x, step),)),)):
            return Number(-x, step)
    return None


def _bracketed_items(opening: str, inner: Node, closing: str) -> Node:
    """Return what brackets make of their content: a set, a tuple, an interval, or just parentheses."""
    kind = opening.removeprefix("\\") + closing.removeprefix("\\")
    items = inner.items if isinstance(inner, Items) and inner.kind == "list" else (inner,)
    if len(items) == 1 and (opening == "{" or kind in ("()", "[]")):
        return inner
    if kind in ("(]", "[)") and len(items) != 2:
        raise Unreadable("an interval has two ends")
    assert kind in KINDS, kind
    return Items(kind, items)
