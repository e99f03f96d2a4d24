"""Completions to scores: judge what models answered.

Asking (`ask.py`) and judging are apart on purpose: completions can be made where the GPU is and judged where Docker is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specialists.errors import DataError
from specialists.evaluate.selfcheck import SelfCheck, self_check
from specialists.family import Benchmark, Family, Judging
from specialists.models import Model, finished, judged
from specialists.progress import say
from specialists.recipe import Judge, read_recipe
from specialists.records import Problem, Prompt, Question, Score
from specialists.run import Manifest, Run, Step, digest_code, digest_of, write_text


@dataclass(frozen=True)
class Task:
    """One benchmark as a recipe asks for it."""

    judge: Judge
    benchmark: Benchmark[Any]
    problems: list[Problem]
    subset: str  # which problems are asked, in words; "" for all
    items: str  # digest of all its items, as training data is searched for them

    @property
    def max_new_tokens(self) -> int:
        return self.judge.max_new_tokens or self.benchmark.max_new_tokens

    def stop(self, form: str) -> tuple[str, ...]:
        """Return the strings that end a completion asked in a form."""
        return self.benchmark.stop.get(form, ())

    @property
    def protocol(self) -> dict[str, str]:
        """How completions are drawn, in words for the reader of a score."""
        judge = self.judge
        drawn = [f"temperature {judge.temperature:g}"]
        if judge.top_p < 1:
            drawn.append(f"top_p {judge.top_p:g}")
        if judge.top_k:
            drawn.append(f"top_k {judge.top_k}")
        sampled = f"sampled, {', '.join(drawn)}, seed {judge.seed}"
        return {
            "decoding": sampled if judge.temperature else "greedy",
            "samples": str(judge.num_samples),
            "max_new_tokens": str(self.max_new_tokens),
            "temperature": f"{judge.temperature:g}",
        }


@dataclass(frozen=True)
class _Answers:
    """What a model answered: where it lies, and what is said beside the score."""

    path: Path
    digest: str
    protocol: dict[str, str]
    stamps: tuple[str, ...]


def grade(
    family: Family, run: Run, judges: Sequence[Judge], judging: Judging, *, only: Sequence[str] = ()
) -> list[Score]:
    """Judge what `generate` left and return the scores; `only`: names of models, empty for all.

    Raises:
        DataError: completions are missing, or answer other questions than the benchmark asks now.
        GradeError: the grader cannot work.
    """
    tasks = load_tasks(family, judges)
    code = digest_code(family.name, "specialists.evaluate", "specialists.metrics", *family.judged_with)
    scores: list[Score] = []
    for model in judged(run, only):
        for task in tasks:
            for form in model.forms(task.benchmark):
                asked = _answered(run, model, task, form)
                inputs = {
                    "completions": asked.digest,
                    "model": model.digest,
                    "problems": digest_of([problem.model_dump(mode="json") for problem in task.problems]),
                    "words": digest_of([task.benchmark.title, task.subset, asked.protocol, asked.stamps]),
                    "code": code,
                    "sandbox": judging.sandbox,
                }
                step = run.verdicts(model.name, task.benchmark.name, form, inputs)
                if not step.done:
                    _grade_one(model, task, form, asked, step, judging)
                scores.append(Score.model_validate_json((step.path / "score.json").read_text(encoding="utf-8")))
    return scores


def grade_samples(family: Family, name: str, samples: Path, judging: Judging, to: Path | None) -> Score:
    """Judge a file of samples that anybody made, and return its score.

    Args:
        family: gives the benchmark.
        name: of the benchmark.
        samples: JSON lines `{"task_id", "completion" | "solution"}`, several a task if it was sampled.
        judging: how programs are run.
        to: where to write one line a sample, in the order of the file; None writes nothing.

    Raises:
        DataError: a line is not a sample, or names a task that the benchmark does not have.
        GradeError: the grader cannot work.
    """
    from specialists.evaluate.grade import judge_all, score
    from specialists.evaluate.samples import read_samples, write_marks

    benchmark = family.benchmark(name)
    problems = load_problems(benchmark)
    answers = read_samples(samples, problems)
    verdicts, stamps = judge_all(benchmark, problems, answers, judging, label=samples.name)
    if to is not None:
        write_marks(to, answers, verdicts)
    answered = {answer.problem_id for answer in answers}
    asked = [problem for problem in problems if problem.id in answered]
    subset = "" if len(asked) == len(problems) else f"{len(asked)} of {len(problems)}, those that the file answers"
    return score(benchmark, asked, verdicts, model=samples.name, form="as published", subset=subset, stamps=stamps)


def check(family: Family, judges: Sequence[Judge], judging: Judging) -> list[SelfCheck]:
    """Let every grader judge reference answers and answers made wrong on purpose."""
    return [self_check(task.benchmark, task.problems, judging) for task in load_tasks(family, judges)]


def load_tasks(family: Family, judges: Sequence[Judge]) -> list[Task]:
    """Load the benchmarks; an optional one whose data is not on this machine is left out, saying so."""
    from specialists.data.overlap import digest_items, eval_items
    from specialists.data.published import local_file
    from specialists.evaluate.subset import subset

    tasks: list[Task] = []
    for judge in judges:
        benchmark = family.benchmark(judge.benchmark)
        if judge.optional and benchmark.rows is not None and local_file(benchmark.rows) is None:
            say(f"{benchmark.name}: skipped, its data is not here (set SPECIALISTS_DATA to a folder that has it)")
            continue
        everything = load_problems(benchmark)
        problems, note = subset(everything, judge.limit)
        items = digest_items(eval_items(benchmark.name, everything))[benchmark.name]
        tasks.append(Task(judge, benchmark, problems, note, items))
    return tasks


def load_problems(benchmark: Benchmark[Any]) -> list[Problem]:
    """Return all problems of a benchmark. Raises DataError where there are none or its data cannot be had."""
    from specialists.data.published import rows

    problems = benchmark.problems(rows(benchmark.rows) if benchmark.rows else ())
    if not problems:
        raise DataError(f"{benchmark.name}: its file holds no problem")
    return problems


def asked_inputs(model: Model, task: Task, form: str) -> dict[str, str]:
    """Return what the answers of a model depend on: the weights, the exact prompts and the decoding."""
    prompts = [(p.id, _jsonable(task.benchmark.forms[form](p))) for p in task.problems]
    decoding = task.judge.model_dump(mode="json", exclude={"limit", "optional"})
    return {
        "checkpoint": model.digest,
        "prompts": digest_of(prompts),
        "decoding": digest_of([decoding, task.max_new_tokens, task.stop(form)]),
    }


def _jsonable(prompt: Prompt) -> Any:
    return prompt if isinstance(prompt, str) else [message.model_dump() for message in prompt]


def _answered(run: Run, model: Model, task: Task, form: str) -> _Answers:
    """Find what `ask.generate` left, whichever backend it used."""
    asked = asked_inputs(model, task, form)
    path = run.completions(model.name, task.benchmark.name, form, asked).path
    manifest = finished(path, f"generate --run {run.path}")
    if {name: manifest.inputs.get(name) for name in asked} != asked or "protocol" not in manifest.facts:
        raise DataError(f"{path}: answers other questions than are asked now; generate again")
    stamps = (*_contamination(run, model, task), *manifest.facts["stamps"])
    return _Answers(path, manifest.digest, task.protocol | manifest.facts["protocol"], stamps)


def _grade_one(model: Model, task: Task, form: str, asked: _Answers, step: Step, judging: Judging) -> None:
    from specialists.evaluate.grade import grade as grade_all
    from specialists.evaluate.grade import score

    folder = step.begin()
    label = f"{model.name}: {task.benchmark.name}, {form}"
    completions = asked.path / "completions.jsonl"
    verdicts, found = grade_all(task.benchmark, task.problems, completions, judging, folder, label=label)
    made = score(
        task.benchmark,
        task.problems,
        verdicts,
        model=model.name,
        checkpoint=model.digest,
        form=form,
        subset=task.subset,
        stamps=dict.fromkeys((*asked.stamps, *found)),
        protocol=asked.protocol,
    )
    questions = (_question(task, form, problem) for problem in task.problems)
    write_text(folder / "questions.jsonl", "".join(question.to_line() + "\n" for question in questions))
    write_text(folder / "score.json", made.model_dump_json(indent=1))
    step.finish()


def _question(task: Task, form: str, problem: Problem) -> Question:
    prompt = task.benchmark.forms[form](problem)
    return Question(problem_id=problem.id, prompt=prompt, gold=problem.gold, group=problem.group)


def _contamination(run: Run, model: Model, task: Task) -> tuple[str, ...]:
    """Say it where the data that made a model was not searched for the items of the benchmark it is judged by."""
    recipe = read_recipe(run.recipe_path)
    if model.objective == "base":
        return ()
    data: list[Manifest] = []
    for stage in recipe.stages:
        data.append(finished(run.data_path(stage.name), "prepare"))
        if stage.gives == model.name:
            break
    searched = all(manifest.facts["index"].get(task.benchmark.name) == task.items for manifest in data)
    return () if searched else ("training data not searched for this benchmark's items",)
