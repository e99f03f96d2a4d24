"""Python source in, what it defines, uses and calls out.

tree-sitter reads what a half-written or broken source still holds; nothing here runs anything.
"""

from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_python.language()))
_DEFINITIONS = frozenset(
    {
        "import_statement",
        "import_from_statement",
        "function_definition",
        "class_definition",
        "decorated_definition",
    }
)


def is_clean(source: str) -> bool:
    """Whether `source` parses as Python without a gap."""
    return not _root(source).has_error


def statements(source: str) -> Iterator[tuple[Node, str]]:
    """Yield the top-level statements up to the first that does not parse, each with its text."""
    for node in _root(source).children:
        if node.has_error:
            return
        yield node, _text(node)


def is_definition(node: Node) -> bool:
    """Whether a statement defines names and does nothing else: an import, function, class or constant."""
    return node.type in _DEFINITIONS or (is_assignment(node) and not any(called(node)))


def is_assignment(node: Node) -> bool:
    """Whether a statement assigns."""
    return node.type == "expression_statement" and node.children[0].type == "assignment"


def assigned(node: Node) -> set[str]:
    """Return the names on the left of an assignment."""
    left = node.children[0].child_by_field_name("left")
    return set(_identifiers(left)) if left else set()


def defined(source: str) -> set[str]:
    """Return the names that the top-level statements of a source define."""
    names: set[str] = set()
    for node, _ in statements(source):
        inner = (node.child_by_field_name("definition") or node) if node.type == "decorated_definition" else node
        if node.type.startswith("import"):
            names |= set(_imported(node))
        elif inner.type in ("function_definition", "class_definition"):
            name = inner.child_by_field_name("name")
            names |= {_text(name)} if name else set()
        elif is_assignment(node):
            names |= assigned(node)
    return names


def used(source: str) -> set[str]:
    """Return every name that stands anywhere in a source."""
    return set(_identifiers(_root(source)))


def called(node: Node) -> Iterator[str]:
    """Yield what a statement calls, by its text."""
    for found in _all(node):
        function = found.child_by_field_name("function") if found.type == "call" else None
        if function is not None:
            yield _text(function)


def _imported(node: Node) -> Iterator[str]:
    module = node.child_by_field_name("module_name")
    for child in node.named_children:
        if child != module:
            yield _text(child.child_by_field_name("alias") or child).split(".")[0]


def _identifiers(node: Node) -> Iterator[str]:
    return (_text(found) for found in _all(node) if found.type == "identifier")


def _all(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogatepass")


def _root(source: str) -> Node:
    return _PARSER.parse(source.encode("utf-8", "surrogatepass")).root_node
