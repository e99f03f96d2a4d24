"""The models of a run: where each lies and who it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from specialists.errors import ConfigError, DataError
from specialists.family import Benchmark
from specialists.recipe import Recipe, Stage, read_recipe
from specialists.run import Manifest, Run, digest_of, digest_weights, read_manifest


@dataclass(frozen=True)
class Model:
    """A checkpoint of a run: the start, or what a stage gives."""

    name: str
    folder: Path | None  # of its weights; None where only an endpoint has them
    digest: str
    objective: str  # "base", "text" or "chat": decides in which forms it is asked

    @property
    def path(self) -> Path:
        """The folder of its weights. Raises ConfigError where they are not on this machine."""
        if self.folder is None:
            raise ConfigError(f"{self.name}: its weights are not here, only the endpoint of its run can answer")
        return self.folder

    def forms(self, benchmark: Benchmark) -> list[str]:  # pyright: ignore[reportMissingTypeArgument]
        """Return the forms in which the model is asked: a base in all of them, so that it can be given its best."""
        return list(benchmark.forms) if self.objective == "base" else [benchmark.form_for(self.objective)]


def result(recipe: Recipe, run: Run, stage: Stage | None) -> Model:
    """Return what a stage of a run gave, or with None what the run starts from.

    Raises:
        DataError: it is not there, or it was made from something else than the run now has.
    """
    if stage is None:
        facts = finished(run.start_path, "build or prepare").facts
        folder = Path(facts["path"]) if facts["path"] else None
        return Model(recipe.base_name, folder, facts["digest"], recipe.start_kind)
    place = recipe.stages.index(stage)
    before = result(recipe, run, recipe.stages[place - 1] if place else None)
    folder = run.train_path(stage.name)
    manifest = finished(folder, "train")
    if manifest.inputs != train_inputs(stage, before, finished(run.data_path(stage.name), "prepare")):
        raise DataError(f"{folder}: trained with another recipe, data or start than the run has now; run `train` again")
    inside = "checkpoint/"
    files = {path.removeprefix(inside): sha for path, sha in manifest.outputs.items() if path.startswith(inside)}
    return Model(stage.gives or stage.name, folder / "checkpoint", digest_weights(files), stage.objective)


def train_inputs(stage: Stage, before: Model, data: Manifest) -> dict[str, str]:
    """Return what the training of a stage depends on: the weights before it, the packed blocks, and its knobs."""
    knobs = stage.model_dump(mode="json", exclude={"mix": True, "gives": True, "keep": {"states"}})
    if stage.keep.result == "last":
        knobs.pop("save_every")  # decides only where a killed run goes on
    return {
        "checkpoint": before.digest,
        "blocks": data.digest_under("blocks"),
        "stage": digest_of(knobs),
    }


def judged(run: Run, only: Sequence[str] = ()) -> list[Model]:
    """Return the models of a run that are judged: its start, and every stage's result that has a name.

    Args:
        run: has a recipe.
        only: names to choose; empty for all.

    Raises:
        ConfigError: there is no run, or no such model in it.
        DataError: a model is not trained yet.
    """
    if not run.recipe_path.exists():
        raise ConfigError(f"--run {run.path}: no run there; build or prepare one first")
    recipe = read_recipe(run.recipe_path)
    names = [recipe.base_name, *(stage.gives for stage in recipe.stages if stage.gives)]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise ConfigError(f"--model {unknown[0]}: not in {run.path}; it has {', '.join(names)}")
    chosen: list[Stage | None] = [None, *(stage for stage in recipe.stages if stage.gives)]
    return [result(recipe, run, s) for s, name in zip(chosen, names, strict=True) if not only or name in only]


def finished(folder: Path, verb: str) -> Manifest:
    """Return the manifest of a step that must be done; `verb` is the command that does it."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise DataError(f"{folder}: not done yet; run `{verb}` first")
    return manifest
