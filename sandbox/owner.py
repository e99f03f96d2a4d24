"""Which client a container belongs to, and what to do when that client is dead.

A container ends by itself when its client goes away. Should that fail (an engine that was stopped in between), the
next client on the same machine removes it: a label names the owner by host, process namespace, process id and start
time, so that a reused process id is not mistaken for the owner. Containers without our label are never touched.
"""

import os
import socket
from pathlib import Path

from docker import APIClient
from docker.errors import APIError

from sandbox import bundle

_LABEL = "specialists.sandbox.owner"


def labels(*, run: str, slot: int) -> dict[str, str]:
    """Return the labels of a new container of this process."""
    return {
        _LABEL: f"{_place()}/{os.getpid()}/{_start_time(os.getpid())}",
        "specialists.sandbox.run": run,
        "specialists.sandbox.slot": str(slot),
        "specialists.sandbox.version": bundle.version(),
    }


def ours(client: APIClient) -> list[dict[str, str]]:
    """Return `id`, `owner` and `state` of every container that carries our label, whoever owns it."""
    rows = client.containers(all=True, filters={"label": _LABEL})
    return [{"id": row["Id"], "owner": row["Labels"][_LABEL], "state": row["State"]} for row in rows]


def reap(client: APIClient) -> list[str]:
    """Remove the containers whose owner, a process of this machine, is dead; return their ids."""
    removed = []
    for row in ours(client):
        place, _, process = row["owner"].partition("/")
        pid, _, start = process.partition("/")
        if place != _place() or _start_time(int(pid)) == start:
            continue
        try:
            client.remove_container(row["id"], force=True)
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or being removed already
                raise
        removed.append(row["id"])
    return removed


def _place() -> str:
    """Name the host and the process namespace that process ids of this client are counted in."""
    namespace = Path("/proc/self/ns/pid").readlink().name if Path("/proc/self/ns/pid").exists() else "0"
    return f"{socket.gethostname()}:{namespace}"


def _start_time(pid: int) -> str:
    """Return when a process started, in ticks since boot; "" if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat[stat.rindex(")") + 2 :].split()[19]
