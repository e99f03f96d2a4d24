"""The `bwrap` backend: the supervisor as PID 1 of namespaces that bubblewrap makes.

For machines without a container engine. A worker sees the system's programs and libraries and one Python, all read-only
and without installed packages, or instead the root file system of an image; the bundle; and three directories in
memory. It sees nothing else of this machine, no network, no other process. Root gives every sample users of its own, as
in a container. What is missing is a control group: there is no memory limit over several processes, and no share of the
CPUs. This is stamped on every result, and every proof counts as weak.

Needs bubblewrap 0.7 or newer. An ordinary user also needs a kernel that lets users make namespaces; root in a container
needs one that may mount. Not verified: kernels older than 5.14, which count an ordinary user's processes elsewhere too.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox import bundle
from sandbox.contract import SandboxUnavailable
from sandbox.local import ENVIRONMENT, PYTHON_OPTIONS, ProcessChannel, interpreter
from sandbox.worker import StreamWorker, supervisor_setup

MISSING = "judged without a container: several processes of a program together may use more memory than its limit"
MISSING_USERS = "judged without users of its own: programs could disturb their judge"
INSTALL = "install it (Debian: `apt install bubblewrap`), or use backend 'docker'"
_SYSTEM = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")  # links into /usr, or directories of their own
_NOT_SHOWN = {"dev", "opt", "proc", "run", "sys", "tmp", "work"}  # made anew, or of no use
_CAPABILITIES = ("SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER")
_WORK_MIB, _TMP_MIB, _SHM_MIB = 256, 64, 16
_TRY_S = 20


class BubblewrapBackend:
    """Workers that are processes behind namespaces; see `sandbox.contract.Backend`."""

    def __init__(self, root: Path | None = None) -> None:
        """Write the bundle to a new directory and try the walls once; `stamps` say what they lack.

        Args:
            root: directory with the root file system that programs see; None means this machine's programs.

        Raises:
            SandboxUnavailable: no bubblewrap, it may not make namespaces here, or there is no Python in `root`.
        """
        self._bwrap = find()
        self._root = root
        self._python = interpreter() if root is None else _interpreter_in(root)
        self._directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._directory.chmod(0o711)
        (self._directory / "empty").mkdir()
        bundle.write(self._directory / "bundle")
        try:
            self._try()
        except SandboxUnavailable:
            self.close()
            raise
        self.stamps = (MISSING,) if os.getuid() == 0 else (MISSING, MISSING_USERS)

    def open(self, slot: int) -> StreamWorker:
        """Start a supervisor behind walls of its own; see `sandbox.contract.Backend.open`."""
        setup = supervisor_setup(work="/work", wiped=("/tmp", "/dev/shm"), sockets=True)
        command = self._command(*PYTHON_OPTIONS, "/opt/sandbox", "supervise", setup)
        number, words = tempfile.mkstemp(prefix=f"{slot}-", suffix=".stderr", dir=self._directory)
        os.close(number)
        channel = ProcessChannel(command, words=Path(words))
        image = "bwrap" if self._root is None else f"bwrap:{self._root}"
        return StreamWorker(channel, name=f"bwrap-{slot}", image=image, stamps=self.stamps)

    def close(self) -> None:
        """Remove the bundle."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _command(self, *arguments: str) -> list[str]:
        """Return the command that runs Python with `arguments` behind the walls."""
        files = _system(self._python, self._directory / "empty") if self._root is None else _files_of(self._root)
        walls = [*_namespaces(), *files, *_own(self._directory / "bundle")]
        return [self._bwrap, *walls, "--", str(self._python), *arguments]

    def _try(self) -> None:
        """Start Python once behind the walls. Raises `SandboxUnavailable` with bubblewrap's own words."""
        command = self._command(*PYTHON_OPTIONS, "-c", "")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRY_S, check=False)
        if done.returncode != 0:
            words = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise SandboxUnavailable(
                f"bubblewrap cannot make its walls here ({words}): it needs version 0.7 or newer, and a kernel that "
                "lets this user make namespaces (Ubuntu: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`); or "
                "use backend 'docker'"
            )


def find() -> str:
    """Return the path of bubblewrap. Raises `SandboxUnavailable` if it is not installed."""
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxUnavailable(f"backend 'bwrap': bubblewrap is missing: {INSTALL}")
    return found


def _namespaces() -> list[str]:
    """Return the options that cut the worker off; root keeps the capabilities that give samples their users."""
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    options += ["--as-pid-1", "--hostname", "sandbox", "--clearenv", "--cap-drop", "ALL"]
    options += [word for pair in ENVIRONMENT.items() for word in ("--setenv", *pair)]
    if os.getuid() == 0:
        options += [word for name in _CAPABILITIES for word in ("--cap-add", f"CAP_{name}")]
    return options


def _system(python: Path, empty: Path) -> list[str]:
    """Return the options that show programs, libraries and Python, and hide every package that was installed."""
    options = ["--ro-bind", "/usr", "/usr"]
    for path in (Path("/", name) for name in _SYSTEM):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            options += ["--ro-bind", str(path), str(path)]
    prefix = python.parent.parent
    for path in ("/etc", "/opt", *reversed([str(parent) for parent in prefix.parents[:-1]])):
        options += ["--perms", "0755", "--dir", path]  # made on the way they would be closed to other users
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/opt/languages"):
        options += ["--ro-bind-try", name, name]
    hidden = sorted(prefix.glob("lib/python3*/*-packages"))
    if not prefix.is_relative_to("/usr"):
        options += ["--ro-bind", str(prefix), str(prefix)]
    if not prefix.is_relative_to("/usr/local"):
        hidden.append(Path("/usr/local"))
    for path in hidden:
        options += ["--ro-bind", str(empty), str(path)]
    return options


def _files_of(root: Path) -> list[str]:
    """Return the options that show what lies in `root`, and nothing of this machine."""
    options = ["--perms", "0755", "--dir", "/opt"]
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), f"/{path.name}"]
        elif path.name not in _NOT_SHOWN:
            options += ["--ro-bind", str(path), f"/{path.name}"]
    return [*options, "--ro-bind-try", str(root / "opt" / "languages"), "/opt/languages"]


def _interpreter_in(root: Path) -> Path:
    """Return the path of Python as seen inside `root`. Raises `SandboxUnavailable` if there is none."""
    for name in ("usr/local/bin/python3", "usr/bin/python3"):
        if (root / name).exists():
            return Path("/", name)
    raise SandboxUnavailable(f"{root} holds no Python: fill it with `python -m sandbox unpack {root}`")


def _own(bundle_directory: Path) -> list[str]:
    """Return the options for the bundle and for the only three places that can be written to."""
    options = ["--ro-bind", str(bundle_directory), "/opt/sandbox", "--proc", "/proc", "--dev", "/dev"]
    for mode, mib, path in (("0711", _WORK_MIB, "/work"), ("1777", _TMP_MIB, "/tmp"), ("1777", _SHM_MIB, "/dev/shm")):
        options += ["--perms", mode, "--size", str(mib << 20), "--tmpfs", path]
    return [*options, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
