r"""Answer text in, tree out.

    answer   = relation (("," | ";" | "and" | "or") relation)*
    relation = side (("=" | "<" | "<=" | ... | "in") side)*
               modulus?                                  x = 3 (mod 7)
    side     = quantity ((":" quantity)* | (("cup" | "cap" | "setminus" | "-") quantity)*)
    quantity = sum scale* unit? (sum unit)*                  5 million dollars, 9 (apples), 1 hour 30 minutes
    brackets = "(" answer ")" | "[" answer ")" | "\{" answer "\}" | "\{" name "|" answer "\}" | ...

Times, dates and a few phrases for sets are read as a whole. What is not in the grammar becomes `Prose` (words), `Latex`
(left to the symbolic worker) or `Unread` (recognised and not compared).
"""

from fractions import Fraction

from math_qwen.answers.cursor import NotYet, Unreadable
from math_qwen.answers.expression import ExpressionReader
from math_qwen.answers.forms import listed_values
from math_qwen.answers.moments import read_moment
from math_qwen.answers.tokens import Token
from math_qwen.answers.tree import (
    KINDS,
    REALS,
    Apply,
    Congruence,
    Expression,
    Items,
    Latex,
    Matrix,
    Name,
    Node,
    Number,
    Prose,
    Quantity,
    Ratio,
    Relation,
    Unread,
    names,
)
from math_qwen.answers.units import CANONICAL, CURRENCY_SIGNS, SCALES, canonical_unit, in_base_units

MAX_WORKER_TOKENS = 200

_RELATIONS = ("=", "<", "<=", ">", ">=", "!=", "~", "in", "≡")
_CLOSING = {"(": (")", "]"), "[": (")", "]"), r"\{": (r"\}",), "{": ("}",), "⟨": ("⟩",)}
_PHRASES = {
    **dict.fromkeys(
        ("all real numbers", "all reals", "all real x", "any real number", "the real numbers", "全体实数"), REALS
    ),
    **dict.fromkeys(
        (
            *("no solution", "no solutions", "no real solution", "no real solutions", "there is no solution"),
            *("there are no solutions", "empty set", "the empty set", "无解"),
        ),
        Items("{}", ()),
    ),
}
_EXCEPT = ("all", "real", "numbers", "except")
_ALL_BUT = (Token("command", "mathbb"), Token("name", "R"), Token("sign", "setminus"), Token("sign", r"\{"))
_FUNCTION_MARKS = (["^", "{", "-", "1", "}"], ["'", "'"], ["'"])  # of an inverse or a derivative
_WORKER_COMMANDS = frozenset({"int", "sum", "prod", "lim", "to", "Gamma", "bmod"})


