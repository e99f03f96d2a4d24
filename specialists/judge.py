"""Models to scores: ask every benchmark, judge the answers.

The two steps are apart on purpose: completions can be made where the GPU is and judged where Docker is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specialists.errors import ConfigError, DataError
from specialists.evaluate.selfcheck import SelfCheck, self_check
from specialists.family import CHAT, Benchmark, Family, Judging
from specialists.models import Model, finished, judged
from specialists.progress import say
from specialists.recipe import Judge, read_recipe
from specialists.records import Message, Problem, Question, Score
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


def generate(family: Family, run: Run, judges: Sequence[Judge], *, only: Sequence[str] = ()) -> None:
    """Let every model of the run answer every benchmark in the forms that it is asked in.

    Args:
        family: gives the benchmarks.
        run: gives the models; they may be another family's.
        judges: which benchmarks, and how much of each.
        only: names of models; empty for all.
    """
    tasks = load_tasks(family, judges)
    for model in judged(run, only):
        missing = [
            (task, form, step)
            for task in tasks
            for form in model.forms(task.benchmark)
            if not (step := _completions(run, model, task, form)).done
        ]
        if missing:
            _answer(model, missing, read_recipe(run.recipe_path).generate_batch)


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
                asked = _completions(run, model, task, form)
                if asked.manifest is None:
                    finished(asked.path, f"generate --run {run.path}")
                    raise DataError(f"{asked.path}: answers other questions than are asked now; generate again")
                stamps = _contamination(run, model, task)
                inputs = {
                    "completions": asked.manifest.digest,
                    "model": model.digest,
                    "problems": digest_of([problem.model_dump(mode="json") for problem in task.problems]),
                    "words": digest_of([task.benchmark.title, task.subset, task.max_new_tokens, stamps]),
                    "code": code,
                    "sandbox": judging.sandbox,
                }
                step = run.verdicts(model.name, task.benchmark.name, form, inputs)
                if not step.done:
                    _grade_one(model, task, form, asked, step, judging, stamps)
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


def talk(run: Run, name: str | None, max_new_tokens: int, read: Callable[[], str], show: Callable[[str], None]) -> None:
    """Hold a conversation with a model of a run until `read` gives an empty line.

    Args:
        run: has the model.
        name: of the model; the last chat model if None.
        max_new_tokens: length of a reply.
        read: asks the user for a line.
        show: shows a reply.

    Raises:
        ConfigError: the run has no such model, or no chat model.
    """
    from specialists.generate.backend import Request, Settings
    from specialists.generate.hf import HFBackend

    models = judged(run, [name] if name else [])
    chosen = [model for model in models if name or model.objective == CHAT]
    if not chosen:
        raise ConfigError(f"--run {run.path}: none of its models is a chat model; choose one with --model")
    backend, said = HFBackend(chosen[-1].path, batch=1), ()
    say(f"{chosen[-1].name}; an empty line ends the conversation")
    while line := read():
        said = (*said, Message(role="user", content=line))
        ((_, reply),) = backend.generate([Request(said)], Settings(max_new_tokens))
        said = (*said, Message(role="assistant", content=reply.text))
        show(reply.text)


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


def _completions(run: Run, model: Model, task: Task, form: str) -> Step:
    """Return the step of one model's answers; its inputs are the weights, the exact prompts and the decoding."""
    prompts = [(p.id, _jsonable(task.benchmark.forms[form](p))) for p in task.problems]
    decoding = task.judge.model_dump(mode="json", exclude={"limit", "optional"})
    inputs = {
        "checkpoint": model.digest,
        "prompts": digest_of(prompts),
        "decoding": digest_of([decoding, task.max_new_tokens, task.stop(form)]),
    }
    return run.completions(model.name, task.benchmark.name, form, inputs)


def _jsonable(prompt: Any) -> Any:
    return prompt if isinstance(prompt, str) else [message.model_dump() for message in prompt]


def _answer(model: Model, missing: Sequence[tuple[Task, str, Step]], batch: int) -> None:
    from specialists.generate.backend import Settings
    from specialists.generate.generate import complete
    from specialists.generate.hf import HFBackend

    backend = HFBackend(model.path, batch=batch)
    for task, form, step in missing:
        judge = task.judge
        num_tokens, seconds = complete(
            task.problems,
            task.benchmark.forms[form],
            backend,
            Settings(task.max_new_tokens, judge.temperature, judge.top_p, task.stop(form)),
            judge,
            step.begin(),
            label=f"{model.name}: {task.benchmark.name}, {form}",
        )
        step.finish({"tokens": num_tokens, "wall_s": seconds})


def _grade_one(
    model: Model, task: Task, form: str, asked: Step, step: Step, judging: Judging, stamps: tuple[str, ...]
) -> None:
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
        stamps=(*stamps, *found),
        protocol={"max_new_tokens": str(task.max_new_tokens), "temperature": f"{task.judge.temperature:g}"},
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
