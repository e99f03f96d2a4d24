"""Completions in, verdicts and a score out.

Every verdict is written as it is made, so a killed grading goes on with what is missing. A score is made of all
verdicts or not at all: a completion nobody judged is an error, never a zero.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specialists.errors import DataError, GradeError
from specialists.family import Benchmark, Judging
from specialists.jsonl import append_records, drop_torn_line, read_records
from specialists.metrics import mean, pass_at_k, wilson
from specialists.progress import track
from specialists.records import Completion, Mark, Problem, Score, Verdict
from specialists.run import write_text

VERDICTS = "verdicts.jsonl"


def grade(
    benchmark: Benchmark[Any],
    problems: Sequence[Problem],
    completions: Path,
    judging: Judging,
    out: Path,
    *,
    label: str,
) -> tuple[list[Verdict], tuple[str, ...]]:
    """Judge every completion of a file into `verdicts.jsonl`.

    Args:
        benchmark: gives the grader.
        problems: what was asked.
        completions: the file of completions.
        judging: how programs are run.
        out: folder; verdicts that are already there are kept.
        label: shown beside the progress bar.

    Returns:
        The verdicts in the order of the completions, and the grader's stamps.

    Raises:
        DataError: a completion answers a problem that is not in the benchmark, or a problem has no completion.
        GradeError: the grader cannot work.
    """
    answers = list(read_records(completions, Completion))
    _check_coverage(answers, problems, completions)
    path = out / VERDICTS
    drop_torn_line(path)
    done = list(read_records(path, Verdict)) if path.exists() else []
    keep = functools.partial(append_records, path)
    verdicts, stamps = judge_all(benchmark, problems, answers, judging, label=label, done=done, keep=keep)
    write_text(path, "".join(verdict.to_line() + "\n" for verdict in verdicts))
    return verdicts, stamps


def judge_all(
    benchmark: Benchmark[Any],
    problems: Sequence[Problem],
    answers: Sequence[Completion],
    judging: Judging,
    *,
    label: str,
    done: Iterable[Verdict] = (),
    keep: Callable[[list[Verdict]], object] = lambda _: None,
) -> tuple[list[Verdict], tuple[str, ...]]:
    """Judge completions that are not judged yet.

    Args:
        benchmark, problems, judging, label: as `grade`.
        answers: the completions; every one answers one of the problems.
        done: verdicts that are there already.
        keep: called with each new verdict as it is made.

    Returns:
        The verdicts in the order of the answers, and the grader's stamps.
    """
    by_id = {problem.id: problem for problem in problems}
    known = {(verdict.problem_id, verdict.sample): verdict for verdict in done}
    missing = [(by_id[c.problem_id], c) for c in answers if (c.problem_id, c.sample) not in known]
    with benchmark.open_grader(judging) as grader:
        for verdict in track(grader.grade(missing), f"grade {label}", len(missing)):
            keep([verdict])
            known[verdict.problem_id, verdict.sample] = verdict
        stamps = grader.stamps()
    unjudged = [c.problem_id for c in answers if (c.problem_id, c.sample) not in known]
    if unjudged:
        raise GradeError(f"{benchmark.name}: the grader gave no verdict for {unjudged[0]} and {len(unjudged) - 1} more")
    return [known[c.problem_id, c.sample] for c in answers], stamps


def score(
    benchmark: Benchmark[Any],
    problems: Sequence[Problem],
    verdicts: Sequence[Verdict],
    *,
    model: str,
    form: str,
    checkpoint: str = "",
    subset: str = "",
    stamps: Iterable[str] = (),
    protocol: Mapping[str, str] | None = None,
) -> Score:
    """Return the score: the mean over problems of pass@1, with its interval over problems."""
    correct: dict[str, int] = defaultdict(int)
    asked: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        asked[verdict.problem_id] += 1
        correct[verdict.problem_id] += verdict.mark is Mark.CORRECT
    value = mean([pass_at_k(asked[p.id], correct[p.id], 1) for p in problems])
    low, high = wilson(value, len(problems))
    groups: dict[str, tuple[int, int]] = {}
    for problem in problems:
        right, of = groups.get(problem.group, (0, 0))
        groups[problem.group] = (right + correct[problem.id], of + asked[problem.id])
    return Score(
        benchmark=benchmark.name,
        title=benchmark.title,
        model=model,
        checkpoint=checkpoint,
        form=form,
        metric=benchmark.metric,
        value=value,
        n=len(problems),
        low=low,
        high=high,
        marks=dict(Counter(verdict.mark for verdict in verdicts)),
        groups=groups if set(groups) != {""} else {},
        subset=subset,
        weak_proofs=sum(v.proof == "weak" and v.mark is Mark.CORRECT for v in verdicts),
        stamps=tuple(stamps),
        protocol={**benchmark.protocol, **(protocol or {})},
    )


def _check_coverage(answers: Sequence[Completion], problems: Sequence[Problem], path: Path) -> None:
    asked, answered = {problem.id for problem in problems}, {answer.problem_id for answer in answers}
    if answered - asked:
        raise DataError(f"{path}: {min(answered - asked)!r} is not a problem of this benchmark")
    if asked - answered:
        silent = asked - answered
        raise DataError(f"{path}: {len(silent)} of {len(asked)} problems have no completion, such as {min(silent)!r}")
