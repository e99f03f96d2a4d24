"""Programs in, what they printed out, as a text to be read.

For a model that may run what it writes: nothing is proven here, so nothing in the text is a verdict. A program that
fails shows the end of its error, one that was stopped says why.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from sandbox.contract import Limits, Result, SandboxUnavailable, Task
from sandbox.pool import SandboxPool
from sandbox.status import Status

_ERROR_CHARS = 500  # of the end of stderr


class Interpreter:
    """Runs Python programs in an open pool, each alone."""

    def __init__(self, box: SandboxPool, limits: Limits | None = None) -> None:
        """Use `box`, which stays the caller's; `limits` of each program instead of the pool's own."""
        self._box = box
        self._limits = limits
        self._stamps: dict[str, None] = {}

    def run(self, programs: Iterable[str]) -> Iterator[str]:
        """Yield what each program printed and how it ended if not well, in order, a few running at once.

        Raises:
            SandboxUnavailable: the sandbox itself failed.
        """
        tasks = (Task(program=program, proof="none") for program in programs)
        for result in self._box.map(tasks, self._limits):
            if result.status.is_ours:
                raise SandboxUnavailable(f"a program could not be run: {result.status}: {result.detail}")
            self._stamps.update(dict.fromkeys(result.stamps))
            yield _told(result)

    def stamps(self) -> tuple[str, ...]:
        """Return what the walls could not promise for the programs run so far."""
        return tuple(self._stamps)


@contextmanager
def opened(
    backend: str, workers: int | None, *, accept_risk: bool, failure: Callable[[str], Exception]
) -> Iterator[Interpreter]:
    """Open a sandbox and give an interpreter in it.

    Args:
        backend, workers, accept_risk: as `SandboxPool` takes them.
        failure: the caller's own exception, raised where the sandbox cannot be opened or breaks down while it is used.
    """
    with ExitStack() as stack:
        try:
            box = stack.enter_context(SandboxPool(backend, workers, accept_risk=accept_risk))
        except (SandboxUnavailable, ValueError) as error:
            raise failure(f"no sandbox to run the model's programs in: {error}") from None
        try:
            yield Interpreter(box)
        except SandboxUnavailable as error:
            raise failure(str(error)) from None


def _told(result: Result) -> str:
    parts = [result.stdout.rstrip()]
    if result.status is Status.ERROR:
        parts.append(result.stderr.rstrip()[-_ERROR_CHARS:])
    elif result.status is not Status.NO_VERDICT:
        parts.append(f"[stopped: {result.status.replace('_', ' ')}]")
    return "\n".join(part for part in parts if part) or "[nothing was printed]"
