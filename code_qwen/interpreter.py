"""Programs that Code-Qwen has run while it answers.

The sandbox is the one that its final programs are judged in.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sandbox import SandboxPool, SandboxUnavailable
from sandbox.interpreter import Interpreter
from specialists.errors import GenerateError
from specialists.family import Judging


@contextmanager
def open_interpreter(judging: Judging) -> Iterator[Interpreter]:
    """Open a sandbox as the user asked and give an interpreter.

    Raises:
        GenerateError: the sandbox cannot be opened, or breaks down while it is used.
    """
    with ExitStack() as stack:
        try:
            pool = SandboxPool(judging.sandbox, judging.workers, accept_risk=judging.accept_risk)
            box = stack.enter_context(pool)
        except (SandboxUnavailable, ValueError) as error:
            raise GenerateError(f"no sandbox to run the model's programs in: {error}") from None
        try:
            yield Interpreter(box)
        except SandboxUnavailable as error:
            raise GenerateError(str(error)) from None
