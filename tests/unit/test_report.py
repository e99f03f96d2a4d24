"""What the report says of runs: a base at its best, honest marks, clean subsets, and an audit that finds things."""

import json
from pathlib import Path

import pytest

from specialists.errors import ConfigError, DataError
from specialists.recipe import change, to_yaml
from specialists.records import Mark, Stop
from specialists.report.answered import reason_class
from specialists.report.compare import compare
from specialists.report.comparison import Comparison
from specialists.report.shelves import chosen
from specialists.report.trainings import thinned
from specialists.run import Run, write_text
from tests.report_runs import add_score, make_run, recipe


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = make_run(tmp_path / "math", "Math")
    add_score(made, "Base", "few-shot", 8)
    add_score(made, "Base", "chat", 2)
    add_score(made, "Math", "chat", 30)
    return made


def test_a_base_stands_with_its_best_form(run: Run) -> None:
    cell = compare([run]).cells["Base"]["sums"]
    assert cell.best.form == "few-shot" and [score.form for score in cell.forms] == ["few-shot", "chat"]


RELATIONS = [
    # right of 40 where the base has the first 10; p exact
    (40, "above"),
    (16, "above"),  # six flips one way: p = 0.031, though the intervals overlap widely
    (15, "within"),  # five: 0.0625
    (10, "within"),
    (4, "below"),
    (5, "within"),
]


