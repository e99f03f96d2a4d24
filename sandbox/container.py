"""The `docker` backend: one hardened, long-lived container per worker.

The supervisor is PID 1 of the container and the protocol runs over its attached stdin and stdout, so no port, no
volume and no `exec` is needed, and a remote engine works too. The engine closes stdin when the attached client goes
away (StdinOnce), whatever the client died of; the supervisor then ends and the engine removes the container.

With `runtime="runsc"` the engine starts the same container behind gVisor, whose kernel of its own stands between the
programs and the machine's. The engine must have been told of it (`runtimes` in its daemon.json).

Not verified: runsc, rootless engines, user-namespace remapping, Docker Desktop, Podman.
"""

import contextlib
import os
import socket
import struct
import uuid
from typing import Any
from urllib.parse import urlparse

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.types import HostConfig, LogConfig, Ulimit
from docker.utils import kwargs_from_env

from sandbox import owner
from sandbox.contract import LANGUAGES, Limits, SandboxUnavailable
from sandbox.images import build_command, image_name
from sandbox.worker import StreamWorker, supervisor_setup

_SOCKET = "unix:///var/run/docker.sock"
_TIMEOUT_S = 60
_WORK_MIB, _TMP_MIB, _SHM_MIB = 256, 64, 16
_OURS_MIB = 64  # supervisor and zygote
_OUR_PROCESSES = 16
_WORDS_CHARS = 2000
_SYSCTLS = {
    "kernel.shmmni": "0",
    "kernel.msgmni": "0",
    "kernel.sem": "0 0 0 0",
    "net.ipv4.tcp_max_tw_buckets": "0",  # a port is free again at once, for the next sample too
}


def connect(timeout_s: int = _TIMEOUT_S) -> APIClient:
    """Return a client of the Docker engine that waits `timeout_s` for an answer.

    Raises:
        SandboxUnavailable: no socket, no permission, no engine behind it, or an engine that does not answer.
    """
    host = os.environ.get("DOCKER_HOST") or _SOCKET
    if host.startswith("unix://"):
        _knock(urlparse(host).path)
    try:
        settings = kwargs_from_env()
        return APIClient(version="auto", timeout=timeout_s, **settings)
    except (DockerException, requests.RequestException) as error:
        raise SandboxUnavailable(
            f"the Docker engine at {host} does not answer ({_one_line(error)}): start it, or correct DOCKER_HOST"
        ) from None


def has_image(client: APIClient, name: str) -> bool:
    """Whether the engine has an image of this tag or id."""
    try:
        client.inspect_image(name)
    except ImageNotFound:
        return False
    return True


