"""A tarball in, its files as samples out.

Read as a stream, once for its licence files and once for all, and never unpacked: a member's path is only a name, so
`../../etc/passwd` is harmless, and a member larger than a file may be is passed over. Packed by gzip, bzip2, xz or
zstd. An archive that ends too early gives what it holds, and one reject that says so.
"""

import contextlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from specialists.data.decode import decode
from specialists.data.documents import document, skipped, too_large
from specialists.data.licence_files import MAX_LICENCE_BYTES, choice_of, is_licence_file, licence_in, nearest
from specialists.data.rows import Reject
from specialists.errors import DataError
from specialists.family import Drop
from specialists.records import Sample

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_TORN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, pa.ArrowException)


def read_archive(path: Path, place: str, source: str) -> Iterator[Sample | Reject]:
    """Yield every member as a sample, or as a reject with its reason, in the order of the archive.

    Args:
        path: the archive.
        place: its name, which the ids of the samples begin with.
        source: the name of the recipe's source.

    Raises:
        DataError: this is no archive, or cannot be opened.
    """
    try:
        archive = _open(path)
    except _TORN as error:
        raise DataError(f"{path}: not a readable archive ({error})") from None
    licences = _licences(path)
    with archive:
        members = iter(archive)
        while True:
            try:
                member = next(members)
                drop = _unwanted(member)
                data = drop or _content(archive, member)
            except StopIteration:
                return
            except _TORN as error:
                yield Reject(source, place, Drop("torn_archive", str(error)))
                return
            name = _name(member.name)
            if isinstance(data, Drop):
                yield Reject(source, f"{place}/{name}", data)
            elif data is not None:
                yield document(
                    source,
                    f"{place}/{name}",
                    data,
                    origin=f"{place}:{name}",
                    meta={"path": name} | nearest(licences, name),
                )


def _open(path: Path) -> tarfile.TarFile:
    if path.suffix == ".zst":
        return tarfile.open(fileobj=pa.input_stream(str(path), compression="zstd"), mode="r|")
    return tarfile.open(path, "r|*")


def _licences(path: Path) -> dict[str, str]:
    """Return folder -> its licence: a first walk through the archive, which ends where it is torn."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(*_TORN), _open(path) as archive:
        for member in archive:
            folder, _, name = _name(member.name).rpartition("/")
            if is_licence_file(name) and member.isfile() and member.size <= MAX_LICENCE_BYTES:
                text = decode(_content(archive, member) or b"")
                found.setdefault(folder, []).append("" if isinstance(text, Drop) else licence_in(text))
    return {folder: choice_of(licences) for folder, licences in found.items()}


def _unwanted(member: tarfile.TarInfo) -> Drop | None:
    if member.issym() or member.islnk():
        return Drop("symlink", "links are not followed")
    if not member.isfile() and not member.isdir():
        return Drop("not_a_file", "a pipe, socket or device")
    return skipped(member.name) or too_large(member.size)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    """Return what a file holds, None for a folder."""
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file is not None else None


def _name(name: str) -> str:
    """Return a member's path as text that JSON can hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
