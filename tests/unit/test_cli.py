"""The command line: what a user does wrong ends in one line, exit code 2, and nothing counted as done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from code_qwen.family import FAMILY as CODE
from math_qwen.family import FAMILY as MATHS
from specialists import cli
from specialists.family import Family


def run(family: Family, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", [family.name, *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main(family)
    return int(left.value.code or 0)


WRONG = [
    # arguments, what the one line must say
    (
        "plan",
        "unknown recipe",
        ["plan", "-r", "papper-7b"],
        "recipe 'papper-7b' is not one of math_qwen's; there are: demo",
    ),
    ("plan", "no recipe file", ["plan", "-r", "none.yaml"], "none.yaml: cannot be read"),
    ("plan", "unknown knob", ["plan", "-r", "demo", "--set", "stages.math-sft.sequence=1"], "'sequence' is unknown"),
    ("plan", "wrong type", ["plan", "-r", "demo", "--set", "stages.math-sft.steps=many"], "steps = 'many'"),
    ("plan", "impossible", ["plan", "-r", "paper-7b", "--devices", "1"], "it would fit with"),
    ("plan", "unknown device", ["plan", "-r", "paper-7b", "--device", "tpu"], "--device tpu: unknown; known are"),
    ("plan", "unknown option", ["plan", "-r", "demo", "--recipee", "x"], "No such option: --recipee"),
    (
        "build",
        "no such start",
        ["build", "-r", "demo", "--run", "{tmp}/r", "--set", "start={tmp}"],
        "has no config.json",
    ),
    ("plan", "unknown benchmark", ["plan", "-r", "demo", "--set", "judges.0.benchmark=mmlu"], "'mmlu' is not one of"),
    (
        "plan",
        "unknown profile",
        ["plan", "-r", "demo", "--set", "judges.1.profile=paper"],
        "there are: report, lm-eval",
    ),
    (
        "build",
        "unknown profile",
        ["build", "-r", "demo", "--run", "{tmp}/r", "--set", "judges.1.profile=x"],
        "gsm8k: profile 'x' is not known",
    ),
    ("grade", "unknown extractor", ["grade", "--samples", "{tmp}/row", "-b", "gsm8k", "--extractor", "x"], "flexible"),
    ("grade", "unknown profile", ["grade", "--samples", "{tmp}/row", "-b", "gsm8k", "--profile", "x"], "lm-eval"),
    ("grade", "no condition", ["grade", "--samples", "{tmp}/row", "-b", "own", "--where", "x"], "FIELD=VALUE"),
    ("train", "no run", ["train", "--run", "{tmp}/r"], "no run there; give --recipe to begin one"),
    ("generate", "no run", ["generate", "--run", "{tmp}/r", "-r", "demo"], "no run there; build or prepare one first"),
    ("grade", "nothing to grade", ["grade"], "grade needs --run RUN, or --samples FILE and --benchmark NAME"),
    ("grade", "no benchmark", ["grade", "--samples", "{tmp}/s"], "--samples needs one --benchmark"),
    ("grade", "unknown benchmark", ["grade", "--samples", "{tmp}/s", "-b", "gms8k"], "there are: arithmetic, gsm8k"),
    ("grade", "no samples", ["grade", "--samples", "{tmp}/s", "-b", "arithmetic"], "/s: no such file"),
    (
        "prepare",
        "half a source",
        ["prepare", "--source", "{tmp}"],
        "prepare needs --run RUN, or --source IN and --out DIR",
    ),
    ("prepare", "empty folder", ["prepare", "--source", "{tmp}/empty", "--out", "{tmp}/o"], "empty"),
    (
        "prepare",
        "items of no benchmark",
        ["prepare", "--source", "{tmp}", "--out", "{tmp}/o", "--against", "{tmp}/row"],
        "row:1: no field 'benchmark'",
    ),
    ("plan", "a setting that is no YAML", ["plan", "-r", "demo", "--set", "notes.x=[1"], "'[1' is not a YAML value"),
    (
        "plan",
        "a start that is no checkpoint",
        ["plan", "-r", "demo", "--set", "start={tmp}/broken"],
        "no usable config",
    ),
    ("report", "no run", ["report", "--run", "{tmp}/r"], "no run there"),
    ("check", "unknown benchmark", ["check", "-b", "mmlu"], "benchmark 'mmlu' is not one of math_qwen's"),
    ("problems", "no such place", ["problems", "--out", "{tmp}/file/x"], "/file"),
]


@pytest.mark.parametrize(("arguments", "words"), [pytest.param(*w[2:], id=f"{w[0]}: {w[1]}") for w in WRONG])
def test_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPECIALISTS_DATA", "")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "row").write_text("{}\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    code = run(MATHS, monkeypatch, *(a.format(tmp=tmp_path) for a in arguments))
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert words in last, last
    assert last.startswith("error: ") and code == 2


def test_a_failed_build_leaves_nothing_that_counts_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(MATHS, monkeypatch, "build", "-r", "demo", "--run", str(tmp_path / "r"), "--set", f"start={tmp_path}")
    assert code == 2 and capfd.readouterr().err
    assert not list((tmp_path / "r").rglob("MANIFEST.json"))


def test_no_docker_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    code = run(CODE, monkeypatch, "check", "-b", "functions", "--limit", "2")
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert code == 2 and "docker" in last.lower() and "--sandbox process --accept-risk" in last


@pytest.mark.parametrize("family", [CODE, MATHS], ids=lambda f: f.name)
@pytest.mark.parametrize("recipe", ["paper-7b", "paper-14b"])
def test_paper_recipes_can_be_planned_and_written(
    family: Family, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    assert run(family, monkeypatch, "plan", "-r", recipe, "--devices", "64", "--write", str(path)) == 0
    assert "parameters on 64 x h100" in capfd.readouterr().out
    assert run(family, monkeypatch, "plan", "-r", str(path), "--devices", "64") == 0


SAMPLES = [
    {"task_id": "arithmetic/0", "completion": "#### 0"},
    {"task_id": "arithmetic/1", "solution": "I do not know"},
]


def test_anybody_s_samples_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    samples, marks = tmp_path / "samples.jsonl", tmp_path / "marks.jsonl"
    samples.write_text("".join(json.dumps(sample) + "\n" for sample in SAMPLES))
    code = run(MATHS, monkeypatch, "grade", "-b", "arithmetic", "--samples", str(samples), "--json", str(marks))
    out = capfd.readouterr().out
    assert code == 0 and "50.0" in out and "2 of 401" in out
    rows = [json.loads(line) for line in marks.read_text().splitlines()]
    assert [row["mark"] for row in rows] == ["correct", "no_answer"]


def test_bad_lines_end_in_code_2_and_may_be_skipped_with_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "samples.jsonl"
    lines = [json.dumps(SAMPLES[0]), '{"task_id": "arithmetic/1", "compl', '{"task_id": "gsm8k/1", "completion": "1"}']
    samples.write_text("\n".join(lines) + "\n")
    grade = ("grade", "-b", "arithmetic", "--samples", str(samples))
    assert run(MATHS, monkeypatch, *grade) == 2
    told = capfd.readouterr()
    assert told.out == "" and "samples.jsonl:2: not JSON" in told.err
    assert "1 not JSON objects (line 2); 1 of unknown tasks (line 3); --skip-bad grades the rest" in told.err
    assert run(MATHS, monkeypatch, *grade, "--skip-bad") == 1
    out = capfd.readouterr().out
    assert "100.0" in out and "note: 2 lines of the file could not be graded" in out


def test_fields_by_name_a_claim_and_recorded_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "samples.jsonl"
    rows = [{"q": "1 + 1?", "gold": "#### 2", "said": said, "ok": ok} for said, ok in (("2", True), ("3", True))]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    named = ("--question", "q", "--answer", "gold", "--output", "said", "--verdict", "ok", "--claim", "100")
    assert run(MATHS, monkeypatch, "grade", "-b", "own", "--samples", str(samples), *named) == 0
    out = capfd.readouterr().out
    assert "claimed 100 %: 0.5 problems more than here" in out
    assert "recorded verdicts: 1 of 2 agree (50.00 %)" in out
    assert "line 2, 1 + 1?, sample 1: recorded correct, here wrong" in out


def test_one_source_can_be_cleaned_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.py").write_text('"""Adds."""\n\n\ndef add(first, second):\n    return first + second\n')
    (source / "b.py").write_text('"""Adds."""\n\n\ndef add(first, second):\n    return first + second\n')
    (source / "c.py").write_text("def broken(:\n    this is no python at all\n")
    assert run(CODE, monkeypatch, "prepare", "--source", str(source), "--out", str(tmp_path / "out")) == 0
    kept = [json.loads(line) for line in (tmp_path / "out" / "kept.jsonl").read_text().splitlines()]
    dropped = [json.loads(line) for line in (tmp_path / "out" / "dropped.jsonl").read_text().splitlines()]
    assert len(kept) == 1 and {"id", "text"} <= set(kept[0])
    assert {"id", "reason", "detail"} <= set(dropped[0]) and len(dropped) == 2


def test_help_and_graders_do_without_heavy_libraries() -> None:
    """Importing a family and the command line must not load what only training, docker or plots need."""
    heavy = "torch transformers datasets deepspeed sympy docker matplotlib pyarrow"
    code = (
        "import sys, code_qwen.family, math_qwen.family, math_qwen.grade, specialists.cli\n"
        f"print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
