"""What is declared of a language: commands, files, limits.

A `Plan` is all that a box learns of a language: files to write and commands to become. No supervisor knows a language,
so declaring one changes nothing inside an image but the packages in it (`sandbox/image/toolchains.sh`).

Proof "proof": program and tests become one program, whose `main` is ours. It takes a secret from descriptor 3 before
anything else can run, runs the tests, and only when the last one has passed writes the secret to descriptor 4; then it
ends without running another line. Exit codes, exit handlers, early exits, static constructors and a `main` or an
`assert` of the program's own gain nothing. Names that our parts share carry a random tag that the program cannot know,
and no source is left to read once it runs. What remains is an attack on memory that the program shares with its tests,
or a value that lies about being equal: such a pass is possible, and every proof of this kind is called weak.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.contract import Limits

RUN_LIMITS = Limits(cpu_s=5, wall_s=25, pids=48)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command in the sample's directory, and the files (path -> text) that are written before it."""

    argv: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one program becomes a process; `build` is None where nothing is compiled."""

    build: Step | None
    run: Step


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language.

    Attributes:
        name: as in `Task.language`, and the directory below /opt/languages that says an image has it.
        limits: of programs, where the caller gives none.
        build_limits: of the compiler.
        reserves: compiler and programs reserve far more address space than they use, so that their limit is on
            memory that they may write to.
        alone: the plan of a program as it stands.
        proven: the plan of (program, tests, tag); see the module's text.
    """

    name: str
    limits: Limits = RUN_LIMITS
    build_limits: Limits
    reserves: bool
    alone: Callable[[str], Plan]
    proven: Callable[[str, str, str], Plan]


def script(*lines: str) -> tuple[str, ...]:
    """Return the command that runs shell `lines` until one fails."""
    return ("sh", "-ec", "\n".join(lines))


def piped(name: str, command: str) -> str:
    """Return the shell line that gives `command` a file on its stdin which is gone before it has been read."""
    return f"{{ cat {name}; rm {name}; }} | {command}"


def part(name: str, **tags: str) -> str:
    """Return the text of a file beside this one, with the words that `tags` name replaced."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    for word, replacement in tags.items():
        text = text.replace(word, replacement)
    return text
