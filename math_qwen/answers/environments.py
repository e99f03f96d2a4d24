r"""Tokens of a LaTeX environment in, a matrix or cases out.

    matrix = "\begin{pmatrix}" row ("\\" row)* "\end{pmatrix}"        row = answer ("&" answer)*
    cases  = "\begin{cases}" value ","? "&" ("if" | "for" | "when")? condition ("\\" ...)* "\end{cases}"

pmatrix, bmatrix, vmatrix, array and their like are one: the brackets around a matrix carry no meaning in an answer.
"""

from collections.abc import Callable
from typing import TypeVar

from math_qwen.answers.cursor import Cursor, NotYet, Unreadable
from math_qwen.answers.tree import Expression, Items, Matrix, Node, Prose, Relation

_MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"})
_CASES = frozenset({"cases", "dcases"})
_CONDITION_WORDS = frozenset({"if", "for", "when"})
_ROW, _CELL = r"\\", "&"

Row = TypeVar("Row")


def read_environment(cursor: Cursor, cell: Callable[[], Node], *, system: bool = False) -> Node:
    r"""Read what follows `\begin`, up to and with its `\end{...}`.

    Args:
        cursor: stands behind the token `begin`.
        cell: reads one cell from `cursor`.
        system: read an array as cases, since an open brace stands before it.

    Raises:
        Unreadable: the rows are not equally long, or the environment is not closed.
        NotYet: it is neither a matrix nor cases.
    """
    name = _name(cursor)
    if name == "array" and cursor.peek().text == "{":
        _name(cursor)  # how the columns are set
    if name in _CASES or system:
        cases = tuple(_rows(cursor, lambda: _case(cursor, cell)))
        return Items("list" if all(isinstance(case, Relation) for case in cases) else "cases", cases)
    if name not in _MATRICES:
        raise NotYet(rf"\begin{{{name}}}")
    rows = tuple(_rows(cursor, lambda: _cells(cursor, cell)))
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("rows of different lengths")
    return Matrix(rows)


def entrywise(op: str, args: tuple[Node, ...], apply: Callable[..., Expression]) -> Matrix:
    """Return the matrix that `op` makes of one matrix and numbers, of equally large ones added, or of two multiplied.

    Args:
        op: "neg", "*", "/" or "+".
        args: its operands, at least one of them a matrix.
        apply: builds an operation on expressions from its name and operands.

    Raises:
        Unreadable: the shapes do not fit, or a matrix is added to something else.
    """
    matrices = [arg for arg in args if isinstance(arg, Matrix)]
    if op == "*" and len(matrices) == 2:
        product = _product(matrices[0], matrices[1], apply)
        others = tuple(arg for arg in args if not isinstance(arg, Matrix))
        return entrywise(op, (*others, product), apply) if others else product
    shapes = {(len(matrix.rows), len(matrix.rows[0])) for matrix in matrices}
    added = op == "+" and len(matrices) == len(args) and len(shapes) == 1
    scaled = op in ("neg", "*", "/") and len(matrices) == 1 and not (op == "/" and isinstance(args[1], Matrix))
    if not (added or scaled):
        raise Unreadable(f"{op} of a matrix")
    return Matrix(
        tuple(
            tuple(
                apply(op, *(arg.rows[r][c] if isinstance(arg, Matrix) else arg for arg in args)) for c in range(width)
            )
            for height, width in shapes
            for r in range(height)
        )
    )


def _product(a: Matrix, b: Matrix, apply: Callable[..., Expression]) -> Matrix:
    columns = tuple(zip(*b.rows, strict=True))
    if len(a.rows[0]) != len(b.rows):
        raise Unreadable("a product of matrices that do not fit")
    return Matrix(
        tuple(
            tuple(apply("+", *(apply("*", x, y) for x, y in zip(row, column, strict=True))) for column in columns)
            for row in a.rows
        )
    )


def transposed(matrix: Matrix) -> Matrix:
    """Return the matrix with its rows as columns."""
    return Matrix(tuple(zip(*matrix.rows, strict=True)))


def _name(cursor: Cursor) -> str:
    cursor.expect("{")
    name = ""
    while (token := cursor.next()).text != "}":
        if token.kind == "end":
            raise Unreadable("an environment without a name")
        name += token.text
    return name


def _rows(cursor: Cursor, row: Callable[[], Row]) -> list[Row]:
    rows: list[Row] = []
    while not (cursor.peek().kind == "command" and cursor.peek().text == "end"):
        rows.append(row())
        if not cursor.accept(_ROW):
            break
    if cursor.next().text != "end":
        raise Unreadable("an environment is not closed")
    _name(cursor)
    return rows


def _cells(cursor: Cursor, cell: Callable[[], Node]) -> tuple[Node, ...]:
    cells = [cell()]
    while cursor.accept(_CELL):
        cells.append(cell())
    return tuple(cells)


def _case(cursor: Cursor, cell: Callable[[], Node]) -> Node:
    value = cell()
    cursor.accept(",")
    if not cursor.accept(_CELL):
        if isinstance(value, Relation):  # an equation of a system
            return value
        raise Unreadable("a case without its condition")
    words: list[str] = []
    while cursor.peek().kind == "word":
        words.append(cursor.next().text.casefold())
    if not _CONDITION_WORDS.issuperset(words):
        return Items("case", (value, Prose(" ".join(words))))
    return Items("case", (value, cell()))
