"""The one straight way: base to specialists to scores.

Every function here does one step of a run, or finds it done. What a step needs is read from the files of the steps
before it, so each can be run alone, on another machine, or again. This file, `ask.py` and `judge.py` import the stages
inside their functions: a step that is done costs no import of torch, and `--help`, `plan` and `grade` never do.
"""

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from specialists import ask, judge
from specialists.errors import ConfigError, DataError
from specialists.family import CHAT, Family, Judging
from specialists.jsonl import read_rows
from specialists.models import Model, finished, result, train_inputs
from specialists.progress import say
from specialists.recipe import REMOTE, Judge, Mix, Recipe, Stage, read_recipe, to_yaml
from specialists.records import Sample, Score
from specialists.report.comparison import ITEMS, Comparison
from specialists.run import Manifest, Run, Step, digest_code, digest_of, digest_place, write_text


def build(family: Family, recipe: Recipe, run: Run, judging: Judging, *, against: Sequence[Path] = ()) -> None:
    """Walk the whole way: start, data, training, completions, verdicts.

    Args:
        family: the specialist's folder.
        recipe: what to build.
        run: where; what is done there with the same inputs is kept.
        judging: how programs are run.
        against: further files of benchmark items (`problems --out`) that training data must not hold.
    """
    prepare(family, recipe, run, against=against)
    train(recipe, run)
    ask.generate(family, run, recipe.judges, judging)
    judge.grade(family, run, recipe.judges, judging)


def evaluate(family: Family, recipe: Recipe, run: Run, judging: Judging) -> list[Score]:
    """Judge a model as it is, without data or training; returns its scores.

    Args:
        family: whose benchmarks it is asked.
        recipe: one without stages; its start is the model.
        run: where. A run that has the same model already is asked what is missing, by this family or another.
        judging: how programs are run.

    Raises:
        ConfigError: the run has another model, or the model cannot be had.
        GenerateError: the backend cannot answer.
        GradeError: the grader cannot work.
    """
    together = _beside_earlier(recipe, run)
    start(family, recipe, run)
    run.write_recipe(to_yaml(together))
    ask.generate(family, run, recipe.judges, judging)
    return judge.grade(family, run, recipe.judges, judging)


def _beside_earlier(recipe: Recipe, run: Run) -> Recipe:
    """Return an evaluation together with the benchmarks that its run was asked before."""
    if not run.recipe_path.exists():
        return recipe
    earlier = read_recipe(run.recipe_path)
    same = {"start", "start_kind", "base_name", "stages"} | ({"serving"} if recipe.start == REMOTE else set())
    if earlier.model_dump(include=same) != recipe.model_dump(include=same):
        raise ConfigError(
            f"--run {run.path}: holds {earlier.base_name} ({earlier.start}, {earlier.start_kind}, "
            f"{len(earlier.stages)} stages); evaluate another model, or the same in another way, in a folder of its own"
        )
    asked = {judge.benchmark for judge in recipe.judges}
    judges = (*(judge for judge in earlier.judges if judge.benchmark not in asked), *recipe.judges)
    return recipe.model_copy(update={"judges": judges})


def prepare(family: Family, recipe: Recipe, run: Run, *, against: Sequence[Path] = ()) -> None:
    """Prepare the data of every stage; the tokenizer is the start's, which no stage changes."""
    run.write_recipe(to_yaml(recipe))
    base = start(family, recipe, run)
    items = benchmark_items(family, recipe.judges, against)
    common = {
        "tokenizer": base.digest,
        "items": digest_of([asdict(item) for item in items]),
        "code": digest_code(family.name, "specialists.data", "specialists.chat", "specialists.blocks"),
        "python": platform.python_version(),  # its standard library is a source
    }
    for stage in recipe.stages:
        step = run.data(stage.name, common | _data_inputs(stage))
        if not step.done:
            _prepare_stage(family, stage, base, items, step)


def start(family: Family, recipe: Recipe, run: Run) -> Model:
    """Find, fetch or make the checkpoint that the chain begins with; a remote one is only written down."""
    if recipe.start == REMOTE:
        return _remote_start(recipe, run)
    inputs = {"start": recipe.start}
    folder = Path(recipe.start).expanduser()
    if folder.is_dir():
        inputs |= {"files": digest_place(folder)}
    if recipe.start == "fresh":
        inputs |= {"recipe": digest_of(recipe.model_dump(mode="json", include={"shape", "stages"}))}
    step = run.start(inputs)
    if step.manifest is None or not Path(step.manifest.facts["path"]).is_dir():
        from specialists import checkpoint

        say(f"start: {recipe.start}")
        folder = step.begin()
        path = _make_start(family, recipe, folder) if recipe.start == "fresh" else checkpoint.locate(recipe.start)
        step.finish({"path": str(path.resolve()), "digest": checkpoint.digest(path)})
    return result(recipe, run, None)


