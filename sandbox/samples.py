"""What `python -m sandbox run` is given: one program, or a file of samples; and the file of results.

A file of samples is JSON Lines: on each line the fields of a `Task`, and an `id`, of any kind, that comes back beside
the result. Every line is looked at before the first program runs, so that no mistake is found after an hour.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sandbox.contract import Proof, Result, Task

SUFFIXES = {
    ".py": "python", ".js": "javascript", ".cpp": "cpp", ".cc": "cpp", ".java": "java", ".go": "go", ".rs": "rust"
}  # fmt: skip
_KINDS = {field.name: {"mutates": bool, "expected_stdout": str | None}.get(field.name, str) for field in fields(Task)}
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Sample:
    """One line of a file: its number, counted from 1, the caller's own id of it, and the task."""

    line: int
    id: Any
    task: Task


def is_samples(path: Path) -> bool:
    """Whether a file's name says that it holds samples and is no program."""
    return path.name.endswith((".jsonl", ".jsonl.gz"))


def read_samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a `.jsonl` or `.jsonl.gz` file; blank lines are skipped.

    Raises:
        ValueError: the file cannot be read; or once every line has been looked at: which are no samples, and why.
    """
    bad = []
    for number, line in _lines(path):
        try:
            sample = _sample(number, line)
        except ValueError as error:
            bad.append(f"line {number}: {error}")
            continue
        if not bad:
            yield sample
    if bad:
        more = [f"and {len(bad) - _MOST_SHOWN} more"] if len(bad) > _MOST_SHOWN else []
        raise ValueError(f"{path}: " + "; ".join(bad[:_MOST_SHOWN] + more))


def result_row(sample: Sample, result: Result) -> str:
    """Return one line of a file of results: `line` and `id` of the sample, then the fields of its `Result`."""
    return json.dumps({"line": sample.line, "id": sample.id, **asdict(result)})


def task_of(
    file: Path, *, tests: Path | None, entry_point: str, inproc: bool, stdin: Path | None, expect: Path | None
) -> Task:
    """Return the task of judging one program by tests, by its output, or not at all.

    Args:
        file: the program; the end of its name tells the language, Python where it does not.
        tests: trusted tests in that language.
        entry_point: the function that tests in Python call.
        inproc: run tests in the program's own process.
        stdin: what the program reads.
        expect: what it must print.

    Raises:
        ValueError: a file cannot be read, or the options do not fit together.
    """
    program, language = _read(file), SUFFIXES.get(file.suffix, "python")
    if tests is not None:
        if stdin or expect:
            raise ValueError("--tests: judges by calls; leave out --stdin and --expect")
        proof: Proof = "inproc" if inproc else "split" if language == "python" else "proof"
        return Task(language=language, program=program, tests=_read(tests), entry_point=entry_point, proof=proof)
    for option, value in (("--entry-point", entry_point), ("--inproc", inproc)):
        if value:
            raise ValueError(f"{option}: needs --tests")
    read = _read(stdin) if stdin else ""
    if expect is not None:
        return Task(language=language, program=program, proof="stdio", stdin=read, expected_stdout=_read(expect))
    return Task(language=language, program=program, proof="none", stdin=read)


def _sample(number: int, line: bytes) -> Sample:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f"a JSON object is needed, this is {type(row).__name__}")
    own_id = row.pop("id", None)
    for name, value in row.items():
        if name not in _KINDS:
            raise ValueError(f"{name!r} is not known; known are id, {', '.join(_KINDS)}")
        if not isinstance(value, _KINDS[name]):
            needed = "true or false" if _KINDS[name] is bool else "a string"
            raise ValueError(f"Task.{name}: {needed} is needed, not {type(value).__name__}")
    if "program" not in row:
        raise ValueError("Task.program: is missing")
    return Sample(number, own_id, Task(**row))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError) as error:
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8 text") from None
