"""Recipes: what is wrong is said in one line, before any work."""

from pathlib import Path

import pytest

from code_qwen.recipes import RECIPES as CODE
from math_qwen.recipes import RECIPES as MATHS
from specialists.errors import ConfigError
from specialists.recipe import Recipe, change, read_recipe, to_yaml

ALL = [*CODE.values(), *MATHS.values()]

BAD_SETTINGS = [
    # settings, what the error must say
    ("stages.cpt.optim.peak_lr=-1", "stages.cpt.optim.peak_lr = -1: input should be greater than 0"),
    ("stages.cpt.optim.peak_lr=fast", "stages.cpt.optim.peak_lr = 'fast': input should be a valid number"),
    ("stages.cpt.seq_len=8", "stages.cpt.seq_len = 8: input should be greater than or equal to 16"),
    ("stages.cpt.optim.peek_lr=1e-5", "'peek_lr' is unknown; did you mean 'peak_lr'?"),
    ("stages.ctp.seq_len=512", "'ctp' is unknown; did you mean 'cpt'?"),
    ("stages.cpt.objective=pretrain", "stages.cpt.objective = 'pretrain': input should be 'text' or 'chat'"),
    ("stages.cpt.epochs=3", "give exactly one of steps, epochs and tokens"),
    ("stages.cpt.optim.warmup_steps=10", "give exactly one of warmup_share and warmup_steps"),
    ("stages.cpt.parallel.micro_blocks=2", "batch_blocks = 1 must be a multiple of micro_blocks = 2"),
    ("stages.cpt.parallel.zero_stage=4", "stages.cpt.parallel.zero_stage = 4: input should be 0, 1, 2 or 3"),
    ("judges.humaneval.num_samples=5", "num_samples > 1 with temperature = 0"),
    ("stages.sft-single.name=cpt", "stage names must differ: cpt is there twice"),
    ("start=fresh shape=null", 'start = "fresh" needs a shape'),
    ("stages.cpt.seq_len", "write it as path=value"),
    ("stages=[] start=fresh", 'start = "fresh" needs a stage that trains it'),
    ("start=remote", 'start = "remote" has no weights: it needs serving.backend = "openai" and no stages'),
    ("start_kind=tuned", "start_kind = 'tuned': input should be 'base', 'text' or 'chat'"),
    ("base_name=a/b", "base_name = 'a/b'"),
    ("judges.humaneval.top_k=-1", "judges.1.top_k = -1: input should be greater than or equal to 0"),
    ("serving.backend=tgi", "serving.backend = 'tgi': input should be 'hf', 'vllm' or 'openai'"),
    ("serving.backend=openai", "backend 'openai' needs an endpoint and the name of a served_model"),
    ("serving.endpoint=http://x/v1", "endpoint and served_model belong to backend 'openai', not 'hf'"),
    (
        "serving.backend=openai serving.served_model=m serving.endpoint=localhost:8000",
        "endpoint = 'localhost:8000' is no address such as http://localhost:8000/v1",
    ),
    (
        "serving.backend=openai serving.served_model=m serving.endpoint=https://user:secret@host/v1",
        "endpoint must hold no key, user or query",
    ),
]


@pytest.mark.parametrize(("setting", "words"), BAD_SETTINGS)
def test_a_bad_setting_names_field_value_and_cure(setting: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        change(CODE["demo"], setting.split())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_FILES = [
    ("name: x\nstages: [", "not YAML"),
    ("- a\n- b\n", "recipe"),
    ("name: x\nstart: y\n", "stages: is missing"),
    ("name: X Y\nstart: y\nstages: []\n", "name = 'X Y'"),
    ("nmae: x\nstart: y\nstages: []\n", "name: is missing"),
]


@pytest.mark.parametrize(("text", "words"), BAD_FILES)
def test_a_bad_file_names_itself(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value) and words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_knob_in_a_file_gets_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(to_yaml(CODE["demo"]).replace("weight_decay:", "weight_dekay:"))
    with pytest.raises(ConfigError, match=r"weight_dekay: no such knob; did you mean 'weight_decay'\?"):
        read_recipe(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.title)
def test_a_recipe_survives_its_own_file(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(to_yaml(recipe))
    assert read_recipe(path) == recipe


def test_settings_reach_one_or_all() -> None:
    changed = change(CODE["demo"], ["stages.cpt.optim.peak_lr=2e-5", "judges.*.limit=3", "stages.1.steps=7"])
    assert changed.stages[0].optim.peak_lr == 2e-5
    assert {judge.limit for judge in changed.judges} == {3}
    assert changed.stages[1].steps == 7
    assert CODE["demo"].judges[0].limit is None
