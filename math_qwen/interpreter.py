"""Programs that Math-Qwen has run while it answers.

Its answers are judged without running anything; this is the only place where it needs a sandbox.
"""

from contextlib import AbstractContextManager

from sandbox.interpreter import Interpreter, opened
from specialists.errors import GenerateError
from specialists.family import Judging


def open_interpreter(judging: Judging) -> AbstractContextManager[Interpreter]:
    """Open a sandbox as the user asked and give an interpreter; a sandbox that fails is a `GenerateError`."""
    return opened(judging.sandbox, judging.workers, accept_risk=judging.accept_risk, failure=GenerateError)
