"""Anybody's samples in, completions of known problems out.

Three kinds of JSON lines are read. That of openai/human-eval and evalplus: `task_id`, and `completion` (what goes on
from the prompt) or `solution` (a whole answer). The sample log of lm-evaluation-harness: `doc` and `resps`. And any
other, when `Fields` says which field holds what. A line may hold a list of texts; a task may stand on many lines, and
each further one is a further sample of it. A line that cannot be graded is a `Fault` with its number and its kind:
nothing is ever graded as wrong because it could not be read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from specialists.errors import ConfigError, DataError
from specialists.jsonl import read_lines
from specialists.records import Completion, Problem, Stop

TEXTS = ("completion", "completions", "generation", "response", "output", "solution", "solutions")
VERDICTS = ("passed", "is_correct", "is_solved", "correct", "exact_match", "pass@1", "pass_at_1", "acc", "result")
_SHOWN = 5  # lines of one kind that a message names
_WORDS = {"passed": True, "pass": True, "true": True}
_WORDS |= {"failed": False, "fail": False, "false": False, "timed out": False}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Fields:
    """Which fields of a line hold what; "" is found by itself, and a dot walks into an object: "doc.question".

    `task` or `question` says what is answered, `answer` is the right answer that the file itself has, `output` the text
    to judge, `verdict` what somebody's own run made of it. Only lines whose fields have the values of `where` are read.
    """

    task: str = ""
    question: str = ""
    answer: str = ""
    output: str = ""
    verdict: str = ""
    where: Mapping[str, str] = field(default_factory=dict)


def read_fields(named: Mapping[str, str], where: Sequence[str]) -> Fields:
    """Return fields as a user names them. Raises `ConfigError` where a condition is not FIELD=VALUE."""
    for condition in where:
        if "=" not in condition:
            raise ConfigError(f"--where {condition}: write it as FIELD=VALUE, e.g. model=gpt-4")
    pairs = (condition.partition("=") for condition in where)
    return Fields(**named, where={name: value for name, _, value in pairs})


@dataclass(frozen=True)
class Given:
    """One sample of a file: its line, the completion, and what the file says of it (None where it says nothing)."""

    line: int
    completion: Completion
    recorded: bool | None = None


@dataclass(frozen=True)
class Fault:
    """A line that cannot be graded: its number, what kind of line it is, and what is wrong."""

    line: int
    kind: str
    text: str


class Finds(Protocol):
    """Knows which problem a line answers."""

    def find(self, line: int, row: Row, fields: Fields) -> str | None:
        """Return the problem's id, None where the line answers no problem."""
        ...

    def unknown(self, row: Row, fields: Fields) -> str:
        """Say in words what a line asks for that is no problem."""
        ...


@dataclass
class Samples:
    """What a file holds: samples in the order of its lines, lines that cannot be graded, remarks on the whole."""

    path: Path
    given: list[Given] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def complaint(self) -> str:
        """Return in one line what cannot be graded: the first fault, and which lines of each kind there are."""
        lines: dict[str, list[int]] = defaultdict(list)
        for fault in self.faults:
            lines[fault.kind].append(fault.line)
        counts = "; ".join(f"{len(numbers)} {kind} ({_listed(numbers)})" for kind, numbers in lines.items())
        first = self.faults[0]
        return f"{self.path}:{first.line}: {first.text}. Cannot be graded: {counts}"


def read_samples(path: Path, problems: Sequence[Problem], tasks: Finds, fields: Fields | None = None) -> Samples:
    """Read a file of samples as completions of known problems.

    Args:
        path: JSON lines, packed by gzip or not.
        problems: what the samples may answer.
        tasks: finds the problem of a line.
        fields: where things stand in a line; None finds them.

    Raises:
        DataError: the file is missing, cannot be unpacked, or holds nothing.
    """
    fields = fields or Fields()
    samples, counts, lines = Samples(path), Counter[str](), list(read_lines(path))
    filters = list(dict.fromkeys(_filter(row) for _, row in lines if not isinstance(row, str)))
    wanted = _wanted_filter(filters, fields)
    for line, row in lines:
        if isinstance(row, str):
            samples.faults.append(Fault(line, "not JSON objects", row))
        elif is_wanted(row, fields) and _filter(row) == wanted:
            taken = _taken(line, row, tasks, fields, counts)
            samples.given += [] if isinstance(taken, Fault) else taken
            samples.faults += [taken] if isinstance(taken, Fault) else []
    if not (samples.given or samples.faults):
        raise DataError(f"{path}: holds no sample")
    samples.notes += _notes(samples.given, problems)
    if len(filters) > 1:
        samples.notes.append(f"the log has filters {', '.join(filters)}; verdicts are those of {wanted}")
    return samples


