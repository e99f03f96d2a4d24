"""The run directory: done means done, changed inputs mean again, a kill loses nothing that was finished."""

from pathlib import Path

import pytest

from specialists.errors import ConfigError, DataError
from specialists.run import MANIFEST, Run, Step, digest_of, digest_place, read_manifest, write_text

INPUTS = {"recipe": "a", "data": "b"}


def step(tmp_path: Path, **changes: str) -> Step:
    return Step(tmp_path / "step", "train/x", INPUTS | changes)


def finished(tmp_path: Path) -> Step:
    first = step(tmp_path)
    (first.begin() / "out.txt").write_text("result")
    first.finish({"steps": 3})
    return first


def test_a_finished_step_is_found_done(tmp_path: Path) -> None:
    made = finished(tmp_path).manifest
    again = step(tmp_path)
    assert again.done
    assert again.manifest == made
    assert made is not None and made.facts == {"steps": 3} and set(made.outputs) == {"out.txt"}


def test_changed_inputs_start_over(tmp_path: Path) -> None:
    finished(tmp_path)
    changed = step(tmp_path, data="c")
    assert not changed.done
    assert (tmp_path / "step" / "out.txt").exists()  # asking alone destroys nothing
    assert list(changed.begin().iterdir()) == [tmp_path / "step" / "INPUTS.json"]


def test_an_interrupted_step_keeps_its_files(tmp_path: Path) -> None:
    (step(tmp_path).begin() / "half.jsonl").write_text("{}\n")
    again = step(tmp_path)
    assert not again.done
    assert (again.begin() / "half.jsonl").read_text() == "{}\n"


def test_an_interrupted_step_with_other_inputs_is_emptied(tmp_path: Path) -> None:
    (step(tmp_path).begin() / "half.jsonl").write_text("{}\n")
    assert not (step(tmp_path, recipe="z").begin() / "half.jsonl").exists()


def test_a_finished_step_that_lost_an_output_is_done_again(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "step" / "out.txt").unlink()
    (tmp_path / "step" / "other.txt").write_text("from the attempt before")
    again = step(tmp_path)
    assert not again.done
    assert list(again.begin().iterdir()) == [tmp_path / "step" / "INPUTS.json"]


def test_a_step_killed_while_it_is_emptied_does_not_count_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(tmp_path)

    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        step(tmp_path, data="c").begin()
    assert not step(tmp_path).done


def test_equal_outputs_have_equal_digests(tmp_path: Path) -> None:
    first, second = finished(tmp_path / "a").manifest, finished(tmp_path / "b").manifest
    assert first is not None and second is not None
    assert first.digest == second.digest
    assert first.digest_under("out") == digest_of({})


def test_a_broken_manifest_says_what_to_do(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "step" / MANIFEST).write_text("{")
    with pytest.raises(DataError, match="delete the folder to redo it"):
        step(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    first, second = Run(tmp_path / "run").hold(), Run(tmp_path / "run").hold()
    with first, pytest.raises(ConfigError, match="another process is writing it"), second:
        pass
    with Run(tmp_path / "run").hold():
        pass


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/run: cannot be written"), Run(tmp_path / "file" / "run").hold():
        pass


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_text(path, "old")
    write_text(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
    assert path.read_text() == "new"


def test_a_changed_folder_has_another_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = digest_place(tmp_path)
    assert digest_place(tmp_path) == before
    (tmp_path / "b.py").write_text("2")
    assert digest_place(tmp_path) != before


def test_a_folder_without_manifest_is_not_done(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
