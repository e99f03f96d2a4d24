"""What is asked of a sandbox, and what comes back.

A `Task` is a program with what must be proven of it, `Limits` say how much it may use, a `Result` says how it ended.
`Backend` and `Worker` are what any wall (a container, a plain process) offers to the pool; a worker runs one task at a
time. A task that makes no sense is a `ValueError` naming the field before anything starts. A sandbox that cannot be
opened is `SandboxUnavailable`, one line with the cure. Neither is ever a `Result`.
"""

import keyword
import math
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

from sandbox.status import Status

LANGUAGES = ("python", "javascript", "cpp", "java", "go", "rust")
PROOFS = ("split", "inproc", "proof", "stdio", "none")
MAX_OUTPUT_BYTES = 1 << 20

Proof = Literal["split", "inproc", "proof", "stdio", "none"]


class SandboxUnavailable(RuntimeError):
    """The sandbox cannot be opened or has broken down; the text is one line: what is wrong, what to do."""


class WorkerLost(RuntimeError):
    """A worker died or went silent in the middle of a task; the text says what was last heard of it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One untrusted program and what must be proven of it.

    Attributes:
        language: one of `LANGUAGES`; any but Python needs a pool that was opened with it.
        program: the untrusted source text.
        proof: how a pass is proven.
            "split": Python only. `tests` run in a judge process that calls `entry_point` in the candidate's process;
            tests and expected values never enter the candidate. Arguments and results must be plain data
            (`sandbox.values`).
            "inproc": Python only, and always a weak proof. `tests` run in the program's own process and see all its
            names, so values of any type may pass (`sandbox.image.inproc`).
            "proof": any language but Python. Program and tests are one program, whose end our own `main` vouches for
            (`sandbox.languages.language`); always a weak proof.
            "stdio": what the program prints for `stdin` equals `expected_stdout`, compared outside the box. Spaces at
            the end of lines and line breaks at the end of the text do not count.
            "none": the program is only run; a normal end is `no_verdict`.
        tests: trusted code that raises `AssertionError` where the program is wrong ("split", "inproc"); or, in the
            program's language: a script with `console.assert`, a `main` with `assert`, a class `Main` that throws
            `AssertionError`, a Go file of tests, a Rust module of tests ("proof").
        entry_point: the function that the tests call ("split", "inproc").
        prelude: trusted code that is run before the tests: imports and helpers that they use ("split", "inproc").
        mutates: the tests look at arguments after the call; lists, dicts and sets are copied back ("split"; with
            "inproc" nothing is a copy).
        stdin: what the program reads ("stdio", "none").
        expected_stdout: what it must print ("stdio").
    """

    language: str = "python"
    program: str
    proof: Proof = "split"
    tests: str = ""
    entry_point: str = ""
    prelude: str = ""
    mutates: bool = False
    stdin: str = ""
    expected_stdout: str | None = None

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"Task.language: {self.language!r} is not known; known are {', '.join(LANGUAGES)}")
        if self.proof not in PROOFS:
            raise ValueError(f"Task.proof: {self.proof!r} is not one of {', '.join(PROOFS)}")
        if (self.language == "python") is (self.proof == "proof") and self.proof in _TESTED:
            other = "split" if self.proof == "proof" else "proof"
            raise ValueError(f"Task.proof: tests of {self.language} are run by proof {other!r}, not {self.proof!r}")
        for name, value in vars(self).items():
            if name not in _USED_BY[self.proof] and value:
                raise ValueError(f"Task.{name}: proof {self.proof!r} does not use it; leave it out")
        if self.proof in ("split", "inproc"):
            self._check_entry_point()
        if self.proof in _TESTED and not self.tests.strip():
            raise ValueError(f"Task.tests: proof {self.proof!r} needs code that uses the program and asserts")
        if self.proof == "stdio":
            self._check_stdio()

    def _check_entry_point(self) -> None:
        if not self.entry_point.isidentifier() or keyword.iskeyword(self.entry_point):
            name = self.entry_point
            raise ValueError(f"Task.entry_point: proof {self.proof!r} needs a function's name, not {name!r}")

    def _check_stdio(self) -> None:
        if self.expected_stdout is None:
            raise ValueError("Task.expected_stdout: proof 'stdio' compares with it; give what the program must print")
        if len(self.expected_stdout.encode("utf-8", "surrogatepass")) > MAX_OUTPUT_BYTES:
            raise ValueError(f"Task.expected_stdout: {MAX_OUTPUT_BYTES} bytes of output can be compared at most")