def read_answer(text: str, tokens: tuple[Token, ...], *, bracketed_mixed: bool = False) -> Node:
    """Return the tree of an answer; what the grammar does not know comes back as Prose, Latex or Unread.

    Args:
        text: the answer as it was extracted.
        tokens: its tokens.
        bracketed_mixed: read 1(1/2) as a mixed number.

    Raises:
        OverLimit: the answer is nested too deep, has too many parts, or a number too long.
    """
    if moment := read_moment(text):
        return moment
    if tuple(token.text.casefold() for token in tokens[: len(_EXCEPT)]) == _EXCEPT:
        tokens = (*_ALL_BUT, *tokens[len(_EXCEPT) :], Token("sign", r"\}"))
    try:
        return _AnswerReader(tokens, bracketed_mixed=bracketed_mixed).read()
    except Unreadable:
        words = " ".join(token.text for token in tokens)
        return _PHRASES.get(words.casefold()) or Prose(words)
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
        if rest.kind != "end":
            raise Unreadable(f"{rest.text!r} is left over")
        return node

    def group(self, opening: str) -> Node:
        if opening not in _CLOSING:
            raise Unreadable(f"{opening!r} starts no expression")
        if opening == r"\{" and self.accept(r"\}"):
            return Items("{}", ())
        if opening == r"\{" and self.peek().text == "begin" and (system := self.system()):
            return system
        bars, self._bars = self._bars, 1 if opening == r"\{" else 0
        inner = self._answer()
        self._bars = bars
        if opening == r"\{" and self.accept("|", ":"):
            return self._set_builder(inner)
        closing = self.accept(*_CLOSING[opening])
        if not closing:
            raise Unreadable(f"{opening} is not closed")
        return _bracketed_items(opening, inner, closing)

    def cell(self) -> Node:
        return self._relation()

    def _set_builder(self, element: Node) -> Node:
        r"""Read the condition of `\{x | x > 0\}` and return it: the set is what satisfies it."""
        variable = element.sides[0] if isinstance(element, Relation) and element.ops == ("in",) else element
        bars, self._bars = self._bars, 0
        condition = self._answer()
        self._bars = bars
        self.expect(r"\}")
        parts = condition.items if isinstance(condition, Items) and condition.kind in ("or", "list") else (condition,)
        if values := listed_values(variable, parts):
            return values
        if not (isinstance(variable, Name) and all(isinstance(part, Relation) for part in parts)):
            raise NotYet("set-builder notation")
        if any(names(side) - {variable.text} for part in parts if isinstance(part, Relation) for side in part.sides):
            raise NotYet("set-builder notation")
        return condition

    def _answer(self) -> Node:
        parts = [self._relation()]
        kind, joints = "list", list[str]()
        while (separators := self._separators()) or self._domain_follows():
            joints += separators
            if not separators:
                parts.append(self._bracketed(self.next().text))
                continue
            if "or" in separators:
                kind = "or"
            parts.append(self._relation())
        if len(parts) == 2 and joints == ["and"] and (whole := _together(*parts)):
            return whole
        return parts[0] if len(parts) == 1 else Items(kind, tuple(parts))

    def _domain_follows(self) -> bool:
        r"""Tell whether a bracket such as `(k \in \mathbb{Z})` comes next."""
        return self.peek().text == "(" and self.peek(2).text == "in"

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
        if modulus := self._modulus():
            return _congruence(ops, sides[-1], modulus)
        if "≡" in ops:
            raise NotYet("a congruence without a modulus")
        return Relation(tuple(ops), tuple(sides)) if ops else sides[0]

    def _modulus(self) -> Node | None:
        r"""Take `\pmod{7}`, `(mod 7)` or `mod 7`; None where something else follows."""
        bracket = "(" if self.peek().text == "(" and self.peek(1).text == "mod" else ""
        word = self.peek(len(bracket))
        if word.text not in ("mod", "pmod", "pod") or word.kind not in ("word", "command"):
            return None
        self.skip(1 + len(bracket))
        modulus = self.sum()
        if bracket:
            self.expect(")")
        return modulus

    def _side(self) -> Node:
        label = self._label()
        if label:
            return label
        node = self._quantity()
        while operation := self.accept("cup", "cap", "setminus") or (self.accept("-") and "setminus"):
            node = Items(operation, (node, self._quantity()))  # \mathbb{R} - \{0\} leaves its minus here
        return self._ratio(node)

    def _ratio(self, first: Node) -> Node:
        """Return the ratio that begins with `first`, or `first` where none does; a ratio has no variables."""
        parts: list[Expression] = []
        while self.peek().text == ":" and isinstance(first, Expression) and not names(first):
            self.next()
            part = self._quantity()
            if not isinstance(part, Expression) or names(part):
                raise Unreadable("a ratio has numbers as parts")
            parts.append(part)
        return Ratio((first, *parts)) if parts and isinstance(first, Expression) else first

    def _label(self) -> Name | None:
        """Take the left side of `f(x) =` or `Area =`, which names the answer."""
        first, second = self.peek(), self.peek(1)
        if first.kind == "word" and second.text == "=":
            self.skip(1)
            return Name(first.text)
        if first.kind != "name":
            return None
        mark = next((mark for mark in _FUNCTION_MARKS if self._texts(1, len(mark)) == mark), [])
        argument = len(mark) + 2
        if [self.peek(argument - 1).text, *self._texts(argument + 1, 2)] != ["(", ")", "="]:
            return None
        name = "".join(self._texts(0, argument - 1))
        self.skip(argument + 2)
        return Name(f"{name}({self.peek(-2).text})")

    def _texts(self, ahead: int, count: int) -> list[str]:
        return [self.peek(place).text for place in range(ahead, ahead + count)]

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
        return self._with_smaller_units(Quantity(value, unit))

    def _with_smaller_units(self, first: Quantity) -> Quantity:
        """Read the rest of `1 hour 30 minutes` and return all of it in the first unit."""
        if self.peek().kind != "number":
            return first
        self.enter()
        whole = _together(first, self._quantity())
        self.leave()
        if whole is None:
            raise Unreadable("two quantities side by side")
        return whole

    def _unit_words(self) -> list[str]:
        words: list[str] = []
        while True:
            token, after = self.peek(), self.peek(1)
            currency = token.text in CURRENCY_SIGNS and not words
            if (
                currency
                or (token.kind == "word" and token.text != "mod")
                or (token.text == "/" and after.kind == "word")
            ):
                words.append(self.next().text)
            elif words and token.text == "/" and after.kind == "name" and after.text in CANONICAL:
                words += [self.next().text, self.next().text]  # km/h
            elif token.text == "(" and after.kind == "word" and after.text != "mod" and not words:
                self.skip(1)
                words = self._unit_words()
                self.expect(")")
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


