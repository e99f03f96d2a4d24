"""The written report: the same numbers in three files, nothing fetched, nothing that a model wrote is run."""

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from specialists.errors import ConfigError, DataError
from specialists.records import Mark
from specialists.report.compare import compare
from specialists.report.comparison import short
from specialists.report.render import interval, p_value, percent, points, write_report
from specialists.run import Run, write_text
from tests.report_runs import add_score, make_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = make_run(tmp_path / "math", "Math")
    add_score(made, "Base", "few-shot", 8)
    add_score(made, "Base", "chat", 2)
    add_score(made, "Math", "chat", 30, subset="40 of 400, evenly spaced", stamps=("weakly judged",))
    add_score(made, "Base", "chat", ["+-"] * 10, benchmark="gsm8k")
    add_score(made, "Math", "chat", ["++"] * 9 + ["+-"], benchmark="gsm8k")
    return made


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "action") and value]

    def handle_data(self, data: str) -> None:
        self.words += data


def read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def items(path: Path) -> dict[str, list[dict[str, list[list[object]]]]]:
    packed = re.search(r'id="packed">([^<]*)<', path.read_text(encoding="utf-8"))
    assert packed is not None
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


def test_the_page_needs_no_network_and_runs_nothing_a_model_wrote(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out" / "report.html"
    write_report(compare([run]), path)
    page, text = read(path), path.read_text(encoding="utf-8")
    assert [link for link in page.links if not link.startswith("#")] == []
    assert not {"link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert not re.search(r"url\((?!#)|@import|fetch\(|innerHTML|insertAdjacent|document\.write|eval\(", text)
    assert "default-src 'none'" in text
    assert "<u>" not in text and "<b>sums" not in text and "1 &amp; 2?" in text and "<pre>&lt;i&gt;</pre>" in text
    assert "<mark>3&lt;|im_end|&gt;</mark>" in text


def test_every_link_within_the_page_leads_somewhere(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run], published=True), path)
    text = path.read_text(encoding="utf-8")
    assert [link for link in read(path).links if f'id="{link[1:]}"' not in text] == []


def test_html_markdown_and_json_say_the_same(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run], published=True), path)
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    page, text = read(path).words, path.with_suffix(".md").read_text(encoding="utf-8")
    words = [f["what"] for check in said["audit"] for f in check["findings"]]
    for cells in said["cells"].values():
        for score in (score for cell in cells.values() for score in cell["forms"]):
            words += [percent(score["value"]), interval(score["low"], score["high"])]
            words += [f"{name} {percent(value)}" for name, value in score["at_k"].items()]
    for pair in said["pairs"]:
        words += [points(pair["difference"]), f"[{points(pair['low'])}, {points(pair['high'])}]"]
        words += [p_value(pair["p"]), p_value(pair["p_holm"]), percent(pair["detectable"])]
    for clean in said["clean"]:
        for part in (clean["full"], clean["unlearned"], clean["untouched"]):
            words += [percent(part["value"]), percent(part["base"])] if part else []
    words += [row["checkpoint"] for row in said["rows"]] + list(said["made_by"]["specialists"])
    for table in said["quoted"]:
        words += [table["caution"], *(str(v) for _, values in table["rows"] for v in values if v is not None)]
    assert len(words) > 100
    assert [word for word in words if word not in page] == []
    assert [word for word in words if word not in text] == []


def test_the_markdown_has_the_headline_in_one_row_a_model(run: Run, tmp_path: Path) -> None:
    write_report(compare([run]), tmp_path / "report.html")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| Base | 50.0 [23.7, 76.3] n=10 | 20.0 [10.5, 34.8] n=40 |" in text
    assert re.search(r"\| Math \| 95\.0 ▲ \[65\.5, 99\.5\] n=10 \| 75\.0 ▲ \[59\.8, 85\.8\] n=40 \|", text)


def test_published_scores_are_quoted_only_if_asked_for(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run]), path)
    assert "Minerva" not in path.read_text(encoding="utf-8")
    quoted = compare([run], published=True)
    assert {table.name.partition(",")[0] for table in quoted.quoted} == {"table 2", "table 5", "table 12"}
    assert all(pair.other == "Base" for pair in quoted.pairs)


def test_the_items_show_prompt_answer_mark_reason_and_reference(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run]), path)
    shelf = items(path)["shelves"][1]
    assert shelf["columns"] == [["Base", "few-shot"], ["Base", "chat"], ["Math", "chat"]]
    item = shelf["items"][9]
    assert item[:2] == ["sums/9", "odd"] and item[4] == "7"
    assert item[2] == ["few-shot: what is <u>sums/9</u>?", "chat: what is <u>sums/9</u>?"] and item[3] == [0, 1, 1]
    assert item[5][2] == [0, 1.0, "True 0", "sum sums/9 off", "end", 1, "<b>sums/9</b>"]  # pyright: ignore


