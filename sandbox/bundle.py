"""The files that run inside a box, as one small tree.

A bundle is a directory that any Python 3.11 can run: `python BUNDLE supervise SETUP`. Its version is a digest of its
content, so a changed supervisor is a new version, asks for a new image, and never meets an old client unnoticed.
"""

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_SHARED = ("status.py", "protocol.py", "values.py")
_START = "__main__.py"
_VERSION_CHARS = 12


@cache
def files() -> dict[str, bytes]:
    """Return relative path -> content of every file of the bundle, its VERSION among them."""
    inside = sorted(path.name for path in (_PACKAGE / "image").glob("*.py") if path.name != _START)
    tree = {"sandbox/__init__.py": b"", _START: (_PACKAGE / "image" / _START).read_bytes()}
    for name in (*_SHARED, *(f"image/{name}" for name in inside)):
        tree[f"sandbox/{name}"] = (_PACKAGE / name).read_bytes()
    tree["VERSION"] = _digest(tree).encode()
    return tree


def version() -> str:
    """Return the version of the bundle: a digest of everything in it."""
    return files()["VERSION"].decode()


def write(directory: Path) -> None:
    """Write the bundle into `directory`, readable for everybody."""
    for name, content in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _digest(tree: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tree):
        digest.update(f"{name}\0{len(tree[name])}\0".encode() + tree[name])
    return digest.hexdigest()[:_VERSION_CHARS]
