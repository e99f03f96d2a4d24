"""Rust 2021 with rustc alone, and the crates regex, rand and md5.

In a proof the tests stand before the program, so that no macro of it reaches them, and name the macros they use. They
become plain functions: the test runner of rustc would go on after a failure, and exit handlers could then hide it. The
compiler reads from a pipe, so that no `include_str!` finds the tests in a file.
"""

import re

from sandbox.contract import Limits
from sandbox.languages.language import Language, Plan, Step, part, piped, script

_CRATES = "".join(f" --extern {name}=/opt/languages/rust/lib{name}.rlib" for name in ("md5", "rand", "regex"))
_COMPILE = (
    f"rustc --edition 2021 --cap-lints allow -C opt-level=1 -C debuginfo=0 -L /opt/languages/rust{_CRATES} -o program -"
)
_MACROS = "#[allow(unused_imports)] use ::std::{assert, assert_eq, assert_ne, format, matches, panic, vec};"
_ENTRY = """
#[no_mangle]
pub extern "C" fn tests_TAG() -> i32 {
    ::std::panic::catch_unwind(PATHrun_TAG).is_err() as i32
}
"""
_RUN = Step(argv=("./program",), environment={"RUST_BACKTRACE": "0"})


def _alone(program: str) -> Plan:
    build = Step(argv=script(piped("program.rs", _COMPILE)), files={"program.rs": program})
    return Plan(build=build, run=_RUN)


def _proven(program: str, tests: str, tag: str) -> Plan:
    program = re.sub(r"^\s*#!\[.*?\]", "", program, flags=re.MULTILINE)  # only allowed at the top, where tests stand
    if not re.search(r"\bfn\s+main\s*\(", program):
        program += "\nfn main() {}\n"
    files = {
        "program.rs": f"{_called(tests, tag)}\n{program}",
        "witness.c": part("witness.c", TAG=tag),
    }
    lines = (
        "gcc -c -O1 witness.c",
        "rm witness.c",
        piped("program.rs", f"{_COMPILE} -C link-arg=-Wl,--wrap=main -C link-arg=witness.o"),
        "rm witness.o",
    )
    return Plan(build=Step(argv=script(*lines), files=files), run=_RUN)


def _called(tests: str, tag: str) -> str:
    """Return the tests with a function that calls each of them, and one that the witness calls."""
    names = re.findall(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*(?:pub\s+)?fn\s+(\w+)", tests)
    calls = " ".join(f"{name}();" for name in names)
    runner = f"{_MACROS}\npub fn run_{tag}() {{ {calls} }}\n"
    plain = re.sub(r"#\[(?:test|cfg\(test\))\]", "", tests)
    module = re.search(r"\bmod\s+(\w+)\s*\{", plain)
    place = module.end() if module else 0
    path = f"{module[1]}::" if module else ""
    entry = _ENTRY.replace("PATH", path).replace("TAG", tag)
    return f"{plain[:place]}\n{runner}{plain[place:]}{entry}"


RUST = Language(
    name="rust",
    build_limits=Limits(cpu_s=20, wall_s=60, pids=48, file_mib=64),
    reserves=True,
    alone=_alone,
    proven=_proven,
)
