"""A polite end: a signal asks, the loop saves and leaves.

Clusters take machines back with SIGTERM and some seconds of grace, people press Ctrl-C. The first such signal is only
noted; the loop asks after each step, saves and ends. A second one ends the process at once, as without us, and the run
goes on from the last state.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from specialists.progress import say

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopping:
    """Notes the first SIGTERM or SIGINT while its `with` lasts. Elsewhere than in the main thread it does nothing."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self._restore()
        say(f"{signal.Signals(number).name}: the step is finished and saved; once more to stop at once")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
