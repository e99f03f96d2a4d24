"""What makes a stage be prepared again: its knobs, and the files that its sources name."""

from pathlib import Path

import pytest

from specialists.build import _data_inputs, start
from specialists.family import Family
from specialists.recipe import Recipe, Source, change
from specialists.run import Run
from tests.stages import make_stage

FAMILY = Family(name="code_qwen", title="", recipes={}, benchmarks=())


def stage_of(path: str, kind: str = "jsonl") -> dict[str, str]:
    source = Source.model_validate({"name": "x", "kind": kind, "path": path})
    return _data_inputs(make_stage(mix={"sources": [source.model_dump()]}))


@pytest.mark.parametrize("pattern", ["one.jsonl", "*.jsonl", "**/*.jsonl"])
def test_a_file_that_changes_is_noticed(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text("{}\n")
    before = stage_of(f"{tmp_path}/{pattern}")
    assert stage_of(f"{tmp_path}/{pattern}") == before
    (tmp_path / "one.jsonl").write_text("{}\n{}\n")
    assert stage_of(f"{tmp_path}/{pattern}") != before


def test_a_file_that_a_pattern_finds_now_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text("{}\n")
    before = stage_of(f"{tmp_path}/*.jsonl")
    (tmp_path / "two.jsonl").write_text("{}\n")
    assert stage_of(f"{tmp_path}/*.jsonl") != before


def test_a_start_folder_whose_weights_change_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("weights")
    recipe = change(Recipe(name="x", start="", stages=(make_stage(),)), [f"start={folder}"])
    run = Run(tmp_path / "run")
    before = start(FAMILY, recipe, run)
    assert start(FAMILY, recipe, run) == before
    (folder / "model.safetensors").write_text("other weights")
    assert start(FAMILY, recipe, run).digest != before.digest
