"""Anybody's samples in, completions; marks out.

The format is that of openai/human-eval and evalplus: one JSON object a line with `task_id` and either `completion`
(what goes on from the prompt) or `solution` (a whole answer). Task ids may be spelled as others spell them:
"HumanEval/0", "Mbpp/11" and 11 all find their problem.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from specialists.errors import DataError
from specialists.jsonl import read_rows
from specialists.records import Completion, Problem, Stop, Verdict
from specialists.run import write_text


def read_samples(path: Path, problems: Sequence[Problem]) -> list[Completion]:
    """Read a file of samples as completions of known problems; repeated task ids are further samples of the task.

    Raises:
        DataError: a line has no task id or no text, or its task is not among the problems; names file and line.
    """
    by_name = {problem.id.casefold(): problem.id for problem in problems}
    numbers = Counter(_number(problem.id) for problem in problems)
    by_number = {_number(p.id): p.id for p in problems if numbers[_number(p.id)] == 1}
    counts: Counter[str] = Counter()
    completions: list[Completion] = []
    for line, row in read_rows(path):
        text = row.get("completion", row.get("solution"))
        if "task_id" not in row or not isinstance(text, str):
            raise DataError(f"{path}:{line}: a sample needs task_id, and completion or solution as text")
        name = str(row["task_id"])
        problem_id = by_name.get(name.casefold()) or (by_number.get(name.casefold()) if "/" not in name else None)
        if problem_id is None:
            raise DataError(f"{path}:{line}: task_id {name!r} is not a problem of this benchmark")
        completions.append(
            Completion(problem_id=problem_id, sample=counts[problem_id], text=text, stop=Stop.END, num_tokens=0)
        )
        counts[problem_id] += 1
    if not completions:
        raise DataError(f"{path}: holds no sample")
    return completions


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


def _number(name: str) -> str:
    """Return the last part of a task id: "Mbpp/11" is "11"."""
    return name.rpartition("/")[2].casefold()
