"""A git repository in, its committed files as samples out.

What is read is the commit that HEAD names, by `git ls-tree` and `git cat-file`, whether or not the files are checked
out; nothing is written, fetched or run. A submodule is another repository and is not entered. Each sample knows
repository, path and commit, and the licence that the nearest licence file above it states.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from specialists.data.decode import decode
from specialists.data.documents import document, skipped, too_large
from specialists.data.licence_files import MAX_LICENCE_BYTES, choice_of, is_licence_file, licence_in, nearest
from specialists.data.rows import Reject
from specialists.errors import DataError
from specialists.family import Drop
from specialists.records import Sample

_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
_LINK, _SUBMODULE = "120000", "160000"  # file modes of git


class _Blob(NamedTuple):
    mode: str
    oid: str
    num_bytes: int
    name: str


def is_repository(folder: Path) -> bool:
    """Say whether a folder is the top of a checked-out or a bare repository."""
    return (folder / ".git").exists() or ((folder / "HEAD").is_file() and (folder / "objects").is_dir())


def read_repository(folder: Path, source: str) -> Iterator[Sample | Reject]:
    """Yield every file of the commit at HEAD as a sample, or as a reject with its reason, in the order of the paths.

    Args:
        folder: the top of the repository, checked out or bare.
        source: the name of the recipe's source.

    Raises:
        DataError: git is not installed, or will not read this as a repository with a commit.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    repo = _repo_name(folder)
    meta = {"repo": repo, "commit": commit}
    blobs = sorted(_blobs(folder, commit), key=lambda blob: blob.name)
    with subprocess.Popen(
        _command(folder, "cat-file", "--batch"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | _ENVIRONMENT,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        licences = _licences(process.stdin, process.stdout, blobs)
        for blob in blobs:
            drop = _unwanted(blob)
            data = drop or _content(process.stdin, process.stdout, blob)
            if isinstance(data, Drop):
                yield Reject(source, f"{repo}/{blob.name}", data, blob.num_bytes if drop is None else 0)
                continue
            origin = f"{repo}@{commit[:12]}:{blob.name}"
            about = meta | {"path": blob.name} | nearest(licences, blob.name)
            yield document(source, f"{repo}/{blob.name}", data, origin=origin, meta=about)
        process.stdin.close()


def _licences(asked: IO[bytes], told: IO[bytes], blobs: Sequence[_Blob]) -> dict[str, str]:
    """Return folder -> the licence that its licence files state."""
    found: dict[str, list[str]] = {}
    for blob in blobs:
        folder, _, name = blob.name.rpartition("/")
        if is_licence_file(name) and blob.mode not in (_LINK, _SUBMODULE) and blob.num_bytes <= MAX_LICENCE_BYTES:
            data = _content(asked, told, blob)
            text = data if isinstance(data, Drop) else decode(data)
            found.setdefault(folder, []).append("" if isinstance(text, Drop) else licence_in(text))
    return {folder: choice_of(licences) for folder, licences in found.items()}


def _unwanted(blob: _Blob) -> Drop | None:
    if blob.mode == _LINK:
        return Drop("symlink", "links are not followed")
    if blob.mode == _SUBMODULE:
        return Drop("submodule", f"another repository, at {blob.oid[:12]}")
    return skipped(blob.name) or too_large(blob.num_bytes)


def _blobs(folder: Path, commit: str) -> Iterator[_Blob]:
    for line in _git(folder, "ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, _, oid, size = about.decode("ascii").split()  # a submodule's size is "-", that of a lost object "BAD"
        yield _Blob(mode, oid, int(size) if size.isdigit() else 0, name.decode("utf-8", "backslashreplace"))


def _content(asked: IO[bytes], told: IO[bytes], blob: _Blob) -> bytes | Drop:
    asked.write(blob.oid.encode() + b"\n")
    asked.flush()
    header = told.readline().split()
    if len(header) != 3:  # "OID missing": a partial or damaged clone
        return Drop("unreadable", "the object is not in this clone")
    data = told.read(int(header[2]) + 1)
    return data[:-1]


def _repo_name(folder: Path) -> str:
    """Return "owner/name" of the remote that the clone came from, or else the folder's name."""
    asked = subprocess.run(
        _command(folder, "config", "--get", "remote.origin.url"),
        capture_output=True, check=False, env=os.environ | _ENVIRONMENT,
    )  # fmt: skip
    url = asked.stdout.decode("utf-8", "backslashreplace").strip().removesuffix("/").removesuffix(".git")
    if "://" in url or "@" in url:  # a path on this disk says nothing to others
        return "/".join(url.replace(":", "/").split("/")[-2:])
    return folder.resolve().name.removesuffix(".git")


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            _command(folder, *arguments), capture_output=True, check=False, env=os.environ | _ENVIRONMENT
        )
    except FileNotFoundError:
        raise DataError("git is not installed; it is needed to read repositories") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise DataError(f"{folder}: git cannot read it ({reason[0]})")
    return done.stdout


def _command(folder: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
