"""The trusted side of a split task: runs the tests, calls the candidate, reports the outcome.

The tests see an ordinary function under the entry point's name. Behind it every call crosses to the candidate's process
as plain data, and so does what comes back. The report goes through a pipe that the candidate never had a handle to, and
only after the last test has run.

Outcomes: "pass"; "fail" (an assertion of the tests, or a test that choked on a value); "error" (the candidate raised
and the tests let it through); "unsupported"; "oom"; "no_verdict" (no call was made); "lost" (the candidate is gone, the
supervisor knows why); "bad_tests" (the trusted code does not run: nobody's answer is wrong).
"""

import ast
import builtins
import json
import os
import random
import socket
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from sandbox import protocol, values
from sandbox.image import child

TESTS_FILE = "tests.py"

Outcome = tuple[str, str]


class Ending(BaseException):
    """The run is over, whatever the tests do next; tests that catch `Exception` do not catch it."""


class Callee(Protocol):
    """A program under test: its names once it is loaded, its function, and what became of both."""

    num_calls: int
    outcome: Outcome | None
    raised: BaseException | None

    def load(self) -> dict[str, Any]:
        """Run the program and return the names that the tests may use of it. Raises `Ending` where it fails."""
        ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the entry point."""
        ...


class Candidate:
    """The candidate's function, as the tests call it; its names stay with it.

    `outcome` is set once the run is over and stays: tests that swallow the `Ending` cannot turn it into a pass.
    """

    def __init__(self, peer: socket.socket, *, mutates: bool) -> None:
        self.num_calls = 0
        self.outcome: Outcome | None = None
        self.raised: BaseException | None = None  # the last exception that crossed
        self._peer = peer
        self._mutates = mutates
        chunks = iter(lambda: peer.recv(1 << 16), b"")
        self._answers = protocol.messages(chunks, max_bytes=protocol.MAX_VALUE_BYTES)

    def load(self) -> dict[str, Any]:
        """Wait until the program is loaded. Raises `Ending` where loading failed."""
        answer = self._receive(0)
        if "raised" in answer:
            kind = "oom" if answer["raised"] == "MemoryError" else "error"
            self._end(kind, f"while loading: {_shown(answer.get('text'))}")
        return {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the candidate's function. Raises what it raised, as the nearest builtin exception."""
        if self.outcome is not None:
            raise Ending
        self.num_calls += 1
        self._send(args, kwargs)
        answer = self._receive(self.num_calls)
        if "raised" in answer:
            self.raised = _as_exception(answer)
            raise self.raised
        value = self._decoded(answer.get("value"))
        if self._mutates:
            self._copy_back([*args, *kwargs.values()], self._decoded(answer.get("kept")))
        return value

    def _send(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            call = {"call": self.num_calls, "args": values.encode(list(args)), "kwargs": values.encode(kwargs)}
            self._peer.sendall(protocol.frame(call, max_bytes=protocol.MAX_VALUE_BYTES))
        except (values.NotPlain, protocol.FrameTooBig) as error:
            self._end("unsupported", f"an argument of the tests: {error}")
        except OSError:
            self._end("lost", "")

    def _receive(self, number: int) -> protocol.Message:
        try:
            answer = next(a for a in self._answers if a.get("call") == number)
        except (StopIteration, OSError):
            self._end("lost", "")
        except protocol.FrameError as error:
            self._end("error", f"the program wrote into the judge's connection: {error}")
        if "unsupported" in answer:
            self._end("unsupported", _shown(answer["unsupported"]))
        if "ended" in answer:
            self._end("error", _shown(answer["ended"]))
        return answer

    def _decoded(self, data: Any) -> Any:
        try:
            return values.decode(data)
        except values.BadValue as error:
            return self._end("error", f"the program wrote into the judge's connection: {error}")

    def _copy_back(self, before: list[Any], after: Any) -> None:
        if type(after) is not list or len(after) != len(before):
            self._end("error", "the program wrote into the judge's connection: arguments are missing")
        for old, new in zip(before, after, strict=True):
            if type(old) is not type(new):
                continue
            if isinstance(old, list):
                old[:] = new
            elif isinstance(old, dict | set):
                old.clear()
                old.update(new)

    def _end(self, kind: str, detail: str) -> NoReturn:
        self.outcome = kind, detail
        raise Ending


def run(request: dict[str, Any]) -> None:
    """Judge one candidate: request holds `prelude`, `tests`, `entry_point`, `mutates`; the outcome goes to REPORT."""
    with socket.socket(fileno=child.RPC) as peer:
        candidate = Candidate(peer, mutates=request["mutates"])
        kind, detail = outcome_of(request, candidate)
    report = {"outcome": kind, "detail": detail[:500], "num_calls": candidate.num_calls}
    os.write(child.REPORT, json.dumps(report).encode())
    os._exit(0)


def outcome_of(request: dict[str, Any], program: Callee) -> Outcome:
    """Run the prelude, the program and the tests. What ended the run stands, whatever the tests did afterwards."""
    judged = _judged(request, program)
    return program.outcome or judged


def _judged(request: dict[str, Any], program: Callee) -> Outcome:
    namespace: dict[str, Any] = {"__name__": "tests"}
    try:
        tests = compile(request["tests"], TESTS_FILE, "exec", dont_inherit=True)
        exec(compile(request["prelude"], "prelude.py", "exec", dont_inherit=True), namespace)
    except Exception as error:  # noqa: BLE001 - trusted code that does not run is reported, whatever it raises
        return "bad_tests", f"the trusted code does not run: {_text(error)}"
    random.seed(0)
    try:
        namespace.update(program.load())
        namespace[request["entry_point"]] = _function(request["entry_point"], program)
        exec(tests, namespace)
    except Ending:
        return "lost", ""
    except BaseException as error:  # noqa: BLE001 - a test may choke on a value in any way
        return _failure(error, request["tests"], program)
    if program.num_calls == 0:
        return "no_verdict", f"the tests never called {request['entry_point']}"
    return "pass", ""


def _failure(error: BaseException, tests: str, program: Callee) -> Outcome:
    if isinstance(error, MemoryError):
        return "oom", _text(error)
    if error is program.raised:
        return "error", _text(error)
    if type(error) is NameError and not _binds(tests, error.name):
        return "unsupported", f"the tests use {error.name!r}, which only the program could define"
    return "fail", f"{_line(error, tests)}{_text(error)}"


def _function(name: str, program: Callee) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return program(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    return call


def _as_exception(answer: protocol.Message) -> Exception:
    """Build the builtin exception that crossed; those that steer loops would end a test's iteration unseen."""
    text = _shown(answer.get("text"))
    kind = vars(builtins).get(str(answer.get("raised")))
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return Exception(text)
    if issubclass(kind, StopIteration | StopAsyncIteration):
        return RuntimeError(text)
    try:
        return kind(*(values.decode(argument) for argument in answer["args"]))
    except (TypeError, KeyError, values.BadValue):
        return Exception(text)


def _binds(source: str, name: str | None) -> bool:
    nodes = ast.walk(ast.parse(source))
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in nodes)


def _line(error: BaseException, tests: str) -> str:
    """Say which line of the tests failed."""
    numbers = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TESTS_FILE]
    lines = tests.split("\n")
    if not numbers or numbers[-1] is None or numbers[-1] > len(lines):
        return ""
    return f"line {numbers[-1]}: {lines[numbers[-1] - 1].strip()[:400]}: "


def _text(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


def _shown(text: object) -> str:
    return str(text)[:1000]
