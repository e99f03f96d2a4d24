"""Programs that reach for what is outside of their box."""

from sandbox.hostile.probe import Probe, breaker

_CALL = """
    result = ctypes.CDLL(None, use_errno=True).syscall({call})
    open_ = result >= 0
"""

PROBES: tuple[Probe, ...] = (
    breaker(
        "a route to the network",
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 53))
        """,
    ),
    breaker(
        "another network interface",
        """
        open_ = any(line.split(":")[0].strip() != "lo" for line in list(open("/proc/net/dev"))[2:])
        """,
        needs="namespace",
    ),
    breaker("a socket to the hypervisor", "\nsocket.socket(socket.AF_VSOCK)", needs="filter"),
    breaker("a raw packet socket", "\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    breaker("io_uring", _CALL.format(call="425, 1, ctypes.create_string_buffer(120)"), needs="filter"),
    breaker("a user namespace", _CALL.format(call="272, 0x10000000"), needs="filter"),
    breaker("a kernel keyring", _CALL.format(call="250, 0, -3, 1"), needs="filter"),
    breaker("shared memory that outlives the sample", _CALL.format(call="29, 4711, 4096, 0o1666"), needs="filter"),
    breaker("a message queue that outlives the sample", _CALL.format(call="68, 4711, 0o1666"), needs="filter"),
    breaker("tracing of process 1", _CALL.format(call="101, 0x4206, 1, 0, 0")),
    breaker("a mount", _CALL.format(call='165, b"none", b"/tmp", b"tmpfs", 0, 0')),
    breaker("root again", "\nos.setuid(0)"),
    breaker(
        "rights through a setuid program",
        """
        status = open("/proc/self/status").read()
        open_ = re.search(r"NoNewPrivs:\\s*(\\d)", status)[1] == "0"
        """,
    ),
    breaker(
        "capabilities",
        """
        status = open("/proc/self/status").read()
        open_ = int(re.search(r"CapEff:\\s*(\\w+)", status)[1], 16) != 0
        """,
    ),
    breaker("writing to the system", '\nopen("/usr/local/mark", "w").close()'),
    breaker("writing to the supervisor's code", '\nopen("/opt/sandbox/__main__.py", "a").close()', needs="namespace"),
    breaker("writing to the kernel's settings", '\nopen("/proc/sys/vm/overcommit_memory", "r+").close()'),
    breaker("the environment of process 1", '\nopen("/proc/1/environ", "rb").read()'),
    breaker("the descriptors of process 1", '\nos.listdir("/proc/1/fd")'),
    breaker("the memory of process 1", '\nopen("/proc/1/mem", "rb").close()'),
    breaker("the files that process 1 sees", '\nos.listdir("/proc/1/root")'),
    breaker("the descriptors of its parent", '\nos.listdir(f"/proc/{os.getppid()}/fd")'),
    breaker("the memory of its parent", '\nopen(f"/proc/{os.getppid()}/mem", "rb").close()'),
    breaker("the environment of its parent", '\nopen(f"/proc/{os.getppid()}/environ", "rb").read()'),
    breaker("a signal to its parent", "\nos.kill(os.getppid(), 0)", needs="users"),
    breaker(
        "the limits of its parent",
        """
        import resource
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
        """,
        needs="users",
    ),
    breaker(
        "its own limits lifted",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY,) * 2)
        """,
    ),
    breaker("the memory of other processes", _CALL.format(call="310, os.getppid(), 0, 0, 0, 0, 0"), needs="filter"),
    breaker(
        "a look at whether processes share", _CALL.format(call="312, os.getpid(), os.getpid(), 1, 0, 0"), needs="filter"
    ),
    breaker("the priority of all its processes", "\nos.setpriority(os.PRIO_USER, os.getuid(), 1)", needs="filter"),
    breaker("the processors of process 1", "\nos.sched_setaffinity(1, {0})"),
    breaker("processors of its own choice", "\nos.sched_setaffinity(0, {0})", needs="filter"),
    breaker("a netlink socket", "\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", needs="filter"),
    breaker("a message queue in a file", '\nopen("/dev/mqueue/left", "x").close()', needs="namespace"),
    breaker("another root", '\nos.chroot("/tmp")'),
    breaker("another host name", '\nsocket.sethostname("other")'),
    breaker("a file system opened", _CALL.format(call='430, b"tmpfs", 0'), needs="filter"),
    breaker("a watch on all files", _CALL.format(call="300, 0, 0")),
    breaker("page faults served by itself", _CALL.format(call="323, 1"), needs="filter"),
    breaker(
        "the processor's counters",
        _CALL.format(call="298, (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0"),
        needs="filter",
    ),
    breaker("the kernel's log by call", _CALL.format(call="103, 10, 0, 0")),
    breaker(
        "what the kernel starts at a crash",
        '\nopen("/proc/sys/kernel/core_pattern", "r+").close()',
    ),
    breaker("the kernel's log", '\nopen("/dev/kmsg", "rb").close()'),
    breaker("a device node", '\nos.mknod("/tmp/memory", 0o20666, os.makedev(1, 1))'),
    breaker(
        "memory beyond its limit",
        """
        bytearray(3 << 30)
        """,
    ),
    breaker(
        "a file beyond its limit",
        """
        with open("big", "wb") as file:
            for _ in range(40): file.write(bytes(1 << 20))
        """,
    ),
    breaker(
        "more descriptors than its limit",
        """
        kept = [os.dup(0) for _ in range(2000)]
        """,
    ),
    breaker(
        "environment variables of the client",
        """
        open_ = bool(set(os.environ) - {"HOME", "TMPDIR", "PATH", "LANG", "LC_CTYPE"})
        """,
    ),
    breaker(
        "inherited descriptors",
        """
        targets = [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")]
        open_ = bool(targets)
        """,
    ),
)
