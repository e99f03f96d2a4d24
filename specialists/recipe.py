"""Recipes: every knob once, with its unit.

A recipe is a start (a checkpoint, a model shape to begin from nothing, or a model that only an endpoint knows) and a
chain of stages, each giving one checkpoint; with no stage it is an evaluation of the start. It is a Python constant of
frozen models; `to_yaml` and `read_recipe` carry the same recipe to and from a file. Nothing here touches torch, data or
disk beyond that one file, so that `plan` and `--help` stay instant.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from specialists.errors import ConfigError

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
REMOTE = "remote"  # a start without weights: a model that only an endpoint knows


class Knobs(BaseModel):
    """Frozen settings that refuse a knob they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Knobs):
    """Where samples come from, before any filter."""

    name: Name
    kind: Literal["folder", "git", "tar", "jsonl", "parquet", "hub", "made"]
    path: str = ""  # folder, repository, file or glob, or hub id; "made" needs none: `name` is a maker of the family
    split: str = "train"  # hub only
    subset: str = ""  # hub only: the dataset's configuration name
    columns: dict[Literal["text", "messages", "system", "user", "assistant"], str] = {"text": "text"}
    take: Positive | None = None  # rows read at most; None reads all
    repeat: Positive = 1  # up-sampling: how often each kept sample stands in the data

    @model_validator(mode="after")
    def _needs_path(self) -> Self:
        if self.kind != "made" and not self.path:
            raise ValueError(f"source {self.name!r} of kind {self.kind!r} needs a path")
        return self


class Mix(Knobs):
    """The data of one stage and how it is cleaned."""

    sources: tuple[Source, ...] = Field(min_length=1)
    near_duplicates: Share = 0.7  # Jaccard of word 5-grams from which a document is a copy; 0 turns the step off
    # Licences to train on; "allowed" are the permissive ones, and "unknown" is what states none.
    licences: Literal["any", "allowed-or-unknown", "allowed"] = "allowed-or-unknown"
    overlap: Literal["any", "covered"] = "any"  # which shared 13-gram drops a sample: any, or a quarter of an item


class Optim(Knobs):
    """AdamW and its schedule."""

    peak_lr: Annotated[float, Field(gt=0, lt=1)]
    schedule: Literal["linear-constant", "cosine-rise-constant", "cosine-decay"]
    warmup_share: Share | None = None  # of all steps; or:
    warmup_steps: Annotated[int, Field(ge=0)] | None = None
    final_share: Share = 0.1  # cosine-decay only: last learning rate as a share of the peak
    beta1: Share = 0.9
    beta2: Share = 0.95
    eps: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    clip_norm: Annotated[float, Field(gt=0)] | None = 1.0  # None: no clipping

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if (self.warmup_share is None) == (self.warmup_steps is None):
            raise ValueError("give exactly one of warmup_share and warmup_steps")
        return self


class Parallel(Knobs):
    """How one optimizer step is spread over memory and devices."""

    micro_blocks: Positive = 1  # packed blocks in one forward pass on one device
    zero_stage: Literal[0, 1, 2, 3] = 0  # DeepSpeed ZeRO over several processes; 0 is plain data parallel, without it
    # Of the computation; the optimizer always holds fp32 weights. "auto" is bf16, but on a CPU where it is slower fp32.
    precision: Literal["auto", "fp32", "bf16"] = "bf16"
    recompute_activations: bool = False


class Adapter(Knobs):
    """Small matrices trained beside frozen weights, and merged into them at the end."""

    kind: Literal["lora", "dora", "qlora"]  # qlora: LoRA over weights held in 4 bits; needs CUDA and bitsandbytes
    rank: Positive = 64  # the defaults are those of the report's repository (finetune.py)
    alpha: Positive = 16  # the product of the two matrices is scaled by alpha / rank
    dropout: Share = 0.05
    targets: tuple[str, ...] = ()  # names of linear layers, e.g. q_proj; () is every one but the output matrix
    # A base model has never seen the ChatML marks, so its embeddings must learn them.
    train_embeddings: bool = False


class Guard(Knobs):
    """Which optimizer steps are not taken: their batch is left out, and counted."""

    spike: Annotated[float, Field(gt=1)] | None = None  # gradient norm over the median of the last 64 steps; None: off
    max_skips: Annotated[int, Field(ge=0)] = 10  # the stage stops at one more


class Keep(Knobs):
    """Which states of a running stage stay on disk, and which of them becomes its result."""

    states: Positive = 1  # the last n to resume from
    holdout_blocks: Annotated[int, Field(ge=0)] = 0  # never trained on; their loss is measured at every save
    result: Literal["last", "best"] = "last"  # best: of the saved states, the one of least held-out loss

    @model_validator(mode="after")
    def _best_is_measured(self) -> Self:
        if self.result == "best" and not self.holdout_blocks:
            raise ValueError('result = "best" needs holdout_blocks: the training loss does not say which is best')
        return self


