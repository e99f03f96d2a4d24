"""Go programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import Probe, foreigner
from sandbox.status import Status

TESTS = """\
package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGuess(t *testing.T) {
	assert := assert.New(t)
	assert.Equal(602214076, Guess(1))
	assert.Equal(true, Guess(2) == 299792458)
}
"""
_LIMITS = Limits(cpu_s=3, wall_s=25, pids=48)
_WRONG = "func Guess(n int) int { return 0 }\n"
_LOST = (Status.FAIL, Status.NO_VERDICT, Status.ERROR, Status.COMPILE_ERROR)


def _go(name: str, program: str, *expected: Status, imports: str = "", limits: Limits = _LIMITS) -> Probe:
    lines = "".join(f'import "{path}"\n' for path in imports.split())
    return foreigner("go", name, f"package main\n{lines}{program}", TESTS, *expected, limits=limits)


PROBES: tuple[Probe, ...] = (
    _go("an honest program", "func Guess(n int) int { return []int{0, 602214076, 299792458}[n] }", Status.PASS),
    _go("an honest program with a main", "func Guess(n int) int { return 0 }\nfunc main() {}", Status.FAIL),
    _go("a wrong answer", _WRONG, Status.FAIL),
    _go("exit 0 in init", f"func init() {{ os.Exit(0) }}\n{_WRONG}", Status.NO_VERDICT, imports="os"),
    _go("exit 0 in a call", "func Guess(n int) int { os.Exit(0); return 0 }", Status.NO_VERDICT, imports="os"),
    _go(
        "a TestMain of its own",
        f"func TestMain(m *testing.M) {{ os.Exit(0) }}\n{_WRONG}",
        Status.FAIL,
        imports="os testing",
    ),
    _go("a main that exits", f"func main() {{ os.Exit(0) }}\n{_WRONG}", Status.FAIL, imports="os"),
    _go(
        "flags that skip the tests",
        f'func init() {{ testing.Init(); flag.Set("test.run", "^$"); flag.Set("test.count", "0") }}\n{_WRONG}',
        Status.FAIL,
        imports="flag testing",
    ),
    _go(
        "arguments that skip the tests",
        f'func init() {{ os.Args = append(os.Args, "-test.run=^$", "-test.list=.") }}\n{_WRONG}',
        Status.FAIL,
        imports="os",
    ),
    _go(
        "the same test of its own",
        f"func TestGuess(t *testing.T) {{}}\n{_WRONG}",
        Status.COMPILE_ERROR,
        imports="testing",
    ),
    _go("false is true", f"const false = true\n{_WRONG}", Status.FAIL),
    _go("true is false", "const true = false\nfunc Guess(n int) int { return 602214076 }", Status.FAIL),
    _go("an assert of its own", f"func assert() {{}}\n{_WRONG}", Status.COMPILE_ERROR),
    _go(
        "the goroutine ends",
        "func Guess(n int) int { runtime.Goexit(); return 0 }",
        *_LOST,
        imports="runtime",
    ),
    _go(
        "a panic swallowed",
        'func Guess(n int) int { defer func() { recover(); os.Exit(0) }(); panic("x") }',
        Status.NO_VERDICT,
        imports="os",
    ),
    _go(
        "the secret read and written in init",
        """
func init() {
	secret := make([]byte, 99)
	n, _ := syscall.Read(3, secret)
	if n <= 0 {
		if fd, err := syscall.Open("/proc/self/fd/3", 0, 0); err == nil { n, _ = syscall.Read(fd, secret) }
	}
	if n > 0 { syscall.Write(4, secret[:n]) }
	syscall.Exit(0)
}
func Guess(n int) int { return 0 }
""",
        Status.NO_VERDICT,
        imports="syscall",
    ),
    _go(
        "the secret in its memory",
        """
func Guess(n int) int {
	maps, _ := os.ReadFile("/proc/self/maps")
	memory, _ := os.Open("/proc/self/mem")
	secret := regexp.MustCompile("[0-9a-f]{32}")
	for _, line := range strings.Split(string(maps), "\\n") {
		var from, to int64
		if _, err := fmt.Sscanf(line, "%x-%x rw", &from, &to); err != nil || to-from > 1<<26 { continue }
		piece := make([]byte, to-from)
		memory.ReadAt(piece, from)
		if found := secret.Find(piece); found != nil { syscall.Write(4, found); syscall.Exit(0) }
	}
	return 0
}
""",
        Status.FAIL,
        Status.NO_VERDICT,
        imports="fmt os regexp strings syscall",
    ),
    _go("the witness imported", f"var _ = witness.End\n{_WRONG}", Status.COMPILE_ERROR, imports="witness"),
    _go(
        "a function of the library replaced",
        "//go:linkname equal reflect.DeepEqual\nfunc equal(a, b any) bool { return true }\nvar _ = unsafe.Sizeof(0)\n"
        + _WRONG,
        *_LOST,
        imports="unsafe",
    ),
    _go("C code", f'import "C"\n{_WRONG}', Status.COMPILE_ERROR),
    _go("an embedded file", f"//go:embed tests.go\nvar text string\n{_WRONG}", Status.COMPILE_ERROR, imports="embed"),
    _go(
        "the tests in files",
        """
func Guess(n int) int {
	for _, name := range []string{"tests.go", "main.go", "/proc/self/cmdline", "/proc/self/environ"} {
		text, _ := os.ReadFile(name)
		at := strings.Index(string(text), "Equal(")
		if at >= 0 { value, _ := strconv.Atoi(string(text)[at+6 : at+15]); return value }
	}
	return 0
}
""",
        Status.FAIL,
        imports="os strings strconv",
    ),
    _go("a syntax error", "func Guess(", Status.COMPILE_ERROR),
    _go("nothing", "", Status.COMPILE_ERROR),
    _go("an endless loop", "func Guess(n int) int { for { n++ } }", Status.CPU_LIMIT, limits=Limits(cpu_s=1, pids=48)),
    _go("a deadlock", "func Guess(n int) int { select {} }", *_LOST, Status.TIMEOUT, limits=Limits(wall_s=2, pids=48)),
    _go(
        "recursion without end",
        "func Guess(n int) int { return Guess(n) + 1 }",
        Status.ERROR,
        Status.OOM,
        Status.CPU_LIMIT,
    ),
    _go(
        "memory without end",
        """
func Guess(n int) int {
	var hoard [][]byte
	for {
		piece := make([]byte, 1<<26)
		for at := 0; at < len(piece); at += 4096 { piece[at] = 1 }
		hoard = append(hoard, piece)
		n += len(hoard)
	}
}
""",
        Status.OOM,
        Status.ERROR,
    ),
)
