"""The run directory: steps, manifests, provenance.

A run is a folder, and between steps there are only files. A step is done when its `MANIFEST.json`, written last and
renamed into place, exists and its inputs are the ones asked for now: the digests of what it read and of the part of
the recipe it obeys. Asking for a done step costs a few file reads. A step whose inputs changed is emptied and starts
over; a step that was interrupted keeps its files, so that half a generation or half a training goes on.

    runs/demo/code/
      recipe.yaml                         what was asked for, every default written out
      start/  data/STAGE/  train/STAGE/   the chain
      eval/MODEL/BENCHMARK/FORM/          completions, verdicts, score

This file alone knows that layout.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from specialists import __version__
from specialists.errors import ConfigError, DataError

MANIFEST = "MANIFEST.json"
_INPUTS = "INPUTS.json"
_LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "deepspeed", "numpy", "sympy", "docker")


class Manifest(BaseModel):
    """What a finished step was made from and what it made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    inputs: dict[str, str]
    outputs: dict[str, str]  # path inside the step -> sha256
    facts: dict[str, Any]
    made_by: dict[str, str]
    finished: str

    @property
    def digest(self) -> str:
        """The identity of the outputs: equal outputs have equal digests, whenever and wherever they were made."""
        return digest_of(self.outputs)

    def digest_under(self, folder: str) -> str:
        """The identity of the outputs inside one folder of the step, whatever lies beside it."""
        return digest_of({path: found for path, found in self.outputs.items() if path.startswith(f"{folder}/")})


class Step:
    """One folder of a run, from its first file to its manifest."""

    def __init__(self, path: Path, name: str, inputs: Mapping[str, str]) -> None:
        self.path = path
        self.name = name
        self.inputs = dict(inputs)
        found = read_manifest(path)
        self.manifest = found if found is not None and found.inputs == self.inputs else None

    @property
    def done(self) -> bool:
        """Whether the step was finished with these inputs."""
        return self.manifest is not None

    def begin(self) -> Path:
        """Return the folder to work in. What an interrupted attempt with the same inputs left there is kept.

        What was finished, with other inputs or with outputs that are gone, is emptied: its manifest first, so that a
        kill in the middle leaves nothing that counts as done.
        """
        started, manifest = self.path / _INPUTS, self.path / MANIFEST
        if manifest.exists() or not started.exists() or json.loads(started.read_text()) != self.inputs:
            manifest.unlink(missing_ok=True)
            started.unlink(missing_ok=True)
            if self.path.exists():
                shutil.rmtree(self.path)
            self.path.mkdir(parents=True)
            write_text(started, json.dumps(self.inputs, indent=1))
        return self.path

    def finish(self, facts: Mapping[str, Any] | None = None) -> Manifest:
        """Write the manifest over all files of the step; from here on the step is done.

        Args:
            facts: numbers worth keeping beside the outputs (steps, tokens, seconds); JSON values.
        """
        files = sorted(p for p in self.path.rglob("*") if p.is_file() and p.name not in (_INPUTS, MANIFEST))
        self.manifest = Manifest(
            step=self.name,
            inputs=self.inputs,
            outputs={str(p.relative_to(self.path)): digest_file(p) for p in files},
            facts=dict(facts or {}),
            made_by=provenance(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_text(self.path / MANIFEST, self.manifest.model_dump_json(indent=1))
        return self.manifest


class Run:
    """A run directory, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Lock the run against a second writer. Raises ConfigError if another process is writing it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("w")
        except OSError as error:
            raise ConfigError(f"run {self.path}: cannot be written ({error.strerror})") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(f"run {self.path}: another process is writing it; wait for it or use --run") from None
            yield

    def write_recipe(self, yaml_text: str) -> None:
        """Keep the resolved recipe; steps whose part of it changed will be redone, the others kept."""
        write_text(self.path / "recipe.yaml", yaml_text)

    @property
    def recipe_path(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def start_path(self) -> Path:
        return self.path / "start"

    def data_path(self, stage: str) -> Path:
        """The folder of a stage's prepared data."""
        return self.path / "data" / stage

    def train_path(self, stage: str) -> Path:
        """The folder of a stage's training."""
        return self.path / "train" / stage

    def start(self, inputs: Mapping[str, str]) -> Step:
        """The checkpoint that the chain begins with."""
        return Step(self.start_path, "start", inputs)

    def data(self, stage: str, inputs: Mapping[str, str]) -> Step:
        """The prepared data of a stage."""
        return Step(self.data_path(stage), f"data/{stage}", inputs)

    def train(self, stage: str, inputs: Mapping[str, str]) -> Step:
        """The training of a stage."""
        return Step(self.train_path(stage), f"train/{stage}", inputs)

    def completions(self, model: str, benchmark: str, form: str, inputs: Mapping[str, str]) -> Step:
        """What a model answered to a benchmark asked in one form."""
        return self._judged(model, benchmark, form, "completions", inputs)

    def verdicts(self, model: str, benchmark: str, form: str, inputs: Mapping[str, str]) -> Step:
        """The judgement of those answers, and the score."""
        return self._judged(model, benchmark, form, "verdicts", inputs)

    def manifests(self) -> dict[str, Manifest]:
        """Every finished step of the run by name, in the order they were finished."""
        found = (read_manifest(path.parent) for path in self.path.rglob(MANIFEST))
        return {m.step: m for m in sorted((m for m in found if m), key=lambda m: m.finished)}

    def _judged(self, model: str, benchmark: str, form: str, part: str, inputs: Mapping[str, str]) -> Step:
        name = f"eval/{model}/{benchmark}/{form}/{part}"
        return Step(self.path / name, name, inputs)


def read_manifest(step: Path) -> Manifest | None:
    """Return the manifest of a step folder, or None where the step is not finished or one of its outputs is gone."""
    path = step / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        return manifest if all((step / output).exists() for output in manifest.outputs) else None
    except ValueError as error:
        raise DataError(
            f"{path}: not a manifest ({str(error).splitlines()[0]}); delete the folder to redo it"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def digest_of(value: Any) -> str:
    """Return a short, stable digest of a JSON value."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_weights(files: Mapping[str, str]) -> str:
    """Return the identity of a checkpoint from the SHA-256 of its files: those that decide what the model says.

    The same checkpoint has the same identity as the start of one run and as the result of a stage of another.
    """
    kinds = (".json", ".safetensors", ".bin", ".model")
    return digest_of({n: d for n, d in files.items() if n.endswith(kinds) and n != "generation_config.json"})


def digest_code(*packages: str) -> str:
    """Return one digest over the Python files of packages and modules, so that a step is redone when they change."""
    files: dict[str, str] = {}
    for package in packages:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None, f"{package} is neither a package nor a module"
        origin = Path(spec.origin)
        found = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
        files |= {f"{package}/{p.relative_to(origin.parent)}": digest_file(p) for p in found}
    return digest_of(files)


def digest_place(path: Path) -> str:
    """Return a digest of which files lie at a place, with size and time of change: cheap, and changes when they do."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(str(p.relative_to(path)), p.stat()) for p in files if p.is_file()]
    return digest_of([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])


def provenance() -> dict[str, str]:
    """Say which code and which libraries are at work here."""
    versions = {"specialists": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for library in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    commit = _commit()
    return versions | ({"commit": commit} if commit else {})


def _commit() -> str:
    """Return the commit of the checkout this package runs from, with "+" if it has changes; "" outside one."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit.stdout.strip() + ("+" if changed.stdout else "")
