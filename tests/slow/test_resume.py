"""A build that is killed goes on where it was: the same models, the same scores, nothing done twice."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command, kill_when, run, sandbox

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a machine that is busy with other work needs longer
SMALL = [
    "shape.num_layers=2", "shape.hidden_size=32", "stages.*.steps=6", "stages.*.save_every=2", "stages.*.seq_len=256",
    "judges.*.limit=8", "judges.*.max_new_tokens=24", "generate_batch=4",
]  # fmt: skip


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
