"""JavaScript programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import FOREIGN, Probe, foreigner
from sandbox.status import Status

TESTS = "console.assert(guess(1) === 602214076)\nconsole.assert(JSON.stringify([guess(2)]) === '[299792458]')\n"
_LOST = (Status.FAIL, Status.ERROR, Status.NO_VERDICT)


def _js(name: str, program: str, *expected: Status, limits: Limits = FOREIGN) -> Probe:
    return foreigner("javascript", name, program, TESTS, *expected, limits=limits)


PROBES: tuple[Probe, ...] = (
    _js("an honest program", "const guess = (n) => [0, 602214076, 299792458][n]", Status.PASS),
    _js("a wrong answer", "const guess = (n) => 0", Status.FAIL),
    _js("exit 0 while loading", "process.exit(0)", Status.NO_VERDICT),
    _js("exit 0 in a call", "const guess = (n) => process.exit(0)", Status.NO_VERDICT),
    _js("reallyExit in a call", "const guess = (n) => process.reallyExit(0)", Status.NO_VERDICT),
    _js("exit handler", "process.on('exit', () => process.reallyExit(0)); const guess = (n) => 0", Status.FAIL),
    _js(
        "uncaught exceptions swallowed",
        "process.on('uncaughtException', () => process.exit(0)); const guess = (n) => { throw 1 }",
        Status.ERROR,
    ),
    _js("console.assert replaced", "console.assert = () => {}; const guess = (n) => 0", Status.FAIL),
    _js("a console of its own", "const console = { assert() {} }; const guess = (n) => 0", Status.FAIL),
    _js(
        "a global console of its own",
        "Object.defineProperty(globalThis, 'console', { value: { assert() {} } }); const guess = (n) => 0",
        *_LOST,
    ),
    _js(
        "JSON replaced",
        "JSON.stringify = () => '[299792458]'; globalThis.JSON = { stringify: JSON.stringify }; const guess = (n) => 0",
        Status.FAIL,
    ),
    _js(
        "toJSON on every array",
        "Array.prototype.toJSON = () => [299792458]; const guess = (n) => n === 1 ? 602214076 : 0",
        Status.FAIL,
    ),
    _js(
        "a value that becomes what is asked for",
        "const guess = (n) => ({ valueOf: () => 602214076, toString: () => '602214076' })",
        Status.FAIL,
    ),
    _js(
        "iterators that hand out another console",
        """
        const it = Object.getPrototypeOf([][Symbol.iterator]());
        it.next = () => ({ value: { assert() {} }, done: false });
        const guess = (n) => 0
        """,
        *_LOST,
    ),
    _js(
        "the tests in its callers",
        """
        function guess(n) {
          let text = '';
          try { for (let f = arguments.callee.caller; f; f = f.caller) text += f } catch (error) {}
          Error.prepareStackTrace = (error, frames) => frames;
          for (const frame of new Error().stack) text += frame.getFunction() || '';
          return Number((text.match(new RegExp('guess\\\\(' + n + '\\\\) === (\\\\d+)')) || [0, 0])[1])
        }
        """,
        *_LOST,
    ),
    _js(
        "the tests in files",
        """
        const fs = require('fs');
        let text = '';
        for (const name of ['tests.js', 'program.js', 'witness.js', '/proc/self/cmdline', '/proc/self/environ'])
          try { text += fs.readFileSync(name, 'utf8') } catch (error) {}
        const guess = (n) => Number((text.match(new RegExp('guess\\\\(' + n + '\\\\) === (\\\\d+)')) || [0, 0])[1])
        """,
        Status.FAIL,
    ),
    _js(
        "the secret read and written",
        """
        const fs = require('fs'), secret = Buffer.alloc(99);
        let n = 0;
        for (const name of [3, '/proc/self/fd/3'])
          try { n = n || fs.readSync(typeof name === 'number' ? name : fs.openSync(name), secret) } catch (error) {}
        fs.writeSync(4, secret.subarray(0, n));
        process.reallyExit(0)
        """,
        *_LOST,
    ),
    _js("an inspector", "require('inspector'); process.exit(0); const guess = (n) => 0", Status.ERROR),
    _js(
        "a module of its own that may load anything",
        """
        require('fs').writeFileSync('own.js', "require('child_process'); process.reallyExit(0)");
        require(process.cwd() + '/own.js'); require('./own.js');
        const guess = (n) => 0
        """,
        Status.ERROR,
    ),
    _js("a shell", "require('node:child_process').execSync('true'); process.exit(0)", Status.ERROR),
    _js("a syntax error", "const guess = (n) => {", Status.ERROR),
    _js("tests swallowed by a template", "const guess = `", Status.ERROR),
    _js("nothing", "", Status.ERROR),
    _js("an endless loop", "const guess = (n) => { for (;;); }", Status.CPU_LIMIT, limits=Limits(cpu_s=1, pids=48)),
    _js(
        "a heap without end",
        "const guess = (n) => { const a = []; for (;;) a.push({}) }",
        Status.SIGNAL,
        Status.OOM,
        Status.CPU_LIMIT,
    ),
    _js(
        "buffers without end",
        "const guess = (n) => { const a = []; for (;;) a.push(Buffer.alloc(1 << 26, 1)) }",
        Status.OOM,
        Status.ERROR,
    ),
)
