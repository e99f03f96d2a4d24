"""Program and tests in one process: what holds, and the forgeries that make it a weak proof."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from textwrap import dedent

import pytest

from sandbox import Limits, Result, SandboxPool, Status, Task
from sandbox.hostile import forging
from tests.weak_walls import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the process backend needs Linux")

TESTS = "assert add(1, 2) == 3\nassert add(-1, 1) == 0\n"
FAST = Limits(cpu_s=0.5, wall_s=10)


@pytest.fixture(scope="module")
def box() -> Iterator[SandboxPool]:
    with SandboxPool(opened("process"), workers=1) as pool:
        yield pool


def judged(box: SandboxPool, program: str, tests: str = TESTS, prelude: str = "") -> Result:
    return box.run(Task(program=program, tests=tests, entry_point="add", prelude=prelude, proof="inproc"), FAST)


@pytest.mark.parametrize(
    ("program", "status", "detail"),
    [
        ("def add(a, b): return a + b", Status.PASS, ""),
        ("import re\ndef add(a, b): return a + b if re.match('a', 'a') else 0", Status.PASS, ""),
        ("def add(a, b): return a - b", Status.FAIL, "line 1: assert add(1, 2) == 3"),
        ("def add(a, b): return 1 / 0", Status.ERROR, "ZeroDivisionError: division by zero"),
        ("def add(a, b): assert a > b", Status.ERROR, "AssertionError"),
        ("def add(a, b) return", Status.ERROR, "while loading: SyntaxError"),
        ("raise KeyError(1)", Status.ERROR, "while loading: KeyError: 1"),
        ("def add(a, b): raise MemoryError", Status.OOM, "MemoryError"),
        ("def add(a, b): raise ValueError('\\ud800' * 999)", Status.ERROR, "ValueError"),
        ("", Status.ERROR, "NameError: name 'add' is not defined"),
        ("\0", Status.ERROR, "while loading"),
        ("while True: pass", Status.CPU_LIMIT, ""),
        ("import os\nos.close(5)\ndef add(a, b): return a + b", Status.ERROR, "exit code 1"),
        ("import sys\nsys.stdout.close()\ndef add(a, b): return a + b", Status.PASS, ""),
        ("import os\nos.write(5, b'pass')\ndef add(a, b): return a + b", Status.NO_VERDICT, ""),
    ],
)
def test_every_end_has_its_status(box: SandboxPool, program: str, status: Status, detail: str) -> None:
    result = judged(box, program)
    assert (result.status, detail in result.detail, result.proof) == (status, True, "weak"), result.detail


@pytest.mark.parametrize(
    ("tests", "program", "status"),
    [
        ("import re\nassert add() == re.compile('a')", "import re\ndef add(): return re.compile('a')", Status.PASS),
        ("assert add(Node(3)) == 3", "class Node:\n  def __init__(s, n): s.n = n\ndef add(x): return x.n", Status.PASS),
        ("l = [1]\nadd(l)\nassert l == [1, 2]", "def add(l): l.append(2)", Status.PASS),
        ("assert add(twice) == 4", "def add(f): return f(2)", Status.PASS),
        ("assert add(500) == 500", "def add(n): return n and 1 + add(n - 1)", Status.PASS),
        ("assert helper() == 1", "def add(): return 1", Status.UNSUPPORTED),
        ("assert True", "def add(): return 1", Status.NO_VERDICT),
        ("assert add( == 1", "def add(): return 1", Status.INFRA_ERROR),
        ("try: add()\nexcept KeyError: pass", "def add(): return {}[1]", Status.PASS),
    ],
)
def test_any_value_may_pass(box: SandboxPool, tests: str, program: str, status: Status) -> None:
    result = judged(box, program, tests, prelude="def twice(n): return 2 * n\ndef add(): '''To be written.'''\n")
    assert result.status is status, result.detail


# Forgeries that it does not stop: each is a reason why the proof is called weak, and why split is the default.
FORGED = {
    "a value that lies about being equal": "class Yes:\n  def __eq__(s, o): return True\ndef add(a, b): return Yes()",
    "tests that are skipped": """
        import sys
        def add(a, b):
            frame = sys._getframe()
            while "secret" not in frame.f_locals:
                frame = frame.f_back
            import os
            os.write(5, f"{frame.f_locals['secret']} pass ".encode())
            os._exit(0)
    """,
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_promised(box: SandboxPool, name: str) -> None:
    result = judged(box, dedent(FORGED[name]))
    assert (result.status, result.proof) == (Status.PASS, "weak"), result.detail


@pytest.mark.parametrize("probe", forging.ENDINGS, ids=lambda probe: probe.name)
def test_ending_early_gains_nothing(box: SandboxPool, probe: forging.Probe) -> None:
    result = box.run(replace(probe.task, proof="inproc"), probe.limits)
    assert result.status in probe.expected or result.status in (Status.ERROR, Status.NO_VERDICT), result.detail
