"""Remove what a sample left in a directory.

Flat and by file descriptor: a tree that is thousands of levels deep, holds links to elsewhere, or has directories
nobody may read is emptied level by level, by moving inner directories up, so neither recursion, nor path length, nor a
link decides what is removed.
"""
# ruff: noqa: PTH101, PTH106, PTH208 - pathlib has no calls that take descriptors

import contextlib
import os


def wipe(directory: str) -> None:
    """Remove everything inside `directory`, but not itself; what is not ours to remove is left."""
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        todo = os.listdir(top)
        moved, unused = 0, os.urandom(8).hex()  # a name that nobody who is dead by now could have put in the way
        while todo:
            name = todo.pop()
            if _removed(name, top):
                continue
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


def _removed(name: str, top: int) -> bool:
    try:
        os.unlink(name, dir_fd=top)
    except IsADirectoryError:
        return False
    except OSError:
        return True
    return True


def _empty(name: str, top: int) -> list[str]:
    """Remove the files of one directory; return the names of the directories that stay in it."""
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top)
    try:
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    except OSError:
        return []
    try:
        directories = []
        for entry in os.listdir(inner):
            if not _removed(entry, inner):
                with contextlib.suppress(OSError):
                    os.chmod(entry, 0o700, dir_fd=inner)
                directories.append(entry)
        return directories
    finally:
        os.close(inner)
