"""Programs that differ from a given one in one place, as a typing mistake would make them."""

import ast
import copy
from collections.abc import Callable, Iterator
from itertools import islice

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Div, ast.Div: ast.FloorDiv,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
}  # fmt: skip


def mutants(source: str) -> Iterator[str]:
    """Yield every mutant of `source` that this file knows, none twice, in the order of the places."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        for change in _CHANGES:
            if not change(copy.copy(node)):
                continue
            mutant = copy.deepcopy(tree)
            change(next(islice(ast.walk(mutant), place, None)))
            text = ast.unparse(ast.fix_missing_locations(mutant))
            if text not in seen:
                seen.add(text)
                yield text


def _other_comparison(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        node.ops = [_COMPARED[type(node.ops[0])](), *node.ops[1:]]
        return True
    return False


def _other_operator(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _COMPUTED:
        node.op = _COMPUTED[type(node.op)]()
        return True
    return False


def _other_connective(node: ast.AST) -> bool:
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return True
    return False


def _one_more(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
        return True
    return False


def _opposite(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
        return True
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return True
    return False


def _nothing_returned(node: ast.AST) -> bool:
    if isinstance(node, ast.Return) and node.value is not None:
        node.value = None
        return True
    return False


def _step_left_out(node: ast.AST) -> bool:
    """Leave out the step before the last of a body."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and len(body) > 1:
        node.body = [*body[:-2], ast.Pass(), body[-1]]  # pyright: ignore[reportAttributeAccessIssue]
        return True
    return False


# Each changes a node and says so, or leaves it as it is; it must not change what the node shares with a shallow copy.
_CHANGES: tuple[Callable[[ast.AST], bool], ...] = (
    _other_comparison,
    _other_operator,
    _other_connective,
    _one_more,
    _opposite,
    _nothing_returned,
    _step_left_out,
)
