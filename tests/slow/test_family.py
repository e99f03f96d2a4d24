"""The tiny family, made from nothing and trained for real: what it learns."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command, run, sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a machine that is busy with other work needs longer


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


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


def test_the_maths_specialist_learns_its_trade(family: Path) -> None:
    cells = read(family / "report.json")["cells"]
    score, base = (cells[model]["arithmetic"]["best"] for model in ("Math-Qwen-Chat", "tiny-base"))
    assert score["value"] >= 0.08 and score["low"] > base["high"]
    assert cells["Code-Qwen-Chat"]["arithmetic"]["best"]["high"] < score["low"]


def test_a_specialist_ends_its_answers_as_its_lessons_do(family: Path) -> None:
    assert _marked(family / "math", "Math-Qwen-Chat") >= 0.90
    assert _marked(family / "math", "tiny-base") <= 0.10


def _marked(run: Path, model: str) -> float:
    """Return the share of a model's answers that end in "#### number"."""
    path = run / "eval" / model / "arithmetic" / "chat" / "completions" / "completions.jsonl"
    answers = [json.loads(line) for line in path.open()]
    ended = [a for a in answers if a["stop"] == "end" and re.search(r"#### \S+$", a["text"])]
    return len(ended) / len(answers)
