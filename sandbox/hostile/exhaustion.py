"""Programs that use up what there is, or never end."""

from sandbox.contract import Limits
from sandbox.hostile.probe import Probe, forger
from sandbox.status import Status

_CPU = Limits(cpu_s=0.5, wall_s=20)
_WALL = Limits(cpu_s=2, wall_s=1)
_STOPPED = (Status.CPU_LIMIT, Status.TIMEOUT, Status.STARVED)

PROBES: tuple[Probe, ...] = (
    forger("endless loop while loading", "while True: pass", Status.CPU_LIMIT, limits=_CPU),
    forger("endless loop in a call", "def guess(n):\n    while True: pass", Status.CPU_LIMIT, limits=_CPU),
    forger(
        "endless loop that ignores signals",
        """
        for number in range(1, 32):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def guess(n):
            while True: pass
        """,
        Status.CPU_LIMIT,
        limits=_CPU,
    ),
    forger(
        "endless loops in children",
        """
        def guess(n):
            for _ in range(4):
                if os.fork() == 0:
                    while True: pass
            os.wait()
        """,
        Status.CPU_LIMIT,
        limits=_CPU,
    ),
    forger("sleep without end", "def guess(n): time.sleep(10**6)", Status.TIMEOUT, limits=_WALL),
    forger("stopped by itself", "def guess(n): os.kill(os.getpid(), signal.SIGSTOP)", Status.TIMEOUT, limits=_WALL),
    forger(
        "deadlock", "def guess(n): threading.Lock().acquire() and os.read(os.pipe()[0], 1)", *_STOPPED, limits=_WALL
    ),
    forger(
        "fork bomb",
        """
        def guess(n):
            while True:
                try: os.fork()
                except OSError: pass
        """,
        *_STOPPED,
        limits=_CPU,
        needs="users",
    ),
    forger(
        "fork bomb of orphans",
        """
        def guess(n):
            while True:
                try:
                    if os.fork() == 0:
                        os.setsid()
                        os.fork()
                        time.sleep(0.05)
                        os._exit(0)
                except OSError: pass
        """,
        *_STOPPED,
        limits=_CPU,
        needs="users",
    ),
    forger(
        "threads without end",
        """
        def guess(n):
            while True: threading.Thread(target=time.sleep, args=(60,)).start()
        """,
        Status.ERROR,
        Status.OOM,
        needs="users",
    ),
    forger(
        "zombies",
        """
        for _ in range(20):
            if os.fork() == 0: os._exit(0)
        def guess(n): return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "memory bomb",
        """
        def guess(n):
            hoard = []
            while True: hoard.append(bytearray(1 << 26))
        """,
        Status.OOM,
        limits=Limits(cpu_s=10),  # the kernel clears every page on the program's time
    ),
    forger(
        "memory bomb in children",
        """
        def guess(n):
            for _ in range(5):
                if os.fork() == 0:
                    hoard = bytearray(b"x") * (250 << 20)
                    time.sleep(60)
            time.sleep(60)
        """,
        Status.OOM,
        Status.TIMEOUT,
        limits=Limits(cpu_s=10, wall_s=3),
        needs="namespace",
    ),
    forger("recursion without end", "def guess(n): return guess(n)", Status.ERROR),
    forger("segmentation fault", "def guess(n): ctypes.string_at(0)", Status.SIGNAL),
    forger("abort", "def guess(n): os.abort()", Status.SIGNAL),
    forger("killed by itself", "def guess(n): os.kill(os.getpid(), signal.SIGKILL)", Status.KILLED),
    forger(
        "output without end",
        """
        def guess(n):
            while True: os.write(1, b"x" * 65536)
        """,
        Status.OUTPUT_LIMIT,
    ),
    forger(
        "errors without end",
        """
        def guess(n):
            while True: os.write(2, b"x" * 65536)
        """,
        Status.OUTPUT_LIMIT,
    ),
    forger(
        "disk filled",
        """
        def guess(n):
            for folder in (os.getcwd(), "/tmp", "/dev/shm"):
                try:
                    for number in range(1000):
                        with open(f"{folder}/{number}", "wb") as file: file.write(bytes(8 << 20))
                except OSError: pass
            return 0
        """,
        Status.FAIL,
        Status.OOM,
        needs="namespace",
    ),
    forger(
        "inodes used up",
        """
        def guess(n):
            for folder in ("/tmp", os.getcwd()):
                try:
                    for number in range(20_000): os.mkdir(f"{folder}/{number}")
                except OSError: pass
            return 0
        """,
        Status.FAIL,
        limits=Limits(cpu_s=10),
        needs="namespace",
    ),
    forger(
        "a directory 3000 deep that nobody may read",
        """
        def guess(n):
            for _ in range(3000):
                os.mkdir("d")
                os.chdir("d")
            for _ in range(3000):
                os.chdir("..")
                os.chmod("d", 0)
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "memory in anonymous files",
        """
        def guess(n):
            for _ in range(200):
                os.write(os.memfd_create("hoard"), bytes(15 << 20))
            return 0
        """,
        Status.OOM,
        Status.ERROR,
        limits=Limits(cpu_s=10),
        needs="memory",
    ),
    forger(
        "memory in descriptors that are on their way",
        """
        def guess(n):
            for _ in range(60):
                left, right = socket.socketpair()
                file = os.memfd_create("hoard")
                os.write(file, bytes(15 << 20))
                for _ in range(3): socket.send_fds(left, [b"x"], [file, left.fileno(), right.fileno()])
                os.close(file)
            return 0
        """,
        Status.FAIL,
        Status.OOM,
        Status.ERROR,
        limits=Limits(cpu_s=10),
        needs="namespace",
    ),
    forger(
        "pipes filled to the brim",
        """
        def guess(n):
            kept = []
            try:
                while True:
                    kept.append(os.pipe2(os.O_NONBLOCK))
                    os.write(kept[-1][1], bytes(1 << 16))
            except OSError: pass
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "terminals without end",
        """
        def guess(n):
            kept = []
            try:
                while True: kept.append(os.openpty())
            except OSError: pass
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "watches without end",
        """
        def guess(n):
            libc = ctypes.CDLL(None)
            for _ in range(300):
                watch = libc.inotify_init()
                if watch < 0: break
                for number in range(50):
                    os.makedirs(f"w{number}", exist_ok=True)
                    libc.inotify_add_watch(watch, f"w{number}".encode(), 0xFFF)
            return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "children that are stopped",
        """
        for _ in range(20):
            if os.fork() == 0:
                os.setsid()
                os.kill(os.getpid(), signal.SIGSTOP)
                os._exit(0)
        def guess(n): return 0
        """,
        Status.FAIL,
        Status.ERROR,
    ),
    forger(
        "signals without end",
        """
        def guess(n):
            signal.signal(signal.SIGALRM, lambda *details: None)
            signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)
            for number in range(1000):
                try: os.kill(os.getppid(), signal.SIGUSR1)
                except OSError: pass
            return 0
        """,
        Status.FAIL,
        Status.CPU_LIMIT,
        limits=_CPU,
        needs="users",
    ),
    forger(
        "names that are no text, holes and hard links",
        r"""
        def guess(n):
            for folder in (b".", b"/tmp", b"/dev/shm"):
                try:
                    os.mkdir(folder + b"/\xff\n")
                    os.mkdir(folder + b"/\xff\n/" + b"x" * 255)
                    file = os.open(folder + b"/-rf *", os.O_CREAT | os.O_RDWR)
                    os.truncate(file, 1 << 23)
                    for number in range(99): os.link(folder + b"/-rf *", folder + b"/\xff\n/%d" % number)
                    os.chmod(folder + b"/\xff\n", 0)
                except OSError: pass
            return 0
        """,
        Status.FAIL,
        needs="namespace",
    ),
    forger(
        "file systems full of tiny files",
        """
        def guess(n):
            for folder in ("/dev/shm", "/tmp", "."):
                try:
                    for number in range(100_000): open(f"{folder}/{number}", "w").close()
                except OSError: pass
            return 0
        """,
        Status.FAIL,
        limits=Limits(cpu_s=10),
        needs="namespace",
    ),
    forger(
        "an end that never comes",
        """
        class Undead:
            def __del__(self):
                while True: pass
        kept = Undead()
        atexit.register(time.sleep, 1000)
        def guess(n): return 0
        """,
        Status.FAIL,
    ),
    forger(
        "files, links and daemons left behind",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        for folder in ("/tmp", "/dev/shm", "."):
            try:
                open(f"{folder}/left", "w").close()
                os.symlink("/etc", f"{folder}/link")
                os.symlink("link", f"{folder}/loop")
                os.mkfifo(f"{folder}/pipe")
                socket.socketpair()[0]
            except OSError: pass
        def guess(n): return 0
        """,
        Status.FAIL,
        needs="namespace",
    ),
)
