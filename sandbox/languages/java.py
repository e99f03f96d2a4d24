"""Java 17: javac and java with archives of their loaded classes.

In a proof program and tests are one file, as the benchmarks write them, and our own class calls the tests' `Main.main`.
Classes of the library that the tests name are imported one by one: a class of the program with such a name would stand
in for it, and is a compile error instead.
"""

import re

from sandbox.contract import Limits
from sandbox.languages.language import Language, Plan, Step, part, script

_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")
_COMPILER_JVM = " ".join(f"-J{option}" for option in (*_JVM, "-XX:SharedArchiveFile=/opt/languages/java/javac.jsa"))
_COMPILE = f"javac {_COMPILER_JVM} -proc:none -nowarn -encoding UTF-8 -d classes"
_LIBRARY = {
    "java.lang": (
        "ArithmeticException AssertionError Boolean Byte Character Double Error Exception Float Integer Iterable Long "
        "Math Number Object RuntimeException Short String StringBuilder System Throwable"
    ),
    "java.util": (
        "ArrayDeque ArrayList Arrays Collection Collections Comparator Deque HashMap HashSet Iterator LinkedHashMap "
        "LinkedHashSet LinkedList List Map Objects Optional PriorityQueue Queue Random Set Stack TreeMap TreeSet Vector"
    ),
}
_PACKAGE_OF = {name: package for package, names in _LIBRARY.items() for name in names.split()}


def _alone(program: str) -> Plan:
    main = re.search(r"\bpublic\s+(?:final\s+)?class\s+(\w+)", program) or re.search(r"\bclass\s+(\w+)", program)
    name = main[1] if main else "Main"
    build = Step(argv=script(f"{_COMPILE} {name}.java", f"rm {name}.java"), files={f"{name}.java": program})
    return Plan(build=build, run=Step(argv=("java", *_JVM, "-cp", "classes", name)))


def _proven(program: str, tests: str, tag: str) -> Plan:
    named = sorted(set(re.findall(r"\b[A-Z]\w*\b", tests)) & _PACKAGE_OF.keys())
    imports = "".join(f"import {_PACKAGE_OF[name]}.{name};" for name in named)
    files = {"Main.java": f"{imports}{program}\n{tests}", f"Witness_{tag}.java": part("Witness.java", TAG=tag)}
    build = Step(argv=script(f"{_COMPILE} Main.java Witness_{tag}.java", "rm *.java"), files=files)
    return Plan(build=build, run=Step(argv=("java", *_JVM, "-cp", "classes", f"Witness_{tag}")))


JAVA = Language(
    name="java",
    build_limits=Limits(cpu_s=15, wall_s=60, pids=48, file_mib=64),
    reserves=True,
    alone=_alone,
    proven=_proven,
)