def train(recipe: Recipe, run: Run, *, track: str | None = None) -> None:
    """Train every stage in order, on prepared data; launched by torchrun, on all its processes.

    Args:
        recipe, run: what, and where; states of a stopped training are taken up.
        track: "tensorboard", "wandb" or "trackio" to show the metrics there too; they go to `metrics.jsonl` anyway.

    Raises:
        ConfigError: a package that the recipe or `track` needs is not installed.
    """
    before = result(recipe, run, None)
    for stage in recipe.stages:
        data = finished(run.data_path(stage.name), "prepare")
        step = run.train(stage.name, train_inputs(stage, before, data))
        if not step.done:
            _refuse_unchecked(recipe, data)
            _train_stage(stage, before, run.data_path(stage.name) / "blocks", step, track)
        before = result(recipe, run, stage)


def benchmark_items(family: Family, judges: Sequence[Judge], against: Sequence[Path] = ()) -> list[Any]:
    """Return every benchmark item (`data.overlap.EvalItem`) that training data must not hold.

    Args:
        family: all its benchmarks count whose data is on this machine, whether or not the recipe judges by them.
        judges: those that it does judge by must be there, unless they are optional.
        against: files written by `problems --out`, e.g. another family's.
    """
    from specialists.data.overlap import EvalItem, eval_items
    from specialists.data.published import local_file

    needed = {asked.benchmark for asked in judges if not asked.optional}
    items: list[EvalItem] = []
    for benchmark in family.benchmarks:
        if benchmark.rows is None or benchmark.name in needed or local_file(benchmark.rows) is not None:
            items += eval_items(benchmark.name, judge.load_problems(benchmark))
    for path in against:
        items += [_item(path, line, row) for line, row in read_rows(path)]
    return items


def _item(path: Path, line: int, row: dict[str, Any]) -> Any:
    from specialists.data.overlap import EvalItem

    try:
        return EvalItem(row["benchmark"], row["id"], row["prompt"], tuple(row["texts"]))
    except KeyError as error:
        raise DataError(f"--against {path}:{line}: no field {error}; `problems --out` writes such a file") from None


def clean(family: Family, source: Path, out: Path, *, against: Sequence[Path] = ()) -> dict[str, Any]:
    """Clean one folder or file without a run: `kept.jsonl`, `dropped.jsonl` and `funnel.json` in `out`."""
    from specialists.data.prepare import clean_only
    from specialists.data.sources import source_at

    return clean_only(
        Mix(sources=(source_at(source),)),
        makers=family.makers,
        filters=family.filters,
        items=benchmark_items(family, [], against),
        disguises=family.disguises,
        out=out,
    )


def report(
    runs: Sequence[Run],
    html: Path,
    *,
    items: int = ITEMS,
    published: bool = False,
    regraded: Sequence[str] = (),
) -> Comparison:
    """Lay runs side by side in `html` and, beside it, the same numbers in Markdown and JSON; see `report.compare`."""
    from specialists.report.compare import compare
    from specialists.report.render import write_report

    comparison = compare(runs, items=items, published=published, regraded=regraded)
    write_report(comparison, html)
    return comparison


def _remote_start(recipe: Recipe, run: Run) -> Model:
    """Note a model whose weights nobody here can see; its identity is the address and the name it is served by."""
    inputs = {"endpoint": recipe.serving.endpoint, "served_model": recipe.serving.served_model}
    step = run.start({"start": recipe.start, **inputs})
    if not step.done:
        step.begin()
        step.finish({"path": "", "digest": digest_of(inputs)})
    return result(recipe, run, None)


def _make_start(family: Family, recipe: Recipe, folder: Path) -> Path:
    """Make a checkpoint from nothing: random weights, and a tokenizer trained on the first stage's own texts."""
    from specialists import checkpoint
    from specialists.data import sources

    assert recipe.shape is not None, "a fresh recipe has a shape"
    stage = recipe.stages[0]
    read = (row for source in stage.mix.sources for row in sources.read(source, family.makers, stage.seed))
    texts = (row.content() for row in read if isinstance(row, Sample))
    longest = max(stage.seq_len for stage in recipe.stages)
    checkpoint.begin(recipe.shape, texts, folder / "checkpoint", max_len=4 * longest, seed=stage.seed)
    return folder / "checkpoint"


