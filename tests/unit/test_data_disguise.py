"""Benchmark items in disguise are found: programs with other names, questions with other numbers."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from code_qwen.disguise import RENAMED
from math_qwen.disguise import RENUMBERED
from specialists.data.decontaminate import Decontamination, EvalItem, Index
from specialists.data.disguise import Lookout
from specialists.errors import DataError
from specialists.family import Disguise
from specialists.records import Message, Sample
from specialists.touched import REPORT, clean_items
from tests.planted import HARD, LONG_ENOUGH, humaneval, renamed

PROMPT = '''from typing import List


def separate_groups(paren_string: str) -> List[str]:
    """Split nested groups."""
'''
BODY = """    result = []
    current_string = []
    current_depth = 0
    for c in paren_string:
        if c == '(':
            current_depth += 1
            current_string.append(c)
        elif c == ')':
            current_depth -= 1
            current_string.append(c)
            if current_depth == 0:
                result.append(''.join(current_string))
                current_string.clear()
    return result
"""
COPY = """import re

def split_it(s):
    # gather what belongs together
    out, d = [], 0
"""
OTHER_NAMES = (
    BODY.replace("result", "out")
    .replace("current_string", "part")
    .replace("current_depth", "level")
    .replace("paren_string", "text")
)
MIXED_UP = BODY.replace("current_string.append(c)", "result.append(c)", 1)
QUESTION = (
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?"
)
CHINESE = "食堂运来105千克的萝卜,运来的青菜是萝卜的3倍.运来青菜多少千克?"
ITEMS = [EvalItem("humaneval", "HumanEval/1", PROMPT, (BODY, "separate_groups"))]
QUESTIONS = [EvalItem("gsm8k", "0", QUESTION, ("72",)), EvalItem("math23k", "1", CHINESE, ("315",))]

FOUND: list[tuple[Disguise, str, bool]] = [
    (RENAMED, PROMPT + BODY, True),
    (RENAMED, "def g(text):\n" + OTHER_NAMES, True),
    (RENAMED, "x = 1\ndef g(text):\n    # a comment\n    '''Do it.'''\n" + OTHER_NAMES + "y = 2\n", True),
    (RENAMED, "class A:\n    def g(text):\n" + OTHER_NAMES.replace("\n", "\n    ") + "\n", True),
    (RENAMED, "def g(text):\n" + OTHER_NAMES.replace("'", '"').replace("return out", "return (out)"), True),
    (RENAMED, "def g(text):\n" + OTHER_NAMES.replace("'('", "'['"), True),  # most of it
    (RENAMED, "def g(text):\n" + OTHER_NAMES[: len(OTHER_NAMES) // 3], False),
    (RENAMED, "def g(text):\n" + MIXED_UP, False),  # one name for two of the solution's
    (RENAMED, COPY, False),
    (RENUMBERED, QUESTION, True),
    (RENUMBERED, QUESTION.replace("48", "1,200"), True),
    (RENUMBERED, "Solve this. " + QUESTION.replace("Natalia", "Bob").replace("48", "7").replace("May", "June"), True),
    (RENUMBERED, QUESTION.replace("friends", "neighbours").replace("altogether", "in all"), False),
    (RENUMBERED, QUESTION[:90], False),
    (RENUMBERED, CHINESE.replace("105", "84").replace("3", "5"), True),
    (RENUMBERED, CHINESE.replace("萝卜", "苹果"), False),
]


@pytest.mark.parametrize(("disguise", "text", "found"), FOUND)
def test_what_is_the_item_still(disguise: Disguise, text: str, found: bool) -> None:
    items = ITEMS if disguise is RENAMED else QUESTIONS
    assert bool(Lookout(items, disguise).sightings(Sample(id="1", source="s", text=text))) is found


def test_other_languages_are_not_read_as_python() -> None:
    sample = Sample(id="1", source="s", text=PROMPT + BODY, meta={"language": "rust"})
    assert Lookout(ITEMS, RENAMED).sightings(sample) == []


def test_a_conversation_is_searched_turn_by_turn() -> None:
    turns = (
        Message(role="user", content="Please split my string."),
        Message(role="assistant", content=f"Here:\n```python\ndef g(text):\n{OTHER_NAMES}```\nThat's it."),
    )
    assert len(Lookout(ITEMS, RENAMED).sightings(Sample(id="1", source="s", messages=turns))) == 1
    asked = (Message(role="user", content="Hi!"), Message(role="assistant", content=QUESTION))
    assert Lookout(QUESTIONS, RENUMBERED).sightings(Sample(id="1", source="s", messages=asked)) == []


def test_every_long_solution_of_humaneval_is_found_under_other_names() -> None:
    """Long enough to be told from others; that is four in five of them."""
    rng = random.Random(0)
    tasks = humaneval()
    lookout = Lookout([EvalItem("humaneval", t.id, t.prompt, (t.solution,)) for t in tasks], RENAMED)
    copies = {number: renamed(task.prompt + task.solution, rng) for number, task in enumerate(tasks)}
    long = {n for n, copy in copies.items() if len(re.findall(r"\w+|[^\w\s]", copy)) >= LONG_ENOUGH}
    seen = {n: {s.item for s in lookout.sightings(Sample(id="1", source="s", text=copies[n]))} for n in long}
    assert [tasks[n].id for n in long if n not in seen[n]] == list(HARD)
    assert len(long) >= 130


def test_report_names_the_samples_of_each_item() -> None:
    decontamination = Decontamination(Index([*ITEMS, *QUESTIONS]), "any", [RENAMED])
    drop = decontamination.judge(Sample(id="a.py", source="s", text="def g(text):\n" + OTHER_NAMES))
    assert drop is not None
    assert drop.reason == "benchmark_renamed"
    assert drop.detail.startswith("humaneval HumanEval/1: def g text : out")
    assert decontamination.report()["searchable"] == {"renamed": 1}
    found = decontamination.items()["humaneval"]["HumanEval/1"]
    assert (found["dropped"], found["kept"]) == (1, 0)
    (hit,) = found["hits"]
    assert (hit["sample"], hit["tier"], hit["kept"], hit["share"] > 0.9) == ("a.py", "renamed", False, True)


def test_both_rules_are_counted() -> None:
    words = [f"word{chr(97 + n)}" for n in range(15)]
    item = EvalItem("b", "1", " ".join([*words, *(f"other{n}" for n in range(80))]))
    decontamination = Decontamination(Index([item]), "covered")
    assert decontamination.judge(Sample(id="1", source="s", text=" ".join(words))) is None
    assert decontamination.judge(Sample(id="2", source="s", text=item.prompt)) is not None
    assert decontamination.report()["samples_by_rule"] == {"any": 2, "covered": 1}


CLEAN: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([{"b": {"left_ids": []}}], ["1", "2", "3"]),
    ([{"b": {"left_ids": ["2"]}}], ["1", "3"]),
    ([{"b": {"left_ids": ["2"]}}, {"b": {"left_ids": ["3"]}}], ["1"]),
]


@pytest.mark.parametrize(("reports", "clean"), CLEAN)
def test_clean_items_are_those_no_stage_touches(tmp_path: Path, reports: list[Any], clean: list[str]) -> None:
    folders = [tmp_path / str(number) for number in range(len(reports))]
    for folder, benchmarks in zip(folders, reports, strict=True):
        folder.mkdir()
        (folder / REPORT).write_text(json.dumps({"benchmarks": benchmarks}))
    assert clean_items(folders, "b", ["1", "2", "3"]) == clean
    with pytest.raises(DataError, match="not searched for items of other"):
        clean_items(folders, "other", ["1"])


def test_no_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no decontamination report"):
        clean_items([tmp_path], "b", ["1"])
