"""The command line of a family: every verb.

`python -m code_qwen VERB` and `python -m math_qwen VERB` come here with their `Family`. Whatever the user did wrong
ends in one line on standard error and exit code 2; an interrupted run says that it can go on.
"""

import json
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from specialists import ask, host, terminal
from specialists import build as way
from specialists import judge as judging
from specialists.errors import ConfigError
from specialists.family import Family, Judging
from specialists.plan import DEVICES
from specialists.plan import plan as make_plan
from specialists.progress import console, say
from specialists.recipe import REMOTE, Judge, Recipe, Serving, change, read_recipe, to_yaml, validate
from specialists.run import Run, write_text

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

RecipeName = Annotated[str, typer.Option("--recipe", "-r", help="name of a recipe, or a YAML file")]
MaybeRecipe = Annotated[str | None, typer.Option("--recipe", "-r", help="recipe to take instead of the run's own")]
RunPath = Annotated[Path, typer.Option("--run", help="folder of the run")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="change a knob: stages.cpt.optim.peak_lr=2e-5")]
Against = Annotated[
    list[Path] | None, typer.Option(help="more benchmark items (from `problems`) to keep out of the data")
]
Models = Annotated[list[str] | None, typer.Option("--model", help="only this model; may be given several times")]
Names = Annotated[list[str] | None, typer.Option("--benchmark", "-b", help="only this one; may be given several times")]
Sandbox = Annotated[
    str, typer.Option(help="where programs run: docker, or bwrap or process together with --accept-risk")
]
Risk = Annotated[bool, typer.Option("--accept-risk", help="run programs without a container's walls")]
Backend = Annotated[str | None, typer.Option(help="what generates: hf (transformers), vllm, or openai (an endpoint)")]
Endpoint = Annotated[str | None, typer.Option(help="address of an OpenAI-compatible server: http://localhost:8000/v1")]
Served = Annotated[str | None, typer.Option("--served-model", help="the name by which the endpoint knows the model")]
Limit = Annotated[int | None, typer.Option(min=1, help="problems, evenly spaced")]
Board = Literal["tensorboard", "wandb", "trackio"]
Workers = Annotated[int | None, typer.Option(min=1, help="judged at once; one per core if left out")]


def main(family: Family) -> None:
    """Run the command line of a family."""
    host.settle()
    warnings.filterwarnings("ignore", category=SyntaxWarning)  # of programs that are read here as data
    console.quiet = os.environ.get("RANK", "0") != "0"
    words = sys.argv[1:] or ["--help"]
    terminal.shield(lambda: app(words, obj=family, prog_name=f"python -m {family.name}", standalone_mode=False))


@app.command()
def plan(
    context: typer.Context,
    recipe: RecipeName,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help=f"one of {', '.join(DEVICES)}")] = "h100",
    devices: Annotated[
        int | None, typer.Option(min=1, help="how many train together; 8 for recipes that use ZeRO, else 1")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="write the recipe as YAML, every default spelled out")] = None,
) -> None:
    """Show what a recipe costs: tokens, steps, memory per device, hours. Nothing is run."""
    chosen = _recipe(context.obj, recipe, settings)
    if write is not None:
        write.parent.mkdir(parents=True, exist_ok=True)
        write_text(write, to_yaml(chosen))
    _check_judges(context.obj, chosen)
    shared = any(stage.parallel.zero_stage for stage in chosen.stages)
    terminal.print_plan(chosen, make_plan(chosen, device=device, devices=devices or (8 if shared else 1)))


@app.command()
def build(
    context: typer.Context,
    recipe: RecipeName,
    run: RunPath,
    settings: Settings = None,
    against: Against = None,
    sandbox: Sandbox = "docker",
    accept_risk: Risk = False,
    workers: Workers = None,
) -> None:
    """Build the specialists of a recipe and judge them, from start to report; goes on where it was stopped."""
    chosen, place = _recipe(context.obj, recipe, settings), Run(run)
    _check_judges(context.obj, chosen)
    with place.hold():
        way.build(context.obj, chosen, place, Judging(sandbox, accept_risk, workers), against=against or [])
    _show_report(place, run / "report.html")


@app.command()
def prepare(
    context: typer.Context,
    run: Annotated[Path | None, typer.Option(help="prepare the data of all stages of this run")] = None,
    recipe: MaybeRecipe = None,
    settings: Settings = None,
    against: Against = None,
    source: Annotated[Path | None, typer.Option(help="or clean this folder or file, without a run")] = None,
    out: Annotated[Path | None, typer.Option(help="where --source is cleaned to")] = None,
    inspect: Annotated[bool, typer.Option("--inspect", help="write a page on what was dropped, and why")] = False,
) -> None:
    """Read, filter, deduplicate, decontaminate and pack the data of a recipe; or only clean one source."""
    family: Family = context.obj
    if source is not None and out is not None:
        facts = way.clean(family, source, out, against=against or [])
        say(f"kept {facts['documents_kept']} of {facts['documents_in']} documents in {out}; dropped {facts['dropped']}")
        say(f"hold benchmark items: {facts['overlap']['any']} by rule any, {facts['overlap']['covered']} by covered")
        if inspect:
            _inspect(out, out / "inspect.html")
    elif run is not None:
        with Run(run).hold():
            chosen = _recipe_of(family, recipe, settings, Run(run))
            way.prepare(family, chosen, Run(run), against=against or [])
        for stage in chosen.stages if inspect else ():
            _inspect(Run(run).data_path(stage.name), run / f"data-{stage.name}.html")
    else:
        raise ConfigError("prepare needs --run RUN, or --source IN and --out DIR")


