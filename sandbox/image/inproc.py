"""Program and tests in one process: quick, and weak.

The tests see everything that the program defines, and call its entry point directly, so any value may pass between
them. The process vouches for itself: it was given a secret, and repeats it in front of the outcome when the last test
has run. Exits, exit handlers and signals gain nothing by that. A program that wants to can find the secret in the
frames below it, replace what the tests use, or return a value that lies about being equal: such a pass is possible.
"""

import contextlib
import os
import sys
from typing import Any, NoReturn

from sandbox.image import candidate, child, judge

WITNESS = child.RPC  # this role has no judge to talk to
_DETAIL_BYTES = 200  # with secret and outcome it fits what the supervisor keeps of a witness


class Program:
    """The program of this process, as the tests call it; see `sandbox.image.judge.Callee`."""

    def __init__(self, source: str, entry_point: str) -> None:
        self.num_calls = 0
        self.outcome: judge.Outcome | None = None
        self.raised: BaseException | None = None
        self._source = source
        self._entry_point = entry_point

    def load(self) -> dict[str, Any]:
        """Run the program as a module and return its names. Raises `Ending` where it fails."""
        module = candidate.new_module("program", self._source)
        try:
            exec(candidate.compiled(self._source), vars(module))
        except BaseException as error:  # noqa: BLE001 - whatever the program raises ends the run
            candidate.print_trace(error)
            kind = "oom" if isinstance(error, MemoryError) else "error"
            self._end(kind, f"while loading: {candidate.text_of(error)}")
        self._function = getattr(module, self._entry_point, None) or candidate.missing(self._entry_point)
        return vars(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the program's function. What it raises crosses as it is, unless it would steer the tests' loops."""
        if self.outcome is not None:
            raise judge.Ending
        self.num_calls += 1
        try:
            return self._function(*args, **kwargs)
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
            self._end("error", candidate.text_of(error))
        except (StopIteration, StopAsyncIteration) as error:
            self.raised = RuntimeError(candidate.text_of(error))
            raise self.raised from error
        except BaseException as error:
            self.raised = error
            raise

    def _end(self, kind: str, detail: str) -> NoReturn:
        self.outcome = kind, detail
        raise judge.Ending


def run(request: dict[str, Any]) -> None:
    """Run program and tests of `request` and tell WITNESS its secret and the outcome."""
    secret = request.pop("witness")
    program = Program(request.pop("program"), request["entry_point"])
    kind, detail = judge.outcome_of(request, program)
    said = f"{secret} {kind} ".encode() + detail.encode("utf-8", "replace")[:_DETAIL_BYTES]
    os.write(WITNESS, said)
    for stream in (sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError):  # the program may have closed it
            if stream is not None:
                stream.flush()
    os._exit(0)
