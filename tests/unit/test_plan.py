"""Plans: sizes by the formula, and impossible recipes refused with a cure."""

import json
from pathlib import Path

import pytest

from code_qwen.recipes import RECIPES as CODE
from math_qwen.recipes import RECIPES as MATHS
from specialists.errors import ConfigError
from specialists.plan import flops_per_token, memory, num_parameters, plan
from specialists.recipe import Recipe, change
from specialists.shapes import QWEN_7B, QWEN_14B, SMOLLM2_135M, TINY

# as transformers counts them; SmolLM2 has no biases, a tenth of a percent
PARAMETERS = [(QWEN_7B, 7.72e9), (QWEN_14B, 14.17e9), (TINY, 0.82e6), (SMOLLM2_135M, 134.5e6)]


@pytest.mark.parametrize(("shape", "expected"), PARAMETERS)
def test_parameters(shape: object, expected: float) -> None:
    assert num_parameters(shape) == pytest.approx(expected, rel=0.01)  # type: ignore[arg-type]


def test_parameters_are_those_of_the_model_itself() -> None:
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=TINY.vocab_size, hidden_size=TINY.hidden_size, intermediate_size=TINY.ffn_size,
        num_hidden_layers=TINY.num_layers, num_attention_heads=TINY.num_heads, num_key_value_heads=TINY.num_kv_heads,
        tie_word_embeddings=True,
    )  # fmt: skip
    assert AutoModelForCausalLM.from_config(config).num_parameters() == num_parameters(TINY)


def test_the_report_s_math_run() -> None:
    made = plan(MATHS["paper-7b"], device="h100", devices=8)
    (stage,) = made.stages
    assert stage.steps == 50_000 and stage.tokens == 6_553_600_000 and stage.warmup_steps == 1430
    assert 10 < (stage.hours or 0) < 60
    assert json.loads(made.to_json())["stages"][0]["tokens"] == stage.tokens


def test_the_report_s_code_run() -> None:
    cpt, sft, _ = plan(CODE["paper-14b"], device="h100", devices=64).stages
    assert cpt.tokens == pytest.approx(90e9, rel=1e-4) and cpt.warmup_steps == 644
    assert sft.steps is None and sft.hours is None  # known once the data is prepared


def test_more_sharing_needs_less_memory() -> None:
    stage = MATHS["paper-7b"].stages[0]
    totals = []
    for zero in (0, 1, 2, 3):
        changed = stage.model_copy(update={"parallel": stage.parallel.model_copy(update={"zero_stage": zero})})
        totals.append(memory(changed, QWEN_7B, 8).total)
    assert totals == sorted(totals, reverse=True) and totals[0] > 2 * totals[3]


def test_sixteen_bytes_a_parameter_on_one_device() -> None:
    need = memory(MATHS["paper-7b"].stages[0], QWEN_7B, 1)
    assert (need.gradients + need.optimizer) * 2**30 == pytest.approx(12 * num_parameters(QWEN_7B))


def test_attention_adds_to_the_work_of_a_token() -> None:
    assert flops_per_token(QWEN_7B, 8192) > flops_per_token(QWEN_7B, 1024) > 6 * 6.9e9


IMPOSSIBLE = [
    (MATHS["paper-7b"], {"device": "h100", "devices": 1}, "needs 134 GiB"),
    (MATHS["paper-7b"], {"device": "rtx4090", "devices": 1}, "it would fit with"),
    (MATHS["paper-7b"], {"device": "h100", "devices": 7}, "must be a multiple of micro_blocks x devices = 2 x 7"),
    (MATHS["paper-7b"], {"device": "h1000", "devices": 8}, "known are h200, h100"),
    (
        change(MATHS["demo"], ["shape=null"]),
        {"device": "cpu", "devices": 1},
        "its size is not known here; add a shape",
    ),
]


@pytest.mark.parametrize(("recipe", "where", "words"), IMPOSSIBLE)
def test_what_cannot_work_is_refused_with_a_cure(recipe: object, where: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(recipe, **where)  # type: ignore[arg-type]
    assert words in str(caught.value), str(caught.value)


@pytest.mark.parametrize("recipe", [CODE["demo"], CODE["tiny"], MATHS["demo"], MATHS["tiny"]], ids=lambda r: r.title)
def test_what_a_laptop_trains_is_planned_in_minutes(recipe: Recipe) -> None:
    found = plan(recipe, device="cpu", devices=1)
    assert found.parameters < 2e8
    assert all(stage.hours is not None and stage.hours < 0.2 for stage in found.stages)


def test_a_local_checkpoint_tells_its_own_size(tmp_path: Path) -> None:
    config = {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 128, "vocab_size": 500, "max_position_embeddings": 256,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    recipe = change(MATHS["demo"], [f"start={tmp_path}"])
    with pytest.raises(ConfigError, match="seq_len = 512: the model's context is 256 tokens"):
        plan(recipe, device="cpu", devices=1)
    assert plan(change(recipe, ["stages.*.seq_len=256"]), device="cpu", devices=1).parameters > 1e5
