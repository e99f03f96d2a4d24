r"""Tokens in, one expression out.

    sum      = product (("+" | "-" | "±") product)*
    product  = factor (("*" | "/" | nothing) factor)*        1/2x is (1/2)x
    factor   = sign* postfix ("^" factor)?
    postfix  = atom ("!" | "%" | "°" | "'" | subscript)*
    atom     = number | name | function | fraction | root | |sum| | brackets | matrix

Recursive descent. Nothing is computed, and depth and number of nodes are bounded, so reading costs no more than the
length of the answer. `math_qwen.answers.parse` adds what stands around expressions: lists, brackets, relations, units.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

from math_qwen.answers.cursor import Cursor, NotYet, Unreadable
from math_qwen.answers.environments import entrywise, read_environment, transposed
from math_qwen.answers.numerals import based, mixed_number, read_literal, read_number
from math_qwen.answers.spellings import OF_MANY
from math_qwen.answers.tokens import Token
from math_qwen.answers.tree import NUMBER_SET, REALS, Apply, Based, Expression, Items, Latex, Matrix, Name, Node, Number
from math_qwen.answers.units import CURRENCY_SIGNS

_MAX_SIGNS = 4  # in a row, before or after one number
_POSTFIXES = {"!": "!", "%": "percent", "°": "degree"}
_FUNCTION_NAMES = frozenset("fg")
_TRANSPOSITION = Name("T")
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan"}


class ExpressionReader(Cursor, ABC):
    """Reads one expression; a subclass says what may stand in brackets.

    Args:
        bracketed_mixed: read 1(1/2) as the mixed number one and a half, not as a product.
    """

    def __init__(self, tokens: Sequence[Token], *, bracketed_mixed: bool = False) -> None:
        super().__init__(tokens)
        self._bracketed_mixed = bracketed_mixed
        self._bars = 0  # how many |...| are open
        self._currency = ""  # the currency sign seen last

    @abstractmethod
    def group(self, opening: str) -> Node:
        """Read what stands in brackets, up to and with the closing one."""

    @abstractmethod
    def cell(self) -> Node:
        """Read one entry of a matrix."""

    def sum(self) -> Node:
        """Read terms up to what cannot continue an expression."""
        terms = [self._product()]
        if terms[0] == REALS:
            return REALS
        while sign := self.accept("+", "-", "±", "∓"):
            terms.append(self._signed(sign, self._product()))
        node = terms[0] if len(terms) == 1 else self._apply("+", *terms)
        if not self.accept("choose"):
            return node
        self.enter()
        chosen = self._apply("binom", node, self.sum())
        self.leave()
        return chosen

    def _product(self) -> Node:
        above, below = [self._factor()], []
        explicit = False  # was the last factor joined by a sign?
        while True:
            if self.accept("*"):
                above.append(self._factor())
                explicit = True
            elif self.peek().text == "/" and self.peek(1).kind != "word":
                self.next()
                below.append(self._factor())
                explicit = True
            elif self._starts_factor():
                self._append_adjacent(above, may_be_mixed=not explicit and len(above) == 1)
                explicit = False
            else:
                break
        product = above[0] if len(above) == 1 else self._apply("*", *above)
        if not below:
            return product
        return self._apply("/", product, below[0] if len(below) == 1 else self._apply("*", *below))

    def _starts_factor(self) -> bool:
        token = self.peek()
        if token.kind == "sign":
            if token.text == "(" and self.peek(1).kind == "word" and len(self.peek(1).text) > 1:
                return False  # 9 (apples)
            if token.text == "(" and self.peek(2).text == "in":
                return False  # k pi (k in Z)
            return token.text in ("(", "{", "⌊", "⌈") or (token.text == "|" and not self._bars)
        if token.kind == "number":
            # (n + 1) 2^n and 3! 7!, but not (A) 12
            return (self.peek(-1).text == ")" and self.peek(1).text == "^") or self.peek(-1).text == "!"
        return token.kind in ("name", "function") or (token.kind == "command" and token.text == "begin")

    def _append_adjacent(self, factors: list[Node], *, may_be_mixed: bool) -> None:
        """Append a factor that follows without a sign, or make it the fraction of a mixed number."""
        opening = self.peek().text
        factor = self._power()
        if may_be_mixed and (opening == "frac" or (opening == "(" and self._bracketed_mixed)):
            part = factor.args[0] if isinstance(factor, Apply) and factor.op == "percent" else factor
            mixed = mixed_number(factors[0], part)
            if mixed:
                factors[0] = mixed if part is factor else self._apply("percent", mixed)
                return
        if opening == "{" and isinstance(factors[-1], Number) and isinstance(factor, Number):
            raise Unreadable("two numbers side by side")
        factors.append(factor)

    def _factor(self) -> Node:
        signs: list[str] = []
        while sign := self.accept("+", "-", "±", "∓", *CURRENCY_SIGNS):
            if sign in CURRENCY_SIGNS:
                self._currency = sign
            else:
                signs.append(sign)
            if len(signs) > _MAX_SIGNS:
                raise Unreadable("too many signs in a row")
        node = self._power()
        for sign in reversed(signs):
            node = self._signed(sign, node)
        return node

    def _signed(self, sign: str, node: Node) -> Node:
        if sign == "+":
            return node
        if sign == "-" and isinstance(node, Number):
            return Number(-node.value, node.step, (-node.groups[0], *node.groups[1:]) if node.groups else ())
        if sign == "-" and isinstance(node, Based):
            return Based(Number(-node.digits.value), node.base)
        return self._apply("neg" if sign == "-" else sign, node)

    def _power(self) -> Node:
        base = self._postfix()
        if not self.accept("^"):
            return base
        exponent = self._exponent()
        if isinstance(base, Matrix) and exponent == _TRANSPOSITION:
            return transposed(base)
        return self._apply("^", base, exponent)

    def _exponent(self) -> Node:
        self.enter()
        node = self._factor()
        self.leave()
        return node

    def _postfix(self) -> Node:
        node = self._atom()
        for _ in range(_MAX_SIGNS):
            if sign := self.accept(*_POSTFIXES):
                if sign == "!" and self.peek().text == "!":
                    raise Unreadable("5!! may mean 5 * 3 * 1 or (5!)!")
                node = self._apply(_POSTFIXES[sign], node)
            elif isinstance(node, Name) and self.accept("'"):
                node = Name(node.text + "'")
            elif self.accept("_"):
                node = self._subscripted(node)
        return node

    def _subscripted(self, node: Node) -> Node:
        if not isinstance(node, (Number, Name)):
            raise Unreadable("a subscript on an expression")
        texts = [self.next().text]
        if texts == ["{"]:
            texts = []
            while self.peek().text not in ("}", ""):
                texts.append(self.next().text)
            self.expect("}")
        subscript = " ".join(texts)
        return Name(f"{node.text}_{subscript}") if isinstance(node, Name) else based(node, subscript)

    def _atom(self) -> Node:
        token = self.next()
        if token.kind == "number":
            self.count_node()
            return read_number(self, token)
        if token.kind == "name" or (token.kind == "word" and len(token.text) == 1 and token.text.isascii()):
            self.count_node()
            return Name(token.text + self._take_argument() if token.text in _FUNCTION_NAMES else token.text)
        if token.kind == "function":
            return self._function(token.text)
        if token.kind == "command" and token.text == "begin":
            return self._environment()
        if token.kind == "command" and token.text == "mathbb":
            letter = self._argument()
            if not isinstance(letter, Name):
                raise Unreadable("a set of numbers has one letter")
            return REALS if letter.text == "R" else Name(NUMBER_SET + letter.text)
        if token.text == "overline" and self.peek(1).kind == "name" and self.peek(1).text.isupper():
            return self._argument()  # the segment AB, but not the conjugate of z
        if token.kind == "command" or token.text in ("overline", "dot"):
            raise NotYet("\\" + token.text)
        if token.kind == "sign":
            return self._bracketed(token.text)
        raise Unreadable(f"{token.text!r} starts no expression")

    def _take_argument(self) -> str:
        """Take the `(2)` of f(2), a value that has no other name; "" where something else follows."""
        opening, argument, closing = (self.peek(ahead).text for ahead in range(3))
        if (opening, closing) != ("(", ")") or self.peek(1).kind not in ("number", "name"):
            return ""
        self.skip(3)
        return f"({argument})"

    def _environment(self) -> Node:
        self.enter()
        node = read_environment(self, self.cell)
        self.leave()
        return node

    def system(self) -> Node | None:
        r"""Take the `\begin{array}...\end{array}` behind a brace that nothing closes; None where none stands there."""
        if [self.peek(ahead).text for ahead in range(1, 4)] != ["{", "array", "}"]:
            return None
        self.next()
        return read_environment(self, self.cell, system=True)

    def _bracketed(self, opening: str) -> Node:
        self.enter()
        node = self._between(opening)
        self.leave()
        return node

    def _between(self, opening: str) -> Node:
        if opening == "|":
            self._bars += 1
            node = self._apply("abs", self.sum())
            self._bars -= 1
            self.expect("|")
            return node
        if opening in ("⌊", "⌈"):
            node = self._apply("floor" if opening == "⌊" else "ceil", self.sum())
            self.expect("⌋" if opening == "⌊" else "⌉")
            return node
        return Items("{}", ()) if opening == "∅" else self.group(opening)

    def _function(self, name: str) -> Node:
        if name in ("frac", "binom"):
            return self._apply("/" if name == "frac" else name, self._argument(), self._argument())
        if name in OF_MANY:
            return self._apply(name, *self._arguments())
        if name in ("sqrt", "cbrt"):
            return self._root(2 if name == "sqrt" else 3)
        self.enter()
        exponent = self._exponent() if self.accept("^") else None
        base = (self._atom(),) if name == "log" and self.accept("_") else ()
        argument = self._function_argument()
        self.leave()
        if exponent == Number(Fraction(-1)):
            if name not in _INVERSES:
                raise Unreadable(f"the inverse of {name}")
            name, exponent = _INVERSES[name], None
        value = self._called(name, argument, *base)
        return value if exponent is None else self._apply("^", value, exponent)

    def _called(self, name: str, argument: Node, *base: Node) -> Node:
        match name:
            case "exp":
                return self._apply("^", Name("e"), argument)
            case "cis":
                return self._apply("^", Name("e"), self._apply("*", Name("i"), argument))
            case "lg":
                return self._apply("log", argument, Number(Fraction(10)))
        return self._apply(name, argument, *base)

    def _function_argument(self) -> Node:
        if self.peek().text in ("(", "{", "[", "|"):
            return self._bracketed(self.next().text)
        factors = [self._factor()]
        while self.peek().kind == "name":
            factors.append(self._power())
        return factors[0] if len(factors) == 1 else self._apply("*", *factors)

    def _argument(self) -> Node:
        r"""Read one argument of `\frac`: a brace, or a single digit or letter as in `\frac12`."""
        token = self.peek()
        if token.kind == "number" and token.text.isdecimal() and len(token.text) > 1:
            self.next()
            self.put_back(Token("number", token.text[1:]))
            return read_literal(token.text[0])
        self.enter()
        node = self._atom()
        self.leave()
        return node

    def _arguments(self) -> tuple[Node, ...]:
        r"""Read the arguments of `\gcd(12, 18)` or `\max\{1, 2\}`."""
        if self.peek().text not in ("(", r"\{"):
            raise NotYet("a function of many numbers")
        arguments = self._bracketed(self.next().text)
        if not (isinstance(arguments, Items) and arguments.kind in ("()", "{}") and arguments.items):
            raise Unreadable("a function of many numbers")
        return arguments.items

    def _root(self, degree: int) -> Node:
        self.enter()
        index: Node = Number(Fraction(degree))
        if self.accept("["):
            index = self.sum()
            self.expect("]")
        radicand = self._atom()
        self.leave()
        return self._apply("root", radicand, index)

    def _apply(self, op: str, *args: Node) -> Apply | Matrix:
        """Build an operation; nothing can be computed with a tuple, a relation or a quantity."""
        if any(isinstance(arg, Matrix) for arg in args):
            return entrywise(op, args, self._applied)
        return self._applied(op, *args)

    def _applied(self, op: str, *args: Node) -> Apply:
        operands: list[Expression] = []
        for arg in args:
            if not isinstance(arg, (Number, Name, Apply, Latex)):
                raise Unreadable(f"{op} of a {type(arg).__name__}")
            operands.append(arg)
        self.count_node()
        return Apply(op, tuple(operands))
