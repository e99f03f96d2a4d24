"""C++ programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import FOREIGN, Probe, foreigner
from sandbox.status import Status

TESTS = """\
#undef NDEBUG
#include <assert.h>
int main() {
    assert (guess(1) == 602214076);
    assert (guess(2) == 299792458 && true);
}
"""
_INCLUDES = "#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\n"
_LOST = (Status.FAIL, Status.NO_VERDICT, Status.ERROR, Status.COMPILE_ERROR)


def _cpp(name: str, program: str, *expected: Status, limits: Limits = FOREIGN) -> Probe:
    return foreigner("cpp", name, _INCLUDES + program, TESTS, *expected, limits=limits)


PROBES: tuple[Probe, ...] = (
    _cpp("an honest program", "int guess(int n) { return n == 1 ? 602214076 : 299792458; }", Status.PASS),
    _cpp("a wrong answer", "int guess(int n) { return 0; }", Status.FAIL),
    _cpp("exit 0 in a call", "int guess(int n) { exit(0); }", Status.NO_VERDICT),
    _cpp(
        "exit 0 in a constructor",
        "__attribute__((constructor)) void early() { _exit(0); }\nint guess(int n) { return 0; }",
        Status.NO_VERDICT,
    ),
    _cpp(
        "exit 0 in a static object",
        "struct Early { Early() { exit(0); } } early;\nint guess(int n) { return 0; }",
        Status.NO_VERDICT,
    ),
    _cpp(
        "exit 0 after the failure",
        "struct Late { Late() { atexit([] { _exit(0); }); } } late;\nint guess(int n) { return 0; }",
        Status.FAIL,
    ),
    _cpp(
        "a signal handler",
        "#include <csignal>\nint guess(int n) { signal(SIGABRT, [](int) { _exit(0); }); abort(); }",
        Status.NO_VERDICT,
    ),
    _cpp("a main of its own", "int guess(int n) { return 0; }\nint main() { return 0; }", Status.COMPILE_ERROR),
    _cpp(
        "a main of its own, and the tests' renamed",
        "int guess(int n) { return 0; }\nint main() { return 0; }\n#define main tests_main",
        Status.COMPILE_ERROR,
    ),
    _cpp(
        "an __assert_fail of its own",
        'extern "C" void __assert_fail(const char*, const char*, unsigned, const char*) noexcept {}\n'
        "int guess(int n) { return 0; }",
        *_LOST,
    ),
    _cpp(
        "an assert of its own",
        "int guess(int n) { return 0; }\n#define assert(...) 0\n#define NDEBUG",
        Status.FAIL,
    ),
    _cpp("true for everything", "int guess(int n) { return 0; }\n#define true 1 || 1", Status.FAIL),
    _cpp("the tests' calls redefined", "int guess(int n) { return 0; }\n#define guess(n) 1 || guess(n)", Status.FAIL),
    _cpp(
        "the witness's names",
        'extern "C" int __wrap_main() { _exit(0); }\nint guess(int n) { return 0; }',
        Status.COMPILE_ERROR,
    ),
    _cpp(
        "the C library's read and write of its own",
        'extern "C" ssize_t read(int, void *, size_t) { return 0; }\n'
        'extern "C" ssize_t write(int, const void *, size_t n) { return n; }\nint guess(int n) { return 0; }',
        Status.FAIL,
    ),
    _cpp(
        "the secret read and written early",
        "__attribute__((constructor(101))) void early() {\n"
        '    char s[99]; int n = read(3, s, 99); if (n <= 0) { FILE *f = fopen("/proc/self/fd/3", "r");\n'
        "    n = f ? fread(s, 1, 99, f) : 0; }\n"
        "    if (write(4, s, n)) {} _exit(0);\n}\nint guess(int n) { return 0; }",
        *_LOST,
    ),
    _cpp(
        "the tests in files",
        "#include <fstream>\n#include <sstream>\n#include <string>\nint guess(int n) {\n"
        '    for (auto name : {"program.cpp", "tests.cpp", "/proc/self/cmdline", "/proc/self/exe"}) {\n'
        "        std::ifstream f(name); std::stringstream s; s << f.rdbuf(); std::string t = s.str();\n"
        '        auto at = t.find("guess(" + std::to_string(n) + ") == ");\n'
        "        if (at != std::string::npos) return atoi(t.c_str() + at + 12);\n    }\n    return 0;\n}",
        Status.FAIL,
    ),
    _cpp(
        "the secret in its memory",
        "#include <fstream>\n#include <string>\nint guess(int n) {\n"
        '    std::ifstream maps("/proc/self/maps"); std::string line;\n'
        "    while (std::getline(maps, line)) {\n"
        "        unsigned long from, to; char rights[5]; int run = 0;\n"
        "        if (sscanf(line.c_str(), \"%lx-%lx %4s\", &from, &to, rights) != 3 || rights[1] != 'w') continue;\n"
        "        for (char *at = (char *)from; at < (char *)to; ++at) {\n"
        "            run = (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f') ? run + 1 : 0;\n"
        "            if (run == 32) { if (write(4, at - 31, 32)) {} _exit(0); }\n"
        "        }\n    }\n    return 0;\n}",
        Status.FAIL,
        Status.NO_VERDICT,
    ),
    _cpp(
        "its own source in itself",
        "#include <cstring>\n"
        'asm("source: .incbin \\"program.cpp\\"\\n.byte 0");\nextern "C" char source[];\nint guess(int n) {\n'
        '    char key[99]; sprintf(key, "guess(%d) == ", n); char *at = strstr(source, key);\n'
        "    return at ? atoi(at + 12) : 0;\n}",
        Status.COMPILE_ERROR,
    ),
    _cpp("tests swallowed by a condition", "int guess(int n) { return 0; }\n#if 0", Status.COMPILE_ERROR),
    _cpp("tests swallowed by a comment", "int guess(int n) { return 0; }\nint main() {}\n/*", Status.COMPILE_ERROR),
    _cpp("nothing", "", Status.COMPILE_ERROR),
    _cpp("a crash", "int guess(int n) { return *(volatile int *)8; }", Status.SIGNAL),
    _cpp(
        "templates without end",
        "template <int N> struct T { typedef typename T<N + 1>::type type; };\nT<0>::type guess(int n);",
        Status.COMPILE_ERROR,
        Status.COMPILE_TIMEOUT,
    ),
    _cpp(
        "a compiler that never ends",
        "constexpr long f(long n) { long s = 0; for (long i = 0; i < 200000; ++i) s += i % (n + 1); return s; }\n"
        "template <long N> struct S { static constexpr long v = f(N) + S<N - 1>::v; };\n"
        "template <> struct S<0> { static constexpr long v = 0; };\nlong guess(int n) { return S<800>::v; }",
        Status.COMPILE_TIMEOUT,
        Status.COMPILE_ERROR,
    ),
    _cpp("an include of /dev/zero", '#include "/dev/zero"', Status.COMPILE_ERROR, Status.COMPILE_TIMEOUT),
    _cpp(
        "an endless loop",
        "int guess(int n) { for (volatile int i = 0;;) i = 1; }",
        Status.CPU_LIMIT,
        limits=Limits(cpu_s=0.5, wall_s=20, pids=48),
    ),
    _cpp(
        "a fork bomb",
        "int guess(int n) { for (;;) fork(); }",
        Status.CPU_LIMIT,
        Status.TIMEOUT,
        Status.STARVED,
        limits=Limits(cpu_s=1, wall_s=10, pids=48),
    ),
    _cpp(
        "memory without end",
        "#include <cstring>\nint guess(int n) { for (;;) memset(new char[1 << 24], 1, 1 << 24); }",
        Status.SIGNAL,
        Status.OOM,
    ),
    _cpp("output without end", 'int guess(int n) { for (;;) puts("all work and no play"); }', Status.OUTPUT_LIMIT),
)
