"""A bad task is refused by name; every status says whose fault it is."""

import subprocess
import sys

import pytest

from sandbox import Limits, Status, Task

SPLIT = {"program": "", "tests": "assert f()", "entry_point": "f"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"program": "", "language": "cobol"}, "Task.language"),
        ({"program": "", "proof": "exit code"}, "Task.proof"),
        ({"program": "", "proof": "inproc", "tests": "x"}, "Task.entry_point: proof 'inproc' needs a function's name"),
        ({**SPLIT, "proof": "inproc", "tests": ""}, "Task.tests: proof 'inproc'"),
        ({**SPLIT, "proof": "inproc", "language": "go"}, "Task.proof: tests of go are run by proof 'proof'"),
        ({**SPLIT, "entry_point": ""}, "Task.entry_point"),
        ({**SPLIT, "entry_point": "a.b"}, "Task.entry_point"),
        ({**SPLIT, "entry_point": "class"}, "Task.entry_point"),
        ({**SPLIT, "tests": " \n"}, "Task.tests"),
        ({**SPLIT, "stdin": "1"}, "Task.stdin"),
        ({**SPLIT, "expected_stdout": "1"}, "Task.expected_stdout"),
        ({"program": "", "proof": "stdio"}, "Task.expected_stdout"),
        ({"program": "", "proof": "stdio", "expected_stdout": "x" * (2 << 20)}, "Task.expected_stdout"),
        ({"program": "", "proof": "stdio", "expected_stdout": "", "tests": "x"}, "Task.tests"),
        ({"program": "", "proof": "none", "mutates": True}, "Task.mutates"),
        ({**SPLIT, "language": "rust"}, "Task.proof: tests of rust are run by proof 'proof'"),
        ({"program": "", "tests": "x", "proof": "proof"}, "Task.proof: tests of python are run by proof 'split'"),
        ({"program": "", "language": "go", "proof": "proof"}, "Task.tests"),
        ({"program": "", "language": "go", "proof": "proof", "tests": "x", "entry_point": "f"}, "Task.entry_point"),
    ],
)
def test_a_bad_task_names_its_field(fields: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Task(**fields)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"cpu_s": 0}, "Limits.cpu_s"),
        ({"cpu_s": float("nan")}, "Limits.cpu_s"),
        ({"wall_s": -1}, "Limits.wall_s"),
        ({"memory_mib": "1g"}, "Limits.memory_mib"),
        ({"pids": 1.5}, "Limits.pids: a positive whole number"),
        ({"output_bytes": 1 << 30}, "Limits.output_bytes"),
    ],
)
def test_a_bad_limit_names_its_field(fields: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Limits(**fields)


def test_wall_time_follows_cpu_time() -> None:
    assert [Limits(cpu_s=s).backstop_s for s in (0.1, 2, 3, 20)] == [10, 10, 15, 100]
    assert Limits(cpu_s=3, wall_s=4).backstop_s == 4


def test_a_task_cannot_ask_for_more_than_its_box_has() -> None:
    Limits(memory_mib=512).check_within(Limits())
    with pytest.raises(ValueError, match=r"Limits\.memory_mib: 4096 is above 1024"):
        Limits(memory_mib=4096).check_within(Limits())


def test_only_failures_of_our_own_are_ours() -> None:
    assert {status for status in Status if status.is_ours} == {Status.INFRA_ERROR, Status.STARVED, Status.CANCELLED}


def test_importing_the_sandbox_loads_no_docker() -> None:
    code = "import sandbox, sys; assert not {'docker', 'requests', 'typer', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
