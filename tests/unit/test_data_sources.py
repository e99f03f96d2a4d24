"""Sources: what becomes a sample, and what not."""

import gzip
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from specialists.data.decode import decode
from specialists.data.documents import MAX_FILE_BYTES
from specialists.data.rows import Reject
from specialists.data.sources import read, source_at
from specialists.errors import ConfigError, DataError
from specialists.family import Drop
from specialists.recipe import Source
from specialists.records import Sample

Column = Literal["text", "messages", "system", "user", "assistant"]

DECODED = [
    (b"plain", "plain"),
    (b"", ""),
    (b"\xef\xbb\xbfmarked", "marked"),
    ("ä\n".encode(), "ä\n"),
    ("wide ä".encode("utf-16"), "wide ä"),
    ("wider ä".encode("utf-32"), "wider ä"),
    ("# coding: latin-1\ns = 'ä'".encode("latin-1"), "# coding: latin-1\ns = 'ä'"),
    (
        "#!/bin/sh\n# -*- coding: shift_jis -*-\n# 日本".encode("shift_jis"),
        "#!/bin/sh\n# -*- coding: shift_jis -*-\n# 日本",
    ),
    (b"crlf\r\nkept\r\n", "crlf\r\nkept\r\n"),
]
NOT_DECODED = [
    ("s = 'ä'".encode("latin-1"), "undecodable"),
    ("日本".encode("shift_jis"), "undecodable"),
    (b"# coding: no-such-charset\nx", "undecodable"),
    (b"# coding: rot13\nx", "undecodable"),
    (b"# coding: idna\n" + b"a" * 100, "undecodable"),
    (b"\n\n# coding: latin-1\n\xe4", "undecodable"),
    (b"\xff\xfeodd", "undecodable"),
    (b"\x7fELF\x02\x01\x01" + bytes(100), "binary"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
    (bytes(3_000_000), "binary"),
]


@pytest.mark.parametrize(("data", "text"), DECODED)
def test_bytes_that_say_their_encoding_are_decoded(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(("data", "reason"), NOT_DECODED)
def test_bytes_that_do_not_are_left_out(data: bytes, reason: str) -> None:
    drop = decode(data)
    assert isinstance(drop, Drop)
    assert drop.reason == reason


def test_folder_gives_every_file_once_or_says_why_not(tmp_path: Path) -> None:
    root = tmp_path / "in"
    _write(root / "a.py", b"x = 1\n")
    _write(root / "sub/deep/b.JS", b"let x = 1\n")
    _write(root / "sub/plain", b"no extension")
    _write(root / "new\nline and ünicode.py", b"y = 2\n")
    _write(root / "picture.py", b"\x89PNG\r\n\x1a\n\0")
    _write(root / "big.py", b"x" * (MAX_FILE_BYTES + 1))
    _write(root / ".git/config", b"secret")
    _write(root / "sub/node_modules/m.js", b"vendored")
    _write(tmp_path / "outside.py", b"outside = 1\n")
    (root / "out.py").symlink_to(tmp_path / "outside.py")
    (root / "dangling.py").symlink_to(root / "nowhere")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.py")
    items = list(read(Source(name="s", kind="folder", path=str(root)), {}, 0))
    assert {item.id: item.meta.get("language") for item in items if isinstance(item, Sample)} == {
        "a.py": "python",
        "sub/deep/b.JS": "javascript",
        "sub/plain": None,
        "new\nline and ünicode.py": "python",
    }
    assert {item.id: item.drop.reason for item in items if isinstance(item, Reject)} == {
        "picture.py": "binary",
        "big.py": "too_large",
        ".git/": "skipped_folder",
        "sub/node_modules/m.js": "skipped_folder",
        "out.py": "symlink",
        "dangling.py": "symlink",
        "loop": "symlink",
        "pipe.py": "not_a_file",
    }
    assert [item.id for item in items] == [item.id for item in read(source_at(root), {}, 0)]


def test_folder_with_a_name_that_is_no_utf8_and_a_socket(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff.py", "wb") as file:  # noqa: PTH123
        file.write(b"x = 1")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        items = list(read(source_at(tmp_path), {}, 0))
    assert [(type(item).__name__, item.id) for item in items] == [("Reject", "s"), ("Sample", "\\xff.py")]
    assert isinstance(items[1], Sample)
    assert json.loads(items[1].to_line())["id"] == "\\xff.py"


BAD_LINES = [
    b'{"text": "cut',
    b"[1, 2]",
    b'"text"',
    b"17",
    b"null",
    b"{}",
    b'{"text": null}',
    b'{"text": 5}',
    b'{"text": ["a"]}',
    b'{"text": "half \\ud800 pair"}',
    b'{"text": "\xff"}',
    b'{"text": NaN}',
    b"[" * 3000,
    b"\0\0\0\0",
]


@pytest.mark.parametrize("line", BAD_LINES)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_bad_line_is_rejected_with_its_place_and_costs_nothing_else(tmp_path: Path, line: bytes, end: bytes) -> None:
    good = b'{"text": "good"}\n'
    path = _write(tmp_path / "rows.jsonl", b"\xef\xbb\xbf" + good + b"\n" + line + end)
    first, second = read(source_at(path), {}, 0)
    assert isinstance(first, Sample)
    assert (first.id, first.text) == ("rows.jsonl:1", "good")
    assert isinstance(second, Reject)
    assert second.id == "rows.jsonl:3"
    assert second.drop.reason in {"bad_row", "undecodable"}


def test_rows_keep_their_ids_and_what_is_known_of_them(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text": "\ufeffone", "license": "MIT", "language": "python", "stars": 3},
        {"id": 7, "text": "two", "path": "x.py", "repo": None},
        {"id": True, "text": "three"},
        {"id": "a", "text": "same id, other text"},
    ]
    path = tmp_path / "rows.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    samples = [item for item in read(source_at(path), {}, 0) if isinstance(item, Sample)]
    assert [(sample.id, sample.text) for sample in samples] == [
        ("a", "one"),
        ("7", "two"),
        ("rows.jsonl.gz:3", "three"),
        ("a", "same id, other text"),
    ]
    assert [sample.meta for sample in samples] == [
        {"language": "python", "licence": "MIT"},
        {"path": "x.py", "language": "python"},
        {},
        {},
    ]
    assert samples[1].origin == "rows.jsonl.gz:2"


TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
CHATS: list[tuple[dict[Column, str], dict[str, Any], str]] = [
    ({"messages": "m"}, {"m": TURNS}, "user:hi assistant:hello"),
    (
        {"messages": "m"},
        {"m": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]},
        "user:hi assistant:hello",
    ),
    ({"messages": "m", "system": "s"}, {"m": TURNS, "s": "brief"}, "system:brief user:hi assistant:hello"),
    ({"messages": "m", "system": "s"}, {"m": TURNS, "s": None}, "user:hi assistant:hello"),
    ({"user": "q", "assistant": "a"}, {"q": "hi", "a": "hello"}, "user:hi assistant:hello"),
    (
        {"user": "q", "assistant": "a", "system": "s"},
        {"q": "hi", "a": "hello", "s": "b"},
        "system:b user:hi assistant:hello",
    ),
    ({"user": "q", "assistant": "a"}, {"q": "hi", "a": None}, "bad_row"),
    ({"user": "q", "assistant": "a"}, {"q": "hi"}, "bad_row"),
    ({"user": "q", "assistant": "a", "system": "s"}, {"q": "hi", "a": "hello", "s": 5}, "bad_row"),
    ({"messages": "m"}, {"m": []}, "bad_row"),
    ({"messages": "m"}, {"m": "hi"}, "bad_row"),
    ({"messages": "m"}, {"m": ["hi"]}, "bad_row"),
    ({"messages": "m"}, {"m": [{"role": "user", "content": None}]}, "bad_row"),
    ({"messages": "m"}, {"m": [{"role": "tool", "content": "4"}]}, "unknown_role"),
    ({"messages": "m"}, {"m": [{"content": "4"}]}, "unknown_role"),
    ({"messages": "m"}, {"m": [{"role": ["user"], "content": "4"}]}, "unknown_role"),
]


@pytest.mark.parametrize(("columns", "row", "expected"), CHATS)
def test_columns_make_conversations(
    tmp_path: Path, columns: dict[Column, str], row: dict[str, Any], expected: str
) -> None:
    path = _write(tmp_path / "rows.jsonl", json.dumps(row).encode())
    (item,) = read(Source(name="s", kind="jsonl", path=str(path), columns=columns), {}, 0)
    found = item.drop.reason if isinstance(item, Reject) else " ".join(f"{m.role}:{m.content}" for m in item.messages)
    assert found == expected


@pytest.mark.parametrize("columns", [{}, {"user": "q"}, {"text": "t", "messages": "m"}, {"system": "s"}])
def test_columns_that_make_no_sample_are_refused(columns: dict[Column, str]) -> None:
    with pytest.raises(ConfigError, match="columns"):
        next(read(Source(name="s", kind="jsonl", path="x.jsonl", columns=columns), {}, 0))


def test_parquet_hub_folder_and_jsonl_give_the_same_texts(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(2500)]
    pq.write_table(pa.table({"text": texts, "unused": texts}), tmp_path / "rows.parquet")
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    _write(tmp_path / "hub/rows.jsonl", lines.encode())
    sources = [
        Source(name="s", kind="parquet", path=str(tmp_path / "*.parquet")),
        Source(name="s", kind="hub", path=str(tmp_path / "hub")),
        Source(name="s", kind="jsonl", path=str(tmp_path / "hub/*.jsonl")),
    ]
    for source in sources:
        items = list(read(source, {}, 0))
        assert [item.text for item in items if isinstance(item, Sample)] == texts
        assert len(list(read(source.model_copy(update={"take": 3}), {}, 0))) == 3


def test_pattern_reads_files_by_name_and_the_environment_fills_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b/two", "a/one", "b/three"):
        _write(tmp_path / f"{name}.jsonl", b'{"text": "t"}\n{"text": 5}\n')
    monkeypatch.setenv("CORPUS", str(tmp_path))
    items = list(read(Source(name="s", kind="jsonl", path="$CORPUS/**/*.jsonl"), {}, 0))
    places = ["a/one.jsonl", "b/three.jsonl", "b/two.jsonl"]
    assert [item.id for item in items] == [f"{place}:{number}" for place in places for number in (1, 2)]


def test_made_samples_come_from_the_maker_with_the_seed() -> None:
    def counting(source: Source, seed: int) -> Iterator[Sample]:
        number = seed
        while True:
            yield Sample(id=str(number), source=source.name, text=f"{number}")
            number += 1

    source = Source(name="counting", kind="made", take=3)
    assert [item.id for item in read(source, {"counting": counting}, 5)] == ["5", "6", "7"]
    with pytest.raises(ConfigError, match="counting"):
        next(read(Source(name="other", kind="made"), {"counting": counting}, 5))


MISSING = [
    ("folder", "nowhere", "nowhere is no folder"),
    ("folder", "empty", "gives no rows"),
    ("jsonl", "nowhere.jsonl", "no file at"),
    ("jsonl", "*.jsonl", "no file at"),
    ("jsonl", "empty", "no file at"),
    ("jsonl", "blank", "gives no rows"),
    ("jsonl", "$NO_SUCH_VARIABLE/x.jsonl", "NO_SUCH_VARIABLE"),
    ("parquet", "blank", "not a readable Parquet file"),
    ("parquet", "other.parquet", "no column 'text'; there are: body"),
    ("hub", "empty", "cannot be read"),
]


@pytest.mark.parametrize(("kind", "path", "message"), MISSING)
def test_missing_and_empty_sources_are_named(tmp_path: Path, kind: Any, path: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    _write(tmp_path / "blank", b"\n\n")
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "other.parquet")
    where = path if path.startswith("$") else str(tmp_path / path)
    with pytest.raises(DataError, match=message.replace("*", "[*]")):
        list(read(Source(name="s", kind=kind, path=where), {}, 0))


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
