"""Other people's samples: what is read, what is refused by line, and where verdicts differ."""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from specialists.errors import ConfigError, DataError
from specialists.evaluate.regrade import Regrading, by_category, regrade, write_marks
from specialists.evaluate.samples import Fields, Samples, read_fields, read_samples
from specialists.evaluate.tasks import OwnTasks, Tasks, own_problems
from specialists.family import CHAT, Benchmark, Judging
from specialists.records import Completion, Mark, Problem, Verdict

PROBLEMS = [Problem(id=f"Echo/{n}", prompt=f"Say the number {n}!", gold=str(n)) for n in range(4)]
TASKS = Tasks("echo", PROBLEMS)


REASONS = {"numpy": "error: ModuleNotFoundError: numpy", "math": "error: NameError: name 'math' is not defined"}


class EchoGrader:
    """Judges an answer correct when it is the gold; "strip" as extractor looks past blanks."""

    def __init__(self, extractor: str) -> None:
        self._strip = extractor == "strip"

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        for problem, completion in items:
            text = completion.text.strip() if self._strip else completion.text
            mark = Mark.CORRECT if text == problem.gold else Mark.WRONG
            marks = {"slow": Mark.TIMED_OUT, "odd": Mark.UNDECIDED, "": Mark.NO_ANSWER}
            yield Verdict(
                problem_id=problem.id,
                sample=completion.sample,
                mark=marks.get(text, mark),
                answer=text,
                reason=REASONS.get(text, ""),
            )

    def stamps(self) -> tuple[str, ...]:
        return ()


@contextmanager
def open_echo(judging: Judging) -> Iterator[EchoGrader]:
    yield EchoGrader(judging.extractor)


ECHO = Benchmark(
    name="echo",
    title="Echo",
    metric="accuracy",
    rows=None,
    problems=lambda _: PROBLEMS,
    forms={CHAT: lambda problem: problem.prompt},
    open_grader=open_echo,
    right=lambda problem: problem.gold,
    wrong=lambda _: [""],
    max_new_tokens=8,
    extractors=("plain", "strip"),
    protocol={},
)


def written(tmp_path: Path, *lines: str | Mapping[str, Any]) -> Path:
    path = tmp_path / "samples.jsonl"
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return path


def read(tmp_path: Path, *lines: str | Mapping[str, Any], fields: Fields | None = None) -> Samples:
    return read_samples(written(tmp_path, *lines), PROBLEMS, TASKS, fields)


def log(number: int, text: str, **more: object) -> dict[str, object]:
    """Return a line as lm-evaluation-harness logs it."""
    doc = {"question": PROBLEMS[number].prompt, "answer": "#### 7"}
    return {"doc_id": number, "doc": doc, "target": "7", "resps": [[text]], "filtered_resps": [text], **more}


