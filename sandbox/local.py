"""The `process` backend: the supervisor as a plain process tree.

For machines without a container engine, and for tests. What still holds: rlimits, CPU and wall limits, the filter of
system calls (no sockets at all), a clean environment, and, where we are root, users of its own for every sample. What
does not hold is stamped on every result, and every proof counts as weak.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox import bundle
from sandbox.contract import SandboxUnavailable
from sandbox.worker import StreamWorker, supervisor_setup

MISSING = "judged without a container: programs could read this machine's files, also those with the answers"
MISSING_USERS = "judged without users of its own: programs could disturb their judge and this user's processes"
PYTHON_OPTIONS = ("-s", "-B", "-X", "utf8")
ENVIRONMENT = {"PYTHONHASHSEED": "0"}  # programs that walk a set get the same verdict in every worker
_CHUNK_BYTES = 1 << 16
_CLOSE_S = 15.0
_WORDS_BYTES = 2000


class ProcessBackend:
    """Workers that are plain processes of this machine; see `sandbox.contract.Backend`."""

    def __init__(self) -> None:
        """Write the bundle to a new directory; `stamps` say what this wall lacks. Raises `SandboxUnavailable`."""
        if sys.platform != "linux":
            raise SandboxUnavailable(f"backend 'process' needs Linux, not {sys.platform}: use backend 'docker'")
        self._python = interpreter()
        self._directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._directory.chmod(0o711)
        bundle.write(self._directory / "bundle")
        self.stamps = (MISSING,) if os.getuid() == 0 else (MISSING, MISSING_USERS)

    def open(self, slot: int) -> StreamWorker:
        """Start a supervisor; see `sandbox.contract.Backend.open`."""
        work = Path(tempfile.mkdtemp(prefix=f"work-{slot}-", dir=self._directory))
        work.chmod(0o711)
        setup = supervisor_setup(work=str(work), wiped=(), sockets=False)
        command = [str(self._python), *PYTHON_OPTIONS, str(self._directory / "bundle"), "supervise", setup]
        channel = ProcessChannel(command, words=self._directory / f"{work.name}.stderr")
        return StreamWorker(channel, name=f"process-{slot}", image="process", stamps=self.stamps)

    def close(self) -> None:
        """Remove the bundle and whatever a killed supervisor left."""
        shutil.rmtree(self._directory, ignore_errors=True)


class ProcessChannel:
    """A socket whose other end is stdin and stdout of a supervisor that is our child; see `sandbox.worker.Channel`."""

    def __init__(self, command: list[str], *, words: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start `command`, with nothing but `environment`; its stderr goes to the file `words`."""
        self._words = words
        self._socket, theirs = socket.socketpair()
        with theirs, words.open("wb") as stderr:
            end = theirs.fileno()
            self._process = subprocess.Popen(
                command, stdin=end, stdout=end, stderr=stderr, start_new_session=True, env=environment or ENVIRONMENT
            )

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send everything; see `sandbox.worker.Channel.send`."""
        self._socket.settimeout(timeout_s)
        self._socket.sendall(data)

    def receive(self, timeout_s: float) -> bytes:
        """Return some bytes; see `sandbox.worker.Channel.receive`."""
        self._socket.settimeout(timeout_s)
        return self._socket.recv(_CHUNK_BYTES)

    def last_words(self) -> str:
        """Return the end of the supervisor's stderr as one line."""
        words = self._words.read_bytes()[-_WORDS_BYTES:] if self._words.exists() else b""
        return " | ".join(words.decode("utf-8", "replace").split("\n")).strip(" |")

    def close(self) -> None:
        """Hang up, and kill a supervisor that does not end by itself, with all that is of its session."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # also wakes a thread of ours that waits for an answer
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_CLOSE_S)
        self._socket.close()


def interpreter() -> Path:
    """Return a Python outside any virtual environment whose library the users of samples can read.

    The one ours is built on will do for an ordinary user. Root gives samples other users, who cannot import from a
    library in root's home. Raises `SandboxUnavailable` if there is none.
    """
    name = f"python3.{sys.version_info.minor}"
    if os.getuid() != 0 or _open_to_all(Path(os.__file__)):
        return Path(sys.base_prefix, "bin", name)
    system = Path("/usr/bin", name)
    if system.exists():
        return system
    raise SandboxUnavailable(
        f"samples of root run as other users, who cannot read {Path(os.__file__).parent}: install {name} in /usr/bin, "
        "do not run as root, or use backend 'docker'"
    )


def _open_to_all(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o004) and all(parent.stat().st_mode & 0o001 for parent in path.parents)
