"""The knobs and interfaces that others rely on: a new one is a decision that someone reads here."""

import inspect

import pytest

from code_qwen.family import FAMILY as CODE
from math_qwen.family import FAMILY as MATHS
from specialists import recipe
from specialists.recipe import Recipe, change

KNOBS = {
    "Source": "name kind path split subset columns take repeat",
    "Mix": "sources near_duplicates licences overlap",
    "Optim": "peak_lr schedule warmup_share warmup_steps final_share beta1 beta2 eps weight_decay clip_norm",
    "Parallel": "micro_blocks zero_stage precision recompute_activations",
    "Adapter": "kind rank alpha dropout targets train_embeddings",
    "Guard": "spike max_skips",
    "Keep": "states holdout_blocks result",
    "Stage": "name gives objective mix seq_len batch_blocks steps epochs tokens optim parallel adapter rope_base guard "
    "save_every keep seed",
    "Judge": "benchmark limit num_samples temperature top_p top_k max_new_tokens seed optional tool_rounds",
    "Serving": "backend endpoint served_model key_variable timeout_s",
    "Shape": "hidden_size num_layers num_heads num_kv_heads ffn_size vocab_size tied",
    "Recipe": "name title start base_name start_kind shape stages judges serving generate_batch notes deviations",
}
PAPER = [family.recipes[name] for family in (CODE, MATHS) for name in ("paper-7b", "paper-14b")]


@pytest.mark.parametrize("kind", KNOBS)
def test_the_list_of_knobs_is_the_agreed_one(kind: str) -> None:
    assert list(getattr(recipe, kind).model_fields) == KNOBS[kind].split()


def test_every_class_of_knobs_is_listed() -> None:
    classes = inspect.getmembers(recipe, lambda x: inspect.isclass(x) and issubclass(x, recipe.Knobs))
    assert {name for name, _ in classes} - {"Knobs"} == set(KNOBS)


@pytest.mark.parametrize("paper", PAPER, ids=lambda r: r.title)
def test_every_note_names_a_knob_that_is_there(paper: Recipe) -> None:
    for path, note in paper.notes.items():
        head, _, field = path.rpartition(".")
        node = paper.model_dump(mode="json")
        for part in filter(None, head.split(".")):
            node = node[part] if isinstance(node, dict) else next(x for x in node if x["name"] == part)
        assert field in node, path
        assert any(mark in note for mark in ("[C]", "[R]", "[S]", "[D]", "[U]")), note


@pytest.mark.parametrize("paper", PAPER, ids=lambda r: r.title)
def test_every_number_of_a_paper_recipe_has_its_source(paper: Recipe) -> None:
    for stage in paper.stages:
        numbers = [f"optim.{knob}" for knob, value in stage.optim.model_dump().items() if value is not None]
        numbers += [
            k for k in ("seq_len", "batch_blocks", "steps", "epochs", "tokens") if getattr(stage, k) is not None
        ]
        silent = {"optim.final_share"}  # belongs to another schedule
        for number in set(numbers) - silent:
            assert f"stages.{stage.name}.{number}" in paper.notes, f"{stage.name}.{number}"


NUMBERS = [
    # recipe, path, value (PAPER: sections 4.1, 4.2 and 5 of the report)
    (CODE, "paper-7b", "stages.cpt.optim.peak_lr", 3e-5),
    (CODE, "paper-14b", "stages.cpt.optim.peak_lr", 6e-5),
    (CODE, "paper-7b", "stages.sft-dialogue.optim.peak_lr", 1e-5),
    (CODE, "paper-14b", "stages.sft-dialogue.optim.peak_lr", 2e-6),
    (CODE, "paper-7b", "stages.cpt.seq_len", 8192),
    (CODE, "paper-7b", "stages.cpt.tokens", 90_000_000_000),
    (CODE, "paper-7b", "stages.cpt.optim.warmup_share", 0.03),
    (MATHS, "paper-7b", "stages.math-sft.optim.peak_lr", 2e-5),
    (MATHS, "paper-14b", "stages.math-sft.steps", 50_000),
    (MATHS, "paper-14b", "stages.math-sft.seq_len", 1024),
    (MATHS, "paper-7b", "stages.math-sft.optim.warmup_steps", 1430),
]


@pytest.mark.parametrize(("family", "name", "path", "value"), NUMBERS)
def test_the_numbers_of_the_report(family: object, name: str, path: str, value: float) -> None:
    chosen = family.recipes[name]  # type: ignore[attr-defined]
    assert change(chosen, [f"{path}={value!r}"]) == chosen


@pytest.mark.parametrize("family", [CODE, MATHS], ids=lambda f: f.name)
def test_recipes_ask_only_for_benchmarks_of_their_family(family: object) -> None:
    for chosen in family.recipes.values():  # type: ignore[attr-defined]
        for judge in chosen.judges:
            family.benchmark(judge.benchmark)  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", [CODE, MATHS], ids=lambda f: f.name)
def test_made_sources_have_makers(family: object) -> None:
    for chosen in family.recipes.values():  # type: ignore[attr-defined]
        made = {s.name for stage in chosen.stages for s in stage.mix.sources if s.kind == "made"}
        assert made <= set(family.makers), made  # type: ignore[attr-defined]
