"""A hostile program and what must become of it.

Two kinds. A *forger* is judged by tests whose expected values it cannot know; it must end with a status that is not a
pass. A *breaker* tries one thing the box forbids and prints "blocked" or "open"; it must pass, that is, print
"blocked". A breaker proves nothing unless it prints "open" where nothing forbids it; the tests run each one in a
container without our walls to see that it does.
"""

from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Literal

from sandbox.contract import Limits, Task
from sandbox.status import Status

Needs = Literal["", "users", "namespace", "filter", "memory", "javascript", "cpp", "java", "go", "rust"]

TESTS = "assert guess(1) == 602214076\nassert guess(2) == 299792458\n"
BENIGN = Task(program="def guess(n):\n    return {1: 602214076, 2: 299792458}[n]", tests=TESTS, entry_point="guess")

_PREAMBLE = "import atexit, builtins, ctypes, gc, os, re, signal, socket, sys, threading, time\n"
_SHORT = Limits(cpu_s=2, wall_s=20)
FOREIGN = Limits(cpu_s=3, wall_s=25, pids=48)  # for what is not Python


@dataclass(frozen=True)
class Probe:
    """One hostile program, the statuses it may end with, and the feature of a worker that the promise rests on."""

    name: str
    task: Task
    expected: tuple[Status, ...]
    limits: Limits = _SHORT
    needs: Needs = ""


def forger(
    name: str,
    program: str,
    *expected: Status,
    tests: str = TESTS,
    limits: Limits = _SHORT,
    needs: Needs = "",
) -> Probe:
    """Return a probe whose program wants a pass that it has not earned."""
    task = Task(program=_PREAMBLE + dedent(program), tests=tests, entry_point="guess")
    return Probe(name, task, expected, limits, needs)


def breaker(name: str, attempt: str, *, needs: Needs = "") -> Probe:
    """Return a probe whose `attempt` must raise, or say False in a variable `open_`."""
    body = indent(dedent(attempt), "    ")
    program = f"{_PREAMBLE}open_ = True\ntry:{body}\nexcept Exception:\n    open_ = False\n"
    program += 'print("open" if open_ else "blocked")\n'
    task = Task(program=program, proof="stdio", expected_stdout="blocked")
    return Probe(name, task, (Status.PASS,), _SHORT, needs)


def foreigner(language: Needs, name: str, program: str, tests: str, *expected: Status, limits: Limits) -> Probe:
    """Return a probe in another language, judged by proof "proof"."""
    task = Task(language=language, program=dedent(program), tests=tests, proof="proof")
    return Probe(f"{language}: {name}", task, expected, limits, language)
