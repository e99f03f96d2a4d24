"""`evaluate`: any model, here or behind an endpoint, becomes a run that `compare` reads."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from math_qwen.family import FAMILY
from specialists import cli
from specialists.recipe import read_recipe
from specialists.records import Score
from specialists.report.compare import compare
from specialists.run import Run
from tests.endpoints import Asked, Endpoint, Said, answer, serving

KEY = "sk-very-secret"


def evaluate(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["math_qwen", "evaluate", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main(FAMILY)
    return int(left.value.code or 0)


def scores(run: Path) -> dict[str, Score]:
    found = (Score.model_validate_json(path.read_text()) for path in run.rglob("score.json"))
    return {score.form: score for score in found}


def remote(endpoint: Endpoint, run: Path, *more: str) -> list[str]:
    where = ["--endpoint", endpoint.url, "--served-model", "org/wise", "--run", str(run)]
    return [*where, "-b", "arithmetic", "--limit", "4", *more]


def test_a_local_checkpoint_in_every_form(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    asked = ["--model", str(tiny_checkpoint), "-b", "arithmetic", "--limit", "3", "--run", str(run)]
    assert evaluate(monkeypatch, *asked, "--set", "judges.*.max_new_tokens=4") == 0
    found = scores(run)
    assert set(found) == {"few-shot", "chat"}
    assert found["chat"].model == "checkpoint" and found["chat"].n == 3
    protocol = found["chat"].protocol
    assert protocol["backend"].startswith("transformers ") and protocol["chat template"] == "ChatML"
    assert (protocol["decoding"], protocol["samples"], protocol["max_new_tokens"]) == ("greedy", "1", "4")
    comparison = compare([Run(run)])
    assert [(row.name, row.kind) for row in comparison.rows] == [("checkpoint", "base")]


def test_a_model_behind_an_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    run = tmp_path / "run"
    with serving() as endpoint:
        endpoint.next.extend([Said(answer({"message": {"content": "#### 1"}}))] * 4)
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat")) == 0
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat")) == 0
    assert [asked.path for asked in endpoint.asked] == ["/v1/chat/completions"] * 4
    (score,) = scores(run).values()
    assert (score.model, score.n, score.form) == ("wise", 4, "chat")
    assert score.protocol["backend"] == f"endpoint {endpoint.url}, model org/wise"
    comparison = compare([Run(run)])
    assert [(row.name, row.kind) for row in comparison.rows] == [("wise", "chat")]
    assert all(KEY.encode() not in path.read_bytes() for path in run.rglob("*") if path.is_file())


def test_samples_of_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    knobs = ["--set", "judges.*.num_samples=3", "--set", "judges.*.temperature=0.5", "--set", "judges.*.top_k=9"]
    with serving() as endpoint:
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat", *knobs)) == 0
    assert len({asked.body["seed"] for asked in endpoint.asked}) == 12
    (score,) = scores(run).values()
    assert (score.n, sum(score.marks.values())) == (4, 12)
    assert score.protocol["decoding"] == "sampled, temperature 0.5, top_k 9, seed 0"
    assert score.protocol["samples"] == "3"


def test_a_model_with_an_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs really run, in the weakest of the sandboxes, and the score says so."""
    run = tmp_path / "run"

    def reply(asked: Asked) -> dict[str, Any]:
        turns = asked.body["messages"]
        if len(turns) == 1:
            return answer({"message": {"content": "```python\nprint(6 * 7)\n```"}})
        return answer({"message": {"content": turns[-1]["content"].replace("```output\n", "#### ").strip("`\n")}})

    with serving(reply) as endpoint:
        knobs = ["--kind", "chat", "--set", "judges.*.tool_rounds=1", "--sandbox", "process"]
        assert evaluate(monkeypatch, *remote(endpoint, run, *knobs)) == 2  # nobody accepted the risk
        assert evaluate(monkeypatch, *remote(endpoint, run, *knobs, "--accept-risk")) == 0
    (completions,) = run.rglob("completions.jsonl")
    rows = [json.loads(line) for line in completions.read_text().splitlines()]
    assert [(row["num_calls"], row["stop"]) for row in rows] == [(1, "end")] * 4
    assert rows[0]["text"] == "```python\nprint(6 * 7)\n```\n```output\n42\n```\n#### 42"
    (score,) = scores(run).values()
    assert "sandbox 'process', at most 1 programs" in score.protocol["interpreter"]
    assert any("without a container" in stamp for stamp in score.stamps)


WRONG = [
    # arguments, what the one line must say
    ([], "evaluate needs --model FOLDER_OR_ID, or --endpoint URL and --served-model NAME"),
    (["--endpoint", "http://localhost:1/v1"], "needs an endpoint and the name of a served_model"),
    (["--model", "{tmp}"], "has no config.json"),
    (["--model", "{tmp}", "--kind", "instruct"], "start_kind = 'instruct': input should be 'base', 'text' or 'chat'"),
    (["--model", "{tmp}", "--served-model", "m"], "endpoint and served_model belong to backend 'openai', not 'hf'"),
    (["--model", "{tmp}", "-b", "gms8k"], "benchmark 'gms8k' is not one of math_qwen's"),
    (["--model", "{tmp}", "--set", "judges.*.num_samples=2"], "num_samples > 1 with temperature = 0"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda case: " ".join(case) if case else "nothing")
def test_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = evaluate(monkeypatch, *(a.format(tmp=tmp_path) for a in arguments), "--run", str(tmp_path / "run"))
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert words in last and last.startswith("error: ") and code == 2, last


def test_a_model_that_was_not_found_leaves_the_run_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    assert evaluate(monkeypatch, "--model", str(tmp_path), "-b", "arithmetic", "--run", str(run)) == 2
    with serving() as endpoint:
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat")) == 0


def test_a_run_can_be_asked_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    with serving() as endpoint:
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat")) == 0
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat", "--limit", "6")) == 0
    assert len(endpoint.asked) == 4 + 6
    assert [judge.limit for judge in read_recipe(run / "recipe.yaml").judges] == [6]


def test_a_run_holds_one_model(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    with serving() as endpoint:
        assert evaluate(monkeypatch, *remote(endpoint, run, "--kind", "chat")) == 0
    assert evaluate(monkeypatch, "--model", str(tiny_checkpoint), "-b", "arithmetic", "--run", str(run)) == 2
    assert "holds wise (remote, chat, 0 stages)" in capfd.readouterr().err