@app.command()
def train(
    context: typer.Context,
    run: RunPath,
    recipe: MaybeRecipe = None,
    settings: Settings = None,
    track: Annotated[Board | None, typer.Option(help="show the metrics there too")] = None,
) -> None:
    """Train the stages of a run whose data is prepared; launched by torchrun, on all its processes."""
    place = Run(run)
    if console.quiet:  # not the first process: it only reads
        way.train(_recipe_of(context.obj, recipe, settings, place), place, track=track)
        return
    with place.hold():
        way.train(_recipe_of(context.obj, recipe, settings, place), place, track=track)


@app.command()
def evaluate(
    context: typer.Context,
    run: RunPath,
    model: Annotated[str | None, typer.Option(help="folder or hub id; leave it out to ask an --endpoint")] = None,
    name: Annotated[str | None, typer.Option(help="how reports call it; else the last part of its id")] = None,
    kind: Annotated[str, typer.Option(help="base: asked in every form, its best counts; or text; or chat")] = "base",
    benchmark: Names = None,
    limit: Limit = None,
    backend: Backend = None,
    endpoint: Endpoint = None,
    served_model: Served = None,
    settings: Settings = None,
    sandbox: Sandbox = "docker",
    accept_risk: Risk = False,
    workers: Workers = None,
) -> None:
    """Evaluate any model, trained here or not: ask it the family's benchmarks, judge the answers, show the scores.

    Several evaluations are laid side by side by `python -m specialists compare RUN RUN`. Sampling is a matter of
    --set: judges.*.num_samples=20, judges.*.temperature=0.8, judges.*.tool_rounds=3.
    """
    family: Family = context.obj
    if model is None and endpoint is None:
        raise ConfigError("evaluate needs --model FOLDER_OR_ID, or --endpoint URL and --served-model NAME")
    names = [family.benchmark(chosen).name for chosen in benchmark or []] or [b.name for b in family.benchmarks]
    content = {
        "name": "evaluation",
        "start": model or REMOTE,
        "start_kind": kind,
        "stages": [],
        "base_name": name or Path(model or served_model or REMOTE).expanduser().resolve().name,
        "judges": [Judge(benchmark=b, limit=limit, optional=benchmark is None).model_dump() for b in names],
        "serving": _serving(Serving(), backend, endpoint, served_model),
    }
    recipe = change(validate(content, "evaluate"), settings or [])
    with Run(run).hold():
        scores = way.evaluate(family, recipe, Run(run), Judging(sandbox, accept_risk, workers))
    terminal.print_scores(scores)


@app.command()
def generate(
    context: typer.Context,
    run: RunPath,
    recipe: MaybeRecipe = None,
    model: Models = None,
    benchmark: Names = None,
    backend: Backend = None,
    endpoint: Endpoint = None,
    served_model: Served = None,
    sandbox: Sandbox = "docker",
    accept_risk: Risk = False,
    workers: Workers = None,
) -> None:
    """Let the models of a run answer the benchmarks of a recipe; the run may be another family's."""
    place, how = Run(run), Judging(sandbox, accept_risk, workers)
    with place.hold():
        judges, serving = _judges(context.obj, recipe, run, benchmark), None
        if backend or endpoint or served_model:
            own = _recipe_of(context.obj, None, None, place)
            content = own.model_dump(mode="json") | {"serving": _serving(own.serving, backend, endpoint, served_model)}
            serving = validate(content, "generate").serving
        ask.generate(context.obj, place, judges, how, only=model or [], serving=serving)


