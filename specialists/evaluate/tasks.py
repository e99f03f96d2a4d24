"""A line of somebody's file in, the problem that it answers out.

Task ids may be spelled as others spell them: "HumanEval/0", "Mbpp/11", "mbpp_11_name", "test/algebra/1.json" and 11 all
find their problem. Where a line has no id that is known, its question's own words decide; blanks and capitals do not
count. What two problems share finds neither.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from specialists.errors import DataError
from specialists.evaluate.samples import Fields, Row, at, is_log, is_wanted
from specialists.jsonl import read_lines
from specialists.records import Problem

_IDS = ("task_id", "doc.task_id", "doc.unique_id")
_QUESTIONS = ("question", "problem", "original_text", "query", "prompt", "text", "input")
_NUMBERED = re.compile(r"(.*?)[/_](\d+)(?:_\w+)?")


class Tasks:
    """The problems of one benchmark, ready to be found."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self._name = name
        self._ids = {problem.id.casefold(): problem.id for problem in problems}
        self._ends = _only_once((problem.id.partition("/")[2].casefold(), problem.id) for problem in problems)
        self._questions = _only_once((_bare(problem.prompt), problem.id) for problem in problems)

    def find(self, line: int, row: Row, fields: Fields) -> str | None:
        """Return the problem's id, None where the line answers no problem."""
        del line
        for name in [fields.task] if fields.task else _IDS:
            found = self._by_id(str(at(row, name)))
            if found is not None:
                return found
        for text in _asked(row, fields):
            found = self._questions.get(_bare(text))
            if found is not None:
                return found
        return None

    def unknown(self, row: Row, fields: Fields) -> str:
        """Say in words what a line asks for that is no problem."""
        name = next((at(row, name) for name in ([fields.task] if fields.task else _IDS) if at(row, name)), None)
        if name is not None or at(row, fields.task or "task_id") == 0:
            return f"task_id {str(name or 0)!r} is not a problem of {self._name}"
        text = next(iter(_asked(row, fields)), None)
        if text is None:
            return "a sample needs task_id, or a question in a field that --question names"
        return f"the question {text[:60]!r} is not one of {self._name}'s"

    def _by_id(self, name: str) -> str | None:
        name = name.casefold()
        numbered = _NUMBERED.fullmatch(name)
        spelled = f"{numbered[1]}/{numbered[2]}" if numbered else ""
        return self._ids.get(name) or self._ids.get(spelled) or self._ends.get(name)


class OwnTasks:
    """The problems that a file brings along, by the line that they stand on."""

    def __init__(self, by_line: Mapping[int, Problem]) -> None:
        self._by_line = by_line

    def find(self, line: int, row: Row, fields: Fields) -> str | None:
        """Return the id of the problem on that line."""
        del row, fields
        return self._by_line[line].id if line in self._by_line else None

    def unknown(self, row: Row, fields: Fields) -> str:
        """Say that a line brings no problem along."""
        del fields
        return f"brings no question of its own; it has {', '.join(map(str, row))}"


def _asked(row: Row, fields: Fields) -> list[str]:
    """Return the texts of a line that may be the question."""
    if fields.question:
        texts = [at(row, fields.question)]
    else:
        source = row["doc"] if is_log(row) else row
        texts = [source.get(name) for name in _QUESTIONS]
    return [text for text in texts if isinstance(text, str)]


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text).rstrip("=").casefold()


def _only_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a mapping without the keys that stand for two values."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            twice.add(key)
    return {key: value for key, value in found.items() if key not in twice}


def own_problems(
    path: Path, problems: Callable[[Iterable[Row]], list[Problem]], fields: Fields | None = None
) -> dict[int, Problem]:
    """Return the problem that each line of a file brings along.

    Args:
        path: JSON lines.
        problems: makes a problem of a row, which has `task`, `question` and `answer` as `fields` names them.
        fields: names of these in the file.

    Raises:
        DataError: a row lacks something, or two rows give one task different tests or answers; names the line.
    """
    fields = fields or Fields()
    by_line: dict[int, Problem] = {}
    known: dict[str, Problem] = {}
    for line, row in read_lines(path):
        if isinstance(row, str) or not is_wanted(row, fields):
            continue
        named = {name: at(row, getattr(fields, name) or name) for name in ("task", "question", "answer")}
        try:
            (by_line[line],) = problems([{**row, **{k: v for k, v in named.items() if v is not None}}])
        except DataError as error:
            raise DataError(f"{path}:{line}: {error}") from None
        if known.setdefault(by_line[line].id, by_line[line]) != by_line[line]:
            raise DataError(f"{path}:{line}: {by_line[line].id[:60]!r} has other tests or another answer than before")
    return by_line