def _taken(line: int, row: Row, tasks: Finds, fields: Fields, counts: Counter[str]) -> list[Given] | Fault:
    """Return the samples of one line, counting them, or what is wrong with it."""
    texts = _texts(row, fields)
    if texts is None:
        return Fault(line, "without a text to judge", _no_text(row, fields))
    found = tasks.find(line, row, fields)
    if found is None:
        return Fault(line, "of unknown tasks", tasks.unknown(row, fields))
    given: list[Given] = []
    for text, recorded in zip(texts, _recorded(row, fields, len(texts)), strict=True):
        completion = Completion(problem_id=found, sample=counts[found], text=text, stop=Stop.END, num_tokens=0)
        counts[found] += 1
        given.append(Given(line, completion, recorded))
    return given


def at(row: Row, name: str) -> Any:
    """Return what stands in a field, None where it is not there; a dot in its name walks into an object."""
    value: Any = row
    for part in [name] if name in row else name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def is_wanted(row: Row, fields: Fields) -> bool:
    """Whether a line has the values that are asked for."""
    return all(str(at(row, name)) == value for name, value in fields.where.items())


def is_log(row: Row) -> bool:
    """Whether a line is one of lm-evaluation-harness."""
    return isinstance(row.get("doc"), Mapping) and "resps" in row


def _filter(row: Row) -> str:
    """Return the filter of a log's line: such a log holds every sample once for each; "" for any other line."""
    return str(row.get("filter", "")) if is_log(row) else ""


def _wanted_filter(filters: Sequence[str], fields: Fields) -> str:
    """Return whose verdicts count: the filter asked for, else one that reads answers as freely as we do, else any."""
    flexible = [name for name in filters if name.startswith("flex")]
    return fields.where.get("filter") or next(iter([*flexible, *filters]), "")


def _texts(row: Row, fields: Fields) -> list[str] | None:
    """Return the texts of a line, None where it has none."""
    if fields.output:
        value = at(row, fields.output)
    elif is_log(row):
        value = list(_flat(row["resps"]))
    else:
        value = next((row[name] for name in TEXTS if name in row), None)
    texts = [value] if isinstance(value, str) else value
    right = isinstance(texts, list) and bool(texts) and all(isinstance(text, str) for text in texts)
    return texts if right else None


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _no_text(row: Row, fields: Fields) -> str:
    if fields.output or is_log(row):
        return f"no text in {fields.output or 'resps'}"
    there = next((name for name in TEXTS if name in row), "")
    if there:
        return f"{there} is no text but {type(row[there]).__name__}"
    has = ", ".join(map(str, row)) or "nothing"
    return f"a sample needs task_id and completion or solution as text; this one has {has} (--output names another)"


def _recorded(row: Row, fields: Fields, num_texts: int) -> list[bool | None]:
    """Return what the file says of each text of a line."""
    name = fields.verdict or next((name for name in VERDICTS if name in row), "")
    value = at(row, name)
    values = value if isinstance(value, list) and len(value) == num_texts else [value] * num_texts
    if num_texts > 1 and not isinstance(value, list):
        values = [None] * num_texts  # one number for several samples is a share, not a verdict
    return [_truth(item) for item in values]


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.partition(":")[0].strip().casefold())
    return bool(value) if isinstance(value, bool | int | float) and value in (0, 1) else None


def _notes(given: Sequence[Given], problems: Sequence[Problem]) -> Iterator[str]:
    counts = Counter(sample.completion.problem_id for sample in given)
    missing = [problem.id for problem in problems if problem.id not in counts]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        yield f"{len(missing)} of {len(problems)} problems have no sample and are left out: {shown}"
    if len(set(counts.values())) > 1:
        low, high = min(counts.values()), max(counts.values())
        yield f"problems have from {low} to {high} samples; each counts once, by the share of its samples that pass"
    texts: dict[tuple[str, str], int] = {}
    twice = [s.line for s in given if texts.setdefault((s.completion.problem_id, s.completion.text), s.line) != s.line]
    if twice:
        yield f"{len(twice)} samples repeat another of the same problem word for word ({_listed(twice)})"


def _listed(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
