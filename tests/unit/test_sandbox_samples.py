"""A file of samples in, a file of results out: order, mistakes by line, exit codes."""

import gzip
import json
from pathlib import Path

import pytest

from sandbox.samples import read_samples
from tests.unit.test_sandbox_cli import NO_WALLS, command_line

RIGHT = {"program": "def add(a, b): return a + b", "tests": "assert add(1, 2) == 3", "entry_point": "add"}
WRONG = {**RIGHT, "program": "def add(a, b): return a - b"}
SLOW = {**RIGHT, "program": "import time\ntime.sleep(0.5)\ndef add(a, b): return a + b"}
ECHO = {"program": "print(input())", "proof": "stdio", "stdin": "7\n", "expected_stdout": "7"}


def written(path: Path, *rows: object) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.write(text)
    return path


@pytest.mark.parametrize("name", ["samples.jsonl", "samples.jsonl.gz"])
def test_results_keep_the_order_and_the_ids(tmp_path: Path, name: str) -> None:
    rows = [{**SLOW, "id": "a/0"}, {**WRONG, "id": 7}, "", {**ECHO, "id": ["x", None]}, {**RIGHT, "proof": "inproc"}]
    file, out = written(tmp_path / name, *rows), tmp_path / "results.jsonl"
    done = command_line("run", str(file), "--json", str(out), "--workers", "2", *NO_WALLS)
    assert done.returncode == 1, done.stderr
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["line"], row["id"], row["status"], row["proof"]) for row in results] == [
        (1, "a/0", "pass", "weak"),
        (2, 7, "fail", "weak"),
        (4, ["x", None], "pass", "weak"),
        (5, None, "pass", "weak"),
    ]
    assert results[1]["detail"].startswith("line 1: assert add(1, 2) == 3")
    assert results[2]["stdout"] == "7\n"
    assert "4 samples: 3 pass (weak), 1 fail" in done.stderr


def test_without_a_file_results_go_to_stdout(tmp_path: Path) -> None:
    done = command_line("run", str(written(tmp_path / "s.jsonl", RIGHT, ECHO)), "--cpu-s", "1", *NO_WALLS)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["pass", "pass"]


BAD = [
    ("{", "not JSON"),
    ("[1]", "a JSON object is needed, this is list"),
    ({"tests": "assert f()"}, "Task.program: is missing"),
    ({**RIGHT, "completion": ""}, "'completion' is not known; known are id, language, program"),
    ({**RIGHT, "program": 3}, "Task.program: a string is needed, not int"),
    ({**RIGHT, "mutates": "yes"}, "Task.mutates: true or false is needed, not str"),
    ({**RIGHT, "language": "cobol"}, "Task.language: 'cobol' is not known; known are python, javascript"),
    ({**RIGHT, "proof": "exit code"}, "Task.proof: 'exit code' is not one of split"),
    ({**RIGHT, "entry_point": ""}, "Task.entry_point"),
    ({"program": "", "proof": "stdio"}, "Task.expected_stdout"),
]


def test_every_bad_line_is_named_before_anything_runs(tmp_path: Path) -> None:
    file = written(tmp_path / "samples.jsonl", RIGHT, *(row for row, _ in BAD))
    done = command_line("run", str(file), *NO_WALLS)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    for number, (_, said) in enumerate(BAD, start=2):
        assert f"line {number}: {said}" in done.stderr


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 20: .*; and 5 more$"):
        list(read_samples(written(tmp_path / "samples.jsonl", *["{"] * 25)))


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("none.jsonl", None, [], "none.jsonl: No such file or directory"),
        ("empty.jsonl", b"\n\n", [], "empty.jsonl: holds no samples"),
        ("bytes.jsonl", b'{"program": "\xff"}\n', [], "line 1: not JSON"),
        ("torn.jsonl.gz", gzip.compress(b"{}", mtime=0)[:-9], [], "torn.jsonl.gz: "),
        ("plain.jsonl.gz", b"{}", [], "plain.jsonl.gz: Not a gzipped file"),
        ("s.jsonl", b"{}", ["--entry-point", "f"], "each sample says how it is judged"),
        ("s.jsonl", b"{}", ["--inproc"], "each sample says how it is judged"),
        ("program.py", b"", ["--json", "x"], "--json, --workers: are for samples"),
        ("program.py", b"", ["--inproc"], "--inproc: needs --tests"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, options: list[str], said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = command_line("run", str(tmp_path / name), *options, *NO_WALLS)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
