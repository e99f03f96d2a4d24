"""Go 1.19 by its bare compiler and linker, and testify.

Without the `go` command there is no build cache, so nothing that one sample could leave to the next, and no file, C
code or module that a program could have pulled in. In a proof program and tests are one package, the `main` package
is ours, and a third package, which is initialised before the program's, holds the secret under a path that nobody
knows. A test counts when its function has returned and has not failed, so that flags of the test runner gain nothing.
"""

import re

from sandbox.contract import Limits
from sandbox.languages.language import Language, Plan, Step, part, script

_HOME = "/opt/languages/go"
_COMPILE = f"{_HOME}/tool/compile -complete -trimpath $PWD"
_LINK = f"{_HOME}/tool/link -s -w"
_RUN = Step(argv=("./program",), environment={"GOMEMLIMIT": "400MiB", "GOMAXPROCS": "2"})


def _alone(program: str) -> Plan:
    config = f"-importcfg {_HOME}/importcfg"
    lines = (
        f"{_COMPILE} -p main {config} -o main.a program.go",
        f"{_LINK} {config} -o program main.a",
        "rm program.go main.a",
    )
    return Plan(build=Step(argv=script(*lines), files={"program.go": program}), run=_RUN)


def _proven(program: str, tests: str, tag: str) -> Plan:
    names = re.findall(r"^func\s+(Test\w*)\s*\(\s*\w+\s+\*testing\.T\s*\)", tests, re.MULTILINE)
    table = "".join(f'\n\t{{"{name}", counted(sample.{name})}},' for name in names)
    files = {
        "program.go": program,
        "tests.go": f"{tests}\nfunc Truths_{tag}() (bool, bool, error) {{ return true, false, nil }}\n",
        "witness.go": part("witness.go", TAG=tag),
        "main.go": part("witness_main.go", TAG=tag, TESTS=table),
    }
    config = "-importcfg imports"
    lines = (
        f"cp {_HOME}/importcfg imports",
        f"{_COMPILE} -p witness_{tag} {config} -o witness.a witness.go",
        f"{_COMPILE} -p sample {config} -o sample.a program.go tests.go",
        f"printf 'packagefile witness_{tag}=witness.a\\npackagefile sample=sample.a\\n' >> imports",
        f"{_COMPILE} -p main {config} -o main.a main.go",
        f"{_LINK} {config} -o program main.a",
        "rm *.go *.a imports",
    )
    return Plan(build=Step(argv=script(*lines), files=files), run=_RUN)


GO = Language(
    name="go",
    build_limits=Limits(cpu_s=20, wall_s=60, pids=48, file_mib=64),
    reserves=True,
    alone=_alone,
    proven=_proven,
)
