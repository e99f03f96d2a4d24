"""Tarballs and packed rows: what they hold, and where they end."""

import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from specialists.data.documents import MAX_FILE_BYTES
from specialists.data.lines import MAX_LINE_BYTES
from specialists.data.rows import Reject
from specialists.data.sources import read, source_at
from specialists.errors import DataError
from specialists.recipe import Source
from specialists.records import Sample


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst"])
def test_members_come_once_or_say_why_not(tmp_path: Path, suffix: str) -> None:
    path = _packed(tmp_path / f"code.{suffix}", _tar())
    items = list(read(source_at(path), {}, 0))
    name = f"code.{suffix}"
    assert {item.id.removeprefix(f"{name}/"): item.text for item in items if isinstance(item, Sample)} == {
        "a.py": "x = 1\n", "../../outside.py": "x = 2\n", "sub/\\xff.py": "x = 3\n"
    }  # fmt: skip
    assert {item.id.removeprefix(f"{name}/"): item.drop.reason for item in items if isinstance(item, Reject)} == {
        "link.py": "symlink", "hard.py": "symlink", "pipe": "not_a_file", "big.py": "too_large",
        ".git/config": "skipped_folder", "picture.py": "binary",
    }  # fmt: skip
    first = next(item for item in items if isinstance(item, Sample))
    assert (first.origin, first.meta) == (f"{name}:a.py", {"path": "a.py", "language": "python"})


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.zst"])
def test_an_archive_that_ends_too_early_gives_what_it_holds(tmp_path: Path, suffix: str) -> None:
    whole = _packed(tmp_path / f"whole.{suffix}", _tar(incompressible=True)).read_bytes()
    (tmp_path / f"torn.{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    *items, last = read(source_at(tmp_path / f"torn.{suffix}"), {}, 0)
    assert isinstance(last, Reject)
    assert (last.id, last.drop.reason) == (f"torn.{suffix}", "torn_archive")
    assert f"torn.{suffix}/a.py" in [item.id for item in items]


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"<html>404</html>")
    with pytest.raises(DataError, match=r"x\.tar\.gz: not a readable archive"):
        list(read(source_at(tmp_path / "x.tar.gz"), {}, 0))


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_rows_are_read_from_every_packing(tmp_path: Path, suffix: str) -> None:
    lines = b"".join(b'{"text": "row %d"}\n' % number for number in range(3000))
    path = _packed(tmp_path / f"rows.{suffix}", lines)
    texts = [item.text for item in read(source_at(path), {}, 0) if isinstance(item, Sample)]
    assert texts == [f"row {number}" for number in range(3000)]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_rows_of_a_torn_file_are_kept_and_the_tear_is_counted(tmp_path: Path, suffix: str) -> None:
    lines = b"".join(b'{"text": "row %d"}\n' % (number * 7919 % 100_003) for number in range(100_000))
    whole = _packed(tmp_path / f"whole.{suffix}", lines).read_bytes()
    (tmp_path / f"torn.{suffix}").write_bytes(whole[: len(whole) // 2])
    *items, last = read(source_at(tmp_path / f"torn.{suffix}"), {}, 0)
    assert isinstance(last, Reject)
    assert last.drop.reason in {"torn_file", "bad_row"}
    assert 10_000 < len(items) < 90_000
    assert all(isinstance(item, Sample) for item in items)


def test_a_line_that_does_not_fit_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(b'{"text": "before"}\n{"text": "')
        for _ in range(3):
            file.write(b"x" * MAX_LINE_BYTES)
        file.write(b'"}\n{"text": "after"}\n')
    before, huge, after = read(Source(name="s", kind="jsonl", path=str(path)), {}, 0)
    assert isinstance(huge, Reject)
    assert (huge.id, huge.drop.reason) == ("rows.jsonl:2", "huge_row")
    assert [item.text for item in (before, after) if isinstance(item, Sample)] == ["before", "after"]


def _tar(*, incompressible: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "a.py", b"x = 1\n")
        _add(archive, "sub", kind=tarfile.DIRTYPE)
        _add(archive, "../../outside.py", b"x = 2\n")
        _add(archive, "sub/\udcff.py", b"x = 3\n")
        _add(archive, "link.py", kind=tarfile.SYMTYPE, target="/etc/passwd")
        _add(archive, "hard.py", kind=tarfile.LNKTYPE, target="a.py")
        _add(archive, "pipe", kind=tarfile.FIFOTYPE)
        _add(archive, ".git/config", b"secret")
        _add(archive, "picture.py", b"\x89PNG\r\n\x1a\n\0")
        _add(archive, "big.py", b"x" * (MAX_FILE_BYTES + 1))
        if incompressible:
            _add(archive, "noise.py", b"".join(b"%d\n" % (n * n * 7919 % 1_000_003) for n in range(700_000)))
    return out.getvalue()


def _add(
    archive: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = ""
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(data), kind, target
    archive.addfile(member, io.BytesIO(data))


def _packed(path: Path, data: bytes) -> Path:
    packings = {"gz": "gzip", "tgz": "gzip", "bz2": "bz2", "zst": "zstd"}
    packing = packings.get(path.name.rsplit(".", 1)[-1])
    if packing == "gzip":
        path.write_bytes(gzip.compress(data))
    elif packing:
        with pa.output_stream(str(path), compression=packing) as out:
            out.write(data)
    elif path.suffix == ".xz":
        path.write_bytes(lzma.compress(data, preset=0))
    else:
        path.write_bytes(data)
    return path
