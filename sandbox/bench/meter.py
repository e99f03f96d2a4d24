"""CPU time of everything that works for a sample: client, engine and boxes.

The client is this process, its dead children and its living descendants (the boxes of backends `bwrap` and `process`).
The engine is dockerd and containerd, whatever else they do meanwhile, with the shims of our containers and of those
that are new; a shim that ends takes its CPU time along unseen, so the costs of ways that start a container for each
sample are lower bounds. Boxes that are containers are asked for by id.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.container import connect
from sandbox.image import linux

_ENGINE = ("dockerd", "containerd")
_SHIM = "containerd-shim"  # as the kernel cuts names, at 15 characters
_NS = 1e-9


class Meter:
    """Counts CPU seconds between `start` and `stop`."""

    def __init__(self, containers: Iterable[str] = ()) -> None:
        """Count the CPU time of `containers` (ids) too."""
        self._ids = list(containers)
        self._engine = connect() if self._ids else None
        self._boxes_s = self._client_s = 0.0
        self._engine_s: dict[int, float] = {}
        self._foreign: set[int] = set()

    def start(self) -> None:
        """Begin. The own process comes last here and first in `stop`: reading is no part of what is read."""
        self._boxes_s, self._engine_s, self._client_s = self._boxes(), _engine(), _client()
        self._foreign = {pid for pid in self._engine_s if not self._is_ours(pid)}

    def stop(self) -> float:
        """Return the CPU seconds used since `start`."""
        client_s = _client() - self._client_s
        engine = {pid: now for pid, now in _engine().items() if pid not in self._foreign}
        engine_s = sum(now - self._engine_s.get(pid, 0.0) for pid, now in engine.items())
        return client_s + engine_s + self._boxes() - self._boxes_s

    def _is_ours(self, pid: int) -> bool:
        """Whether a process of the engine that is there from the start works for our containers."""
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        return Path(words[0]).name in _ENGINE or any(container in words for container in self._ids)

    def _boxes(self) -> float:
        if self._engine is None:
            return 0.0
        stats = [self._engine.stats(container, stream=False, one_shot=True) for container in self._ids]
        return sum(each["cpu_stats"]["cpu_usage"]["total_usage"] for each in stats) * _NS


def _client() -> float:
    used = os.times()
    living = sum(linux.cpu_seconds(fields) for fields in linux.descendants(os.getpid()).values())
    return used.user + used.system + used.children_user + used.children_system + living


def _engine() -> dict[int, float]:
    """Return process id -> CPU seconds of every process of the engine."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, stat = (folder / "comm").read_text().strip(), (folder / "stat").read_bytes()
        except OSError:  # ended meanwhile
            continue
        if name in (*_ENGINE, _SHIM):
            found[int(folder.name)] = linux.cpu_seconds(stat[stat.rindex(b")") + 2 :].split())
    return found
