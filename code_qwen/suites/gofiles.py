"""Go code as models and benchmarks write it in, whole Go files out.

A file of Go names exactly the packages that it uses; a benchmark's prompt names too many or none, and program and tests
are two files of one package. So imports are taken out, and each file gets those that it uses.
"""

import re
from collections.abc import Iterable

_IMPORT = re.compile(r"^import\s+(?:\(.*?\)|(?:\w+\s+)?\"[^\"]+\")", re.MULTILINE | re.DOTALL)
_PACKAGE = re.compile(r"^package\s+\w+\s*$", re.MULTILINE)
_NAMED = re.compile(r'"([^"]+)"')
# What the tasks and the models use without saying so (bigcode-evaluation-harness, humanevalpack.py, IMPORT_HELPER).
_USUAL = {"bytes", "crypto/md5", "errors", "fmt", "math", "math/rand", "regexp", "sort", "strconv", "strings", "time"}
_USUAL |= {"unicode", "unicode/utf8"}


def go_files(program: str, tests: str, *more: str) -> tuple[str, str]:
    """Return program and tests as two files of package main.

    Args:
        program: declarations, with or without package and imports.
        tests: the functions that test it.
        more: texts whose imports may be used too.
    """
    paths = _USUAL | {path for text in (program, tests, *more) for path in _paths(text)}
    return _file(program, paths), _file(tests, paths)


def _paths(text: str) -> Iterable[str]:
    return [path for found in _IMPORT.findall(text) for path in _NAMED.findall(found)]


def _file(text: str, paths: Iterable[str]) -> str:
    body = _PACKAGE.sub("", _IMPORT.sub("", text))
    code = re.sub(r"//.*", "", body)
    used = sorted(path for path in paths if re.search(rf"\b{path.rpartition('/')[2]}\.", code))
    return "package main\n" + "".join(f'import "{path}"\n' for path in used) + body
