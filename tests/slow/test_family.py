"""The whole way on a model made from nothing: built, killed and resumed, judged, reported; and what it learns."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a machine that is busy with other work needs longer
ROOT = Path(__file__).parents[2]
SMALL = [
    "shape.num_layers=2", "shape.hidden_size=32", "stages.*.steps=6", "stages.*.save_every=2", "stages.*.seq_len=256",
    "judges.*.limit=8", "judges.*.max_new_tokens=24", "generate_batch=4",
]  # fmt: skip


def command(family: str, *arguments: str, settings: list[str] | None = None) -> list[str]:
    flags = [word for setting in settings or [] for word in ("--set", setting)]
    return [sys.executable, "-m", family, *arguments, *flags]


def sandbox() -> list[str]:
    """The container where there is one, plain processes elsewhere: what is tested here is the way, not the walls."""
    try:
        docker.from_env(timeout=5).ping()
    except DockerException:
        return ["--sandbox", "process", "--accept-risk"]
    return []


def run(words: list[str], *, timeout_s: float = 1500) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SPECIALISTS_DATA": "", "HF_HUB_OFFLINE": "1"}
    found = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)
    assert found.returncode == 0, found.stderr[-3000:]
    return found


def kill_when(words: list[str], ready: Callable[[], bool], *, timeout_s: float = 200) -> None:
    """Start a command and kill it, with all it started, as soon as `ready` says so."""
    environment = os.environ | {"SPECIALISTS_DATA": "", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline, "the command never came so far"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_build_that_is_killed_again_and_again_gives_the_same_models_and_scores(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    build = ["build", "--recipe", "tiny", *sandbox()]
    run(command("code_qwen", *build, "--run", str(whole), settings=SMALL))
    words = command("code_qwen", *build, "--run", str(cut), settings=SMALL)
    kill_when(words, lambda: (cut / "data" / "base" / "kept.jsonl").exists())
    kill_when(words, lambda: bool(list((cut / "train" / "base").glob("state/step-*"))))
    kill_when(words, lambda: (cut / "train" / "cpt" / "metrics.jsonl").exists())
    first_answers = cut / "eval" / "random" / "functions" / "completion" / "completions" / "completions.jsonl"
    kill_when(words, lambda: lines(first_answers) >= 1)
    run(words)
    for model in ("random", "tiny-base", "Code-Qwen", "Code-Qwen-Chat"):
        scores = [sorted((x / "eval" / model).rglob("score.json")) for x in (whole, cut)]
        assert scores[0] and [read(p) for p in scores[0]] == [read(p) for p in scores[1]]
    for stage in ("base", "cpt", "sft-single", "sft-dialogue"):
        metrics = [
            [json.loads(line)["loss"] for line in (x / "train" / stage / "metrics.jsonl").read_text().splitlines()]
            for x in (whole, cut)
        ]
        assert len(metrics[0]) == 6 and metrics[0] == metrics[1]
    began = time.monotonic()
    again = run(words)
    assert time.monotonic() - began < 30
    assert "train" not in again.stderr and "generate" not in again.stderr
    for name in ("report.html", "report.md", "report.json"):
        assert (cut / name).stat().st_size > 1000
    assert [row["name"] for row in read(cut / "report.json")["rows"]] == [
        "random", "tiny-base", "Code-Qwen", "Code-Qwen-Chat",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny family, trained for real, judged by both families' benchmarks: the folder of its two runs."""
    folder = tmp_path_factory.mktemp("family")
    code, maths = folder / "code", folder / "math"
    run(command("math_qwen", "problems", "--out", str(folder / "math.jsonl")))
    run(command("code_qwen", "problems", "--out", str(folder / "code.jsonl")))
    walls = sandbox()
    against = str(folder / "math.jsonl")
    run(command("code_qwen", "build", "-r", "tiny", "--run", str(code), "--against", against, *walls))
    start = [f"start={code / 'train' / 'base' / 'checkpoint'}"]
    against = str(folder / "code.jsonl")
    run(command("math_qwen", "build", "-r", "tiny", "--run", str(maths), "--against", against, settings=start))
    run(command("math_qwen", "generate", "--run", str(code), "-r", "tiny", "--model", "Code-Qwen-Chat"))
    run(command("math_qwen", "grade", "--run", str(code), "-r", "tiny", "--model", "Code-Qwen-Chat"))
    run(command("code_qwen", "generate", "--run", str(maths), "-r", "tiny", "--model", "Math-Qwen-Chat"))
    run(command("code_qwen", "grade", "--run", str(maths), "-r", "tiny", "--model", "Math-Qwen-Chat", *walls))
    report = folder / "report.html"
    run([sys.executable, "-m", "specialists", "compare", str(code), str(maths), "--html", str(report)])
    if os.environ.get("KEEP_TINY"):
        shutil.copytree(folder, os.environ["KEEP_TINY"], dirs_exist_ok=True)
    return folder


# Levels move with seed and machine, directions do not: a floor, not an expectation.
def test_the_code_specialist_learns_its_trade(family: Path) -> None:
    cells = read(family / "report.json")["cells"]
    score, base = (cells[model]["functions"]["best"] for model in ("Code-Qwen-Chat", "tiny-base"))
    assert score["value"] >= 0.40 and score["low"] > base["high"]
    assert cells["Math-Qwen-Chat"]["functions"]["best"]["high"] < score["low"]


def test_the_maths_specialist_learns_to_answer(family: Path) -> None:
    """It marks its answers and ends them. That they are right is beyond a model of this size and these minutes."""
    assert _marked(family / "math", "Math-Qwen-Chat") >= 0.90
    assert _marked(family / "math", "tiny-base") <= 0.10
    losses = [json.loads(line)["loss"] for line in (family / "math/train/math-sft/metrics.jsonl").open()]
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


def _marked(run: Path, model: str) -> float:
    """Return the share of a model's answers that end in "#### number", as its lessons do."""
    path = run / "eval" / model / "arithmetic" / "chat" / "completions" / "completions.jsonl"
    answers = [json.loads(line) for line in path.open()]
    ended = [a for a in answers if a["stop"] == "end" and re.search(r"#### \S+$", a["text"])]
    return len(ended) / len(answers)