def _together(first: Node, rest: Node) -> Quantity | None:
    """Return 1 hour and 30 minutes as 1.5 hours; None where the second unit is no smaller one of the same kind."""
    if not (isinstance(first, Quantity) and isinstance(rest, Quantity)):
        return None
    larger, smaller = in_base_units(first.unit), in_base_units(rest.unit)
    if not (larger and smaller and larger.unit == smaller.unit and larger.amount > smaller.amount):
        return None
    if not (isinstance(first.value, Expression) and isinstance(rest.value, Expression)):
        return None
    part = Apply("*", (Number(smaller.amount / larger.amount), rest.value))
    return Quantity(Apply("+", (first.value, part)), first.unit, mixed=True)


def _congruence(ops: list[str], value: Node, modulus: Node) -> Congruence:
    if not ({"=", "≡"}.issuperset(ops) and isinstance(value, Expression) and isinstance(modulus, Expression)):
        raise Unreadable("a remainder is a number")
    return Congruence(value, modulus)


def _rows_of_lists(items: tuple[Node, ...]) -> tuple[tuple[Node, ...], ...]:
    """Return the rows of [[1, 2], [3, 4]]; none where the items are no equally long lists."""
    rows = tuple(item.items for item in items if isinstance(item, Items) and item.kind == "[]")
    return rows if len(rows) == len(items) > 1 and len({len(row) for row in rows}) == 1 else ()


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
    if (
        isinstance(inner, Quantity)
        and inner.unit == "degree"
        and isinstance(inner.value, Expression)
        and opening == "("
    ):
        return Apply("degree", (inner.value,))
    kind = {"⟨⟩": "()"}.get(opening + closing) or opening.removeprefix("\\") + closing.removeprefix("\\")
    items = inner.items if isinstance(inner, Items) and inner.kind == "list" else (inner,)
    if kind == "[]" and (rows := _rows_of_lists(items)):
        return Matrix(rows)
    if len(items) == 1 and (opening == "{" or kind in ("()", "[]")):
        return inner
    if kind in ("(]", "[)") and len(items) != 2:
        raise Unreadable("an interval has two ends")
    assert kind in KINDS, kind
    return Items(kind, items)
