"""The command line: results, exit codes, and errors of one line."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

NO_WALLS = ("--backend", "process", "--accept-risk")


def sandbox(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), **environment},
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "add.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "tests.py").write_text("assert add(1, 2) == 3\n")
    (tmp_path / "wrong.py").write_text("assert add(1, 2) == 4\n")
    (tmp_path / "echo.py").write_text("print(input())\n")
    (tmp_path / "in.txt").write_text("hello\n")
    (tmp_path / "crash.py").write_text("raise SystemExit(3)\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add.py", "--tests", "tests.py", "--entry-point", "add"], 0, "pass: proven"),
        (["add.py", "--tests", "wrong.py", "--entry-point", "add"], 1, "fail: line 1: assert add(1, 2) == 4"),
        (["echo.py", "--stdin", "in.txt", "--expect", "in.txt"], 0, "pass: proven"),
        (["echo.py", "--stdin", "in.txt", "--expect", "add.py"], 1, "fail: line 1 of the output"),
        (["echo.py", "--stdin", "in.txt"], 0, "no_verdict: ended normally; nothing was to be proven"),
        (["crash.py"], 1, "error: the program ended with exit code 3"),
    ],
)
def test_run(files: Path, arguments: list[str], code: int, said: str) -> None:
    paths = [str(files / word) if "." in word else word for word in arguments]
    done = sandbox("run", *paths, *NO_WALLS)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    if "echo.py" in arguments:
        assert done.stdout == "hello\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no-such-file.py"], "no-such-file.py: No such file or directory"),
        (["run", "/bin/true"], "/bin/true: is not UTF-8 text"),
        (["run", __file__, "--tests", __file__], "Task.entry_point"),
        (["run", __file__, "--tests", __file__, "--stdin", __file__], "--tests: judges by calls"),
        (["run", __file__, "--entry-point", "f"], "--entry-point: needs --tests"),
        (["run", __file__, "--backend", "process"], "accept_risk"),
        (["run", __file__, "--backend", "jail"], "'jail' is not one of docker, process"),
        (["run", __file__, *NO_WALLS, "--cpu-s", "0"], "Limits.cpu_s"),
        (["check", *NO_WALLS, "--only", "no such probe"], "--only: no probe's name contains 'no such probe'"),
        (["check", *NO_WALLS, "--languages", "cobol"], "languages: 'cobol' is not known"),
    ],
)
def test_an_error_is_one_line_with_exit_code_2(arguments: list[str], said: str) -> None:
    done = sandbox(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_language_is_told_by_the_file_name_and_needs_its_image(tmp_path: Path) -> None:
    file = tmp_path / "sum.rs"
    file.write_text("fn main() {}")
    done = sandbox("run", str(file), *NO_WALLS)
    assert done.returncode == 2
    assert "process has no rust" in done.stderr.splitlines()[-1]
    assert "build --languages all" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [["run", __file__], ["check"], ["build"], ["save", "x"], ["load", __file__], ["doctor"], ["reap"]],
)
def test_a_missing_engine_is_named_with_its_cure(command: list[str], tmp_path: Path) -> None:
    done = sandbox(*command, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 2
    assert "no Docker socket at" in done.stderr
    assert "install Docker Engine" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_engine_that_is_down_is_told_from_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "down.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    done = sandbox("doctor", DOCKER_HOST=f"unix://{path}")
    assert done.returncode == 2
    assert "nothing answers at" in done.stderr


def test_check_shows_each_probe_and_counts_them() -> None:
    done = sandbox("check", *NO_WALLS, "--only", "exit 0")
    assert done.returncode == 0, done.stderr
    assert "exit 0 while loading" in done.stdout
    assert "held, 0 broken, 0 not promised by backend process" in done.stdout


def test_what_a_backend_does_not_promise_is_counted_as_skipped() -> None:
    done = sandbox("check", *NO_WALLS, "--only", "inodes")
    assert "0 held, 0 broken, 1 not promised by backend process" in done.stdout


def test_help_is_quick_and_plain() -> None:
    done = sandbox("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("check", "run", "build", "save", "load", "doctor", "reap"))
