"""The marks of samples that others published in, their score out.

The file is what `grade --samples IN --json OUT` writes: one line a sample, with its task and its mark. Such a score has
verdicts of ours and answers of others: it stands beside the measured ones and enters no test.
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from specialists.errors import ConfigError, DataError
from specialists.jsonl import read_rows
from specialists.metrics import mean, wilson
from specialists.records import Mark
from specialists.report.comparison import Regraded


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)

    task_id: str
    mark: Mark


def read_regraded(setting: str, titles: Mapping[str, str]) -> Regraded:
    """Read the marks of a file of samples.

    Args:
        setting: "BENCHMARK=FILE".
        titles: benchmark -> title, of those in the report.

    Raises:
        ConfigError: the setting is not of that form, or the report has no such benchmark.
        DataError: the file is missing or empty, or a line is no mark; names file and line.
    """
    benchmark, equals, name = setting.partition("=")
    if not equals or benchmark not in titles:
        raise ConfigError(f"--regraded {setting}: write it as BENCHMARK=FILE; benchmarks here: {', '.join(titles)}")
    lines = _lines(Path(name))
    right: dict[str, list[bool]] = defaultdict(list)
    for line in lines:
        right[line.task_id].append(line.mark is Mark.CORRECT)
    value = mean([sum(marks) / len(marks) for marks in right.values()])
    low, high = wilson(value, len(right))
    return Regraded(
        samples=Path(name).stem,
        benchmark=benchmark,
        title=titles[benchmark],
        answers=len(lines),
        value=value,
        n=len(right),
        low=low,
        high=high,
        marks={mark: count for mark in Mark if (count := sum(line.mark is mark for line in lines))},
    )


def _lines(path: Path) -> list[_Line]:
    found: list[_Line] = []
    for number, row in read_rows(path):
        try:
            found.append(_Line.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise DataError(f"{path}:{number}: {field}: {first['msg']}; `grade --samples --json` writes it") from None
    if not found:
        raise DataError(f"{path}: holds no mark")
    return found
