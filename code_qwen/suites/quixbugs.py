"""QuixBugs: forty Python programs with one bug each."""

from collections.abc import Iterable

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import END_OF_FUNCTION, EXTRACTORS, PROTOCOL, cheats, say
from specialists.family import CHAT, Benchmark, Published, Row

_OBJECTS = "its tests hand over objects of a class of their own, which do not cross as plain data"


class BugProblem(CodeProblem):
    """A task: the broken program, and what the function is for."""

    buggy: str


def _quixbugs(rows: Iterable[Row]) -> list[BugProblem]:
    return [
        BugProblem(
            id=f"quixbugs/{row['name']}",
            prompt=f"{row['docstring']}\n{row['buggy_program']}",
            gold=f"```python\n{row['solution']}\n```",
            entry_point=row["name"],
            tests=row["tests"],
            view="list(value)" if f"list({row['name']}(" in row["tests"] else "",
            buggy=row["buggy_program"],
        )
        for row in rows
    ]


QUIXBUGS = Benchmark(
    name="quixbugs",
    title="QuixBugs",
    metric="pass@1",
    rows=Published(mirror="eval_code/quixbugs_python.jsonl.gz"),
    problems=_quixbugs,
    forms={
        "completion": lambda problem: f"# This program has a bug.\n{problem.prompt}\n\n# The same program, mended:",
        CHAT: lambda problem: say(
            f"This Python program has a bug. Fix it, and give the whole program.\n```python\n{problem.prompt}\n```"
        ),
    },
    open_grader=open_grader,
    right=lambda problem: problem.gold,
    wrong=lambda problem: (f"```python\n{problem.buggy}\n```", *cheats(problem)),
    max_new_tokens=512,
    stop={"completion": ("\n# This program", "\n```", *END_OF_FUNCTION[3:])},
    extractors=EXTRACTORS,
    protocol={
        **PROTOCOL,
        "source": "Lin et al. 2017, as bigcode-project/octopack has it",
        "split": "40 programs",
        "shots": "0",
        "licence": "MIT",
    },
    exceptions=dict.fromkeys(
        (
            "quixbugs/breadth_first_search",
            "quixbugs/depth_first_search",
            "quixbugs/detect_cycle",
            "quixbugs/reverse_linked_list",
            "quixbugs/shortest_path_length",
            "quixbugs/topological_ordering",
        ),
        _OBJECTS,
    ),
)
