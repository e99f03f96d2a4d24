"""Languages by name and content, and notebooks as scripts."""

import ast
import json
from typing import Any

import pytest

from specialists.data.language import language_of, language_of_text
from specialists.data.notebook import read_notebook
from specialists.family import Drop

GUARDED = '#ifdef __cplusplus\nextern "C" {\nnamespace x {}\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n'
NAMES = [
    ("a/b.PY", "", "python"),
    ("a.tsx", "", "typescript"),
    ("Makefile", "all:\n", "makefile"),
    ("a/Dockerfile", "FROM x\n", "dockerfile"),
    ("run", "#!/usr/bin/env python3\n", "python"),
    ("run", "#! /bin/sh -e\n", "shell"),
    ("run", "#!/usr/bin/env -S node --flag\n", "javascript"),
    ("run", "#!/opt/odd\n", ""),
    ("README", "python\n", ""),
    ("a.unknown", "#!/usr/bin/python\n", ""),
    ("a.h", "int f(void);\n", "c"),
    ("a.h", "struct S { int class_id; };\n", "c"),
    ("a.h", "// a class of things, in a namespace { }\nint f(void);\n", "c"),
    ("a.h", "/*\nclass Doc {\n*/\nint f(void);\n", "c"),
    ("a.h", GUARDED, "c"),
    ("a.h", "#include <vector>\n", "cpp"),
    ("a.h", "#include <string.h>\n", "c"),
    ("a.h", "class A : public B {\n", "cpp"),
    ("a.h", "template <typename T>\nT f();\n", "cpp"),
    ("a.h", "namespace a {\n", "cpp"),
    ("a.h", "std::string f();\n", "cpp"),
    ("a.h", "#import <Foundation/Foundation.h>\n@interface A\n@end\n", "objective-c"),
    ("a.m", "@implementation A\n@end\n", "objective-c"),
    ("a.m", "function y = f(x)\n", "matlab"),
]


@pytest.mark.parametrize(("name", "text", "language"), NAMES)
def test_languages(name: str, text: str, language: str) -> None:
    assert language_of(name, text) == language


def _cell(kind: str, source: Any) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "outputs": [{"text": "an output"}]}


CELLS = [
    _cell("markdown", ["# Title\n", "\n", "prose"]),
    _cell("code", ["%matplotlib inline\n", "import os\n", "!ls -l\n", "os.getcwd?\n", "  # kept\n"]),
    _cell("code", "for i in range(3):\n    %timeit f(i)\n    print(i % 2)"),
    _cell("code", "%%bash\nls | wc"),
    _cell("code", []),
    _cell("raw", "raw"),
]
SCRIPT = """# # Title
#
# prose

# %matplotlib inline
import os
# !ls -l
# os.getcwd?
  # kept

for i in range(3):
    # %timeit f(i)
    print(i % 2)

# %%bash
# ls | wc

# raw
"""


def test_a_python_notebook_becomes_a_script_that_parses() -> None:
    script = read_notebook(json.dumps({"cells": CELLS, "metadata": {"language_info": {"name": "python"}}}))
    assert script == (SCRIPT, "python")
    ast.parse(SCRIPT)


NOTEBOOKS = [
    ({"cells": [_cell("code", "x <- 1")], "metadata": {"kernelspec": {"language": "R"}}}, ("x <- 1\n", "r")),
    ({"cells": [_cell("markdown", "p"), _cell("code", "%d")], "metadata": {"language_info": {"name": "C++"}}},
     ("// p\n\n%d\n", "cpp")),
    ({"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"]}]}]}, ("x = 1\n", "python")),
    ({"cells": []}, "bad_notebook"),
    ({"cells": [5, {"cell_type": "code", "source": 5}], "metadata": []}, "bad_notebook"),
    ([], "bad_notebook"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), NOTEBOOKS)
def test_notebooks(content: Any, expected: tuple[str, str] | str) -> None:
    found = read_notebook(json.dumps(content))
    assert (found.reason if isinstance(found, Drop) else found) == expected


@pytest.mark.parametrize("text", ["", "{", "[" * 5000, "NaN"])
def test_what_is_no_notebook_is_left_out(text: str) -> None:
    assert isinstance(read_notebook(text), Drop)


PYTHON = "import os\n\n\ndef f(path):\n    if path:\n        return os.fspath(path)\n"
CONTENTS = [
    (PYTHON, "python"),
    (PYTHON + "def g(:\n", "python"),  # broken, and Python still
    ("package main\n\nfunc main() {\n\tx := 1\n}\n", "go"),
    ("use std::fmt;\n\nfn main() {\n    let x = 1;\n}\n", "rust"),
    ("package a.b;\n\nimport java.util.List;\n\npublic class A {\n}\n", "java"),
    ("const x = require('x');\nfunction f() {\n}\n", "javascript"),
    ("#include <vector>\nstd::vector<int> x;\n", "cpp"),
    ("Some prose about nothing, if you like: for example this.\n" * 3, ""),
    (f"## A heading\n\nText.\n\n```python\n{PYTHON}```\n", ""),
    ("from here to there\n", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "language"), CONTENTS)
def test_languages_of_texts_without_a_name(text: str, language: str) -> None:
    assert language_of_text(text) == language
