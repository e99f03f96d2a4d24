"""The page on prepared data shows every reason, near copies in pairs, and which items were found."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from specialists.data.decontaminate import EvalItem
from specialists.data.prepare import clean_only
from specialists.errors import DataError
from specialists.recipe import Mix, Source
from specialists.report.funnel import write_page

ITEM = EvalItem("bench", "7", "Return the largest gap between two neighbours of a sorted list of at least two numbers.")
LINES = [f"value_{n} = compute_{n}(first_{n}, second_{n})" for n in range(40)]
ROWS = [
    {"id": "whole", "text": "\n".join(LINES)},
    {"id": "near", "text": "\n".join([*LINES[:20], "something = <b>other</b>", *LINES[21:39]])},
    {"id": "leak", "text": f"x = 1\n# {ITEM.prompt}\n"},
    {"id": "blank", "text": " "},
]


@pytest.fixture
def page(tmp_path: Path) -> str:
    _clean(tmp_path, ROWS)
    write_page(tmp_path / "out", tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_every_reason_has_its_samples(page: str) -> None:
    for reason, name in (("near_copy", "near"), ("benchmark_overlap", "leak"), ("empty", "blank")):
        assert re.search(rf'<h3 id="{reason}">{reason}: 1 documents.*?<code>{name}</code>', page, re.DOTALL), reason
    assert "4 documents came in, 1 were kept,\n3 dropped" in page


def test_near_copies_stand_beside_what_they_copy(page: str) -> None:
    pair = page[page.index('<div class="pair">') :]
    assert "kept: <code>whole</code>" in pair
    dropped, kept = re.findall(r"<pre>(\S+)", pair)[:2]
    assert (dropped, kept) == ("something", "value_20")


def test_items_are_listed_with_who_touches_them(page: str) -> None:
    assert re.search(r"<td>7</td><td class=\"left\"><code>leak</code></td><td class=\"left\">words</td>", page)


def test_texts_cannot_write_into_the_page(page: str) -> None:
    assert "<b>other</b>" not in page
    assert "&lt;b&gt;other&lt;/b&gt;" in page
    assert not re.search(r"(?:src|href)=\"(?!#)", page)


def test_a_folder_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prepared data"):
        write_page(tmp_path, tmp_path / "page.html")


def _clean(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(folder / "in.jsonl")),))
    clean_only(mix, makers={}, filters=(), items=[ITEM], out=folder / "out")
