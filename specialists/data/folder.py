"""A folder in, its files as samples out.

Files are read in the order of their paths; the path inside the folder is the sample's id. Symbolic links are never
followed, and pipes, sockets and devices never opened, so that a hostile folder can neither lead outside nor hang us.
A folder's licence file speaks for what lies below it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from specialists.data.decode import decode
from specialists.data.documents import SKIPPED_FOLDERS, VERSION_CONTROL, document, too_large
from specialists.data.licence_files import MAX_LICENCE_BYTES, choice_of, is_licence_file, licence_in, nearest
from specialists.data.rows import Reject
from specialists.family import Drop
from specialists.records import Sample


def read_folder(root: Path, source: str, *, skip: frozenset[str] = SKIPPED_FOLDERS) -> Iterator[Sample | Reject]:
    """Yield every file under `root` as a sample, or as a reject with its reason.

    Args:
        root: the folder.
        source: the name of the recipe's source.
        skip: names of folders whose files are not read, wherever they lie; by default version control, of which the
            folder is one reject, and installed packages, of which every file is.
    """
    licences: dict[str, str] = {}
    for name, found in _walk(root, skip, licences):
        data, num_bytes = (found, 0) if isinstance(found, Drop) else _read(found)
        if isinstance(data, Drop):
            yield Reject(source, name, data, num_bytes)
        else:
            yield document(source, name, data, origin=name, meta={"path": name} | nearest(licences, name))


def _walk(root: Path, skip: frozenset[str], licences: dict[str, str]) -> Iterator[tuple[str, Path | Drop]]:
    """Yield the name of each file with its path, or with the reason why it is not read.

    Before the files of a folder come, its licence stands in `licences`.
    """
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: os.fsencode(entry.name), reverse=True)
        except OSError as error:
            yield _name(folder, root) + "/", Drop("unreadable", error.strerror or "")
            continue
        inner = [entry for entry in found if entry.is_dir(follow_symlinks=False)]
        if licence := choice_of(map(_licence, found)):
            licences["" if folder == root else _name(folder, root)] = licence
        folders += [Path(entry.path) for entry in inner if entry.name not in skip]
        for entry in reversed(found):
            name = _name(Path(entry.path), root)
            if entry not in inner:
                yield name, _kind(entry)
            elif entry.name in VERSION_CONTROL:
                yield name + "/", Drop("skipped_folder", entry.name)
            elif entry.name in skip:
                for inside in _names_below(Path(entry.path)):
                    yield _name(inside, root), Drop("skipped_folder", entry.name)


def _names_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort(key=os.fsencode)
        yield from (Path(parent, name) for name in sorted(names, key=os.fsencode))


def _licence(entry: os.DirEntry[str]) -> str:
    """Return the licence that a file holds, "" where it is no licence file or cannot be read."""
    if not is_licence_file(entry.name) or not entry.is_file(follow_symlinks=False):
        return ""
    try:
        with Path(entry.path).open("rb") as file:
            text = decode(file.read(MAX_LICENCE_BYTES))
    except OSError:
        return ""
    return "" if isinstance(text, Drop) else licence_in(text)


def _kind(entry: os.DirEntry[str]) -> Path | Drop:
    if entry.is_symlink():
        return Drop("symlink", "links are not followed")
    if not entry.is_file(follow_symlinks=False):
        return Drop("not_a_file", "a pipe, socket or device")
    return Path(entry.path)


def _read(path: Path) -> tuple[bytes | Drop, int]:
    """Return what a file holds, or why it is not read, and the file's size in bytes."""
    num_bytes = 0
    try:
        num_bytes = path.stat(follow_symlinks=False).st_size
        return too_large(num_bytes) or path.read_bytes(), num_bytes
    except OSError as error:
        return Drop("unreadable", error.strerror or ""), num_bytes


def _name(path: Path, root: Path) -> str:
    """Return the path inside the folder as text that JSON can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