@pytest.mark.parametrize(("right", "relation"), RELATIONS)
def test_marks_come_from_the_paired_test(right: int, relation: str, tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    add_score(made, "Base", "chat", 10)
    add_score(made, "Math", "chat", right)
    assert compare([made]).cells["Math"]["sums"].against_base == relation


def test_a_second_test_in_the_table_asks_more_of_the_first(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    for benchmark, right in (("sums", 16), ("products", 10)):
        add_score(made, "Base", "chat", 10, benchmark=benchmark)
        add_score(made, "Math", "chat", right, benchmark=benchmark)
    found = compare([made])
    assert found.cells["Math"]["sums"].against_base == "within"  # 0.031 x 2
    assert [pair.p_holm for pair in found.pairs if pair.benchmark == "sums"] == [0.0625]


def test_a_test_lists_its_flips_and_what_it_could_have_shown(run: Run) -> None:
    (pair,) = compare([run]).pairs
    assert (pair.form, pair.other_form, pair.n, pair.both) == ("chat", "few-shot", 40, 8)
    assert pair.gained == tuple(f"sums/{i}" for i in range(8, 30)) and pair.lost == ()
    assert pair.difference == pytest.approx(0.55) and pair.low < 0.55 < pair.high
    assert pair.p == pair.p_holm == 2 / 2**22
    assert pair.detectable is not None and 0.2 < pair.detectable < 0.55


def test_other_items_are_not_compared(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    add_score(made, "Base", "chat", 1)
    add_score(made, "Math", "chat", 30, num_items=30)
    found = compare([made])
    assert found.pairs == [] and found.cells["Math"]["sums"].against_base == ""
    assert "the items differ" in findings(found)


def test_a_gain_that_vanishes_under_the_base_s_best_form_is_one_of_format(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    add_score(made, "Base", "few-shot", 29)
    add_score(made, "Base", "chat", 2)
    add_score(made, "Math", "chat", 30)
    found = compare([made])
    (pair,) = found.pairs
    assert pair.relation == "within" and pair.gain_of_format == "chat"
    assert [(test.form, round(test.difference, 3)) for test in pair.by_form] == [("few-shot", 0.025), ("chat", 0.7)]
    assert "a gain only over Base asked as chat" in findings(found)


def test_a_gain_that_only_the_correction_takes_away_is_none_of_format(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    for benchmark, right in (("sums", 16), ("products", 10)):
        add_score(made, "Base", "few-shot", 10, benchmark=benchmark)
        add_score(made, "Base", "chat", 2, benchmark=benchmark)
        add_score(made, "Math", "chat", right, benchmark=benchmark)
    found = {pair.benchmark: (pair.relation, pair.gain_of_format) for pair in compare([made]).pairs}
    assert found == {"sums": ("within", ""), "products": ("within", "chat")}


def test_a_gain_over_the_best_form_is_none_of_format(run: Run) -> None:
    assert [pair.gain_of_format for pair in compare([run]).pairs] == [""]


def test_every_model_is_held_against_its_base_and_the_model_before_it(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Code", "", "Code-Chat")
    for model in ("Base", "Code", "Code-Chat"):
        add_score(made, model, "chat", 10)
    found = compare([made])
    assert [(p.model, p.other) for p in found.pairs] == [
        ("Code", "Base"), ("Code-Chat", "Base"), ("Code-Chat", "Code"),
    ]  # fmt: skip
    assert [row.stages for row in found.rows] == [(), ("stage-0",), ("stage-0", "stage-1", "stage-2")]


def test_runs_from_different_bases_are_each_held_against_their_own(tmp_path: Path) -> None:
    small, large = make_run(tmp_path / "small", "Small"), make_run(tmp_path / "large", "Large", base="other")
    large.write_recipe(to_yaml(recipe("Large").model_copy(update={"base_name": "Big base"})))
    add_score(small, "Base", "chat", 5)
    add_score(small, "Small", "chat", 20)
    add_score(large, "Big base", "chat", 30)
    add_score(large, "Large", "chat", 10)
    found = {p.model: (p.other, p.relation) for p in compare([small, large]).pairs}
    assert found == {"Small": ("Base", "above"), "Large": ("Big base", "below")}


def test_several_answers_an_item_give_pass_at_k_and_majority(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math")
    add_score(made, "Base", "chat", ["----"] * 10)
    add_score(made, "Math", "chat", ["++--"] * 5 + ["+---"] * 5, wrong=Mark.NO_ANSWER)
    found = compare([made])
    score = found.cells["Math"]["sums"].best
    assert score.answers == 40 and score.value == 0.375
    # at 2: (1 - 1/6) and (1 - 3/6); wrong answers differ by sample, so one right vote of four ties with three others
    assert score.at_k == pytest.approx({"pass@1": 0.375, "pass@2": (5 / 6 + 1 / 2) / 2, "maj@4": (1 + 0.25) / 2})
    assert [pair.relation for pair in found.pairs] == ["above"]


def test_a_score_stands_beside_that_on_items_the_training_data_leaves_alone(run: Run) -> None:
    (clean,) = compare([run]).clean
    assert (clean.learned, clean.touched, clean.searched) == (1, 2, True)
    assert clean.full.value == 0.75 and clean.full.base == 0.2
    assert clean.unlearned is not None and clean.untouched is not None
    assert (clean.unlearned.n, clean.unlearned.value, clean.unlearned.base) == (39, 29 / 39, 7 / 39)
    assert (clean.untouched.n, clean.untouched.value) == (38, 28 / 38)


def test_data_that_was_not_searched_gives_no_clean_score(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math", benchmarks={"other": {"items": 1}})
    add_score(made, "Math", "chat", 30)
    found = compare([made])
    assert [(c.searched, c.unlearned) for c in found.clean] == [(False, None)]
    assert "its training data was not searched for these items" in findings(found)


def test_a_base_that_two_runs_share_is_one_row(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path / "code", "Code", weights="v")
    add_score(other, "Base", "chat", 3)
    found = compare([run, other])
    assert [row.name for row in found.rows] == ["Base", "Math", "Code"]
    assert "asked again in run code (7.5 %); the first run's score stands" in findings(found)


def test_runs_in_folders_of_one_name_are_told_apart(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    again = make_run(tmp_path / "other" / "math", "Code", weights="v")
    assert len({row.run for row in compare([run, again]).rows}) == 2


def test_two_models_of_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    other = make_run(tmp_path / "again", "Math", weights="other weights")
    with pytest.raises(DataError, match="their weights differ"):
        compare([run, other])


def test_scores_of_weights_since_retrained_are_left_out(run: Run) -> None:
    add_score(run, "Math", "few-shot", 40, checkpoint="old-weights")
    assert compare([run]).cells["Math"]["sums"].best.value == 0.75


def test_scores_under_a_name_since_changed_are_left_out(run: Run) -> None:
    run.write_recipe(to_yaml(recipe("Renamed")))
    assert compare([run]).cells["Renamed"] == {}


def test_a_model_of_another_recipe_than_the_run_s_is_refused(run: Run) -> None:
    run.write_recipe(to_yaml(change(recipe("Math"), ["stages.stage-0.optim.peak_lr=0.5"])))
    with pytest.raises(DataError, match="trained with another recipe, data or start"):
        compare([run])


@pytest.mark.parametrize(("folder", "error"), [("nowhere", ConfigError), ("math", DataError)])
def test_what_is_no_finished_run_is_refused(folder: str, error: type[Exception], tmp_path: Path) -> None:
    make_run(tmp_path / "math")
    with pytest.raises(error):
        compare([Run(tmp_path / folder)])


def test_verdicts_of_other_completions_are_refused(run: Run) -> None:
    path = run.path / "eval" / "Math" / "sums" / "chat" / "verdicts" / "verdicts.jsonl"
    write_text(path, "".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(DataError, match="not those of its completions"):
        compare([run])


def findings(found: Comparison) -> str:
    return "\n".join(f"{f.level} {f.where}: {f.what}" for check in found.audit for f in check.findings)


AUDITED = [
    ({}, None),
    ({"value": 0.8}, "fault Math on Sums (generated), chat: the score says 0.8000, its 30 right of 40 give 0.7500"),
    ({"n": 41}, "the score says n = 41, its verdicts are on 40 items"),
    ({"low": 0.1}, "the interval is not the Wilson interval of 0.7500"),
    ({"subset": "40 of 400"}, "the items differ"),
    ({"protocol": {"max_new_tokens": "8", "temperature": "0"}}, "max_new_tokens: 64 / 8"),
    ({"protocol": {"decoding": "greedy", "temperature": "0.8"}}, "says greedy, was sampled at temperature 0.8"),
    ({"protocol": {"samples": "20", "temperature": "0"}}, "says 20 answers a problem, there are 1"),
    ({"stop": Stop.LENGTH}, "40 of 40 answers were cut at 64 tokens"),
    ({"wrong": Mark.UNDECIDED}, "10 of 40 answers are undecided and count as not right"),
    ({"weak_proofs": 3}, "3 passes rest on a weak proof"),
    ({"stamps": ("judged without a container",)}, "judged without a container"),
]


@pytest.mark.parametrize(("more", "words"), AUDITED)
def test_the_audit_says_what_is_wrong(more: dict[str, object], words: str | None, tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", "Math", benchmarks={"sums": {"items": 40, "hit_ids": [], "left_ids": []}})
    add_score(made, "Base", "chat", 10)
    add_score(made, "Math", "chat", 30, **more)  # pyright: ignore[reportArgumentType]
    said = "\n".join(line for line in findings(compare([made])).splitlines() if "uncommitted" not in line)
    assert said == "" if words is None else words in said


def test_all_commits_that_took_part_are_named(run: Run) -> None:
    path = run.train_path("stage-0") / "MANIFEST.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["made_by"]["commit"] = "0123456789ab"
    write_text(path, json.dumps(manifest))
    made_by = compare([run]).made_by
    assert made_by["commit"]["0123456789ab"] == 1
    assert sum(made_by["specialists"].values()) == 9  # start, data, training, and two for each of three scores


REASONS = [
    ("fail: got 3, wanted 41.5", "fail: got N, wanted N"),
    ("error: NameError: name 'xxs' is not defined\nline 2", "error: NameError: name … is not defined"),
    ("fail: line 1: assert add(1, 2) == 3: AssertionError", "fail: line N: assert …"),
    ("error: TypeError: add() takes 1 positional argument", "error: TypeError: …() takes N positional argument"),
    ("", "no reason kept"),
    ("x" * 90, "x" * 70 + "…"),
]


@pytest.mark.parametrize(("reason", "expected"), REASONS)
def test_reasons_are_grouped_by_what_they_share(reason: str, expected: str) -> None:
    assert reason_class(reason) == expected


CHOSEN = [
    # items, flipped, limit, expected
    (5, {1}, 10, [0, 1, 2, 3, 4]),
    (100, {7, 8}, 4, [0, 7, 8, 51]),
    (8, {0, 1, 2, 3, 4, 5, 6}, 4, [0, 2, 4, 7]),  # not only flips
]


@pytest.mark.parametrize(("count", "flipped", "limit", "expected"), CHOSEN)
def test_flipped_items_are_shown_first(count: int, flipped: set[int], limit: int, expected: list[int]) -> None:
    found = chosen([str(i) for i in range(count)], {str(i) for i in flipped}, limit)
    assert [int(item) for item in found] == expected


def test_a_curve_leaves_out_batches_without_a_loss_and_keeps_the_holdout(run: Run) -> None:
    (training,) = compare([run]).trainings
    assert (training.steps, training.loss, training.holdout) == ([1.0, 3.0], [2.0, 1.5], [(3, 1.75)])


def test_a_long_curve_keeps_its_mean_and_its_length_in_bounds() -> None:
    assert thinned([], 400) == []
    assert thinned([1.0, 2.0, 3.0], 400) == [1.0, 2.0, 3.0]
    found = thinned([float(i) for i in range(50_000)], 400)
    assert len(found) <= 400 and found[0] == 62.0