class Stage(Knobs):
    """One training run: data and a checkpoint in, a checkpoint out."""

    name: Name
    gives: str = ""  # the specialist's name if this checkpoint is one, e.g. "Code-Qwen"; "" for a step on the way
    objective: Literal["text", "chat"]
    mix: Mix
    seq_len: Annotated[int, Field(ge=16)]  # tokens in a packed block
    batch_blocks: Positive  # packed blocks in one optimizer step, over all devices
    steps: Positive | None = None  # length of the stage: exactly one of steps, epochs and tokens
    epochs: Annotated[float, Field(gt=0)] | None = None
    tokens: Positive | None = None
    optim: Optim
    parallel: Parallel = Parallel()
    adapter: Adapter | None = None  # None trains every weight
    rope_base: Annotated[float, Field(gt=1)] | None = (
        None  # of the rotary positions, for long context; None: the start's
    )
    guard: Guard = Guard()
    save_every: Positive = 100  # steps between states to resume from
    keep: Keep = Keep()
    seed: int = 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(length is not None for length in (self.steps, self.epochs, self.tokens)) != 1:
            raise ValueError("give exactly one of steps, epochs and tokens")
        if self.batch_blocks % self.parallel.micro_blocks:
            raise ValueError(
                f"batch_blocks = {self.batch_blocks} must be a multiple of micro_blocks = {self.parallel.micro_blocks}"
            )
        if self.parallel.zero_stage and (self.adapter or self.guard.spike):
            raise ValueError(
                "adapter and guard.spike need parallel.zero_stage = 0: over several processes they train data parallel"
            )
        return self


class Judge(Knobs):
    """One benchmark to run, and how much of it."""

    benchmark: str
    limit: Positive | None = None  # problems asked, evenly spaced; None asks all; the report names the subset
    num_samples: Positive = 1  # completions of each problem
    temperature: Annotated[float, Field(ge=0)] = 0.0  # 0 is greedy
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0  # draw from the likeliest this many tokens; 0 draws from all
    max_new_tokens: Positive | None = None  # None: what the benchmark declares
    seed: int = 0
    optional: bool = False  # skipped with a note, not an error, where its data is not on this machine
    tool_rounds: Annotated[int, Field(ge=0)] = 0  # programs of its own that the model may have run while it answers

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.num_samples > 1 and self.temperature == 0:
            raise ValueError("num_samples > 1 with temperature = 0 gives the same text every time")
        return self


class Serving(Knobs):
    """What makes the completions: transformers or vLLM here, or an endpoint that speaks OpenAI's protocol."""

    backend: Literal["hf", "vllm", "openai"] = "hf"
    endpoint: str = ""  # openai only: base address, e.g. http://localhost:8000/v1
    served_model: str = ""  # openai only: the name by which the endpoint knows the model
    key_variable: str = "OPENAI_API_KEY"  # environment variable that holds the key; the key itself is kept nowhere
    timeout_s: Annotated[float, Field(gt=0)] = 600.0  # for one completion of an endpoint

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.backend != "openai":
            if self.endpoint or self.served_model:
                raise ValueError(f"endpoint and served_model belong to backend 'openai', not {self.backend!r}")
            return self
        if not self.endpoint or not self.served_model:
            raise ValueError("backend 'openai' needs an endpoint and the name of a served_model")
        address = urlsplit(self.endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"endpoint = {self.endpoint!r} is no address such as http://localhost:8000/v1")
        if address.username or address.password or address.query or address.fragment:
            raise ValueError(
                "endpoint must hold no key, user or query, it is written down; a key goes into key_variable"
            )
        return self


class Shape(Knobs):
    """The size of a decoder-only transformer, enough to plan for it or to start one from nothing."""

    hidden_size: Positive
    num_layers: Positive
    num_heads: Positive
    num_kv_heads: Positive
    ffn_size: Positive
    vocab_size: Positive
    tied: bool = False  # input and output embeddings are one matrix

    @model_validator(mode="after")
    def _divides(self) -> Self:
        for field, whole, part in (
            ("num_heads", self.hidden_size, self.num_heads),
            ("num_kv_heads", self.num_heads, self.num_kv_heads),
        ):
            if whole % part:
                raise ValueError(f"{field} = {part} must divide {whole}")
        return self


