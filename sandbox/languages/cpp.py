"""C++17 with g++, and the headers of Boost and OpenSSL.

In a proof the program and the tests are one unit, because tests use the types that the program declares. The tests'
`main` is reached through the linker, not by its name. Before the tests every macro that bears a name they use is
undone, and <assert.h> is ours. The compiler reads from a pipe, so that no `.incbin` finds the tests in a file.
"""

import re

from sandbox.contract import Limits
from sandbox.languages.language import Language, Plan, Step, part, piped, script

_COMPILE = "g++ -std=c++17 -O0 -w -fno-diagnostics-color"
_LINK = "-o program -x c++ - -Wl,--as-needed -lcrypto -lpthread"
_LIBRARY_MACROS = {"alloca", "errno", "offsetof", "stderr", "stdin", "stdout", "va_arg", "va_end", "va_start"}
_OPERATORS = {"and", "and_eq", "bitand", "bitor", "compl", "not", "not_eq", "or", "or_eq", "xor", "xor_eq"}
_KEYWORDS = {"auto", "bool", "char", "const", "double", "else", "false", "float", "for", "if", "int", "long", "main"}
_KEYWORDS |= {"return", "true", "while"}
_ASSERT_H = """\
#undef assert
extern "C" int failed_TAG(int);
#define assert(...) ((__VA_ARGS__) ? 0 : failed_TAG(__LINE__))
"""
_RUN = Step(argv=("./program",))


def _alone(program: str) -> Plan:
    build = Step(argv=script(piped("program.cpp", f"{_COMPILE} {_LINK}")), files={"program.cpp": program})
    return Plan(build=build, run=_RUN)


def _proven(program: str, tests: str, tag: str) -> Plan:
    used = set(re.findall(r"\b[a-z_][a-z0-9_]*\b", tests)) | _KEYWORDS
    undone = "".join(f"#undef {name}\n" for name in sorted(used - _LIBRARY_MACROS - _OPERATORS - _directives(tests)))
    files = {
        "program.cpp": f'{program}\n\n{undone}#line 1 "tests.cpp"\n{tests}\n',
        "witness.c": part("witness.c", tests_TAG="__real_main", TAG=tag),
        "include/assert.h": _ASSERT_H.replace("TAG", tag),
    }
    lines = (
        "gcc -c -O1 witness.c",
        "rm witness.c",
        piped("program.cpp", f"{_COMPILE} -I include -Wl,--wrap=main witness.o {_LINK}"),
        "rm -r include witness.o",
    )
    return Plan(build=Step(argv=script(*lines), files=files), run=_RUN)


def _directives(tests: str) -> set[str]:
    """Return the words of the preprocessor itself, of which none can be undone."""
    return set(re.findall(r"^[ \t]*#[ \t]*([a-z]+)", tests, re.MULTILINE)) | {"defined"}


CPP = Language(
    name="cpp",
    limits=Limits(cpu_s=3, wall_s=15, pids=48),
    build_limits=Limits(cpu_s=15, wall_s=60, memory_mib=2048, pids=48, file_mib=64),
    reserves=False,
    alone=_alone,
    proven=_proven,
)
