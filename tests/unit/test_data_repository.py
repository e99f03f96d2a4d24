"""Git repositories: what was committed, and where it comes from."""

import subprocess
from pathlib import Path

import pytest

from specialists.data.documents import MAX_FILE_BYTES
from specialists.data.rows import Reject
from specialists.data.sources import read
from specialists.errors import DataError
from specialists.recipe import Source
from specialists.records import Sample

FILES = {
    "a.py": b"x = 1\n",
    "sub/b.js": b"let x = 1\n",
    "new\nline ü.py": b"y = 2\n",
    "picture.png": b"\x89PNG\r\n\x1a\n\0",
    "big.py": b"x" * (MAX_FILE_BYTES + 1),
    "lib/node_modules/m.js": b"vendored",
    "empty.py": b"",
}


def test_the_committed_files_come_once_with_their_provenance(tmp_path: Path) -> None:
    folder = _repository(tmp_path / "mine", FILES)
    (folder / "link.py").symlink_to("/etc/passwd")
    _git(folder, "add", "link.py")
    _git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},other")
    _git(folder, "commit", "-qm", "a link and a submodule")
    _git(folder, "remote", "add", "origin", "git@example.org:owner/mine.git")
    (folder / "a.py").write_text("changed = 'not committed'\n")
    (folder / "untracked.py").write_text("x = 3\n")
    items = list(read(Source(name="s", kind="git", path=str(folder)), {}, 0))
    samples = {item.id.removeprefix("owner/mine/"): item for item in items if isinstance(item, Sample)}
    rejects = {item.id.removeprefix("owner/mine/"): item.drop.reason for item in items if isinstance(item, Reject)}
    assert {name: sample.text for name, sample in samples.items()} == {
        "a.py": "x = 1\n", "sub/b.js": "let x = 1\n", "new\nline ü.py": "y = 2\n", "empty.py": ""
    }  # fmt: skip
    assert rejects == {
        "picture.png": "binary", "big.py": "too_large", "lib/node_modules/m.js": "skipped_folder",
        "link.py": "symlink", "other": "submodule",
    }  # fmt: skip
    commit = _git(folder, "rev-parse", "HEAD")
    assert samples["sub/b.js"].meta == {
        "repo": "owner/mine", "commit": commit, "path": "sub/b.js", "language": "javascript"
    }  # fmt: skip
    assert samples["sub/b.js"].origin == f"owner/mine@{commit[:12]}:sub/b.js"
    assert [item.id for item in items] == [
        item.id for item in read(Source(name="s", kind="git", path=str(folder)), {}, 0)
    ]


def test_a_pattern_reads_every_repository_and_a_bare_one_as_well(tmp_path: Path) -> None:
    _repository(tmp_path / "one", {"a.py": b"x = 1\n"})
    two = _repository(tmp_path / "two", {"a.py": b"x = 2\n"})
    _git(tmp_path, "clone", "-q", "--bare", str(two), "three.git")
    (tmp_path / "no repository").mkdir()
    items = list(read(Source(name="s", kind="git", path=str(tmp_path / "*")), {}, 0))
    assert [(item.id, item.text) for item in items if isinstance(item, Sample)] == [
        ("one/a.py", "x = 1\n"), ("three/a.py", "x = 2\n"), ("two/a.py", "x = 2\n")
    ]  # fmt: skip


@pytest.mark.parametrize("damage", ["lost", "garbled"])
def test_an_object_that_cannot_be_read_costs_no_crash_and_is_counted(tmp_path: Path, damage: str) -> None:
    folder = _repository(tmp_path / "mine", {"a.py": b"x = 1\n", "b.py": b"x = 2\n", "c.py": b"x = 3\n"})
    oid = _git(folder, "rev-parse", "HEAD:b.py")
    place = folder / ".git/objects" / oid[:2] / oid[2:]
    place.unlink()
    if damage == "garbled":
        place.write_bytes(b"no object")
    first, second, third = read(Source(name="s", kind="git", path=str(folder)), {}, 0)
    assert isinstance(first, Sample)
    assert isinstance(second, Reject)
    assert (second.id, second.drop.reason) == ("mine/b.py", "unreadable")
    assert isinstance(third, Sample)


@pytest.mark.parametrize(("content", "message"), [("nothing", "no git repository"), ("empty", "git cannot read it")])
def test_what_is_no_repository_with_a_commit_is_named(tmp_path: Path, content: str, message: str) -> None:
    if content == "empty":
        _git(tmp_path, "init", "-q", str(tmp_path))
    with pytest.raises(DataError, match=message):
        list(read(Source(name="s", kind="git", path=str(tmp_path)), {}, 0))


def _repository(folder: Path, files: dict[str, bytes]) -> Path:
    _git(folder.parent, "init", "-q", str(folder))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    _git(folder, "add", "-f", "-A")
    _git(folder, "commit", "-qm", "files")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
