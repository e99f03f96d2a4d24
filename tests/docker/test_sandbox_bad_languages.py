"""Input that nobody should send, in every language but Python: a status of the program's own fault, and a line."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox import Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.hostile import cpp, go, java, javascript, rust
from sandbox.hostile.probe import BENIGN
from sandbox.languages.table import BY_NAME

pytestmark = pytest.mark.docker

TESTS = {"javascript": javascript.TESTS, "cpp": cpp.TESTS, "java": java.TESTS, "go": go.TESTS, "rust": rust.TESTS}
REFUSED = {Status.COMPILE_ERROR, Status.ERROR, Status.FAIL}
BAD = {
    "empty": "",
    "a NUL byte": "\0",
    "a lone surrogate": "\ud800",
    "not the language": "Sure! Here is the function:\n```\n",
    "brackets without end": "(" * 1000,
}
NO_TEXT = {
    "javascript": "process.stdout.write(Buffer.from([0xff, 0xfe, 0, 10]))",
    "cpp": '#include <cstdio>\nint main() { fwrite("\\xff\\xfe\\0\\n", 1, 4, stdout); }',
    "java": "class A { public static void main(String[] a) { System.out.write(255); System.out.write(254);"
    " System.out.write(0); System.out.println(); } }",
    "go": 'package main\nimport "os"\nfunc main() { os.Stdout.Write([]byte{255, 254, 0, 10}) }',
    "rust": "use std::io::Write;\nfn main() { std::io::stdout().write_all(&[255, 254, 0, 10]).unwrap(); }",
}
MUCH = {
    "javascript": "const s = 'x'.repeat(1 << 20); for (let i = 0; i < 100; i++) require('fs').writeSync(1, s)",
    "cpp": "#include <cstdio>\nstatic char s[1 << 20];\n"
    "int main() { for (int i = 0; i < 100; i++) fwrite(s, 1, 1 << 20, stdout); }",
    "java": "class A { public static void main(String[] a) { byte[] s = new byte[1 << 20];"
    " for (int i = 0; i < 100; i++) System.out.write(s, 0, s.length); } }",
    "go": 'package main\nimport "os"\n'
    "func main() { s := make([]byte, 1<<20); for i := 0; i < 100; i++ { os.Stdout.Write(s) } }",
    "rust": "use std::io::Write;\nfn main() { let s = vec![0u8; 1 << 20];\n"
    "for _ in 0..100 { std::io::stdout().write_all(&s).unwrap(); } }",
}


@pytest.fixture(scope="module")
def box() -> Iterator[SandboxPool]:
    with ExitStack() as stack:
        try:
            pool = stack.enter_context(SandboxPool(workers=1, languages=("python", *BY_NAME)))
        except SandboxUnavailable as error:
            if os.environ.get("SANDBOX_REQUIRE") == "languages":
                raise
            pytest.skip(str(error))
        yield pool


def explained(box: SandboxPool, task: Task) -> Result:
    result = box.run(task)
    assert result.status is Status.PASS or result.detail, result
    assert "\n" not in result.detail
    assert box.run(BENIGN).status is Status.PASS
    return result


@pytest.mark.parametrize("language", BY_NAME)
@pytest.mark.parametrize("name", BAD)
def test_a_program_that_is_none(name: str, language: str, box: SandboxPool) -> None:
    tested = explained(box, Task(language=language, program=BAD[name], tests=TESTS[language], proof="proof"))
    printed = explained(box, Task(language=language, program=BAD[name], proof="stdio", expected_stdout="7"))
    assert {tested.status, printed.status} <= REFUSED, (tested, printed)


@pytest.mark.parametrize("language", BY_NAME)
def test_bytes_that_are_no_text(language: str, box: SandboxPool) -> None:
    result = explained(box, Task(language=language, program=NO_TEXT[language], proof="none"))
    assert (result.status, result.stdout) == (Status.NO_VERDICT, "\ufffd\ufffd\0\n"), result


@pytest.mark.parametrize("language", BY_NAME)
def test_output_of_100_mb(language: str, box: SandboxPool) -> None:
    result = explained(box, Task(language=language, program=MUCH[language], proof="stdio", expected_stdout=""))
    assert (result.status, len(result.stdout)) == (Status.OUTPUT_LIMIT, 1 << 16), result
    assert result.dropped_bytes > 63 << 16  # stopped at 64 times what is kept, and that much of it is kept
