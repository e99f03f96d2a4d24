"""Input that nobody should send: every proof answers with a status and a line, and the worker goes on."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Limits, Result, SandboxPool, Status, Task
from sandbox.hostile.probe import BENIGN
from tests.weak_walls import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these backends need Linux")

LIMITS = Limits(cpu_s=3, wall_s=20)
PROOFS: dict[str, dict[str, Any]] = {
    "split": {"proof": "split", "tests": "assert f(2) == 4", "entry_point": "f"},
    "inproc": {"proof": "inproc", "tests": "assert f(2) == 4", "entry_point": "f"},
    "stdio": {"proof": "stdio", "expected_stdout": "4"},
    "none": {"proof": "none"},
}
FUNCTION = "def f(n): return n * n\n"
NO, ERROR, FAIL, UNSUPPORTED = Status.NO_VERDICT, Status.ERROR, Status.FAIL, Status.UNSUPPORTED

# name: program, then the status with each proof in the order of PROOFS, and what stands in its line or on stderr
BAD: dict[str, tuple[str, tuple[Status, ...], str]] = {
    "empty": ("", (ERROR, ERROR, FAIL, NO), ""),
    "spaces": (" \n\t\n", (ERROR, ERROR, FAIL, NO), ""),
    "another function": ("def g(n): return 4", (ERROR, ERROR, FAIL, NO), ""),
    "no function but a number": ("f = 4", (ERROR, ERROR, FAIL, NO), ""),
    "a NUL byte": (f"{FUNCTION}\0", (ERROR,) * 4, "null bytes"),
    "a NUL byte in a string": (f"{FUNCTION}x = '\0'", (ERROR,) * 4, "null bytes"),
    "a lone surrogate": (f"{FUNCTION}x = '\ud800'", (ERROR,) * 4, "UnicodeEncodeError"),
    "no Python": ("Sure! Here is the function:\n```python\n", (ERROR,) * 4, "SyntaxError"),
    "another language": ("int main() { return 4; }", (ERROR,) * 4, "SyntaxError"),
    "brackets without end": ("(" * 300, (ERROR,) * 4, "too many nested parentheses"),
    "a byte order mark": (f"\ufeff{FUNCTION}", (ERROR,) * 4, "U+FEFF"),
    "five million lines": (
        f"{FUNCTION}print(f(2))\n" + "\n" * 5_000_000,
        (Status.PASS, Status.PASS, Status.PASS, NO),
        "",
    ),
    "bytes that are no text": (
        f"import sys\n{FUNCTION}sys.stdout.buffer.write(b'\\xff\\xfe\\x00\\n')",
        (Status.PASS, Status.PASS, FAIL, NO),
        "",
    ),
    "output of 100 MB": (
        f"import sys\n{FUNCTION}for _ in range(100): sys.stdout.write('x' * (1 << 20))",
        (Status.OUTPUT_LIMIT,) * 4,
        "printed far more than is kept",
    ),
    "a return of 20 MB": (
        "def f(n): return 'x' * 20_000_000\nprint(len(f(2)))",
        (UNSUPPORTED, FAIL, FAIL, NO),
        "",
    ),
    "a return of 4 GB": (
        "def f(n): return 'x' * (4 << 30)\nprint(len(f(2)))",
        (Status.OOM, Status.OOM, ERROR, ERROR),
        "MemoryError",
    ),
}


@pytest.fixture(scope="module", params=["process", "bwrap"])
def box(request: pytest.FixtureRequest) -> Iterator[SandboxPool]:
    with SandboxPool(opened(request.param), workers=1) as pool:
        yield pool


def explained(result: Result) -> str:
    return f"{result.detail}\n{result.stderr}"


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("name", BAD)
def test_every_proof_has_a_status_and_a_line(box: SandboxPool, name: str, proof: str) -> None:
    program, statuses, said = BAD[name]
    result = box.run(Task(program=program, **PROOFS[proof]), LIMITS)
    assert result.status is statuses[list(PROOFS).index(proof)], explained(result)
    assert said in explained(result)
    assert result.status is Status.PASS or result.detail
    assert "\n" not in result.detail
    assert len(result.detail) <= 2000
    assert box.run(BENIGN, LIMITS).status is Status.PASS


def test_a_program_above_the_cap_is_a_result_too(box: SandboxPool) -> None:
    result = box.run(Task(program="#" * (65 << 20), proof="none"))
    assert (result.status, result.retries) == (UNSUPPORTED, 0)
    assert "above the cap" in result.detail
    assert box.run(BENIGN, LIMITS).status is Status.PASS


@pytest.mark.parametrize("proof", ["split", "inproc"])
@pytest.mark.parametrize(
    "fields",
    [
        {"tests": "assert f(2) == 4\0"},
        {"tests": "assert f(2) == '\ud800'"},
        {"tests": "assert ("},
        {"prelude": "import no_such"},
    ],
)
def test_tests_that_do_not_run_are_nobodys_wrong_answer(box: SandboxPool, proof: str, fields: dict[str, str]) -> None:
    with SandboxPool(opened(box.run(BENIGN).image), workers=1) as own:  # a few such failures stop a pool
        result = own.run(Task(program=FUNCTION, **{**PROOFS[proof], **fields}))
    assert result.status is Status.INFRA_ERROR
    assert result.detail.startswith("the trusted code does not run: "), result