def test_items_that_are_left_out_are_counted(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(compare([run], items=10), path)
    assert "Sums (generated): 10 of 40, flipped ones first" in read(path).words
    assert [len(shelf["items"]) for shelf in items(path)["shelves"]] == [10, 10]
    write_report(compare([run], items=0), path)
    assert 'id="packed"' not in path.read_text(encoding="utf-8")


def test_a_long_text_says_what_it_lost(run: Run, tmp_path: Path) -> None:
    answers = run.path / "eval" / "Math" / "sums" / "chat" / "completions" / "completions.jsonl"
    answers.write_text(answers.read_text().replace("<b>sums/9</b>", "x" * 5000))
    path = tmp_path / "report.html"
    write_report(compare([run]), path)
    text = items(path)["shelves"][1]["items"][9][5][2][6]  # pyright: ignore
    assert "[... 3,300 characters left out here ...]" in text and len(text) < 1800


def test_a_stage_whose_every_batch_was_left_out_is_shown_without_a_curve(run: Run, tmp_path: Path) -> None:
    stage = run.train_path("stage-0")
    write_text(stage / "metrics.jsonl", '{"step": 1, "loss": null, "lr": 0.001}\n')
    manifest = json.loads((stage / "MANIFEST.json").read_text(encoding="utf-8"))
    manifest["facts"]["last_loss"] = None
    write_text(stage / "MANIFEST.json", json.dumps(manifest))
    write_report(compare([run]), tmp_path / "report.html")
    assert "stage-0 → Math" in read(tmp_path / "report.html").words


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(compare([run], published=True), tmp_path / f"{name}.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def marks(path: Path, *lines: str) -> str:
    """Write marks as `grade --samples --json` does, and return the setting that names them."""
    write_text(path, "".join(line + "\n" for line in lines))
    return f"sums={path}"


def test_published_samples_judged_here_stand_beside_and_enter_no_test(run: Run, tmp_path: Path) -> None:
    row = '{"task_id": "sums/%d", "sample": 0, "mark": "%s", "answer": "1", "reason": "equal"}'
    lines = [row % (i, "correct" if i < 25 else "no_answer") for i in range(40)]
    found = compare([run], regraded=[marks(tmp_path / "theirs.jsonl", *lines)])
    assert {pair.model for pair in found.pairs} == {"Math"} and "theirs" not in found.cells
    (theirs,) = found.regraded
    assert (theirs.value, theirs.n, theirs.marks) == (0.625, 40, {Mark.CORRECT: 25, Mark.NO_ANSWER: 15})
    write_report(found, tmp_path / "report.html")
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "theirs" in text and "62.5" in text and "[47.0, 75.8]" in text


BAD_MARKS = [
    ('{"task_id": "sums/1"}', "theirs.jsonl:1: mark: Field required"),
    ('{"task_id": "sums/1", "mark": "fine"}', "theirs.jsonl:1: mark: Input should be"),
    ("[1]", "theirs.jsonl:1: a JSON object is needed"),
    ("", "holds no mark"),
]


@pytest.mark.parametrize(("line", "words"), BAD_MARKS)
def test_what_is_no_mark_is_refused(line: str, words: str, run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        compare([run], regraded=[marks(tmp_path / "theirs.jsonl", line)])
    assert words in str(caught.value)


@pytest.mark.parametrize("setting", ["theirs.jsonl", "nothing=theirs.jsonl"])
def test_marks_of_a_benchmark_that_is_not_here_are_refused(setting: str, run: Run) -> None:
    with pytest.raises(ConfigError, match="write it as BENCHMARK=FILE; benchmarks here: gsm8k, sums"):
        compare([run], regraded=[setting])


TITLES = [
    ("Sums (generated, held-out combinations)", "Sums"),
    ("HumanEvalPack C++ (fix)", "HumanEvalPack C++ (fix)"),
    ("GSM8K (lm-eval)", "GSM8K (lm-eval)"),
    ("MBPP", "MBPP"),
]


@pytest.mark.parametrize(("title", "expected"), TITLES)
def test_titles_lose_long_remarks_only(title: str, expected: str) -> None:
    assert short(title) == expected


POINTS = [(0.125, "+12.5"), (-0.125, "−12.5"), (0.0, "0.0"), (-0.0001, "0.0")]


@pytest.mark.parametrize(("difference", "text"), POINTS)
def test_differences_carry_their_sign(difference: float, text: str) -> None:
    assert points(difference) == text
