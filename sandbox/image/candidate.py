"""The untrusted program's side, inside its own confined process.

`run_program` runs a whole program as `__main__`, as `python3 program.py` would. `serve` loads a program as a module and
answers the judge's calls of one of its functions. Nothing here is trusted once the program runs: it may replace this
code, read the test inputs, or answer without computing. It cannot reach the expected values or the judge's report.
"""

import _thread
import atexit
import builtins
import contextlib
import functools
import gc
import linecache
import os
import socket
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any, NoReturn

from sandbox import protocol, values
from sandbox.image import child

FILE = "program.py"


def run_program(request: dict[str, Any]) -> None:
    """Run `request["program"]` to its natural end, with exit handlers and threads as usual."""
    module = new_module("__main__", request["program"])
    code = 0
    try:
        exec(compiled(request["program"]), vars(module))
    except SystemExit as error:
        if error.code is not None and not (type(error.code) is int and 0 <= error.code <= 255):
            raise
        code = error.code or 0
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is reported as the interpreter would
        if sys.excepthook is sys.__excepthook__:
            print_trace(error)
        else:
            sys.excepthook(type(error), error, _own_trace(error))
        code = 1
    del module
    _end(code)


def _end(code: int) -> NoReturn:
    """End as the interpreter would: exit handlers, objects with a finalizer, streams.

    What it would do then, taking every module apart, costs more CPU time than most programs, because it touches every
    page that is shared with the zygote. So the process ends here, unless something is alive that would notice: a
    thread, an object with a finalizer that only that could reach, or a stream of the program's own.
    """
    if _thread._count() or not _has_plain_streams():
        sys.exit(code)
    atexit._run_exitfuncs()
    sys.modules.pop("__main__", None)
    gc.collect()
    if not _has_plain_streams() or any(hasattr(type(thing), "__del__") for thing in gc.get_objects()):
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a closed stream: the interpreter says so, and ends with 120
        sys.exit(code)
    os._exit(code)


def _has_plain_streams() -> bool:
    return sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__


def serve(request: dict[str, Any]) -> None:
    """Load the program and answer calls of `request["entry_point"]` until the judge hangs up; then end at once."""
    with socket.socket(fileno=child.RPC) as judge, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _serve(judge, request)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def _serve(judge: socket.socket, request: dict[str, Any]) -> None:
    module = new_module("program", request["program"])
    _answer(judge, 0, lambda: exec(compiled(request["program"]), vars(module)))
    chunks = iter(lambda: judge.recv(1 << 16), b"")
    for call in protocol.messages(chunks, max_bytes=protocol.MAX_VALUE_BYTES):
        arguments, named = values.decode(call["args"]), values.decode(call["kwargs"])
        function = getattr(module, request["entry_point"], None) or missing(request["entry_point"])
        kept = [*arguments, *named.values()] if request["mutates"] else None
        _answer(judge, call["call"], functools.partial(function, *arguments, **named), kept)


def _answer(judge: socket.socket, number: int, compute: Callable[[], Any], kept: list[Any] | None = None) -> None:
    """Send what `compute` returns or raises as the answer to call `number`; 0 is the loading of the program."""
    try:
        answer: protocol.Message = {"value": values.encode(compute())}
        if kept is not None:
            answer["kept"] = values.encode(kept)
    except values.NotPlain as error:
        answer = {"unsupported": str(error)}
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        answer = {"ended": text_of(error)}
    except BaseException as error:  # noqa: BLE001 - whatever the program raises crosses to the judge by name
        answer = {"raised": _builtin_name(error), "args": _plain_arguments(error), "text": text_of(error)}
        if number == 0:
            print_trace(error)
    try:
        data = protocol.frame({"call": number, **answer}, max_bytes=protocol.MAX_VALUE_BYTES)
    except protocol.FrameTooBig as error:
        data = protocol.frame({"call": number, "unsupported": str(error)})
    judge.sendall(data)


def new_module(name: str, source: str) -> types.ModuleType:
    """Return an empty module that imports, pickles and shows its source like one from a file."""
    module = types.ModuleType(name)
    module.__file__ = FILE
    sys.modules[name] = module
    linecache.cache[FILE] = len(source), None, source.splitlines(keepends=True), FILE
    return module


def _own_trace(error: BaseException) -> types.TracebackType | None:
    """Return the traceback from the program's first frame on, without ours above it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE:
        trace = trace.tb_next
    return trace


def print_trace(error: BaseException) -> None:
    """Print the traceback of a program's error as the interpreter would."""
    traceback.print_exception(type(error), error, _own_trace(error))


def compiled(source: str) -> types.CodeType:
    """Return a program ready to be run in its module. Raises `SyntaxError`, `ValueError`."""
    return compile(source, FILE, "exec", dont_inherit=True)


def missing(name: str) -> Callable[..., Any]:
    """Return a function that fails as a call of an undefined name does."""

    def call(*_args: object, **_named: object) -> None:
        raise NameError(f"name {name!r} is not defined")

    return call


def _builtin_name(error: BaseException) -> str:
    return next(kind.__name__ for kind in type(error).__mro__ if vars(builtins).get(kind.__name__) is kind)


def _plain_arguments(error: BaseException) -> list[Any]:
    try:
        return [values.encode(argument) for argument in error.args]
    except values.NotPlain:
        return [text_of(error)]


def text_of(error: BaseException) -> str:
    """Return the last line of an error's traceback."""
    return traceback.format_exception_only(error)[-1].strip()[:1000]
