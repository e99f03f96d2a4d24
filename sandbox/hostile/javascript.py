"""JavaScript programs that want a pass without the right answer, or too much of the machine."""

from sandbox.contract import Limits
from sandbox.hostile.probe import FOREIGN, Probe, foreigner
from sandbox.status import Status

TESTS = "console.assert(guess(1) === 602214076)\nconsole.assert(JSON.stringify([guess(2)]) === '[299792458]')\n"
_LOST = (Status.FAIL, Status.ERROR, Status.NO_VERDICT)


_ASSERTING = """\
const assert = require('assert')
assert.strictEqual(guess(1), 602214076)
assert.deepStrictEqual([guess(2)], [299792458])
assert(require('util').isDeepStrictEqual([guess(2)], [299792458]))
"""


def _js(name: str, program: str, *expected: Status, tests: str = TESTS, limits: Limits = FOREIGN) -> Probe:
    return foreigner("javascript", name, program, tests, *expected, limits=limits)


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
    _js(
        "an honest program before the module assert",
        "const guess = (n) => [0, 602214076, 299792458][n]",
        Status.PASS,
        tests=_ASSERTING,
    ),
    _js(
        "the modules assert and util replaced",
        """
        for (const module of [require('assert'), require('node:assert').strict, require('util')])
          for (const name of Object.keys(module)) try { module[name] = () => true } catch (error) {}
        const guess = (n) => 0
        """,
        Status.FAIL,
        tests=_ASSERTING,
    ),
    _js(
        "functions of functions replaced",
        """
        Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => true;
        Object.prototype.toString = Error.prototype.toString = () => '299792458';
        Promise.prototype.then = () => true;
        globalThis.Error = function () { process.reallyExit(0) };
        const guess = (n) => 0
        """,
        *_LOST,
    ),
    _js(
        "the tests, or the secret, in its memory",
        """
        const fs = require('fs');
        function* memory() {
          const mem = fs.openSync('/proc/self/mem');
          for (const line of fs.readFileSync('/proc/self/maps', 'latin1').split('\\n')) {
            const [, from, to] = /^(\\w+)-(\\w+) rw/.exec(line) || [];
            if (!from || /vvar|vsyscall/.test(line)) continue;
            const size = Math.min(parseInt(to, 16) - parseInt(from, 16), 1 << 26), piece = Buffer.alloc(size);
            try { fs.readSync(mem, piece, 0, size, parseInt(from, 16)) } catch (error) { continue }
            yield piece.toString('latin1')
          }
        }
        const guess = (n) => {
          try {
            for (const text of memory()) {
              const found = new RegExp('guess.' + n + '. === (\\\\d{9})').exec(text);
              if (found) return Number(found[1])
            }
          } catch (error) {}
          return 0
        }
        """,
        Status.FAIL,
        Status.OOM,
    ),
    _js(
        "a debugger called",
        """
        try { process._debugProcess(process.pid) } catch (error) {}
        try { process.kill(process.pid, 'SIGUSR1') } catch (error) {}
        const guess = (n) => 0
        """,
        Status.FAIL,
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
