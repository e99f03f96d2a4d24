"""Whatever a sample leaves in a directory can be removed."""

import os
from pathlib import Path

from sandbox.image.wipe import remove, wipe


def test_a_tree_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    home = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(3000):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(home)
    wipe(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_directories_that_nobody_may_read_are_removed(tmp_path: Path) -> None:
    for number in range(3):
        inner = tmp_path / f"outer-{number}" / "inner"
        inner.mkdir(parents=True)
        (inner / "file").touch()
        inner.chmod(0)
        inner.parent.chmod(0)
    wipe(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (outside / "kept").touch()
    (inside / "deep").mkdir(parents=True)
    for folder in (inside, inside / "deep"):
        (folder / "to-directory").symlink_to(outside)
        (folder / "to-file").symlink_to(outside / "kept")
        (folder / "to-itself").symlink_to("to-itself")
        os.mkfifo(folder / "pipe")
    remove(str(inside))
    assert not inside.exists()
    assert (outside / "kept").exists()


def test_names_cannot_be_put_in_the_way(tmp_path: Path) -> None:
    for name in ("0", "1", "-1", ".wipe-1", "a"):
        (tmp_path / name / "1" / name).mkdir(parents=True)
    wipe(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
