"""A programming problem: a prompt, and trusted tests of one function."""

from specialists.records import Problem


class CodeProblem(Problem):
    """A problem whose answer is a program.

    `tests` call `entry_point` and assert; a function `check(candidate)` in them is called by the grader. `prelude` is
    trusted code that the tests need: imports, and helpers that the prompt defines before the entry point.
    """

    entry_point: str
    tests: str
    prelude: str = ""
    language: str = "python"