def _data_inputs(stage: Stage) -> dict[str, str]:
    """Return what the data of a stage depends on: its part of the recipe, and the files on this disk."""
    from specialists.data.places import matching

    knobs = stage.model_dump(mode="json", include={"mix", "objective", "seq_len", "seed"})
    sources = [source for source in stage.mix.sources if source.kind not in ("hub", "made")]
    found = {str(place): digest_place(place) for source in sources for place in sorted(matching(source))}
    return {"knobs": digest_of(knobs), "places": digest_of(found)}


def _prepare_stage(family: Family, stage: Stage, base: Model, items: Sequence[Any], step: Step) -> None:
    from specialists import checkpoint
    from specialists.data.prepare import prepare_stage

    say(f"prepare {stage.name}")
    tokenizer = checkpoint.open_tokenizer(base.path)
    folder = step.begin()
    facts = prepare_stage(
        stage,
        makers=family.makers,
        filters=family.filters,
        items=items,
        disguises=family.disguises,
        tokenizer=tokenizer,
        end_of_text=checkpoint.end_of_text(tokenizer),
        out=folder,
    )
    step.finish(facts)
    if stage.objective == CHAT:
        say(f"a sample of {stage.name}; what stands between ⟦ and ⟧ is trained on, and nothing else:")
        say((folder / "example.txt").read_text(encoding="utf-8"))


def _refuse_unchecked(recipe: Recipe, data: Manifest) -> None:
    """Refuse to train on data that was not searched for the benchmarks the result will be judged by."""
    unchecked = [j.benchmark for j in recipe.judges if not j.optional and j.benchmark not in data.facts["index"]]
    if unchecked:
        raise ConfigError(f"{data.step} was not searched for items of {', '.join(unchecked)}; prepare it again")


def _train_stage(stage: Stage, before: Model, blocks: Path, step: Step, track: str | None) -> None:
    from specialists.train import card
    from specialists.train.loop import train as run_loop
    from specialists.train.seat import Seat

    seat = Seat.find()
    open_engine = _engine(stage, seat)
    if seat.leads:
        step.begin()
    seat.wait()
    with _board(track if seat.leads else None, stage, step.path) as watchers:
        facts = run_loop(
            stage,
            blocks,
            before.path,
            step.path,
            seat=seat,
            open_engine=open_engine,
            open_trainee=_trainee(stage),
            watchers=watchers,
        )
    if seat.leads:
        write_text(step.path / "checkpoint" / "README.md", card.write(stage, before.name, facts))
        step.finish(facts)
    seat.wait()


def _engine(stage: Stage, seat: Any) -> Any:
    """Join the processes that were launched, and return who opens the optimizer."""
    if stage.parallel.zero_stage and seat.launched:
        try:
            from specialists.train import zero
        except ImportError:
            raise ConfigError(
                f"stages.{stage.name}.parallel.zero_stage = {stage.parallel.zero_stage} needs DeepSpeed: "
                "pip install 'specialists[deepspeed]'; or set it to 0"
            ) from None
        zero.join_processes(seat.device)
        return zero.open_zero
    from specialists.train.engine import open_torch

    seat.join()
    return open_torch


def _trainee(stage: Stage) -> Any:
    """Return who opens the model that learns."""
    if stage.adapter is None:
        from specialists.train.trainee import open_whole

        return open_whole
    try:
        from specialists.train.adapters import open_adapted
    except ImportError:
        raise ConfigError(f"stages.{stage.name}.adapter needs peft: pip install peft; or set it to null") from None
    return open_adapted


@contextmanager
def _board(name: str | None, stage: Stage, folder: Path) -> Iterator[list[Any]]:
    """Give the watchers of a stage's metrics: the board that the user asked for, if any."""
    if name is None:
        yield []
        return
    with ExitStack() as opened:
        try:
            board = _tensorboard(folder / name) if name == "tensorboard" else _hosted_board(name, stage)
            watcher = opened.enter_context(board)
        except ImportError:
            raise ConfigError(f"--track {name}: the package is not installed; pip install {name}") from None
        yield [watcher]


@contextmanager
def _tensorboard(folder: Path) -> Iterator[Any]:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        yield lambda row: [writer.add_scalar(key, value, row["step"]) for key, value in _numbers(row).items()]


@contextmanager
def _hosted_board(name: str, stage: Stage) -> Iterator[Any]:
    """Weights and Biases, or trackio, which has the same verbs."""
    if name == "wandb":
        import wandb as board  # pyright: ignore[reportMissingImports]
    else:
        import trackio as board  # pyright: ignore[reportMissingImports]
    board.init(project="specialists", name=stage.gives or stage.name, config=stage.model_dump(mode="json"))
    try:
        yield lambda row: board.log(_numbers(row), step=row["step"])
    finally:
        board.finish()


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
