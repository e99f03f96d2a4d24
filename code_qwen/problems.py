"""A programming problem: a prompt, and trusted tests of one function."""

import re
from dataclasses import replace

from sandbox import Task
from specialists.records import Problem


class CodeProblem(Problem):
    """A problem whose answer is a program.

    `tests` call `entry_point` and assert; a function `check(candidate)` in them is called by the grader. `prelude` is
    trusted code that the tests need: imports, and helpers that the prompt defines before the entry point. Where the
    tests only ask whether a value is true or given, `view` is the expression that tells ("bool(value)"): it is worked
    out beside the program, because a value such as `re.Match` does not cross to the tests.
    """

    entry_point: str
    tests: str
    prelude: str = ""
    language: str = "python"
    view: str = ""

    def task(self, program: str) -> Task:
        """Return what the sandbox must run to judge a program. Raises ValueError naming what makes no sense."""
        if self.language != "python":
            return Task(language=self.language, program=program, tests=self.tests, proof="proof")
        tests = self.tests
        if re.search(r"^def check\(", tests, re.MULTILINE) and not re.search(r"^check\(", tests, re.MULTILINE):
            tests += f"\n\ncheck({self.entry_point})\n"
        return self.seen(Task(program=program, tests=tests, entry_point=self.entry_point, prelude=self.prelude))

    def seen(self, task: Task) -> Task:
        """Return the task with `view` between the program's function and the tests, if there is one."""
        if not self.view:
            return task
        name, viewed = self.entry_point, f"view_of_{self.entry_point}"
        shim = f"\n\ndef {viewed}(*args, **named):\n    value = {name}(*args, **named)\n    return {self.view}\n"
        return replace(task, program=task.program + shim, tests=f"{name} = {viewed}\n{task.tests}", entry_point=viewed)
