"""Scores: intervals, pass@k, coverage, resuming, other people's samples, self-checks."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from specialists.errors import DataError, GradeError
from specialists.evaluate.grade import grade, judge_all, score
from specialists.evaluate.samples import read_samples, write_marks
from specialists.evaluate.selfcheck import self_check
from specialists.family import CHAT, Benchmark, Judging
from specialists.jsonl import append_records, read_records
from specialists.metrics import mean, pass_at_k, wilson
from specialists.records import Completion, Mark, Problem, Stop, Verdict

WILSON = [
    # correct, n, low, high in per cent; PAPER rows recomputed from the formula
    (109, 164, 58.9, 73.2),
    (66, 164, 33.0, 47.9),
    (121, 500, 20.7, 28.1),
    (0, 100, 0.0, 3.7),
    (100, 100, 96.3, 100.0),
    (1, 1, 20.7, 100.0),
]


@pytest.mark.parametrize(("correct", "n", "low", "high"), WILSON)
def test_wilson_interval(correct: int, n: int, low: float, high: float) -> None:
    assert [round(100 * x, 1) for x in wilson(correct / n, n)] == pytest.approx([low, high], abs=0.1001)


PASS_AT_K = [
    (10, 0, 1, 0.0),
    (10, 10, 1, 1.0),
    (10, 3, 1, 0.3),
    (10, 3, 10, 1.0),
    (5, 1, 2, 0.4),
    (200, 20, 10, 0.6602),
]


@pytest.mark.parametrize(("n", "c", "k", "expected"), PASS_AT_K)
def test_pass_at_k(n: int, c: int, k: int, expected: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=1e-4)


def test_pass_at_k_needs_enough_samples() -> None:
    with pytest.raises(ValueError, match="needs at least 5"):
        pass_at_k(3, 1, 5)


def test_the_mean_does_not_depend_on_the_order() -> None:
    values = [0.1] * 10 + [1e16, -1e16]
    assert mean(values) == mean(values[::-1])


class EchoGrader:
    """Judges an answer correct when it is the gold; dies after `lives` verdicts."""

    def __init__(self, lives: int = 1000, skip: str = "") -> None:
        self.lives, self.skip = lives, skip

    def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
        for problem, completion in items:
            if self.lives == 0:
                raise KeyboardInterrupt
            self.lives -= 1
            if problem.id != self.skip:
                mark = Mark.CORRECT if completion.text == problem.gold else Mark.WRONG
                mark = mark if completion.text else Mark.NO_ANSWER
                yield Verdict(problem_id=problem.id, sample=completion.sample, mark=mark, answer=completion.text)

    def stamps(self) -> tuple[str, ...]:
        return ("judged by an echo",)


def benchmark(grader: EchoGrader | None = None) -> Benchmark[Problem]:
    @contextmanager
    def open_grader(_: Judging) -> Iterator[EchoGrader]:
        yield grader or EchoGrader()

    return Benchmark(
        name="echo",
        title="Echo",
        metric="accuracy",
        rows=None,
        problems=lambda _: PROBLEMS,
        forms={"completion": lambda p: p.prompt, CHAT: lambda p: p.prompt},
        open_grader=open_grader,
        right=lambda p: p.gold,
        wrong=lambda p: [p.gold + "!", ""],
        max_new_tokens=8,
        protocol={"decoding": "greedy"},
    )


PROBLEMS = [
    Problem(id=f"echo/{n}", prompt=f"say {n}", gold=str(n), group="even" if n % 2 == 0 else "odd") for n in range(4)
]


def answers(*texts: str) -> list[Completion]:
    return [
        Completion(problem_id=problem.id, text=text, stop=Stop.END, num_tokens=1)
        for problem, text in zip(PROBLEMS, texts, strict=False)
    ]


def written(tmp_path: Path, completions: Iterable[Completion]) -> Path:
    path = tmp_path / "completions.jsonl"
    append_records(path, completions)
    return path


def test_a_score_counts_marks_and_groups(tmp_path: Path) -> None:
    verdicts, stamps = grade(
        benchmark(), PROBLEMS, written(tmp_path, answers("0", "x", "2", "")), Judging(), tmp_path, label=""
    )
    found = score(benchmark(), PROBLEMS, verdicts, model="m", form="chat", stamps=stamps)
    assert found.value == 0.5
    assert found.marks == {Mark.CORRECT: 2, Mark.WRONG: 1, Mark.NO_ANSWER: 1}
    assert found.groups == {"even": (2, 2), "odd": (0, 2)}
    assert found.low < 0.5 < found.high and found.stamps == ("judged by an echo",)


def test_a_killed_grading_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, answers("0", "1", "2", "3"))
    with pytest.raises(KeyboardInterrupt):
        grade(benchmark(EchoGrader(lives=2)), PROBLEMS, path, Judging(), tmp_path, label="")
    assert len(list(read_records(tmp_path / "verdicts.jsonl", Verdict))) == 2
    second = EchoGrader(lives=2)
    verdicts, _ = grade(benchmark(second), PROBLEMS, path, Judging(), tmp_path, label="")
    assert second.lives == 0
    assert [v.problem_id for v in verdicts] == [p.id for p in PROBLEMS]


def test_a_completion_nobody_judged_is_an_error_not_a_zero(tmp_path: Path) -> None:
    path = written(tmp_path, answers("0", "1", "2", "3"))
    with pytest.raises(GradeError, match="no verdict for echo/2"):
        grade(benchmark(EchoGrader(skip="echo/2")), PROBLEMS, path, Judging(), tmp_path, label="")


BAD_COMPLETIONS = [
    (answers("0", "1"), "2 of 4 problems have no completion, such as 'echo/2'"),
    (
        [*answers("0", "1", "2", "3"), Completion(problem_id="other/1", text="", stop=Stop.END, num_tokens=0)],
        "'other/1'",
    ),
]


@pytest.mark.parametrize(("completions", "words"), BAD_COMPLETIONS)
def test_completions_must_fit_the_problems(completions: list[Completion], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        grade(benchmark(), PROBLEMS, written(tmp_path, completions), Judging(), tmp_path, label="")
    assert words in str(caught.value)


def test_several_samples_give_the_mean_over_problems() -> None:
    texts = [("0", "0"), ("1", "x"), ("x", "x"), ("3", "3")]
    sampled = [
        Completion(problem_id=p.id, sample=s, text=text, stop=Stop.END, num_tokens=1)
        for p, pair in zip(PROBLEMS, texts, strict=True)
        for s, text in enumerate(pair)
    ]
    verdicts, _ = judge_all(benchmark(), PROBLEMS, sampled, Judging(), label="")
    found = score(benchmark(), PROBLEMS, verdicts, model="m", form="chat")
    assert found.value == pytest.approx(0.625) and found.n == 4


SPELLINGS = [
    '{"task_id": "echo/2", "completion": "2"}',
    '{"task_id": "Echo/2", "solution": "2"}',
    '{"task_id": 2, "completion": "2"}',
]


@pytest.mark.parametrize("line", SPELLINGS)
def test_task_ids_of_others_find_their_problem(line: str, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(line + "\n" + line + "\n")
    found = read_samples(path, PROBLEMS)
    assert [(c.problem_id, c.sample, c.text) for c in found] == [("echo/2", 0, "2"), ("echo/2", 1, "2")]


def test_a_number_that_two_problems_share_finds_neither(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"task_id": "1.json", "completion": "2"}\n')
    problems = [Problem(id=f"math/{kind}/1.json", prompt="", gold="") for kind in ("algebra", "geometry")]
    with pytest.raises(DataError, match=r"'1\.json' is not a problem"):
        read_samples(path, problems)


BAD_SAMPLES = [
    ('{"completion": "2"}', "samples.jsonl:1: a sample needs task_id"),
    ('{"task_id": "echo/1", "completion": null}', "samples.jsonl:1: a sample needs task_id"),
    ('{"task_id": "echo/9", "completion": ""}', "samples.jsonl:1: task_id 'echo/9' is not a problem"),
    ('{"task_id": "other/1", "completion": ""}', "samples.jsonl:1: task_id 'other/1' is not a problem"),
    ("{broken", "samples.jsonl:1: not JSON"),
    ("[1]", "samples.jsonl:1: a JSON object is needed, this is list"),
    ("", "holds no sample"),
]


@pytest.mark.parametrize(("line", "words"), BAD_SAMPLES)
def test_bad_samples_name_file_and_line(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DataError) as caught:
        read_samples(path, PROBLEMS)
    assert words in str(caught.value)


def test_marks_are_written_in_the_order_of_the_samples(tmp_path: Path) -> None:
    given = [answers("0", "1", "2", "3")[n] for n in (2, 0)]
    verdicts, _ = judge_all(benchmark(), PROBLEMS, given, Judging(), label="")
    write_marks(tmp_path / "deep" / "marks.jsonl", given, verdicts)
    rows = [json.loads(line) for line in (tmp_path / "deep" / "marks.jsonl").read_text().splitlines()]
    assert [(row["task_id"], row["mark"]) for row in rows] == [("echo/2", "correct"), ("echo/0", "correct")]
    assert set(rows[0]) == {"task_id", "sample", "mark", "answer", "reason"}


def test_a_sound_grader_passes_its_own_check() -> None:
    found = self_check(benchmark(), PROBLEMS, Judging())
    assert found.sound and found.num_gold == 4 and found.num_mutants == 8


def test_a_grader_that_lets_a_mutant_pass_is_caught() -> None:
    class Lenient(EchoGrader):
        def grade(self, items: Iterable[tuple[Problem, Completion]]) -> Iterator[Verdict]:
            for problem, completion in items:
                mark = Mark.CORRECT if completion.text.startswith(problem.gold) else Mark.WRONG
                yield Verdict(problem_id=problem.id, mark=mark)

    found = self_check(benchmark(Lenient()), PROBLEMS, Judging())
    assert not found.sound and len(found.mutants_passed) == 4
