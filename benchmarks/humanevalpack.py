"""HumanEvalPack through the container: canonical solutions must pass, buggy ones must not.

    python benchmarks/humanevalpack.py FOLDER [--languages javascript,cpp] [--tasks 0,1,2]

FOLDER holds js, cpp, java, go and rust.jsonl.gz of bigcode/humanevalpack. Prints, per language, how many passed of each
kind, the CPU time of compiler and program, and every task that did not end as it must.
"""

import argparse
import gzip
import json
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path

from code_qwen.suites.gofiles import go_files
from sandbox import Result, SandboxPool, Status, Task

FILES = {"javascript": "js", "cpp": "cpp", "java": "java", "go": "go", "rust": "rust"}
KINDS = {"canonical_solution": True, "buggy_solution": False}


def rows(folder: Path, language: str) -> list[dict[str, str]]:
    """Return the tasks of one language."""
    with gzip.open(folder / f"{FILES[language]}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def task(language: str, row: dict[str, str], kind: str) -> Task:
    """Return one task with the solution of one kind."""
    program, tests = row["prompt"] + row[kind], row["test"]
    if language == "go":
        program, tests = go_files(program, row["test"], row["test_setup"], row["import"])
    return Task(language=language, program=program, tests=tests, proof="proof")


def judged(
    folder: Path, languages: Iterable[str], numbers: set[int] | None = None
) -> Iterator[tuple[str, str, str, Result]]:
    """Yield (language, kind, task id, result) for every task, or for those of `numbers`."""
    languages = list(languages)
    asked = [
        (language, kind, row)
        for language in languages
        for number, row in enumerate(rows(folder, language))
        if numbers is None or number in numbers
        for kind in KINDS
    ]
    with SandboxPool(languages=languages) as box:
        results = box.map(task(language, row, kind) for language, kind, row in asked)
        for (language, kind, row), result in zip(asked, results, strict=True):
            yield language, kind, row["task_id"], result


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--languages", default=",".join(FILES))
    parser.add_argument("--tasks", default="", help="numbers of tasks, comma-separated; all of them if empty")
    options = parser.parse_args()
    numbers = {int(number) for number in options.tasks.split(",") if number} or None
    for language in options.languages.split(","):
        _show(language, list(judged(options.folder, [language], numbers)))


def _show(language: str, found: list[tuple[str, str, str, Result]]) -> None:
    for kind, must_pass in KINDS.items():
        results = [(name, result) for _, of, name, result in found if of == kind]
        passed = sum(result.status is Status.PASS for _, result in results)
        compiler, program = (
            1000 * statistics.mean(getattr(result, name) for _, result in results)
            for name in ("compile_cpu_s", "cpu_s")
        )
        print(f"{language} {kind}: {passed} of {len(results)} passed; CPU ms {compiler:.0f} + {program:.0f} a sample")
        for name, result in results:
            if (result.status is Status.PASS) is not must_pass:
                print(f"  {name}: {result.status} {result.detail} {result.stderr[-400:]!r}")


if __name__ == "__main__":
    main()
