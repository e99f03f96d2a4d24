"""A programming problem: a prompt, and trusted tests of one function."""

import re

from sandbox import Task
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

    def task(self, program: str) -> Task:
        """Return what the sandbox must run to judge a program. Raises ValueError naming what makes no sense."""
        if self.language != "python":
            return Task(language=self.language, program=program, tests=self.tests, proof="proof")
        tests = self.tests
        if re.search(r"^def check\(", tests, re.MULTILINE) and not re.search(r"^check\(", tests, re.MULTILINE):
            tests += f"\n\ncheck({self.entry_point})\n"
        return Task(program=program, tests=tests, entry_point=self.entry_point, prelude=self.prelude)
