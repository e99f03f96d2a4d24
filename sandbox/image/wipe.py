"""Remove what a sample left in a directory.

Flat and by file descriptor: a tree that is thousands of levels deep, holds links to elsewhere, or has directories
nobody may read is emptied level by level, by moving inner directories up, so neither recursion, nor path length, nor a
link decides what is removed. Twenty thousand empty directories go in a tenth of a second: each is first taken for
empty, in one call.
"""
# ruff: noqa: PTH101, PTH106 - pathlib has no calls that take descriptors

import contextlib
import os


def wipe(directory: str) -> None:
    """Remove everything inside `directory`, but not itself; what is not ours to remove is left."""
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        todo = _left(top)
        moved, unused = 0, os.urandom(8).hex()  # a name that nobody who is dead by now could have put in the way
        while todo:
            name = todo.pop()
            for inner in _empty(name, top):
                moved += 1
                fresh = f"{unused}-{moved}"
                os.rename(f"{name}/{inner}", fresh, src_dir_fd=top, dst_dir_fd=top)
                todo.append(fresh)
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def remove(directory: str) -> None:
    """Remove `directory` and everything inside."""
    os.chmod(directory, 0o700)
    wipe(directory)
    os.rmdir(directory)


def _left(folder: int) -> list[str]:
    """Remove the files and the empty directories of an open directory; return the names of the other directories."""
    directories = []
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        try:
            if is_directory:
                os.rmdir(name, dir_fd=folder)
            else:
                os.unlink(name, dir_fd=folder)
        except OSError:
            if is_directory:
                directories.append(name)
    return directories


def _empty(name: str, top: int) -> list[str]:
    """Remove what can be removed at once inside one directory; return the names of the directories that stay in it."""
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top)
    try:
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    except OSError:
        return []
    try:
        directories = _left(inner)
        for entry in directories:
            with contextlib.suppress(OSError):
                os.chmod(entry, 0o700, dir_fd=inner)
        return directories
    finally:
        os.close(inner)
