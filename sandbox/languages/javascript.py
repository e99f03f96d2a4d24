"""JavaScript: one run of node, no build."""

from sandbox.contract import Limits
from sandbox.languages.language import Language, Plan, Step, part

_NODE = ("node", "--max-old-space-size=256")
_ENVIRONMENT = {"NODE_PATH": "/opt/languages/javascript/node_modules"}


def _alone(program: str) -> Plan:
    return _run("program.js", {"program.js": program})


def _proven(program: str, tests: str, tag: str) -> Plan:
    files = {"witness.js": part("witness.js", TAG=tag), "program.js": program, "tests.js": tests}
    return _run("witness.js", files)


def _run(name: str, files: dict[str, str]) -> Plan:
    return Plan(build=None, run=Step(argv=(*_NODE, name), files=files, environment=_ENVIRONMENT))


JAVASCRIPT = Language(
    name="javascript",
    build_limits=Limits(),
    reserves=True,
    alone=_alone,
    proven=_proven,
)