SHAPES: dict[str, tuple[Mapping[str, Any], Fields]] = {
    # name: (line, fields); each holds the text "2" for problem 2
    "human-eval": ({"task_id": "Echo/2", "completion": "2"}, Fields()),
    "evalplus": ({"task_id": "Echo/2", "solution": "2"}, Fields()),
    "other capitals": ({"task_id": "ECHO/2", "completion": "2"}, Fields()),
    "a bare number": ({"task_id": 2, "completion": "2"}, Fields()),
    "number zero-filled by nobody": ({"task_id": "2", "completion": "2"}, Fields()),
    "underscores and a name": ({"task_id": "echo_2_say", "completion": "2"}, Fields()),
    "a response": ({"task_id": "Echo/2", "response": "2", "solution": "the gold"}, Fields()),
    "a list of completions": ({"task_id": "Echo/2", "completions": ["2"]}, Fields()),
    "a log": (log(2, "2"), Fields()),
    "a log with an id": ({"doc": {"task_id": "Echo/2"}, "resps": [["2"]]}, Fields()),
    "a question": ({"question": "Say the number 2!", "completion": "2"}, Fields()),
    "a question, other blanks": ({"question": " say the  NUMBER 2!\n", "completion": "2"}, Fields()),
    "fields by name": ({"q": "Say the number 2!", "said": "2"}, Fields(question="q", output="said")),
    "fields inside": ({"in": {"id": 2}, "out": {"text": "2"}}, Fields(task="in.id", output="out.text")),
    "a field with a dot in its name": ({"task_id": 2, "out.text": "2"}, Fields(output="out.text")),
    "an unknown id, but the question": ({"task_id": "x", "prompt": "Say the number 2!", "completion": "2"}, Fields()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_of_any_known_shape_finds_its_problem(shape: str, tmp_path: Path) -> None:
    line, fields = SHAPES[shape]
    found = read(tmp_path, line, line, fields=fields)
    assert [(g.line, g.completion.problem_id, g.completion.sample, g.completion.text) for g in found.given] == [
        (1, "Echo/2", 0, "2"),
        (2, "Echo/2", 1, "2"),
    ]
    assert found.faults == []


BAD_LINES: dict[str, tuple[str, str, str]] = {
    # name: (line, kind, words)
    "no task": ('{"completion": "2"}', "of unknown tasks", "a sample needs task_id"),
    "no text": ('{"task_id": "Echo/1", "answer": "2"}', "without a text", "this one has task_id, answer"),
    "null as text": ('{"task_id": "Echo/1", "completion": null}', "without a text", "completion is no text"),
    "a number as text": ('{"task_id": "Echo/1", "completion": 2}', "without a text", "is no text but int"),
    "no texts": ('{"task_id": "Echo/1", "completions": []}', "without a text", "is no text but list"),
    "an empty log": ('{"doc": {"task_id": 1}, "resps": []}', "without a text", "no text in resps"),
    "an unknown task": ('{"task_id": "Echo/9", "completion": ""}', "of unknown tasks", "task_id 'Echo/9' is not"),
    "another benchmark": ('{"task_id": "Other/1", "completion": ""}', "of unknown tasks", "not a problem of echo"),
    "task zero of another": ('{"task_id": "Mbpp/0", "completion": ""}', "of unknown tasks", "'Mbpp/0'"),
    "an unknown question": ('{"question": "Why?", "completion": ""}', "of unknown tasks", "the question 'Why?'"),
    "broken": ("{broken", "not JSON", "not JSON"),
    "cut off": ('{"task_id": "Echo/1", "completion": "re', "not JSON", "not JSON"),
    "a list": ("[1]", "not JSON", "a JSON object is needed, this is list"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_line_that_cannot_be_graded_is_named(name: str, tmp_path: Path) -> None:
    line, kind, words = BAD_LINES[name]
    found = read(tmp_path, {"task_id": "Echo/0", "completion": "0"}, line)
    assert len(found.given) == 1
    ((number, of_kind, text),) = [(fault.line, fault.kind, fault.text) for fault in found.faults]
    assert number == 2 and of_kind.startswith(kind) and words in text
    assert f"samples.jsonl:2: {text}" in found.complaint()


def test_a_complaint_counts_every_kind(tmp_path: Path) -> None:
    found = read(tmp_path, *["{"] * 7, {"task_id": "x", "completion": ""}, {"task_id": "Echo/1"})
    assert "7 not JSON objects (lines 1, 2, 3, 4, 5 and 2 more)" in found.complaint()
    assert "1 of unknown tasks (line 8); 1 without a text to judge (line 9)" in found.complaint()


def test_a_file_without_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no sample"):
        read(tmp_path, "")


def test_a_packed_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"task_id": 1, "completion": "1"}\n' * 50)[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        read_samples(path, PROBLEMS, TASKS)


def test_an_end_that_two_problems_share_finds_neither() -> None:
    problems = [Problem(id=f"math/{kind}/1.json", prompt="Same?", gold="") for kind in ("algebra", "geometry")]
    tasks = Tasks("math", problems)
    for row in ({"task_id": "1.json"}, {"question": "Same?"}):
        assert tasks.find(1, row, Fields()) is None
    assert tasks.find(1, {"task_id": "algebra/1.json"}, Fields()) == "math/algebra/1.json"


NOTES = [
    # (task ids in the file, words of the note)
    ([0, 1, 2], "1 of 4 problems have no sample and are left out: Echo/3"),
    ([0, 1, 2, 3, 3], "problems have from 1 to 2 samples"),
    ([0, 1, 2, 3, 0, 1, 2, 3], "4 samples repeat another of the same problem word for word (lines 5, 6, 7, 8)"),
]


@pytest.mark.parametrize(("ids", "words"), NOTES)
def test_what_is_odd_about_a_file_is_said(ids: list[int], words: str, tmp_path: Path) -> None:
    found = read(tmp_path, *({"task_id": n, "completion": "x"} for n in ids))
    assert any(words in note for note in found.notes), found.notes


def test_nothing_is_said_of_a_file_that_is_as_it_should_be(tmp_path: Path) -> None:
    found = read(tmp_path, *({"task_id": n % 4, "completion": str(n)} for n in range(8)))
    assert found.notes == []


def test_a_log_counts_each_sample_once_however_many_filters_it_has(tmp_path: Path) -> None:
    lines = [log(n, str(n), filter=name, exact_match=n) for name in ("strict", "flexible") for n in (0, 1)]
    found = read(tmp_path, *lines)
    assert [(g.line, g.recorded) for g in found.given] == [(3, False), (4, True)]
    assert any("filters strict, flexible; verdicts are those of flexible" in note for note in found.notes)
    other = read(tmp_path, *lines, fields=read_fields({}, ["filter=strict"]))
    assert [g.line for g in other.given] == [1, 2]


def test_a_log_with_several_responses_has_several_samples(tmp_path: Path) -> None:
    found = read(tmp_path, {**log(1, ""), "resps": [["1", "2"]], "exact_match": 1.0})
    assert [(g.completion.text, g.recorded) for g in found.given] == [("1", None), ("2", None)]


RECORDED = [
    ({"passed": True}, True),
    ({"passed": False}, False),
    ({"is_correct": 1}, True),
    ({"exact_match": 0.0}, False),
    ({"result": "passed"}, True),
    ({"result": "failed: name 'x' is not defined"}, False),
    ({"result": "timed out"}, False),
    ({"result": "unknown"}, None),
    ({"pass@1": 0.5}, None),
    ({"note": "passed"}, None),
]


@pytest.mark.parametrize(("field", "expected"), RECORDED)
def test_a_recorded_verdict_is_found(field: Mapping[str, Any], expected: bool | None, tmp_path: Path) -> None:
    assert read(tmp_path, {"task_id": 1, "completion": "1", **field}).given[0].recorded is expected


def test_only_lines_with_the_wanted_values_are_read(tmp_path: Path) -> None:
    lines = [{"task_id": 1, "completion": m, "model": m, "n": 3} for m in ("a", "b")]
    found = read(tmp_path, *lines, fields=read_fields({}, ["model=b", "n=3"]))
    assert [g.completion.text for g in found.given] == ["b"]
    with pytest.raises(ConfigError, match="write it as FIELD=VALUE"):
        read_fields({}, ["model"])


def graded(tmp_path: Path, *lines: Mapping[str, Any], judging: Judging | None = None) -> Regrading:
    return regrade(ECHO, PROBLEMS, read(tmp_path, *lines), judging or Judging())


def test_a_score_is_over_the_problems_that_are_answered(tmp_path: Path) -> None:
    found = graded(tmp_path, *({"task_id": n, "completion": "1"} for n in (0, 1)))
    assert (found.score.value, found.score.n) == (0.5, 2)
    assert found.score.subset == "2 of 4, those that the file answers"
    assert found.num_recorded == 0


def test_lines_left_out_are_stamped_on_the_score(tmp_path: Path) -> None:
    found = regrade(ECHO, PROBLEMS, read(tmp_path, {"task_id": 1, "completion": "1"}, "{"), Judging())
    assert found.score.stamps == ("1 lines of the file could not be graded and are left out",)
    assert found.score.value == 1


CATEGORIES = [
    # (text for problem 1, recorded, category)
    (" 1", True, "how the answer is read: recorded as 'strip' reads it"),
    ("1", False, "passes here"),
    ("2", True, "fails here"),
    ("slow", True, "time"),
    ("odd", True, "not decided"),
    ("numpy", True, "a library"),
    ("math", True, "a name that the program does not define"),
    ("", True, "no answer"),
]


@pytest.mark.parametrize(("text", "recorded", "category"), CATEGORIES)
def test_every_disagreement_has_a_category(text: str, recorded: bool, category: str, tmp_path: Path) -> None:
    found = graded(tmp_path, {"task_id": 1, "completion": text, "passed": recorded})
    ((said, count),) = by_category(found.disagreements)
    assert said.startswith(category) and count == 1 and found.agreement == 0


def test_a_chosen_extractor_is_used_and_named_in_the_protocol(tmp_path: Path) -> None:
    found = graded(tmp_path, {"task_id": 1, "completion": " 1"}, judging=Judging(extractor="strip"))
    assert found.score.value == 1 and found.score.protocol["extractor"] == "strip"
    with pytest.raises(ConfigError, match="extractor 'odd' is not known; there are: plain, strip"):
        ECHO.read_by(Judging(extractor="odd"))


def own(rows: Iterable[Mapping[str, Any]]) -> list[Problem]:
    return [Problem(id=str(row["question"]), prompt=str(row["question"]), gold=row["answer"]) for row in rows]


def test_a_file_may_bring_its_own_questions(tmp_path: Path) -> None:
    lines: Sequence[dict[str, str]] = [{"q": q, "gold": a, "said": s} for q, a, s in ("aAA", "bBx", "aAx")]
    path = written(tmp_path, *lines)
    fields = Fields(question="q", answer="gold", output="said")
    by_line = own_problems(path, own, fields)
    samples = read_samples(path, list(by_line.values()), OwnTasks(by_line), fields)
    assert [(g.completion.problem_id, g.completion.sample) for g in samples.given] == [("a", 0), ("b", 0), ("a", 1)]
    problems = list({problem.id: problem for problem in by_line.values()}.values())
    assert regrade(ECHO, problems, samples, Judging()).score.value == 0.25


def test_own_questions_with_two_answers_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, *({"question": "a", "answer": answer} for answer in "AB"))
    with pytest.raises(DataError, match=r"samples\.jsonl:2: 'a' has other tests or another answer"):
        own_problems(path, own)


def test_marks_are_written_in_the_order_of_the_samples(tmp_path: Path) -> None:
    found = graded(tmp_path, {"task_id": 2, "completion": "2"}, {"task_id": 0, "completion": "x"})
    write_marks(tmp_path / "deep" / "marks.jsonl", [g.completion for g in found.samples.given], found.verdicts)
    rows = [json.loads(line) for line in (tmp_path / "deep" / "marks.jsonl").read_text().splitlines()]
    assert [(row["task_id"], row["mark"]) for row in rows] == [("Echo/2", "correct"), ("Echo/0", "wrong")]
    assert set(rows[0]) == {"task_id", "sample", "mark", "answer", "reason"}