@app.command()
def grade(
    context: typer.Context,
    run: Annotated[Path | None, typer.Option(help="judge the completions of this run")] = None,
    recipe: MaybeRecipe = None,
    model: Models = None,
    benchmark: Names = None,
    samples: Annotated[Path | None, typer.Option(help="or judge this file of samples, whoever made it")] = None,
    to: Annotated[Path | None, typer.Option("--json", help="one line a sample: mark, answer, reason")] = None,
    task: Annotated[str, typer.Option(help="field of a sample that names its task")] = "",
    question: Annotated[str, typer.Option(help="field with the question, where no task is named")] = "",
    answer: Annotated[str, typer.Option(help="field with the right answer, for -b own")] = "",
    output: Annotated[str, typer.Option(help="field with the text to judge")] = "",
    verdict: Annotated[str, typer.Option(help="field with the verdict that the file records")] = "",
    where: Annotated[list[str] | None, typer.Option(help="FIELD=VALUE: only these samples")] = None,
    claim: Annotated[float | None, typer.Option(min=0, max=100, help="score in % that is claimed")] = None,
    profile: Annotated[str, typer.Option(help="read answers as this profile of the benchmark does")] = "",
    extractor: Annotated[str, typer.Option(help="another way to read answers; docs/benchmarks.md has them")] = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="grade the rest where lines cannot be graded")] = False,
    sandbox: Sandbox = "docker",
    accept_risk: Risk = False,
    workers: Workers = None,
) -> None:
    """Judge completions of a run, or anybody's samples: {"task_id", "completion" | "solution"} a line, or any other.

    Exit code 0: all is graded. 1: lines were left out by --skip-bad. 2: nothing is graded.
    """
    how = Judging(sandbox, accept_risk, workers, extractor)
    if samples is not None:
        if benchmark is None or len(benchmark) != 1:
            raise ConfigError("--samples needs one --benchmark that the samples answer")
        named = {"task": task, "question": question, "answer": answer, "output": output, "verdict": verdict}
        found = judging.grade_samples(
            context.obj, benchmark[0], samples, how, named=named, where=where, profile=profile, skip_bad=skip_bad, to=to
        )
        terminal.print_regrading(found, claim)
        if found.samples.faults:
            raise typer.Exit(1)
    elif run is not None:
        with Run(run).hold():
            judges = _judges(context.obj, recipe, run, benchmark)
            scores = judging.grade(context.obj, Run(run), judges, how, only=model or [])
        terminal.print_scores(scores)
    else:
        raise ConfigError("grade needs --run RUN, or --samples FILE and --benchmark NAME")


@app.command()
def report(run: RunPath, html: Annotated[Path | None, typer.Option(help="default: RUN/report.html")] = None) -> None:
    """Write a run's report: HTML, Markdown and JSON."""
    _show_report(Run(run), html or run / "report.html")


@app.command()
def check(
    context: typer.Context,
    benchmark: Names = None,
    limit: Limit = None,
    sandbox: Sandbox = "docker",
    accept_risk: Risk = False,
    workers: Workers = None,
) -> None:
    """Prove the graders: every reference answer must pass, no answer made wrong on purpose may. Exit code 1 if not."""
    family: Family = context.obj
    wanted = [Judge(benchmark=b.name, limit=limit, optional=benchmark is None) for b in family.benchmarks]
    chosen = [judge for judge in wanted if benchmark is None or judge.benchmark in benchmark]
    for name in benchmark or []:
        family.benchmark(name)
    checks = judging.check(family, chosen, Judging(sandbox, accept_risk, workers))
    terminal.print_checks(checks)
    if not all(found.sound for found in checks):
        raise typer.Exit(1)


@app.command()
def problems(context: typer.Context, out: Annotated[Path, typer.Option(help="file to write, one item a line")]) -> None:
    """Write every benchmark item as it must not stand in training data, for another family's --against."""
    items = way.benchmark_items(context.obj, [])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items))
    say(f"{len(items)} items in {out}")


@app.command()
def chat(
    run: RunPath,
    model: Annotated[str | None, typer.Option(help="name of the model; the last chat model if left out")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="length of a reply")] = 400,
) -> None:
    """Talk to a model of a run; an empty line ends it."""
    ask.talk(Run(run), model, max_new_tokens, terminal.read_line, terminal.show_reply)


def _inspect(prepared: Path, html: Path) -> None:
    way.inspect(prepared, html)
    say(f"what was dropped, and why: {html}")


def _show_report(run: Run, html: Path) -> None:
    terminal.print_comparison(way.report([run], html))
    say(f"report: {html}")


def _recipe(family: Family, name: str, settings: list[str] | None) -> Recipe:
    named = family.recipes.get(name)
    if named is None and not name.endswith((".yaml", ".yml")):
        named = family.recipe(name)  # raises, naming the recipes there are
    return change(named or read_recipe(Path(name)), settings or [])


def _check_judges(family: Family, recipe: Recipe) -> None:
    """Raise ConfigError where a recipe asks for a benchmark or a profile that the family does not have."""
    for judge in recipe.judges:
        family.benchmark(judge.benchmark).under(judge.profile)


def _recipe_of(family: Family, name: str | None, settings: list[str] | None, run: Run) -> Recipe:
    """Return the recipe that was asked for, or else the one the run was begun with."""
    if name is None and not run.recipe_path.exists():
        raise ConfigError(f"--run {run.path}: no run there; give --recipe to begin one")
    return _recipe(family, name or str(run.recipe_path), settings)


def _serving(own: Serving, backend: str | None, endpoint: str | None, served_model: str | None) -> dict[str, Any]:
    """Return what generates as the flags say it; an endpoint alone means the openai backend."""
    chosen = backend or ("openai" if endpoint else "hf")
    return own.model_dump() | {"backend": chosen, "endpoint": endpoint or "", "served_model": served_model or ""}


def _judges(family: Family, name: str | None, run: Path, benchmarks: list[str] | None) -> list[Judge]:
    judges = _recipe_of(family, name, None, Run(run)).judges
    if not benchmarks:
        return list(judges)
    known = {judge.benchmark: judge for judge in judges}
    return [known.get(name) or Judge(benchmark=family.benchmark(name).name) for name in benchmarks]
