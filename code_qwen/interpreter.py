"""Programs that Code-Qwen has run while it answers.

The sandbox is the one that its final programs are judged in.
"""

from contextlib import AbstractContextManager

from sandbox.interpreter import Interpreter, opened
from specialists.errors import GenerateError
from specialists.family import Judging


def open_interpreter(judging: Judging) -> AbstractContextManager[Interpreter]:
    """Open a sandbox as the user asked and give an interpreter; a sandbox that fails is a `GenerateError`."""
    return opened(judging.sandbox, judging.workers, accept_risk=judging.accept_risk, failure=GenerateError)
