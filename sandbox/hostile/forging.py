"""Programs that want a pass without the right answer."""

from sandbox.contract import Limits
from sandbox.hostile.probe import Probe, forger
from sandbox.status import Status

_DEAD = (Status.NO_VERDICT, Status.ERROR)

ENDINGS: tuple[Probe, ...] = (
    forger("exit 0 while loading", "sys.exit(0)", Status.ERROR),
    forger("exit 0 in a call", "def guess(n): sys.exit(0)", Status.ERROR),
    forger("_exit 0 while loading", "os._exit(0)", Status.NO_VERDICT),
    forger("_exit 0 in a call", "def guess(n): os._exit(0)", Status.NO_VERDICT),
    forger(
        "_exit 0 from an exit handler",
        """
        atexit.register(os._exit, 0)
        def guess(n): return 0
        """,
        Status.FAIL,
    ),
    forger(
        "_exit 0 from an exception hook",
        """
        sys.excepthook = lambda *details: os._exit(0)
        def guess(n): raise RuntimeError
        """,
        Status.ERROR,
    ),
    forger(
        "_exit 0 from an alarm",
        """
        signal.signal(signal.SIGALRM, lambda *details: os._exit(0))
        signal.alarm(1)
        def guess(n): time.sleep(60)
        """,
        Status.NO_VERDICT,
    ),
    forger(
        "_exit 0 from a thread",
        """
        def guess(n):
            threading.Timer(0.05, os._exit, [0]).start()
            time.sleep(60)
        """,
        Status.NO_VERDICT,
    ),
    forger("exec of /bin/true", 'def guess(n): os.execv("/bin/true", ["true"])', Status.NO_VERDICT),
    forger(
        "parent ends, child goes on answering",
        """
        if os.fork():
            os._exit(0)
        def guess(n): return 602214076 if n == 1 else 0
        """,
        *_DEAD,
        Status.FAIL,
    ),
    forger(
        "child ends, parent goes on answering",
        """
        if not os.fork():
            os._exit(0)
        def guess(n): return 0
        """,
        Status.FAIL,
    ),
    forger("keyboard interrupt", "def guess(n): raise KeyboardInterrupt", Status.ERROR),
    forger(
        "exit where tests catch everything",
        "def guess(n): sys.exit(0)",
        Status.ERROR,
        tests="try:\n    guess(1)\nexcept:\n    pass\n",
    ),
    forger(
        "StopIteration in a loop of the tests",
        "def guess(n): raise StopIteration",
        Status.ERROR,
        tests="assert all(map(lambda n: guess(n) == 602214076, [1, 2]))",
    ),
)

VALUES: tuple[Probe, ...] = (
    forger(
        "equal to everything",
        """
        class Same:
            def __eq__(self, other): return True
        def guess(n): return Same()
        """,
        Status.UNSUPPORTED,
    ),
    forger(
        "an int that compares as it likes",
        """
        class Same(int):
            def __eq__(self, other): return True
            __hash__ = int.__hash__
        def guess(n): return Same(0)
        """,
        Status.UNSUPPORTED,
    ),
    forger(
        "a lying value deep in a list",
        """
        class Same(str):
            def __eq__(self, other): return True
            __hash__ = str.__hash__
        def guess(n): return [[{"a": (Same(),)}]]
        """,
        Status.UNSUPPORTED,
        tests='assert guess(1) == [[{"a": ("602214076",)}]]',
    ),
    forger(
        "a lying class",
        """
        class Same:
            __class__ = int
            def __eq__(self, other): return True
        def guess(n): return Same()
        """,
        Status.UNSUPPORTED,
    ),
    forger(
        "a value nested without end",
        """
        def guess(n):
            value = []
            value.append(value)
            return value
        """,
        Status.UNSUPPORTED,
    ),
    forger("a value of 40 MB", 'def guess(n): return "x" * 40_000_000', Status.UNSUPPORTED),
)

INSPECTION: tuple[Probe, ...] = (
    forger(
        "trace function that skips asserts",
        """
        def skip(frame, event, argument):
            if event == "line":
                try: frame.f_lineno += 1
                except ValueError: pass
            return skip
        def guess(n):
            sys.settrace(skip)
            frame = sys._getframe()
            while frame: frame.f_trace, frame = skip, frame.f_back
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "patched builtins",
        """
        builtins.AssertionError = builtins.Exception = KeyboardInterrupt
        builtins.all = builtins.any = builtins.isinstance = lambda *anything: True
        def guess(n): return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "patched protocol",
        """
        for module in [m for name, m in sys.modules.items() if name.startswith(("sandbox", "json"))]:
            for name, thing in list(vars(module).items()):
                if callable(thing) and not isinstance(thing, type):
                    setattr(module, name, lambda *a, **k: {"outcome": "pass", "num_calls": 9, "detail": ""})
        def guess(n): return 0
        """,
        Status.FAIL,
        Status.ERROR,
        Status.NO_VERDICT,
    ),
    forger(
        "expected values in callers' frames",
        """
        def guess(n):
            frame, found = sys._getframe(), []
            while frame:
                things = [*frame.f_code.co_consts, *frame.f_locals.values(), *frame.f_globals.values()]
                found += [t for t in things if type(t) is int and t > 10**8]
                frame = frame.f_back
            return found[n - 1] if len(found) >= n else 0
        """,
        Status.FAIL,
    ),
    forger(
        "expected values in all objects",
        """
        def guess(n):
            found = []
            for thing in gc.get_objects():
                code = getattr(thing, "__code__", None)
                for value in getattr(code, "co_consts", ()):
                    if value in (2 * 301107038, 2 * 149896229): found.append(value)
                if type(thing) is dict and "tests" in thing: found.append(thing["tests"])
            return found[n - 1] if len(found) >= n else 0
        """,
        Status.FAIL,
    ),
    forger(
        "tests in its own memory",
        r"""
        def guess(n):
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # its memory is closed to itself otherwise
            needle = re.compile(("sseug tressa"[::-1] + r"\(%d\) == (\d+)" % n).encode())
            for line in open("/proc/self/maps"):
                ends, rights = line.split()[:2]
                start, end = (int(part, 16) for part in ends.split("-"))
                if "r" not in rights or "[v" in line or end - start > 1 << 28: continue
                with open("/proc/self/mem", "rb", 0) as memory:
                    memory.seek(start)
                    try: found = needle.search(memory.read(end - start))
                    except OSError: continue
                if found: return int(found[1])
            return 0
        """,
        Status.FAIL,
    ),
    forger(
        "tests in files and other processes",
        r"""
        def guess(n):
            needle = re.compile(("sseug tressa"[::-1] + r"\(%d\) == (\d+)" % n).encode())
            for folder in [f"/proc/{p}" for p in os.listdir("/proc") if p.isdigit()] + ["/proc/1", "/work", "/tmp"]:
                for name in ("environ", "cmdline", "mem", "fd/0", "fd/3", "fd/4", "cwd/tests.py", "tests.py"):
                    try: found = needle.search(open(f"{folder}/{name}", "rb").read(1 << 20))
                    except OSError: continue
                    if found: return int(found[1])
            return 0
        """,
        Status.FAIL,
    ),
)

