"""The backends without a container judge as the others do: every status, and stamps that say what they lack."""

import os
import sys
from collections.abc import Iterator

import pytest

from sandbox import Limits, Result, SandboxPool, Status, Task
from tests.weak_walls import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these backends need Linux")

TESTS = "assert add(1, 2) == 3\nassert add(-1, 1) == 0\n"
FAST = Limits(cpu_s=0.5, wall_s=10)


@pytest.fixture(scope="module", params=["process", "bwrap"])
def box(request: pytest.FixtureRequest) -> Iterator[SandboxPool]:
    with SandboxPool(opened(request.param), workers=1) as pool:
        yield pool


def judged(box: SandboxPool, program: str, tests: str = TESTS, **more: object) -> Result:
    return box.run(Task(program=program, tests=tests, entry_point="add", **more), FAST)  # type: ignore[arg-type]


def printed(box: SandboxPool, program: str, *, stdin: str = "", expected: str = "") -> Result:
    return box.run(Task(program=program, proof="stdio", stdin=stdin, expected_stdout=expected), FAST)


@pytest.mark.parametrize(
    ("program", "status", "detail"),
    [
        ("def add(a, b): return a + b", Status.PASS, ""),
        ("add = lambda a, b: a + b", Status.PASS, ""),
        ("def add(a, b): return a - b", Status.FAIL, "line 1: assert add(1, 2) == 3"),
        ("def add(a, b): return float(a + b)", Status.PASS, ""),
        ("def add(a, b): return None", Status.FAIL, "line 1"),
        ("def add(a): return a", Status.ERROR, "TypeError: add() takes 1"),
        ("def add(a, b): return 1 / 0", Status.ERROR, "ZeroDivisionError: division by zero"),
        ("def add(a, b): assert a > b", Status.ERROR, "AssertionError"),
        ("def add(a, b) return", Status.ERROR, "while loading: SyntaxError"),
        ("import nothing_like_this", Status.ERROR, "while loading: ModuleNotFoundError"),
        ("\0", Status.ERROR, "while loading"),
        ("", Status.ERROR, "NameError: name 'add' is not defined"),
        ("import re\ndef add(a, b): return re.match('a', 'a')", Status.UNSUPPORTED, "re.Match"),
        ("class Odd(BaseException): pass\ndef add(a, b): raise Odd('x')", Status.ERROR, "Exception"),
        ("def add(a, b): raise MemoryError", Status.OOM, "MemoryError"),
    ],
)
def test_split(box: SandboxPool, program: str, status: Status, detail: str) -> None:
    result = judged(box, program)
    assert (result.status, detail in result.detail) == (status, True), result.detail


@pytest.mark.parametrize(
    ("tests", "program", "status"),
    [
        ("assert helper() == 1", "def add(): return 1", Status.UNSUPPORTED),
        ("assert add(lambda: 1) == 1", "def add(f): return f()", Status.UNSUPPORTED),
        ("assert True", "def add(): return 1", Status.NO_VERDICT),
        ("assert add( == 1", "def add(): return 1", Status.INFRA_ERROR),
        ("try: r = add()\nexcept ValueError: pass\nassert r", "def add(): raise ValueError", Status.FAIL),
        ("try: add()\nexcept ValueError as e: assert str(e) == 'no'", "def add(): raise ValueError('no')", Status.PASS),
        ("try: add()\nexcept KeyError as e: assert e.args == (1,)", "def add(): return {}[1]", Status.PASS),
        (
            "try: add()\nexcept LookupError: pass",
            "class Own(LookupError): pass\ndef add(): raise Own",
            Status.PASS,
        ),
        ("assert add(a=1, b=[2]) == (1, [2])", "def add(a, *, b): return a, b", Status.PASS),
        ("import sys\nadd()\nsys.exit(0)", "def add(): return 1", Status.FAIL),
        ("assert add() == {1: {2, 3}}", "from collections import Counter\ndef add(): return {1: {3, 2}}", Status.PASS),
        ("assert add() == {'a': 2}", "from collections import Counter\ndef add(): return Counter('aa')", Status.PASS),
    ],
)
def test_what_tests_may_do(box: SandboxPool, tests: str, program: str, status: Status) -> None:
    result = judged(box, program, tests)
    assert result.status == status, result.detail


