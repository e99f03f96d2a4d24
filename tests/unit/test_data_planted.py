"""Recall and precision of the whole line on a corpus with planted faults."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from code_qwen.family import FAMILY
from specialists import build as way
from tests.planted import OUTCOMES, SECRETS, Planted, corpus, write

GROUPS = ("exact", "near")  # of a file and its copies which one stays is not for us to say


@pytest.fixture(scope="module")
def planted() -> list[Planted]:
    return corpus(seed=3, size=120)


@pytest.fixture(scope="module")
def out(planted: list[Planted], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    write(planted, root)
    way.clean(FAMILY, root, out)
    return out


@pytest.fixture(scope="module")
def reasons(out: Path) -> Mapping[str, str]:
    """Id -> why it was dropped, "" for what was kept."""
    kept = {row["id"]: "" for row in _rows(out / "kept.jsonl")}
    dropped = {row["id"]: row["reason"] for row in _rows(out / "dropped.jsonl")}
    assert not kept.keys() & dropped.keys()
    return kept | dropped


def test_every_file_is_kept_or_dropped_for_a_reason(planted: list[Planted], reasons: Mapping[str, str]) -> None:
    assert sorted(reasons) == sorted(file.name for file in planted)


@pytest.mark.parametrize("kind", [kind for kind, expected in OUTCOMES.items() if expected and kind not in GROUPS])
def test_all_of_a_class_goes(kind: str, planted: list[Planted], reasons: Mapping[str, str]) -> None:
    missed = {f.name: reasons[f.name] for f in planted if f.kind == kind and reasons[f.name] not in OUTCOMES[kind]}
    assert missed == {}


@pytest.mark.parametrize("kind", [kind for kind, expected in OUTCOMES.items() if not expected and kind != "clean"])
def test_all_of_a_class_stays(kind: str, planted: list[Planted], reasons: Mapping[str, str]) -> None:
    assert {f.name: reasons[f.name] for f in planted if f.kind == kind and reasons[f.name]} == {}


def test_of_a_file_and_its_copies_one_is_kept(planted: list[Planted], reasons: Mapping[str, str]) -> None:
    gone = Counter(reasons[file.name] for file in planted if file.kind in ("clean", *GROUPS))
    num = Counter(file.kind for file in planted)
    assert gone == {"": num["clean"], "exact_copy": num["exact"], "near_copy": num["near"]}


def test_no_secret_is_left(out: Path) -> None:
    text = (out / "kept.jsonl").read_text(encoding="utf-8")
    assert [secret for secret in SECRETS if secret in text] == []


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