CONNECTIONS: tuple[Probe, ...] = (
    forger("all descriptors closed", "os.closerange(0, 256)\ndef guess(n): return 0", *_DEAD),
    forger(
        "garbage on every descriptor",
        """
        def guess(n):
            for fd in range(3, 64):
                try: os.write(fd, b'\\xff\\xff\\xff\\xff{"outcome":"pass"}')
                except OSError: pass
            return 0
        """,
        Status.ERROR,
    ),
    forger(
        "a forged report on every descriptor",
        """
        import json, struct
        report = json.dumps({"outcome": "pass", "num_calls": 2, "detail": "", "status": "pass", "call": 1}).encode()
        for fd in range(3, 64):
            try: os.write(fd, struct.pack(">I", len(report)) + report)
            except OSError: pass
        def guess(n): return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "answers sent before the questions",
        """
        import json, struct
        for call in range(9):
            answer = json.dumps({"call": call, "value": True}).encode()
            os.write(5, struct.pack(">I", len(answer)) + answer)
        def guess(n): return 0
        """,
        Status.FAIL,
    ),
    forger(
        "half an answer",
        "def guess(n): os.write(5, bytes([0, 0, 0, 99]) + b'{'); time.sleep(60)",
        Status.TIMEOUT,
        limits=Limits(cpu_s=2, wall_s=1),
    ),
    forger("an answer of a gigabyte", "def guess(n): os.write(5, b'@' * 4); time.sleep(60)", Status.ERROR),
    forger(
        "an answer nested too deep",
        "def guess(n): os.write(5, (200_000).to_bytes(4, 'big') + b'[' * 200_000); time.sleep(60)",
        Status.ERROR,
    ),
    forger(
        "a number of a million digits",
        "def guess(n): os.write(5, (10**6 + 23).to_bytes(4, 'big') + b'{\"call\": 1, \"value\": 1' + b'0' * 10**6)",
        Status.ERROR,
        Status.FAIL,
    ),
    forger(
        "keys that all fall into one place",
        """
        import json
        def guess(n):
            pairs = [[{"int": hex(key * ((1 << 61) - 1) << 1)}, 0] for key in range(1 << 16)]
            answer = json.dumps({"call": n, "value": {"dict": pairs}}).encode()
            os.write(5, len(answer).to_bytes(4, "big") + answer)
            time.sleep(60)
        """,
        Status.FAIL,
        Status.CPU_LIMIT,
        Status.TIMEOUT,
        limits=Limits(cpu_s=1, wall_s=15),
    ),
    forger(
        "a value by a tag that is not known",
        """
        import json
        def guess(n):
            answer = json.dumps({"call": n, "value": {"__class__": ["int", "602214076"]}}).encode()
            os.write(5, len(answer).to_bytes(4, "big") + answer)
            time.sleep(60)
        """,
        Status.ERROR,
    ),
    forger(
        "an exception that ends the tests",
        """
        import json
        def guess(n):
            answer = json.dumps({"call": n, "raised": "SystemExit", "args": [0], "text": ""}).encode()
            os.write(5, len(answer).to_bytes(4, "big") + answer)
            time.sleep(60)
        """,
        Status.ERROR,
    ),
    forger(
        "the judge's connection shut down",
        "socket.socket(fileno=5).shutdown(socket.SHUT_RDWR)\ndef guess(n): return 0",
        *_DEAD,
    ),
    forger(
        "the judge's connection reopened from outside",
        """
        def guess(n):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for fd in range(16):
                    try: os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY), b'{"outcome": "pass", "num_calls": 2}')
                    except OSError: pass
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "judge and supervisor killed",
        """
        def guess(n):
            for pid in range(1, os.getpid() + 20):
                if pid != os.getpid():
                    try: os.kill(pid, signal.SIGKILL)
                    except OSError: pass
            return 0
        """,
        Status.FAIL,
        needs="users",
    ),
    forger(
        "kill -9 -1",
        """
        def guess(n):
            try: os.kill(-1, signal.SIGKILL)
            except OSError: pass
            return 0
        """,
        Status.FAIL,
        needs="users",
    ),
)

PROBES = ENDINGS + VALUES + INSPECTION + CONNECTIONS
