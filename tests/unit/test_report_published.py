"""Quoted tables: every number as published, and what they give away of themselves."""

import pytest

from specialists.report.published import BASES, CHATS, CODE, MATHS, PACK, TABLES, Column, Table
from specialists.report.quoted import Fit, audit_quoted, fit

# Sums of the columns of arXiv 2309.16609 as read off the page, so that a slip of a digit shows.
COLUMN_SUMS = [
    (BASES, 0, 134.2, 3), (BASES, 1, 42.0, 3), (BASES, 2, 79.3, 3), (BASES, 3, 87.2, 3),
    (CHATS, 0, 138.2, 3), (CHATS, 1, 302.5, 5), (CHATS, 2, 255.5, 5),
    (CODE, 0, 1463.9, 35), (CODE, 1, 1368.1, 30),
    (PACK, 0, 653.4, 14), (PACK, 1, 572.5, 14), (PACK, 2, 576.6, 14),
    (PACK, 3, 433.9, 14), (PACK, 4, 467.2, 14), (PACK, 5, 293.9, 14),
    (MATHS, 0, 1051.6, 17), (MATHS, 1, 334.8, 17), (MATHS, 2, 451.9, 6), (MATHS, 3, 406.0, 6),
]  # fmt: skip

FITS: list[tuple[float, int, Fit]] = [
    (66.5, 164, "rounded"),  # 109
    (66.4, 164, "truncated"),
    (54.2, 164, "truncated"),  # 89
    (15.8, 164, "truncated"),  # 26
    (18.2, 164, "truncated"),  # 30
    (40.4, 164, "none"),  # 66 is 40.2, 67 is 40.9
    (40.2, 164, "rounded"),
    (51.4, 500, "rounded"),
    (51.5, 500, "none"),
    (85.0, 401, "rounded"),  # 341
    (69.8, 1319, "any"),
    (0.0, 164, "rounded"),
    (100.0, 164, "rounded"),
]


@pytest.mark.parametrize(("value", "n", "expected"), FITS)
def test_a_published_value_is_a_whole_number_of_items(value: float, n: int, expected: Fit) -> None:
    assert fit(value, n) == expected


@pytest.mark.parametrize(("table", "place", "total", "count"), COLUMN_SUMS)
def test_no_digit_of_a_column_slipped(table: Table, place: int, total: float, count: int) -> None:
    values = [row[place] for _, row in table.rows if row[place] is not None]
    assert (round(sum(v for v in values if v is not None), 1), len(values)) == (total, count)


def test_rows_are_as_long_as_the_table_is_wide() -> None:
    for table in TABLES:
        assert {len(values) for _, values in table.rows} == {len(table.columns)}, table.name
        names = [name for name, _ in table.rows]
        assert len(set(names)) == len(names), table.name
        assert all({better, worse} <= set(names) for better, worse in table.claims), table.name


def found(tables: tuple[Table, ...]) -> str:
    return "\n".join(f"{f.level} {f.where}: {f.what}" for check in audit_quoted(tables) for f in check.findings)


AUDITED = [
    "caution table 11, HumanEvalPack synthesize, pass@1: JavaScript: no whole number of 164 items gives",
    "Code-Qwen 7B 40.4",
    "note table 11, HumanEvalPack synthesize, pass@1: C++: cut, not rounded:",
    "caution table 12, accuracy: MATH: Qwen-Chat 7B, Qwen-Chat 14B, Math-Qwen-Chat 7B, Math-Qwen-Chat 14B are on 500",
    "caution InstructCodeT5+ 16B on HumanEval Python: 35.0 (table 10), 37.0 (table 11)",
    "Code-Qwen-Chat 14B 52.4 [48.0, 56.7] and Code-Qwen 14B 51.4 [47.0, 55.8] overlap",
    "Math-Qwen-Chat 14B 85.0 [81.2, 88.2] and GPT-4 83.5 [79.6, 86.8] overlap",
]


@pytest.mark.parametrize("words", AUDITED)
def test_the_audit_finds_what_the_report_s_tables_give_away(words: str) -> None:
    assert words in found(TABLES)


def test_rows_of_a_column_are_quoted_for_the_items_they_were_asked() -> None:
    assert [model for model, _, _ in MATHS.quotes("math-500")] == [
        "Qwen-Chat 7B", "Qwen-Chat 14B", "Math-Qwen-Chat 7B", "Math-Qwen-Chat 14B",
    ]  # fmt: skip
    assert "Math-Qwen-Chat 14B" not in [model for model, _, _ in MATHS.quotes("math")]
    assert ("Qwen-Chat 7B", 54.1, "8") in CHATS.quotes("gsm8k")


def test_the_audit_is_silent_about_a_sound_table() -> None:
    sound = Table("sound", "here", "", (Column("x", "X", 164),), (("A", (40.2,)), ("B", (66.5,))), claims=(("B", "A"),))
    assert found((sound,)) == ""


def test_all_qwen_mbpp_values_fit_500_items_and_one_sample() -> None:
    qwen = [values[1] for name, values in CODE.rows if "Qwen" in name]
    assert [fit(value, 500) for value in qwen if value is not None] == ["rounded"] * 6
