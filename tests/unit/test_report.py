"""The report: the same numbers everywhere, a base at its best, nothing fetched from a network."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from specialists.errors import ConfigError, DataError
from specialists.evaluate.metrics import wilson
from specialists.jsonl import append_records
from specialists.models import judged, result, train_inputs
from specialists.recipe import Mix, Optim, Recipe, Source, Stage, change, to_yaml
from specialists.records import Completion, Mark, Score, Stop, Verdict
from specialists.report.compare import compare
from specialists.report.render import write_report
from specialists.run import Run, write_text

FUNNEL = {
    "in": {"documents": 10, "bytes": 100},
    "decontamination": {"benchmarks": {"sums": {"items": 40, "items_hit": 1, "samples_dropped": 2, "samples_kept": 0}}},
}
DATA_FACTS = {
    "documents_in": 10, "documents_kept": 7, "dropped": {"exact_copy": 3}, "index": {"sums": "d"}, "grams_left": 0,
    "tokens": 1234, "fill": 0.98,
}  # fmt: skip
TRAIN_FACTS = {"steps": 2, "tokens": 64, "targets": 32, "last_loss": 1.5, "precision": "bf16", "wall_s": 3.0}


def recipe(gives: str = "Math") -> Recipe:
    stage = Stage(
        name="sft", gives=gives, objective="chat", mix=Mix(sources=(Source(name="x", kind="made"),)), seq_len=16,
        batch_blocks=1, steps=2, optim=Optim(peak_lr=1e-3, schedule="linear-constant", warmup_share=0.0),
    )  # fmt: skip
    return Recipe(name="test", start="somewhere", base_name="Base", stages=(stage,))


def make_run(path: Path, *, gives: str = "Math", base: str = "base-digest", weights: str = "w") -> Run:
    """Write a finished run by hand: a base and one specialist."""
    run = Run(path)
    path.mkdir()
    run.write_recipe(to_yaml(recipe(gives)))
    start = run.start({})
    start.begin()
    start.finish({"path": str(path), "digest": base})
    data = run.data("sft", {})
    write_text(data.begin() / "funnel.json", json.dumps(FUNNEL))
    write_text(data.path / "example.txt", "<user> 1 & 2?\n⟦3<|im_end|>⟧")
    prepared = data.finish(DATA_FACTS)
    train = run.train("sft", train_inputs(recipe(gives).stages[0], result(recipe(gives), run, None), prepared))
    folder = train.begin()
    (folder / "checkpoint").mkdir()
    write_text(folder / "checkpoint" / "model.safetensors", weights)
    write_text(folder / "metrics.jsonl", '{"loss": 2.0, "lr": 0.001}\n{"loss": 1.5, "lr": 0.001}\n')
    train.finish(TRAIN_FACTS)
    return run


def add_score(run: Run, model: str, checkpoint: str, form: str, correct: int, n: int = 40, **more: object) -> None:
    """Write completions, verdicts and a score as `grade` would."""
    asked = run.completions(model, "sums", form, {})
    texts = [Completion(problem_id=f"sums/{i}", text=f"<b>{i}</b>", stop=Stop.END, num_tokens=1) for i in range(n)]
    append_records(asked.begin() / "completions.jsonl", texts)
    asked.finish()
    step = run.verdicts(model, "sums", form, {})
    marks = [Mark.CORRECT if i < correct else Mark.WRONG for i in range(n)]
    verdicts = [Verdict(problem_id=f"sums/{i}", mark=mark, reason="equal") for i, mark in enumerate(marks)]
    append_records(step.begin() / "verdicts.jsonl", verdicts)
    low, high = wilson(correct / n, n)
    score = Score(
        benchmark="sums", title="Sums (generated)", model=model, checkpoint=checkpoint, form=form, metric="accuracy",
        value=correct / n, n=n, low=low, high=high, marks={Mark.CORRECT: correct, Mark.WRONG: n - correct},
        **more,  # type: ignore[arg-type]
    )  # fmt: skip
    write_text(step.path / "score.json", score.model_dump_json())
    step.finish()


def trained_digest(run: Run) -> str:
    return judged(run)[-1].digest


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = make_run(tmp_path / "math")
    add_score(made, "Base", "base-digest", "few-shot", 8)
    add_score(made, "Base", "base-digest", "chat", 2)
    add_score(
        made, "Math", trained_digest(made), "chat", 30, subset="40 of 400, evenly spaced", stamps=("weakly judged",)
    )
    return made


def test_a_base_stands_with_its_best_form(run: Run) -> None:
    cell = compare([run]).cells["Base"]["sums"]
    assert cell.best.form == "few-shot" and len(cell.forms) == 2


@pytest.mark.parametrize(("correct", "relation"), [(30, "above"), (8, "within"), (14, "within"), (0, "below")])
def test_only_intervals_that_do_not_touch_are_a_difference(correct: int, relation: str, tmp_path: Path) -> None:
    made = make_run(tmp_path / "run")
    add_score(made, "Base", "base-digest", "chat", 10)
    add_score(made, "Math", trained_digest(made), "chat", correct)
    assert compare([made]).cells["Math"]["sums"].against_base == relation


def test_other_problems_are_not_compared(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run")
    add_score(made, "Base", "base-digest", "chat", 1)
    add_score(made, "Math", trained_digest(made), "chat", 30, subset="another choice")
    assert compare([made]).cells["Math"]["sums"].against_base == ""


def test_a_base_that_two_runs_share_is_one_row(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path / "code", gives="Code", weights="v")
    add_score(other, "Base", "base-digest", "chat", 3)
    names = [row.name for row in compare([run, other]).rows]
    assert names == ["Base", "Math", "Code"]


def test_two_models_of_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path / "again", weights="other weights")
    with pytest.raises(DataError, match="their weights differ"):
        compare([run, other])


def test_scores_of_weights_since_retrained_are_left_out(run: Run) -> None:
    add_score(run, "Math", "old-weights", "few-shot", 40)
    assert compare([run]).cells["Math"]["sums"].best.value == 0.75


def test_scores_under_a_name_since_changed_are_left_out(run: Run) -> None:
    run.write_recipe(to_yaml(recipe(gives="Renamed")))
    assert compare([run]).cells["Renamed"] == {}


def test_a_model_of_another_recipe_than_the_run_s_is_refused(run: Run) -> None:
    run.write_recipe(to_yaml(change(recipe(), ["stages.sft.optim.peak_lr=0.5"])))
    with pytest.raises(DataError, match="trained with another recipe, data or start"):
        compare([run])


@pytest.mark.parametrize(("folder", "error"), [("nowhere", ConfigError), ("math", DataError)])
def test_what_is_no_finished_run_is_refused(folder: str, error: type[Exception], tmp_path: Path) -> None:
    make_run(tmp_path / "math")
    with pytest.raises(error):
        compare([Run(tmp_path / folder)])


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]
        if tag in ("script", "iframe", "link"):
            self.found.append(tag)


def test_the_report_needs_no_network_and_escapes_what_models_wrote(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.html"
    write_report(compare([run]), path)
    page = path.read_text(encoding="utf-8")
    links = _Links()
    links.feed(page)
    assert [link for link in links.found if not link.startswith("#")] == []
    assert "&lt;b&gt;10&lt;/b&gt;" in page and "<b>10</b>" not in page
    assert "1 &amp; 2?" in page and "<mark>3&lt;|im_end|&gt;</mark>" in page


def test_html_markdown_and_json_say_the_same(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run]), path)
    page, text = path.read_text(), path.with_suffix(".md").read_text()
    found = json.loads(path.with_suffix(".json").read_text())
    assert found["cells"]["Math"]["sums"]["best"]["value"] == 0.75
    for word in ("75.0", "[59.8, 85.8]", "40 of 400, evenly spaced", "weakly judged"):
        assert word in page and word in text, word
    assert re.search(r"\| Math \| 75\.0 +\[59\.8, 85\.8\] n=40 chat \|", text)


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(compare([run]), tmp_path / f"{name}.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
