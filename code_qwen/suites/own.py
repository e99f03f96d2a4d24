"""Samples that bring their own tests along.

A row says what was asked (`task`, `prompt`, `entry_point`), how it is tested (`test`), and in which `language`;
published runs of agents are written so. Tests in Rust may be a `main` that asserts.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import EXTRACTORS, PROTOCOL, cheats, complete
from sandbox.contract import LANGUAGES
from specialists.errors import DataError
from specialists.family import Benchmark, Judging, Row
from specialists.records import Completion, Problem, Verdict

_NAMES = {"py": "python", "rs": "rust", "js": "javascript", "c++": "cpp"}
_NEEDED = ("task", "prompt", "entry_point", "test")


def _own(rows: Iterable[Row]) -> list[CodeProblem]:
    return [_problem(row) for row in rows]


def _problem(row: Row) -> CodeProblem:
    missing = [name for name in _NEEDED if not isinstance(row.get(name), str)]
    if missing:
        raise DataError(f"no text in {', '.join(missing)}, which a row with its own tests needs")
    language = str(row.get("language", "python")).casefold()
    language = _NAMES.get(language, language)
    if language not in LANGUAGES:
        raise DataError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    return CodeProblem(
        id=row["task"] if language == "python" else f"{row['task']} ({language})",
        prompt=row["prompt"],
        gold="",
        entry_point=row["entry_point"],
        tests=_module(row["test"]) if language == "rust" else row["test"],
        prelude=row["prompt"] if language == "python" else "",
        language=language,
    )


def _module(test: str) -> str:
    """Return Rust tests as a module of test functions, which is what can be proven."""
    if "#[test]" in test:
        return test
    return "mod tests {\nuse super::*;\n" + re.sub(r"\bfn\s+main\s*\(", "#[test]\nfn all_tests(", test) + "\n}\n"


class OwnGrader:
    """Opens a sandbox for the languages that the items have: a file in Python needs no image with compilers."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._stamps: tuple[str, ...] = ()

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        """Yield one verdict for each item, in order. Raises `GradeError`."""
        items = list(items)
        languages = {problem.language for problem, _ in items if isinstance(problem, CodeProblem)}
        if items:
            with open_grader(self._judging, languages=languages) as grader:
                yield from grader.grade(items)
                self._stamps = grader.stamps()

    def stamps(self) -> tuple[str, ...]:
        """Return what the sandbox could not promise."""
        return self._stamps


@contextmanager
def _open_own(judging: Judging) -> Iterator[OwnGrader]:
    yield OwnGrader(judging)


OWN = Benchmark(
    name="own",
    title="Own tests",
    metric="pass@1",
    rows=None,
    problems=_own,
    forms={"completion": complete},
    open_grader=_open_own,
    right=lambda problem: problem.gold,
    wrong=cheats,
    max_new_tokens=512,
    extractors=EXTRACTORS,
    protocol={**PROTOCOL, "tests": "those of each row of the file"},
)
