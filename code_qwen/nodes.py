"""A file in, where the nodes of its syntax tree lie out.

For fill-in-the-middle: a model is to learn to write a whole statement, call or block, not the end of one name and the
beginning of the next.
"""

from collections.abc import Iterator

import tree_sitter

from code_qwen.filters import language_of_code
from code_qwen.syntax import GRAMMARS, parser
from specialists.records import Sample

MIN_NODE_BYTES = 8  # a shorter node is a name
MAX_NODE_SHARE = 0.5  # of the file: what is left must say enough about what is missing


def node_spans(sample: Sample) -> list[tuple[int, int]]:
    """Return the start and end of every node worth filling in, in bytes; none for a language without a grammar here."""
    language = language_of_code(sample)
    if sample.text is None or language not in GRAMMARS:
        return []
    data = sample.text.encode()
    root = parser(language, 0).parse(data).root_node
    longest = MAX_NODE_SHARE * len(data)
    return [
        (node.start_byte, node.end_byte)
        for node in _named(root)
        if MIN_NODE_BYTES <= node.end_byte - node.start_byte <= longest
    ]


def _named(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if not node.has_error:
            yield node
        nodes += reversed(node.named_children)