class Recipe(Knobs):
    """A start and a chain of stages, and what to judge the results by."""

    name: Name
    title: str = ""
    # Hub id, local folder, or "package:MODULE/FILE.gguf"; "fresh" to begin from `shape` with random weights; "remote"
    # for a model that only the endpoint of `serving` knows.
    start: str
    base_name: Annotated[str, Field(pattern=r"^[^/]+$")] = "base"  # how the start is called in the report
    start_kind: Literal["base", "text", "chat"] = "base"  # a base is asked in every form, and its best counts
    shape: Shape | None = None  # for "fresh", and for plans made where the start's config.json is not at hand
    stages: tuple[Stage, ...]  # none: the start is judged as it is
    judges: tuple[Judge, ...] = ()
    serving: Serving = Serving()
    generate_batch: Positive = 32  # completions decoded together, or asked of an endpoint at once
    notes: dict[str, str] = {}  # knob path -> where its value comes from, e.g. {"stages.cpt.seq_len": "[C] sec. 4.1"}
    deviations: tuple[str, ...] = ()  # what the source of the recipe says and this recipe does not do, and why

    @field_validator("stages")
    @classmethod
    def _names_once(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        names = [stage.name for stage in stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stage names must differ: {', '.join(twice)} is there twice")
        return stages

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        if self.start == "fresh" and self.shape is None:
            raise ValueError('start = "fresh" needs a shape')
        if self.start == "fresh" and not self.stages:
            raise ValueError('start = "fresh" needs a stage that trains it')
        if self.start == REMOTE and (self.stages or self.serving.backend != "openai"):
            raise ValueError('start = "remote" has no weights: it needs serving.backend = "openai" and no stages')
        return self

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`; raises ConfigError naming the stages there are."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigError(f"recipe {self.name}: no stage {name!r}; there are: {', '.join(s.name for s in self.stages)}")


def to_yaml(recipe: Recipe) -> str:
    """Return the recipe as YAML with every default written out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file. Raises `ConfigError` naming file, field, value and what would be right."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    return validate(content, origin=str(path))


def change(recipe: Recipe, settings: list[str]) -> Recipe:
    """Return the recipe with `--set` settings applied.

    Args:
        recipe: what to start from.
        settings: `path=value` each; a path walks fields by name and lists by index, by the `name` (or `benchmark`) of
            the item, or by `*` for every item: `stages.cpt.optim.peak_lr=2e-5`, `judges.*.limit=8`.

    Raises:
        ConfigError: a setting is not `path=value`, the path leads nowhere, or the value does not fit.
    """
    content = recipe.model_dump(mode="json")
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: write it as path=value, e.g. stages.cpt.optim.peak_lr=2e-5")
        try:
            _put(content, path.split("."), yaml.safe_load(value), setting)
        except yaml.YAMLError:
            raise ConfigError(f"--set {setting}: {value!r} is not a YAML value") from None
    return validate(content, origin="--set " + " ".join(settings) if settings else recipe.name)


def validate(content: object, origin: str) -> Recipe:
    """Return a recipe from plain values. Raises `ConfigError` naming `origin`, field, value and what would be right."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(content, error)}") from None


def _put(node: Any, path: list[str], value: object, setting: str) -> None:
    head, rest = path[0], path[1:]
    for key in _keys(node, head, setting):
        if rest:
            _put(node[key], rest, value, setting)
        else:
            node[key] = value


def _keys(node: Any, head: str, setting: str) -> list[Any]:
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if head in fields:
            return [head]
        options = list(fields)
    elif isinstance(node, list):
        items = cast("list[Any]", node)
        names = [str(item.get("name") or item.get("benchmark") or i) for i, item in enumerate(items)]
        if head == "*":
            return list(range(len(items)))
        if head in names:
            return [names.index(head)]
        if head.isdigit() and int(head) < len(items):
            return [int(head)]
        options = names
    else:
        options = []
    raise ConfigError(f"--set {setting}: {head!r} is unknown; {_options(head, options)}")


def _explain(content: object, error: ValidationError) -> str:
    """Turn the first of pydantic's errors into one line: field, value, and what would be right."""
    first = error.errors(include_url=False)[0]
    names: list[str] = []
    node: Any = content
    for part in first["loc"]:
        if isinstance(node, list):
            node = cast("list[Any]", node)[cast("int", part)]
            part = node.get("name", part) if isinstance(node, dict) else part
        elif isinstance(node, dict):
            node = cast("dict[str, Any]", node).get(str(part))
        names.append(str(part))
    field = ".".join(names) or "recipe"
    if first["type"] == "extra_forbidden":
        return f"{field}: no such knob; {_options(names[-1], _known_knobs())}"
    if first["type"] == "missing":
        return f"{field}: is missing and has no default"
    right = first["msg"].removeprefix("Value error, ")
    if isinstance(node, dict | list):
        return f"{field}: {right}"
    return f"{field} = {node!r}: {right[0].lower() + right[1:]}"


def _known_knobs() -> list[str]:
    kinds = (Recipe, Stage, Mix, Source, Optim, Parallel, Adapter, Guard, Keep, Judge, Serving, Shape)
    return sorted({field for kind in kinds for field in kind.model_fields})


def _options(wrong: str, options: list[str]) -> str:
    near = difflib.get_close_matches(wrong, options, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(options)}"
