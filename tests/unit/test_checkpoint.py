"""Checkpoints: new marks get sensible embeddings, broken ones are refused, the card says what was run."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config

from specialists import checkpoint
from specialists.errors import ConfigError
from specialists.train import card
from tests.stages import make_stage

VOCAB = 50


def base_without_marks(folder: Path, *, rows: int, tied: bool) -> Path:
    """Write a base model whose tokenizer knows neither ChatML mark, with `rows` embeddings for its 50 tokens."""
    words = {f"w{n}": n for n in range(VOCAB - 1)} | {"<|endoftext|>": VOCAB - 1}
    raw = Tokenizer(models.WordLevel(words, unk_token="w0"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]
    PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|endoftext|>").save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=rows, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=tied,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("rows", [VOCAB, 64], ids=["no row to spare", "rows that were never trained"])
def test_new_marks_get_the_mean_of_the_known_tokens(rows: int, tied: bool, tmp_path: Path) -> None:
    folder = base_without_marks(tmp_path, rows=rows, tied=tied)
    plain = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = checkpoint.open_tokenizer(folder)
    assert tokenizer.new_marks == ["<|im_start|>", "<|im_end|>"]
    model = checkpoint.open_model(folder, tokenizer, torch.float32)
    assert model.config.vocab_size == max(rows, VOCAB + 2)
    heads = [(m.get_input_embeddings().weight, m.get_output_embeddings().weight) for m in (plain, model)]
    for before, after in zip(*heads, strict=True):
        assert torch.equal(after[:VOCAB], before[:VOCAB])
        mean = before[:VOCAB].mean(dim=0)
        for mark in tokenizer.new_marks:
            torch.testing.assert_close(after[tokenizer.convert_tokens_to_ids(mark)], mean)
    assert (heads[1][0] is heads[1][1]) == tied


def test_marks_that_were_learnt_are_left_alone(tmp_path: Path) -> None:
    folder = base_without_marks(tmp_path / "base", rows=VOCAB, tied=True)
    tokenizer = checkpoint.open_tokenizer(folder)
    model = checkpoint.open_model(folder, tokenizer, torch.float32)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    with torch.no_grad():
        model.get_input_embeddings().weight[end] = 7.0
    checkpoint.save(model, model.state_dict(), tokenizer, tmp_path / "saved", torch.float32)
    again = checkpoint.open_tokenizer(tmp_path / "saved")
    opened = checkpoint.open_model(tmp_path / "saved", again, torch.float32)
    assert again.new_marks == []
    assert (opened.get_input_embeddings().weight[end] == 7.0).all()


def cut(name: str, share: float) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return act


def without_a_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def foreign_tokenizer(folder: Path) -> None:
    words = {f"w{n}": n for n in range(900)} | {"<|im_start|>": 900, "<|im_end|>": 901, "<|endoftext|>": 902}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")), eos_token="<|endoftext|>"
    ).save_pretrained(folder)


BROKEN = [
    ("weights cut in the middle", cut("model.safetensors", 0.5), "not a whole checkpoint"),
    ("weights cut in the header", cut("model.safetensors", 0.001), "not a whole checkpoint"),
    ("no weights", lambda folder: (folder / "model.safetensors").unlink(), "not a whole checkpoint"),
    ("a weight is missing", without_a_weight, r"1 weights are missing, model\.layers\.1\.mlp\.up_proj\.weight first"),
    ("config cut short", cut("config.json", 0.5), "not a whole checkpoint|no tokenizer"),
    ("tokenizer cut short", cut("tokenizer.json", 0.5), "no tokenizer that can be opened"),
    ("another model's tokenizer", foreign_tokenizer, "knows 903 tokens and the model 349: they do not belong together"),
]


@pytest.mark.parametrize(("breaks", "words"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_broken_checkpoint_is_refused(
    breaks: Callable[[Path], None], words: str, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    breaks(folder)
    with pytest.raises(ConfigError, match=words):
        checkpoint.open_model(folder, checkpoint.open_tokenizer(folder), torch.float32)


def test_another_rope_base_is_used_and_saved(tmp_path: Path, tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    plain, long = (checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32, rope_base=b) for b in (None, 1e6))
    ids = torch.arange(5, 25)[None]
    assert not torch.allclose(plain(input_ids=ids).logits, long(input_ids=ids).logits)
    checkpoint.save(long, long.state_dict(), tokenizer, tmp_path / "long", torch.float32)
    opened = checkpoint.open_model(tmp_path / "long", tokenizer, torch.float32)
    assert torch.equal(opened(input_ids=ids).logits, long(input_ids=ids).logits)


def test_rope_frequencies_stay_fp32_whatever_the_weights_are(tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    models_of = {d: checkpoint.open_model(tiny_checkpoint, tokenizer, d) for d in (torch.float32, torch.bfloat16)}
    frequencies = [model.model.rotary_emb.inv_freq for model in models_of.values()]
    assert frequencies[1].dtype == torch.float32 and torch.equal(*frequencies)


def test_the_card_says_what_was_run() -> None:
    facts: dict[str, Any] = {
        "steps": 96, "skipped": 2, "tokens": 49_000, "targets": 9_000, "last_loss": 0.4321, "precision": "bf16",
    }  # fmt: skip
    adapter = {"kind": "dora", "rank": 8, "train_embeddings": True}
    text = card.write(make_stage(gives="Math-Qwen-Chat", objective="chat", adapter=adapter), "SmolLM2-135M", facts)
    for said in (
        "# Math-Qwen-Chat", "SmolLM2-135M", "96, 2 of them left out", "9,000 trained on", "0.4321", "<|im_end|>",
        "dora of rank 8 and the embeddings, merged into the start", "pipeline_tag: text-generation",
    ):  # fmt: skip
        assert said in text, said


def test_the_saved_template_and_stops_are_chatml(tmp_path: Path, tiny_checkpoint: Path) -> None:
    tokenizer = checkpoint.open_tokenizer(tiny_checkpoint)
    model = checkpoint.open_model(tiny_checkpoint, tokenizer, torch.float32)
    checkpoint.save(model, model.state_dict(), tokenizer, tmp_path / "saved", torch.bfloat16)
    plain = AutoTokenizer.from_pretrained(tmp_path / "saved")
    stops = json.loads((tmp_path / "saved" / "generation_config.json").read_text())["eos_token_id"]
    assert plain.convert_tokens_to_ids("<|im_end|>") in stops
    assert json.loads((tmp_path / "saved" / "config.json").read_text())["dtype"] == "bfloat16"
