"""A file of samples in, its score and where it differs from what it says of itself out.

Where a file records verdicts of its own, each that differs from ours is put into a category by evidence: the sample is
judged once more under every other way of reading an answer that the benchmark documents. If one of them gives the
recorded verdict, the difference lies in how the answer was read; else it lies in limits, libraries or tests.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from specialists.evaluate.grade import judge_all, score
from specialists.evaluate.samples import Given, Samples
from specialists.family import Benchmark, Judging
from specialists.records import Completion, Mark, Problem, Score, Verdict
from specialists.run import write_text


@dataclass(frozen=True)
class Disagreement:
    """A sample whose recorded verdict is not ours, and the category of the difference."""

    given: Given
    verdict: Verdict
    category: str


@dataclass(frozen=True)
class Regrading:
    """What became of a file: its score, and how that compares with what the file says."""

    samples: Samples
    score: Score
    verdicts: list[Verdict]
    disagreements: list[Disagreement]

    @property
    def num_recorded(self) -> int:
        """How many samples have a recorded verdict."""
        return sum(given.recorded is not None for given in self.samples.given)

    @property
    def agreement(self) -> float:
        """The share of recorded verdicts that are ours too."""
        return 1 - len(self.disagreements) / self.num_recorded


def regrade(benchmark: Benchmark[Any], problems: Sequence[Problem], samples: Samples, judging: Judging) -> Regrading:
    """Judge the samples of a file.

    Args:
        benchmark: gives the grader.
        problems: what it asks.
        samples: what the file holds; lines that cannot be graded are not looked at.
        judging: how programs are run, and perhaps how answers are read.

    Raises:
        GradeError: the grader cannot work.
    """
    answers = [given.completion for given in samples.given]
    label = samples.path.name
    verdicts, stamps = judge_all(benchmark, problems, answers, judging, label=label)
    answered = {answer.problem_id for answer in answers}
    asked = [problem for problem in problems if problem.id in answered]
    subset = "" if len(asked) == len(problems) else f"{len(asked)} of {len(problems)}, those that the file answers"
    num_faults = len(samples.faults)
    skipped = [f"{num_faults} lines of the file could not be graded and are left out"] if num_faults else []
    found = score(
        benchmark,
        asked,
        verdicts,
        model=label,
        form="as published",
        subset=subset,
        stamps=(*stamps, *skipped),
        protocol={"extractor": judging.extractor} if judging.extractor else {},
    )
    pairs = zip(samples.given, verdicts, strict=True)
    differing = [(g, v) for g, v in pairs if g.recorded not in (None, v.mark is Mark.CORRECT)]

    def judge(answers: Sequence[Completion], extractor: str) -> list[Verdict]:
        return judge_all(
            benchmark, problems, answers, replace(judging, extractor=extractor), label=f"{label}, read by {extractor}"
        )[0]

    others = [name for name in benchmark.extractors if name != (judging.extractor or benchmark.extractors[0])]
    return Regrading(samples, found, verdicts, explained(differing, others, judge))


def explained(
    differing: Sequence[tuple[Given, Verdict]],
    extractors: Iterable[str],
    judge: Callable[[Sequence[Completion], str], list[Verdict]],
) -> list[Disagreement]:
    """Return why verdicts differ from recorded ones.

    Args:
        differing: samples with our verdict of each.
        extractors: other ways to read an answer.
        judge: judges completions, read in one of these ways.
    """
    reason: dict[int, str] = {}
    for extractor in extractors:
        open_cases = [n for n in range(len(differing)) if n not in reason]
        if not open_cases:
            break
        again = judge([differing[n][0].completion for n in open_cases], extractor)
        for n, verdict in zip(open_cases, again, strict=True):
            if (verdict.mark is Mark.CORRECT) is differing[n][0].recorded:
                reason[n] = f"how the answer is read: recorded as {extractor!r} reads it"
    return [Disagreement(g, v, reason.get(n) or _category(v)) for n, (g, v) in enumerate(differing)]


def _category(verdict: Verdict) -> str:
    if verdict.mark is Mark.CORRECT:
        return "passes here: the recorded run failed what passes these tests"
    if verdict.mark is Mark.TIMED_OUT:
        return "time: over the limit here"
    if verdict.mark is Mark.UNDECIDED:
        return "not decided here"
    if "ModuleNotFoundError" in verdict.reason or "ImportError" in verdict.reason:
        return "a library that the sandbox does not have"
    if "NameError" in verdict.reason:
        return "a name that the program does not define: the recorded run had it from elsewhere"
    if verdict.mark is Mark.NO_ANSWER:
        return "no answer found in the text"
    return "fails here: the recorded run passed what fails these tests"


def write_marks(path: Path, answers: Sequence[Completion], verdicts: Sequence[Verdict]) -> None:
    """Write one line a sample, in the order of the answers: task id, sample, mark, answer, reason."""
    lines = [
        json.dumps(
            {
                "task_id": answer.problem_id,
                "sample": answer.sample,
                "mark": verdict.mark,
                "answer": verdict.answer,
                "reason": verdict.reason,
            },
            ensure_ascii=False,
        )
        for answer, verdict in zip(answers, verdicts, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(line + "\n" for line in lines))


def by_category(disagreements: Iterable[Disagreement]) -> list[tuple[str, int]]:
    """Return each category with how many disagreements it has, the most frequent first."""
    return Counter(found.category for found in disagreements).most_common()