_TESTED = ("split", "inproc", "proof")
_ALWAYS = frozenset({"language", "program", "proof"})
_CALLED = _ALWAYS | {"tests", "entry_point", "prelude", "mutates"}
_USED_BY = {
    "split": _CALLED,
    "inproc": _CALLED,
    "proof": _ALWAYS | {"tests"},
    "stdio": _ALWAYS | {"stdin", "expected_stdout"},
    "none": _ALWAYS | {"stdin"},
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one task may use. CPU time is the limit that decides; wall time is a backstop.

    Attributes:
        cpu_s: CPU seconds of the program and its children; the judge of a split task may use as much again.
        wall_s: wall-clock seconds; None means the larger of 10 and five times `cpu_s`.
        memory_mib: address space of each process, and at most the memory of the container. For runtimes that reserve
            more than they use (JavaScript, Java, Go, Rust): writable memory of each process.
        pids: processes and threads at once.
        output_bytes: how much of stdout and of stderr is kept; at 64 times as much the program is killed.
        file_mib: size of each file written.
        num_fds: open file descriptors of each process.
    """

    cpu_s: float = 3.0
    wall_s: float | None = None
    memory_mib: int = 1024
    pids: int = 32
    output_bytes: int = 64 << 10
    file_mib: int = 16
    num_fds: int = 256

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "wall_s" and value is None:
                continue
            kind, word = (int | float, "number") if name in ("cpu_s", "wall_s") else (int, "whole number")
            if not isinstance(value, kind) or not math.isfinite(value) or value <= 0:
                raise ValueError(f"Limits.{name}: a positive {word} is needed, not {value!r}")
        if self.output_bytes > MAX_OUTPUT_BYTES:
            raise ValueError(f"Limits.output_bytes: at most {MAX_OUTPUT_BYTES}, not {self.output_bytes}")

    @property
    def backstop_s(self) -> float:
        """The wall-clock limit in seconds, with the default filled in."""
        return self.wall_s if self.wall_s is not None else max(10.0, 5 * self.cpu_s)

    def check_within(self, box: Self) -> None:
        """Raise `ValueError` if this asks for more than `box`, which the worker was opened with, can give."""
        for name in ("memory_mib", "pids"):
            asked, given = getattr(self, name), getattr(box, name)
            if asked > given:
                raise ValueError(f"Limits.{name}: {asked} is above {given}, what the pool was opened with")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one task ended.

    `proof` is "strong" where the program cannot have forged a pass, "weak" where it could. `stamps` are sentences that
    anybody who shows the result must show too ("judged without a container: ..."). `cpu_s` counts candidate and judge.
    """

    status: Status
    proof: Literal["strong", "weak"] = "weak"
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
    dropped_bytes: int = 0  # output beyond what was kept
    num_calls: int = 0  # calls of the entry point that the judge made
    exit_code: int | None = None
    cpu_s: float = 0.0
    compile_cpu_s: float = 0.0
    wall_s: float = 0.0
    max_rss_mib: float = 0.0
    retries: int = 0
    worker_lost: bool = False
    worker: str = ""
    image: str = ""
    stamps: tuple[str, ...] = field(default=())


class Worker(Protocol):
    """One box that runs one task at a time; `features` says what it can enforce beyond limits."""

    features: dict[str, bool]

    def run(self, task: Task, limits: Limits) -> Result:
        """Run `task` to its end within `limits`. Raises `WorkerLost`; the worker is then of no more use."""
        ...

    def leftovers(self) -> tuple[str, ...]:
        """Name every process and file that earlier tasks left behind; empty is the promise."""
        ...

    def close(self) -> None:
        """End the box and everything in it. May be called twice, from any thread."""
        ...


class Backend(Protocol):
    """One kind of wall."""

    def open(self, slot: int) -> Worker:
        """Start the worker of one slot. Raises `SandboxUnavailable` or `WorkerLost`."""
        ...

    def close(self) -> None:
        """Give back what the backend itself holds; workers are closed before."""
        ...
