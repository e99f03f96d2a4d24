"""A program ends in the box as it ends under `python3 program.py`: the same output, the same exit code.

The box leaves out most of what the interpreter does at its end (`sandbox.image.candidate`); a program must not notice.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Limits, SandboxPool, Task
from tests.weak_walls import opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these backends need Linux")

PROGRAMS = {
    "an ordinary end": "print(1)",
    "no end of line": "import sys\nsys.stdout.write('x')",
    "exit without a code": "import sys\nprint(1)\nsys.exit()",
    "exit with a code": "import sys\nprint(1)\nsys.exit(3)",
    "exit with a large code": "import sys\nsys.exit(256 + 7)",
    "exit with a negative code": "import sys\nsys.exit(-1)",
    "exit with True": "import sys\nsys.exit(True)",
    "exit with words": "import sys\nprint(1)\nsys.exit('words')",
    "an exception": "print(1)\n1 / 0",
    "an exception hook": "import sys\nsys.excepthook = lambda *error: print(error[0].__name__)\n1 / 0",
    "exit handlers": "import atexit\natexit.register(print, 1)\natexit.register(print, 2)",
    "an exit handler that fails": "import atexit\natexit.register(print, 1)\natexit.register(lambda: 1 / 0)",
    "an exit handler after an exception": "import atexit\natexit.register(print, 1)\n1 / 0",
    "a thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print(1))).start()",
    "a daemon thread": (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(9), print(1)), daemon=True).start()\nprint(2)"
    ),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor\nimport time\n"
        "ThreadPoolExecutor(2).submit(lambda: (time.sleep(0.1), print(1)))"
    ),
    "a finalizer": "class A:\n    def __del__(self): print('gone')\na = A()",
    "a finalizer in a cycle": "class A:\n    def __del__(self): print('gone')\na = A()\na.self = a",
    "a finalizer that uses globals": (
        "word = 'gone'\nclass A:\n    def __del__(self): print(word)\na = A()\ndef f(): return a"
    ),
    "a finalizer in a module": "import json\nclass A:\n    def __del__(self): print('gone')\njson.kept = A()",
    "a finalizer in a builtin": "import builtins\nclass A:\n    def __del__(self): print('gone')\nbuiltins.kept = A()",
    "a finalizer in a default": (
        "class A:\n    def __del__(self): print('gone')\ndef f(a=A()): return a\nimport re\nre.f = f"
    ),
    "a weak reference's finalizer": "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'gone')",
    "a generator's end": "def g():\n    try: yield\n    finally: print('closed')\na = g()\nnext(a)",
    "a file that is not closed": "import os\nf = open(os.dup(1), 'w')\nf.write('x')",
    "a file that is not closed, kept elsewhere": "import os, re\nre.f = open(os.dup(1), 'w')\nre.f.write('x')",
    "another stdout": "import sys, os\nsys.stdout = open(os.dup(1), 'w')\nprint(1)",
    "another stdout after the first": "import sys, os\nprint(1, end='')\nsys.stdout = open(os.dup(1), 'w')\nprint(2)",
    "a buffer as stdout": (
        "import sys, io, atexit, os\nsys.stdout = io.StringIO()\nprint(1)\n"
        "atexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))"
    ),
    "a stdout of its own class": (
        "import sys\nclass Out:\n    def write(self, text): sys.__stdout__.write(text.upper())\n"
        "    def flush(self): pass\nsys.stdout = Out()\nprint('a')"
    ),
    "no stdout": "import sys\nsys.stdout = None\nprint(1)",
    "a closed stdout": "import sys\nprint(1)\nsys.stdout.close()",
    "a closed descriptor": "import os\nprint(1)\nos.close(1)",
    "a full disk": "import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\nprint(1)",
    "its own name": "import sys\nprint(__name__, sys.modules['__main__'].__dict__ is globals())",
    "a child": "import os\nprint(1, flush=True)\nif os.fork() == 0: print(2)\nelse: os.wait()",
    "a child seeded anew": (
        "import os, random\nrandom.seed(1)\nfirst = random.random()\nrandom.seed(1)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]) if os.fork() else os._exit(random.random() == first))"
    ),
    "a process pool": (
        "import multiprocessing\ndef f(n): return n + 1\n"
        "if __name__ == '__main__':\n    with multiprocessing.Pool(2) as p: print(p.map(f, [1, 2]))"
    ),
    "much output": "for n in range(20_000): print(n)",
    "its input, twice": "import sys\nprint(sys.stdin.read())\nsys.stdin.seek(0)\nprint(sys.stdin.read())",
}


@pytest.fixture(scope="module")
def box() -> Iterator[SandboxPool]:
    with SandboxPool(opened("process"), workers=1) as pool:
        yield pool


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_as_under_the_interpreter(box: SandboxPool, tmp_path: Path, name: str) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAMS[name])
    (tmp_path / "input").write_text("3 4\n")
    with (tmp_path / "input").open() as stdin:
        plain = subprocess.run([sys.executable, "-I", file], stdin=stdin, capture_output=True, text=True, timeout=60)
    boxed = box.run(Task(program=PROGRAMS[name], stdin="3 4\n", proof="none"), Limits(output_bytes=1 << 20))
    assert (boxed.stdout, boxed.exit_code) == (plain.stdout, plain.returncode), (boxed, plain.stderr)
    assert bool(boxed.stderr) == bool(plain.stderr), (boxed.stderr, plain.stderr)
