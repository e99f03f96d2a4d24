"""A position in an answer's tokens, with limits.

What a recursive-descent reader needs: look ahead, take, accept, expect. It counts how deep the reader has gone and how
many nodes it has built, so that a hostile answer ends in `OverLimit` and not in a crash.
"""

from collections.abc import Sequence

from math_qwen.answers.outcome import OverLimit
from math_qwen.answers.tokens import Token

MAX_DEPTH = 32  # open brackets, exponents and function arguments at one place
MAX_NODES = 512

_END = Token("end", "")


class Unreadable(Exception):
    """The tokens are no expression of the answer language; they may be prose."""


class NotYet(Exception):
    """The answer is of a kind that is recognised but not read yet; the text names the kind."""


class Cursor:
    """Walks over tokens; `enter` and `leave` bracket every recursion of the reader."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = list(tokens)
        self._at = 0
        self._depth = 0
        self._num_nodes = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the token `ahead` places on, a token of kind "end" behind the last one."""
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else _END

    def next(self) -> Token:
        """Return the current token and move past it."""
        token = self.peek()
        self._at += 1
        return token

    def skip(self, count: int) -> None:
        """Move past `count` tokens that were looked at."""
        self._at += count

    def put_back(self, token: Token) -> None:
        """Put `token` in front of the tokens still to come, in place of the one taken last."""
        self._at -= 1
        self._tokens[self._at] = token

    def accept(self, *signs: str) -> str:
        """Take the current token if it is one of these signs; returns it, or "" where it is not."""
        token = self.peek()
        if token.kind != "sign" or token.text not in signs:
            return ""
        self._at += 1
        return token.text

    def expect(self, sign: str) -> None:
        """Take the sign that must come now. Raises `Unreadable` where it does not."""
        if not self.accept(sign):
            raise Unreadable(f"{sign} is missing")

    def enter(self) -> None:
        """Go one level deeper. Raises `OverLimit` past `MAX_DEPTH`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise OverLimit(f"nested more than {MAX_DEPTH} deep")

    def leave(self) -> None:
        """Come back from the level of the last `enter`."""
        self._depth -= 1

    def count_node(self) -> None:
        """Count one more node of the tree. Raises `OverLimit` past `MAX_NODES`."""
        self._num_nodes += 1
        if self._num_nodes > MAX_NODES:
            raise OverLimit(f"more than {MAX_NODES} numbers and signs")
