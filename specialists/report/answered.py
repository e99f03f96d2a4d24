"""The folder of one model, benchmark and form in, all that is known of it out.

eval/MODEL/BENCHMARK/FORM/completions/  completions.jsonl
                          verdicts/     verdicts.jsonl  score.json  questions.jsonl
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from specialists.errors import DataError
from specialists.jsonl import read_records
from specialists.metrics import majority, mean, pass_at_k
from specialists.records import Completion, Mark, Question, Score, Verdict
from specialists.report.comparison import FormScore
from specialists.run import Manifest, Run, read_manifest

_KS = (1, 2, 5, 10, 20, 50, 100, 200)  # pass@k is given for those that there are answers for
_REASONS = 6  # classes listed a mark


@dataclass(frozen=True)
class Answered:
    """What one model answered to one benchmark in one form, with the verdicts; both in the order of the items."""

    run: str
    score: Score
    completions: list[Completion]
    verdicts: list[Verdict]
    questions: dict[str, Question]  # by item; empty where the run kept none
    asked: Manifest  # of the completions
    judged: Manifest  # of the verdicts

    @property
    def key(self) -> tuple[str, str, str]:
        """Model, benchmark, form."""
        return self.score.model, self.score.benchmark, self.score.form

    @cached_property
    def by_item(self) -> dict[str, list[tuple[Completion, Verdict]]]:
        """Each item's answers."""
        found: dict[str, list[tuple[Completion, Verdict]]] = defaultdict(list)
        for completion, verdict in zip(self.completions, self.verdicts, strict=True):
            found[verdict.problem_id].append((completion, verdict))
        return dict(found)

    @cached_property
    def shares(self) -> dict[str, float]:
        """Each item's share of right answers."""
        return {
            item: sum(verdict.mark is Mark.CORRECT for _, verdict in answers) / len(answers)
            for item, answers in self.by_item.items()
        }

    @cached_property
    def form_score(self) -> FormScore:
        """The score as the report gives it."""
        made_from = {name: self.asked.inputs[name] for name in ("prompts", "decoding") if name in self.asked.inputs}
        return FormScore(
            **dict(self.score),
            run=self.run,
            answers=len(self.verdicts),
            stops=dict(Counter(completion.stop for completion in self.completions)),
            at_k=self._at_k(),
            reasons=reasons(self.verdicts),
            made_from={
                "weights": self.score.checkpoint,
                **made_from,
                "completions": self.asked.digest,
                "verdicts": self.judged.digest,
                "grader": self.judged.inputs.get("code", ""),
            },
        )

    def _at_k(self) -> dict[str, float]:
        answers = [[(v.answer, v.mark is Mark.CORRECT) for _, v in found] for found in self.by_item.values()]
        most = min(len(votes) for votes in answers)
        if most == 1:
            return {}
        counts = [(len(votes), sum(right for _, right in votes)) for votes in answers]
        found = {f"pass@{k}": mean([pass_at_k(n, c, k) for n, c in counts]) for k in _KS if k <= most}
        if self.score.metric == "accuracy":  # no two programs are spelled alike
            found[f"maj@{most}"] = mean([majority(votes[:most]) for votes in answers])
        return found


def answered(run: Run, label: str) -> Iterator[Answered]:
    """Yield everything that was judged in a run, in the order of its folders.

    Raises:
        DataError: completions and verdicts of a finished step do not belong together.
    """
    for folder in sorted((run.path / "eval").glob("*/*/*")):
        asked, judged = read_manifest(folder / "completions"), read_manifest(folder / "verdicts")
        if asked is not None and judged is not None:
            yield _read(folder, label, asked, judged)


def reasons(verdicts: Sequence[Verdict]) -> dict[Mark, dict[str, int]]:
    """Return for each mark but "correct" the classes of reasons with their counts, the most frequent first."""
    counts = Counter((verdict.mark, verdict.reason) for verdict in verdicts)
    found: dict[Mark, Counter[str]] = defaultdict(Counter)
    for (mark, reason), count in counts.items():
        if mark is not Mark.CORRECT:
            found[mark][reason_class(reason)] += count
    return {mark: dict(found[mark].most_common(_REASONS)) for mark in Mark if mark in found}


def reason_class(reason: str) -> str:
    """Return a reason without what belongs to one answer alone: quoted words, names, numbers, what comes after."""
    line = reason.strip().partition("\n")[0]
    line = re.sub(r"\bassert\b.*", "assert …", line)
    line = re.sub(r"\w+\(\)", "…()", line)
    line = re.sub(r"""('[^']*'|"[^"]*"|`[^`]*`)""", "…", line)
    line = re.sub(r"-?\d+([.,]\d+)*", "N", line)
    return (line[:70].rstrip() + ("…" if len(line) > 70 else "")) or "no reason kept"


def _read(folder: Path, label: str, asked: Manifest, judged: Manifest) -> Answered:
    completions = list(read_records(folder / "completions" / "completions.jsonl", Completion))
    verdicts = list(read_records(folder / "verdicts" / "verdicts.jsonl", Verdict))
    if [(c.problem_id, c.sample) for c in completions] != [(v.problem_id, v.sample) for v in verdicts]:
        raise DataError(f"{folder}: its verdicts are not those of its completions; run grade again")
    questions = folder / "verdicts" / "questions.jsonl"
    return Answered(
        run=label,
        score=Score.model_validate_json((folder / "verdicts" / "score.json").read_text(encoding="utf-8")),
        completions=completions,
        verdicts=verdicts,
        questions={q.problem_id: q for q in read_records(questions, Question)} if questions.exists() else {},
        asked=asked,
        judged=judged,
    )
