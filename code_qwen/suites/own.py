"""Samples that bring their own tests along.

A row says what was asked (`task`, `prompt`, `entry_point`), how it is tested (`test`), and in which `language`;
published runs of agents are written so. Tests in Rust may be a `main` that asserts.
"""

import re
from collections.abc import Iterable
from functools import partial

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import EXTRACTORS, PROTOCOL, cheats, complete
from sandbox.contract import LANGUAGES
from specialists.errors import DataError
from specialists.family import Benchmark, Row

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


OWN = Benchmark(
    name="own",
    title="Own tests",
    metric="pass@1",
    rows=None,
    problems=_own,
    forms={"completion": complete},
    open_grader=partial(open_grader, languages=LANGUAGES),
    right=lambda problem: problem.gold,
    wrong=cheats,
    max_new_tokens=512,
    extractors=EXTRACTORS,
    protocol={**PROTOCOL, "tests": "those of each row of the file"},
)
