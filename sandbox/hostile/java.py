"""Java programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import Probe, foreigner
from sandbox.status import Status

TESTS = """\
public class Main {
    public static void main(String[] args) {
        Solution s = new Solution();
        List<Boolean> correct = Arrays.asList(s.guess(1) == 602214076, s.guess(2) == 299792458);
        if (correct.contains(false)) {
            throw new AssertionError();
        }
    }
}
"""
_LIMITS = Limits(cpu_s=5, wall_s=25, pids=48)
_WRONG = "class Solution { public int guess(int n) { return 0; } }\n"


def _java(name: str, program: str, *expected: Status, limits: Limits = _LIMITS) -> Probe:
    return foreigner(
        "java", name, f"import java.util.*;\nimport java.lang.*;\n{program}", TESTS, *expected, limits=limits
    )


def _call(body: str) -> str:
    return f"class Solution {{ public int guess(int n) {{ {body} }} }}"


PROBES: tuple[Probe, ...] = (
    _java("an honest program", _call("return n == 1 ? 602214076 : 299792458;"), Status.PASS),
    _java("a wrong answer", _WRONG, Status.FAIL),
    _java("exit 0 in a call", _call("System.exit(0); return 0;"), Status.NO_VERDICT),
    _java("halt in a call", _call("Runtime.getRuntime().halt(0); return 0;"), Status.NO_VERDICT),
    _java(
        "halt in a static block",
        "class Solution { static { Runtime.getRuntime().halt(0); } public int guess(int n) { return 0; } }",
        Status.NO_VERDICT,
    ),
    _java(
        "halt in a shutdown hook",
        _call("Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0))); return 0;"),
        Status.FAIL,
    ),
    _java(
        "an AssertionError of its own",
        f"{_WRONG}class AssertionError extends RuntimeException {{ AssertionError() {{ System.exit(0); }} }}",
        Status.COMPILE_ERROR,
    ),
    _java(
        "an Arrays of its own",
        f"{_WRONG}class Arrays {{ static List<Boolean> asList(Object... all) {{ return new ArrayList<>(); }} }}",
        Status.COMPILE_ERROR,
    ),
    _java(
        "a Boolean of its own",
        f"{_WRONG}class Boolean {{}}",
        Status.COMPILE_ERROR,
    ),
    _java("a Main of its own", f"{_WRONG}class Main {{ static void main(String[] a) {{}} }}", Status.COMPILE_ERROR),
    _java("a sneaky throw", _call("throw new AssertionError();"), Status.FAIL),
    _java("an exception", _call("throw new RuntimeException();"), Status.ERROR),
    _java(
        "the secret read and written",
        "import java.io.*;\nclass Solution { static { try {\n"
        'byte[] b = new byte[99]; int n = new FileInputStream("/proc/self/fd/3").read(b);\n'
        'new FileOutputStream("/proc/self/fd/4").write(b, 0, n);\n'
        "} catch (Throwable t) {} Runtime.getRuntime().halt(0); } public int guess(int n) { return 0; } }",
        Status.NO_VERDICT,
        Status.ERROR,
    ),
    _java(
        "the tests in files",
        "import java.nio.file.*;\n"
        + _call(
            'for (String name : new String[] {"Main.java", "Solution.java", "/proc/self/cmdline"}) try {\n'
            "String t = new String(Files.readAllBytes(Paths.get(name)));\n"
            'int at = t.indexOf("s.guess(" + n + ") == ");\n'
            "if (at >= 0) return Integer.parseInt(t.substring(at + 14, at + 23));\n"
            "} catch (Exception e) {}\nreturn 0;"
        ),
        Status.FAIL,
    ),
    _java(
        "the tests' constants in class files",
        "import java.io.*;\nimport java.nio.*;\n"
        + _call(
            "List<Integer> found = new ArrayList<>();\n"
            'for (String name : new String[] {"classes/Main.class", "Main.class"}) try {\n'
            "InputStream in = new File(name).exists() ? new FileInputStream(name)\n"
            '    : getClass().getResourceAsStream("/" + name);\n'
            "byte[] b = in.readAllBytes();\n"
            "for (int at = 0; at + 5 < b.length; at++) {\n"
            "int value = ByteBuffer.wrap(b, at + 1, 4).getInt();\n"
            "if (b[at] == 3 && value > 200000000 && value < 700000000) found.add(value);\n"
            "}\n} catch (Throwable t) {}\nreturn found.size() >= n ? found.get(n - 1) : 0;"
        ),
        Status.FAIL,
    ),
    _java(
        "the secret in a dump of its heap",
        "import java.io.*;\nimport java.nio.file.*;\nimport java.util.regex.*;\n"
        + _call(
            "try {\n"
            "javax.management.MBeanServer server = java.lang.management.ManagementFactory.getPlatformMBeanServer();\n"
            "java.lang.management.ManagementFactory.getPlatformMXBean("
            'com.sun.management.HotSpotDiagnosticMXBean.class).dumpHeap("heap.hprof", false);\n'
            'String heap = new String(Files.readAllBytes(Paths.get("heap.hprof")), "ISO-8859-1");\n'
            'Matcher found = Pattern.compile("[0-9a-f]{32}").matcher(heap);\n'
            'if (found.find()) new FileOutputStream("/proc/self/fd/4").write(found.group().getBytes());\n'
            "} catch (Throwable t) { return 0; }\nRuntime.getRuntime().halt(0); return 0;"
        ),
        Status.FAIL,
        Status.NO_VERDICT,
        Status.ERROR,
        Status.SIGNAL,
    ),
    _java("a syntax error", "class Solution {", Status.COMPILE_ERROR),
    _java("nothing", "", Status.COMPILE_ERROR),
    _java("recursion without end", _call("return guess(n) + 1;"), Status.ERROR),
    _java(
        "an endless loop",
        _call("while (n > 0) n = 1; return 0;"),
        Status.CPU_LIMIT,
        limits=Limits(cpu_s=0.5, wall_s=20, pids=48),
    ),
    _java(
        "a heap without end",
        _call("List<int[]> a = new ArrayList<>(); while (n > 0) a.add(new int[1 << 20]); return 0;"),
        Status.ERROR,
    ),
    _java(
        "threads without end",
        _call(
            "while (n > 0) new Thread(() -> { try { Thread.sleep(99999); } catch (Exception e) {} }).start(); return 0;"
        ),
        Status.ERROR,
        Status.OOM,
    ),
    _java(
        "memory beside the heap",
        _call(
            "List<Object> a = new ArrayList<>();\n"
            "while (n > 0) a.add(java.nio.ByteBuffer.allocateDirect(1 << 26));\nreturn 0;"
        ),
        Status.ERROR,
        Status.OOM,
    ),
)
