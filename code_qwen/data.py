"""Text that every machine has: the standard library.

`stdlib` gives the standard library of the running Python as a licensed corpus, `prose` its docstrings as English.
"""

import ast
import random
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from specialists.data.folder import read_folder
from specialists.family import Maker
from specialists.recipe import Source
from specialists.records import Sample

_NOT_LIBRARY = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def stdlib(source: Source, seed: int) -> Iterator[Sample]:
    """Yield the Python files of the standard library of the running Python, without its tests.

    Which files these are depends on the version of Python, and on how it was packaged; the id is the path. They come
    in an order drawn from the seed, so that `take` takes some of every kind.
    """
    version = sysconfig.get_python_version()
    files = [
        item
        for item in read_folder(Path(sysconfig.get_path("stdlib")), source.name, skip=_NOT_LIBRARY)
        if isinstance(item, Sample) and item.id.endswith(".py")
    ]
    random.Random(seed).shuffle(files)
    for item in files:
        meta = item.meta | {"repo": "python/cpython", "licence": "PSF-2.0"}
        yield item.model_copy(update={"origin": f"cpython {version} Lib/{item.id}", "meta": meta})


def prose(source: Source, seed: int) -> Iterator[Sample]:
    """Yield the docstrings of the standard library, one text a file: English that every machine has."""
    for file in stdlib(source, seed):
        try:
            tree = ast.parse(file.content())
        except SyntaxError:
            continue
        owners = (node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED))
        texts = [text for owner in owners if (text := ast.get_docstring(owner))]
        if texts:
            meta = {key: value for key, value in file.meta.items() if key != "language"}
            yield Sample(id=file.id, source=source.name, text="\n\n".join(texts), origin=file.origin, meta=meta)


MAKERS: Mapping[str, Maker] = {"stdlib": stdlib, "prose": prose}