def _knock(path: str) -> None:
    """Tell apart the ways in which a socket does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(10)
            probe.connect(path)
    except FileNotFoundError:
        raise SandboxUnavailable(
            f"no Docker socket at {path}: install Docker Engine (Debian: `apt install docker.io`) and start it"
        ) from None
    except PermissionError:
        raise SandboxUnavailable(
            f"no permission for {path}: add this user to the group docker (`sudo usermod -aG docker $USER`) and log in "
            "again"
        ) from None
    except OSError as error:
        raise SandboxUnavailable(
            f"nothing answers at {path} ({error.strerror or error}): start the engine (`systemctl start docker`, or "
            "`dockerd &` as root)"
        ) from None


class DockerBackend:
    """Workers that are containers; see `sandbox.contract.Backend`."""

    def __init__(self, image: str | None = None, limits: Limits | None = None, runtime: str | None = None) -> None:
        """Find the image and remove containers whose owner is dead.

        Args:
            image: tag or id; None means the one that `python -m sandbox build` makes for this package.
            limits: sizes the containers; single tasks may ask for less.
            runtime: what the engine starts containers with, such as "runsc"; None means its default.

        Raises:
            SandboxUnavailable: no engine, no image, or an engine that does not know the runtime.
        """
        self._limits = limits or Limits()
        self._image = image or image_name()
        self._runtime = runtime
        self._run = uuid.uuid4().hex
        client = connect()
        try:
            if runtime is not None:
                _need_runtime(client, runtime)
            self._image_id: str = client.inspect_image(self._image)["Id"]
            owner.reap(client)
        except ImageNotFound:
            command = build_command(LANGUAGES if self._image == image_name(LANGUAGES) else ("python",))
            raise SandboxUnavailable(f"image {self._image} is not here: run `{command}`") from None
        except (DockerException, OSError) as error:
            raise SandboxUnavailable(f"lost the Docker engine: {_one_line(error)}") from None

    def open(self, slot: int) -> StreamWorker:
        """Start a container; see `sandbox.contract.Backend.open`."""
        try:
            channel = ContainerChannel(connect(), self._options(slot))
        except APIError as error:
            raise SandboxUnavailable(f"the Docker engine refused a container: {_one_line(error)}") from None
        except (DockerException, OSError) as error:
            raise SandboxUnavailable(f"lost the Docker engine: {_one_line(error)}") from None
        kind = "docker" if self._runtime is None else f"docker+{self._runtime}"
        return StreamWorker(channel, name=f"{kind}-{slot}", image=self._image_id)

    def close(self) -> None:
        """Nothing is held beside the workers."""

    def _options(self, slot: int) -> dict[str, Any]:
        memory = f"{self._limits.memory_mib + _OURS_MIB}m"
        host = HostConfig(
            version="1.41",
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            cap_add=["SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"],
            security_opt=["no-new-privileges"],
            pids_limit=self._limits.pids + _OUR_PROCESSES,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=10**9,
            ipc_mode="private",
            ulimits=[Ulimit(name="core", soft=0, hard=0)],
            sysctls=_SYSCTLS,
            tmpfs={
                "/work": f"size={_WORK_MIB}m,nr_inodes=8192,mode=0711,nosuid,nodev,exec",  # compiled programs
                "/tmp": f"size={_TMP_MIB}m,nr_inodes=2048,mode=1777,nosuid,nodev",
                "/dev/shm": f"size={_SHM_MIB}m,nr_inodes=1024,mode=1777,nosuid,nodev",
            },
            log_config=LogConfig(type="none"),
            auto_remove=True,
            runtime=self._runtime,
        )
        setup = supervisor_setup(work="/work", wiped=("/tmp", "/dev/shm"), sockets=True)
        return {
            "image": self._image_id,
            "command": [setup],
            "hostname": "sandbox",
            "stdin_open": True,
            "host_config": host,
            "labels": owner.labels(run=self._run, slot=slot),
        }


class ContainerChannel:
    """Attached stdin and stdout of a container; see `sandbox.worker.Channel`."""

    def __init__(self, client: APIClient, options: dict[str, Any]) -> None:
        """Create, attach and start. Attaching comes first, so that not a byte of the protocol is missed."""
        self._client = client
        self._id: str = client.create_container(**options)["Id"]
        self._words = ""
        self._buffer = bytearray()
        try:
            params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            self._stream = client.attach_socket(self._id, params)
            self._socket: socket.socket = getattr(self._stream, "_sock", self._stream)
            client.start(self._id)
        except (DockerException, OSError):
            self._remove()
            raise

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send everything; see `sandbox.worker.Channel.send`."""
        self._socket.settimeout(timeout_s)
        self._socket.sendall(data)

    def receive(self, timeout_s: float) -> bytes:
        """Return some bytes of stdout; see `sandbox.worker.Channel.receive`.

        The engine interleaves stdout and stderr: each piece has a header of 8 bytes, its stream (1 or 2) and length.
        """
        self._socket.settimeout(timeout_s)
        while True:
            if len(self._buffer) >= 8:
                stream, length = struct.unpack_from(">BxxxI", self._buffer)
                if len(self._buffer) >= 8 + length:
                    piece = bytes(self._buffer[8 : 8 + length])
                    del self._buffer[: 8 + length]
                    if stream == 1 and piece:
                        return piece
                    self._words = (self._words + piece.decode("utf-8", "replace"))[-_WORDS_CHARS:]
                    continue
            data = self._socket.recv(1 << 16)
            if not data:
                return b""
            self._buffer += data

    def last_words(self) -> str:
        """Return the end of the supervisor's stderr as one line."""
        return " | ".join(self._words.split("\n")).strip(" |")

    def close(self) -> None:
        """Kill and remove the container."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(DockerException, OSError):  # already gone, or going by itself since stdin is closed
            self._client.remove_container(self._id, force=True)


def _need_runtime(client: APIClient, runtime: str) -> None:
    """Raise `SandboxUnavailable` if the engine does not know `runtime`."""
    known = client.info().get("Runtimes", {})
    if runtime not in known:
        raise SandboxUnavailable(
            f"runtime {runtime!r}: the Docker engine knows only {', '.join(sorted(known))}: install it, name it under "
            "`runtimes` in the engine's daemon.json (gVisor: `runsc install`) and restart the engine"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(getattr(error, "explanation", None) or error).split())
