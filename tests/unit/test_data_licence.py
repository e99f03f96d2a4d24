"""Licences: expressions, heads of files, and what a policy makes of them."""

import pytest

from specialists.data.licence import Policy, is_allowed, licence_rule
from specialists.data.licence_files import choice_of, is_licence_file, licence_in, nearest
from specialists.data.rows import read_row
from specialists.recipe import Source
from specialists.records import Sample

EXPRESSIONS = [
    ("MIT", True),
    ("mit", True),
    ("PSF-2.0", True),
    ("Public domain", True),
    ("GPL-3.0-only", False),
    ("LGPL-2.1-or-later", False),
    ("AGPL-3.0", False),
    ("GPLv2", False),
    ("MPL-2.0", False),
    ("CC-BY-NC-4.0", False),
    ("CC-BY-4.0", True),
    ("MIT OR GPL-2.0-only", True),
    ("GPL-2.0-only OR MIT", True),
    ("MIT AND GPL-2.0-only", False),
    ("GPL-2.0-only WITH Classpath-exception-2.0", False),
    ("Apache-2.0 WITH LLVM-exception OR MIT", True),
    ("(MIT OR GPL-2.0) AND BSD-3-Clause", True),
    ("(MIT OR Apache-2.0) AND (GPL-2.0 OR LGPL-3.0)", False),
    ("MIT AND something else", None),
    ("something else", None),
    ("other", None),
    ("", None),
    ("MIT)", None),
    ("((((", None),
]
GPL = """# Copyright 2020 A. Nother
# This program is free software: you can redistribute it and/or modify it under the terms of the GNU General
# Public License as published by the Free Software Foundation, either version 3 of the License, or later.
"""
MPL = "/* This Source Code Form is subject to the terms of the Mozilla Public\n * License, v. 2.0. */\n"
HEADS = [
    (GPL, "MIT", False),
    (GPL, "", False),
    (MPL, "", False),
    ("// Licensed under the GPLv2\n", "", False),
    ("/* Dual licensed under the MIT or GPL Version 2 licenses. */\n", "", None),
    ("/* licensed under the GPL or the MIT licence, as you wish */\n", "MIT", True),
    ("// SPDX-License-Identifier: GPL-2.0-only\n", "MIT", False),
    ("/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */\n", "", True),
    ("# SPDX-License-Identifier: Apache-2.0\n", "", True),
    ("// Unauthorized copying of this file is prohibited. Proprietary and confidential.\n", "", False),
    ("# Copyright 2020. All rights reserved.\n", "MIT", True),
    ("'''Finds out whether a file has the GNU General Public License.'''\n", "", None),
    ("x = 1\n" * 600 + GPL, "", None),
]


@pytest.mark.parametrize(("expression", "allowed"), EXPRESSIONS)
def test_expressions(expression: str, allowed: bool | None) -> None:
    assert is_allowed(expression) is allowed


@pytest.mark.parametrize(("head", "stated", "allowed"), HEADS)
@pytest.mark.parametrize("policy", ["any", "allowed-or-unknown", "allowed"])
def test_policies_on_heads_and_metadata(head: str, stated: str, allowed: bool | None, policy: Policy) -> None:
    meta = {"licence": stated} if stated else {}
    drop = licence_rule(policy)(Sample(id="1", source="s", text=head + "x = 1\n", meta=meta))
    expected = {True: None, False: "licence", None: "no_licence" if policy == "allowed" else None}[allowed]
    assert (drop.reason if drop else None) == (None if policy == "any" else expected)


ROWS = [
    ({"license": "MIT"}, {"licence": "MIT"}),
    ({"max_stars_repo_licenses": ["MIT", "GPL-2.0"]}, {"licence": "MIT AND GPL-2.0"}),
    ({"licenses": [], "lang": "Go"}, {"language": "Go"}),
    (
        {"max_stars_repo_path": "a.py", "max_stars_repo_name": "o/n", "max_stars_repo_head_hexsha": "0a1"},
        {"path": "a.py", "repo": "o/n", "commit": "0a1", "language": "python"},
    ),
    ({"path": "a", "file_path": "b", "language": "", "program_lang": "rust"}, {"path": "a", "language": "rust"}),
]


@pytest.mark.parametrize(("row", "meta"), ROWS)
def test_columns_of_published_corpora_are_understood(row: dict[str, object], meta: dict[str, str]) -> None:
    sample = read_row({"text": "x = 1"} | row, Source(name="s", kind="jsonl", path="x"), "x:1")
    assert isinstance(sample, Sample)
    assert sample.meta == meta


LICENCE_TEXTS = [
    ("MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this", "MIT"),
    (
        "                    GNU GENERAL PUBLIC LICENSE\n  Version 3 ... GNU Lesser General Public License",
        "GPL-3.0-only",
    ),
    ("GNU LESSER GENERAL PUBLIC LICENSE ... the GNU General Public License", "LGPL-3.0-only"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE\n", "AGPL-3.0-only"),
    ("                 Apache License\n           Version 2.0, January 2004\n", "Apache-2.0"),
    ("Copyright (c) X\n * Redistribution and use in source and\n * binary forms, with or without", "BSD-3-Clause"),
    ("Mozilla Public License Version 2.0\n====\n", "MPL-2.0"),
    ("Attribution-NonCommercial 4.0 International\n", "CC-BY-NC-4.0"),
    ("Copyright 2020 ACME. All rights reserved.\n", "LicenseRef-proprietary"),
    ("Do as you please.\n", ""),
]
LICENCE_NAMES = {
    "LICENSE": True, "licence.txt": True, "COPYING": True, "COPYING.LESSER": True, "LICENSE-MIT": True,
    "LICENSE-APACHE": True, "UNLICENSE": True, "LICENSE.md": True, "license.py": False, "licenses.json": False,
    "LICENSE-3RD-PARTY": False, "MY_LICENSE_NOTES": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "licence"), LICENCE_TEXTS)
def test_licence_files(text: str, licence: str) -> None:
    assert licence_in(text) == licence
    assert is_allowed(licence) in ((True, None) if licence in ("MIT", "Apache-2.0", "BSD-3-Clause", "") else (False,))


@pytest.mark.parametrize("name", LICENCE_NAMES)
def test_names_of_licence_files(name: str) -> None:
    assert is_licence_file(name) is LICENCE_NAMES[name]


def test_the_nearest_licence_file_counts_and_several_are_a_choice() -> None:
    licences = {"": choice_of(["MIT", ""]), "vendor/x": "GPL-3.0-only", "both": choice_of(["GPL-3.0-only", "MIT"])}
    names = {"a.py": "MIT", "src/b/c.py": "MIT", "vendor/x/y/z.py": "GPL-3.0-only", "both/d.py": "GPL-3.0-only OR MIT"}
    assert {name: nearest(licences, name)["licence"] for name in names} == names
    assert nearest({"sub": "MIT"}, "a.py") == {}
