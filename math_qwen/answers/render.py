"""A tree in, one line that a person can read out.

The normal form that a verdict shows: every spelling of an answer that is read as the same tree gives the same line.
"""

from fractions import Fraction

from math_qwen.answers.tree import (
    Apply,
    Based,
    Clock,
    Congruence,
    Date,
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
)

MAX_CHARS = 200  # of a line; the rest is cut off
_MAX_DIGITS = 60  # of one number
_POSTFIX = {"percent": "%", "degree": "°", "!": "!"}
_JOINTS = {"list": ", ", "or": " or ", "cup": " ∪ ", "cap": " ∩ ", "setminus": " \\ ", "case": " if ", "cases": "; "}
_BRACKETS = {"vector": "()", "cases": "{}"}


def rendered(node: Node) -> str:
    """Return the normal form of an answer on one line of at most `MAX_CHARS` characters."""
    line = " ".join(_line(node).split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 3] + "..."


def _line(node: Node) -> str:
    match node:
        case Number() | Name() | Apply() | Latex():
            return _expression(node)
        case Items(kind, items):
            return _items(kind, items)
        case Matrix(rows):
            return "[" + "; ".join(", ".join(map(_line, row)) for row in rows) + "]"
        case Relation(ops, sides):
            ends = (f" {op} {_line(side)}" for op, side in zip(ops, sides[1:], strict=True))
            return _line(sides[0]) + "".join(ends)
        case Quantity(value, unit):
            return f"{_line(value)} {unit}"
        case Prose(text) | Unread(_, text):
            return text
        case _:
            return _special(node)


def _special(node: Based | Congruence | Ratio | Clock | Date) -> str:
    match node:
        case Based(digits, base):
            return f"{_line(digits)} in base {base}"
        case Congruence(value, modulus):
            return f"{_line(value)} modulo {_line(modulus)}"
        case Ratio(parts):
            return ":".join(map(_line, parts))
        case Clock(hour, minute, second, half):
            return f"{hour}:{minute:02}:{second:02} {half}".strip()
        case Date(year, month, day):
            return f"{year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"


def _items(kind: str, items: tuple[Node, ...]) -> str:
    inside = _JOINTS.get(kind, ", ").join(map(_line, items))
    brackets = _BRACKETS.get(kind, "" if kind in _JOINTS else kind)
    return f"{brackets[:1]}{inside}{brackets[1:]}"


def _expression(node: Expression) -> str:
    match node:
        case Number(value):
            return _number(value)
        case Name(text) | Latex(text):
            return text
        case Apply("+" | "*" | "/" | "^" as op, args):
            return (" + " if op == "+" else op).join(map(_operand, args))
        case Apply("neg", (arg,)):
            return f"-{_operand(arg)}"
        case Apply(op, (arg,)) if op in _POSTFIX:
            return _operand(arg) + _POSTFIX[op]
        case Apply(op, args):
            return f"{op}({', '.join(map(_expression, args))})"


def _operand(node: Expression) -> str:
    """Return an operand, in brackets unless it is one name, number or function."""
    line = _expression(node)
    plain = not isinstance(node, Apply) or line.startswith(f"{node.op}(")
    return line if plain and not line.startswith("-") and "/" not in line else f"({line})"


def _number(value: Fraction) -> str:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 3 * _MAX_DIGITS:
        return "a number of many digits"
    return str(value)