def test_tests_may_use_the_prelude(box: SandboxPool) -> None:
    prelude = "def twice(x): return 2 * x\ndef add(a, b):\n    '''Add.'''\n"
    result = judged(box, "def add(a, b): return a + b", "assert add(1, 1) == twice(1)", prelude=prelude)
    assert (result.status, result.num_calls) == (Status.PASS, 1)


def test_mutated_arguments_come_back_only_if_asked(box: SandboxPool) -> None:
    program = "def add(a, b): a.append(b); a[0]['k'] = {1}"
    tests = "l = [{}]\nadd(l, 2)\nassert l == [{'k': {1}}, 2], l"
    assert judged(box, program, tests, mutates=True).status == Status.PASS
    assert judged(box, program, tests).status == Status.FAIL


@pytest.mark.parametrize(
    ("program", "stdin", "expected", "status"),
    [
        ("a, b = map(int, input().split())\nprint(a + b)", "3 4\n", "7", Status.PASS),
        ("print('7  \\n\\n')", "", "7", Status.PASS),
        ("print(' 7')", "", "7", Status.FAIL),
        ("print('7\\n\\n7')", "", "7\n7", Status.FAIL),
        ("print('7\\n8')", "", "7", Status.FAIL),
        ("print(7)", "", "7\n8", Status.FAIL),
        ("import sys\nprint(7)\nsys.exit(0)", "", "7", Status.PASS),
        ("import sys\nprint(7)\nsys.exit(3)", "", "7", Status.ERROR),
        ("print(7)\nraise ValueError", "", "7", Status.ERROR),
        ("import atexit\natexit.register(print, 7)", "", "7", Status.PASS),
        ("import sys\nprint(sys.stdin.read()[::-1])", "abc", "cba", Status.PASS),
        ("print(open('/dev/stdin').read())", "ok", "ok", Status.PASS),
        ("open('/dev/stdout', 'w').write('ok')", "", "ok", Status.PASS),
        ("import threading\nthreading.Timer(0.05, print, [7]).start()", "", "7", Status.PASS),
        ("if __name__ == '__main__': print(7)", "", "7", Status.PASS),
        ("import sys\nsys.stdout.buffer.write(b'\\xff')", "", "\ufffd", Status.PASS),
        ("print(input())", "", "7", Status.ERROR),
        ("while True: pass", "", "7", Status.CPU_LIMIT),
    ],
)
def test_stdio(box: SandboxPool, program: str, stdin: str, expected: str, status: Status) -> None:
    result = printed(box, program, stdin=stdin, expected=expected)
    assert result.status == status, (result.detail, result.stderr)


def test_long_output_is_compared_in_full(box: SandboxPool) -> None:
    expected = "x" * 79 + "\n"
    assert printed(box, "print(('x' * 79 + '\\n') * 2000)", expected=expected * 2000).status == Status.PASS
    assert printed(box, "print(('x' * 79 + '\\n') * 2001)", expected=expected * 2000).status == Status.FAIL


def test_output_is_cut_and_counted(box: SandboxPool) -> None:
    result = box.run(Task(program="print('x' * 999)", proof="none"), Limits(output_bytes=100))
    assert (result.stdout, result.dropped_bytes) == ("x" * 100, 900)


def test_a_traceback_shows_the_program_and_nothing_of_ours(box: SandboxPool) -> None:
    trace = printed(box, "def f():\n    return 1 / 0\nf()").stderr
    assert "return 1 / 0" in trace
    assert "sandbox" not in trace


def test_the_same_program_gets_the_same_chance(box: SandboxPool) -> None:
    program = "import random\nprint(random.random(), list({'a', 'b', 'c', 'd'}))"
    outputs = {box.run(Task(program=program, proof="none")).stdout for _ in range(3)}
    assert len(outputs) == 1


def test_what_is_missing_is_stamped_and_proofs_are_weak(box: SandboxPool) -> None:
    result = judged(box, "def add(a, b): return a + b")
    assert result.proof == "weak"
    assert result.stamps[0].startswith("judged without a container")
    assert len(result.stamps) == (1 if os.getuid() == 0 else 2)
