"""HumanEvalPack: write, or mend, functions in six languages.

Twelve benchmarks of one shape (Muennighoff et al. 2023, arXiv 2308.07124). "Explain" is judged like "synthesize", with
the same ids and tests: its second step is regraded by these benchmarks. Asking it takes a model's own description of
each function, which one prompt cannot give, so it is not generated.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from code_qwen.braces import last_defined
from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import END_OF_FUNCTION, EXTRACTORS, PROTOCOL, cheats, complete, say
from code_qwen.suites.gofiles import go_files
from sandbox import Task
from specialists.family import CHAT, Benchmark, Published, Row
from specialists.records import Prompt

_TITLES = {"python": "Python", "js": "JavaScript", "java": "Java", "go": "Go", "cpp": "C++", "rust": "Rust"}
_LANGUAGES = {"js": "javascript"}  # where the sandbox has another name
# bigcode-evaluation-harness, bigcode_eval/tasks/humanevalpack.py, LANGUAGE_TO_STOP_WORDS; the function's end is found
# by its braces.
_STOP = {"python": END_OF_FUNCTION, "go": ("\n//", "\nfunc main(", "\nfunc")}
# Programs that give nothing, as the body of any function of the language may be written.
_EMPTY = {"js": "", "java": "throw null;", "go": 'panic("")', "cpp": "throw 1;", "rust": "panic!()"}


class PackProblem(CodeProblem):
    """A task in one language: its instruction, a function with a planted bug, and what its Go tests import."""

    instruction: str
    buggy: str
    declaration: str
    setup: str = ""

    def task(self, program: str) -> Task:
        """Return what the sandbox must run; program and tests in Go become two files."""
        if self.language != "go":
            return super().task(program)
        program, tests = go_files(program, self.tests, self.setup, self.prompt)
        return Task(language="go", program=program, tests=tests, proof="proof")


def _tests(row: Row, language: str) -> str:
    """Return the tests of a task; those of one in C++ have their header in its solution."""
    needs_header = language == "cpp" and "assert.h" not in row["test"]
    return "#undef NDEBUG\n#include<assert.h>\n" + row["test"] if needs_header else row["test"]


def _problems(language: str, rows: Iterable[Row]) -> list[PackProblem]:
    return [
        PackProblem(
            id=row["task_id"],
            prompt=row["prompt"],
            gold=row["canonical_solution"],
            group=row["bug_type"],
            language=_LANGUAGES.get(language, language),
            entry_point=_entry_point(row, _LANGUAGES.get(language, language)),
            tests=_tests(row, language),
            prelude=row["prompt"] if language == "python" else "",
            instruction=row["instruction"],
            buggy=row["buggy_solution"],
            declaration=row["declaration"],
            setup=row.get("test_setup", ""),
        )
        for row in rows
    ]


def _entry_point(row: Row, language: str) -> str:
    """Return the name of the function that is asked for; `entry_point` spells it otherwise in places."""
    return row["entry_point"] if language == "python" else last_defined(row["declaration"], language)


def _synthesize(language: str, problem: PackProblem) -> Prompt:
    return say(f"{problem.instruction}\n\nBegin with:\n```{language}\n{problem.prompt.strip()}\n```")


def _mend(language: str, problem: PackProblem) -> Prompt:
    return say(f"{_broken(problem)}\n\nFix bugs in {problem.entry_point}. Give the whole function in {language}.")


def _mend_by_going_on(problem: PackProblem) -> Prompt:
    """Ask as OctoPack asks for "fix with tests": the bug, the tests, the instruction, and the function's head."""
    head = ("fn main(){}\n" if problem.language == "rust" else "") + problem.declaration
    return f"{_broken(problem)}\nFix bugs in {problem.entry_point}.\n\n{head}".strip()


def _broken(problem: PackProblem) -> str:
    return f"{problem.declaration}{problem.buggy}\n{problem.tests}"


def _wrong(language: str, problem: PackProblem) -> Iterator[str]:
    yield problem.buggy
    if language == "python":
        yield from cheats(problem)
    else:
        yield f"    {_EMPTY[language]}\n}}\n" + ("}\n" if language == "java" else "")
        yield ""


def _benchmark(kind: str, language: str, going_on: Callable[..., Prompt], chat: Callable[..., Prompt]) -> Benchmark:  # pyright: ignore[reportMissingTypeArgument]
    title = _TITLES[language]
    sandbox = _LANGUAGES.get(language, language)
    return Benchmark(
        name=f"humanevalpack-{kind}-{language}" if kind != "synthesize" else f"humanevalpack-{language}",
        title=f"HumanEvalPack {title}" + ("" if kind == "synthesize" else f" ({kind})"),
        metric="pass@1",
        rows=Published(
            mirror=f"eval_code/humanevalpack/{language}.jsonl.gz", hub="bigcode/humanevalpack", subset=language
        ),
        problems=partial(_problems, language),
        forms={"completion": going_on, CHAT: partial(chat, title if kind == "fix" else language)},
        open_grader=partial(open_grader, languages=(sandbox,)),
        right=lambda problem: problem.gold,
        wrong=partial(_wrong, language),
        max_new_tokens=768,
        stop={"completion": _STOP.get(language, ())},
        extractors=EXTRACTORS,
        protocol={
            **PROTOCOL,
            "source": "arXiv 2308.07124" + (", fix with tests" if kind == "fix" else ", synthesize"),
            "split": "test, 164",
            "shots": "0",
            "licence": "MIT",
        },
    )


HUMANEVALPACK = (
    *(_benchmark("synthesize", language, complete, _synthesize) for language in _TITLES),
    *(_benchmark("fix", language, _mend_by_going_on, _mend) for language in _TITLES),
)
