"""PID 1 of the box: one request in, one answer out.

Frames (`sandbox.protocol`) come on stdin and go out on stdout; both are moved out of reach before anything else starts.
The first frame out is `hello`. Requests are `run` (one sample) and `look` (what earlier samples left behind). When the
client hangs up, or when this box cannot be cleaned, the supervisor ends: in a container the kernel then kills whatever
is left, and the client opens a fresh worker.

In a container this is root with the few capabilities needed to give every sample users of its own. Started as a plain
process it does the same if it is root, and otherwise what an ordinary user can.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox import protocol
from sandbox.image import linux, seccomp
from sandbox.image.home import HOME, Box, Home
from sandbox.image.nursery import BoxBroken, Nursery
from sandbox.image.sample import ClientGone, Sample
from sandbox.image.verdict import of_build

_CHUNK_BYTES = 1 << 16
_LANGUAGES = Path("/opt/languages")  # made by toolchains.sh; a directory in it says that the language is here
_USER_TASKS_SLACK = 256  # how many more processes our own user may start elsewhere while we run


def main(setup: str) -> None:
    """Serve one client until it hangs up.

    Args:
        setup: JSON with `work` (a directory for samples), `wiped` (directories emptied after each sample), `uid_base`
            (the first of the user ids for samples, or null) and `sockets` (whether programs may open any).
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reader, writer = _take_streams()
    linux.set_dumpable(False)
    linux.adopt_orphans()
    box, families = _box(**json.loads(setup))
    nursery = Nursery(families, f"{box.work}/{HOME}")
    try:
        _send(writer, {"hello": _hello(box)})
        for number, request in enumerate(_requests(reader)):
            answer = _run(box, nursery, request, number, reader) if request["op"] == "run" else _look(box, nursery)
            _send(writer, {"id": request["id"], **answer})
    except (ClientGone, BrokenPipeError):
        return
    except BoxBroken as error:
        sys.exit(f"sandbox supervisor: {error}")
    finally:
        nursery.close()


def _run(box: Box, nursery: Nursery, request: protocol.Message, number: int, client_fd: int) -> protocol.Message:
    """Run one sample: its compiler, where it has one, and then the program, in one directory."""
    cpu_s = 0.0
    with Home(box, nursery, number) as home:
        if request["build"] is not None:
            built = Sample(home, nursery, request["build"]).run(client_fd)
            refused = of_build(built["status"], built["detail"])
            if refused is not None:
                return {**built, "status": refused[0], "detail": refused[1], "compile_cpu_s": built["cpu_s"]}
            cpu_s = built["cpu_s"]
        return {**Sample(home, nursery, request).run(client_fd), "compile_cpu_s": cpu_s}


def _look(box: Box, nursery: Nursery) -> protocol.Message:
    """Name every process and file that should not be there."""
    pids = linux.descendants(os.getpid()).keys() - {nursery.zygote_pid}
    files = [str(path) for directory in (box.work, *box.wiped) for path in Path(directory).iterdir()]
    return {"leftovers": [f"process {pid}" for pid in sorted(pids)] + sorted(files)}


def _take_streams() -> tuple[int, int]:
    """Move the protocol's streams to descriptors that no child inherits, and leave /dev/null in their place."""
    reader, writer = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return reader, writer


def _box(*, work: str, wiped: list[str], uid_base: int | None, sockets: bool) -> tuple[Box, tuple[int, ...]]:
    if os.getuid() != 0:
        uid_base = None
    others = 0 if uid_base is not None else linux.count_tasks(os.getuid()) + _USER_TASKS_SLACK
    box = Box(work=work, wiped=tuple(wiped), uid_base=uid_base, oom=linux.OomCounter(), other_processes=others)
    return box, seccomp.LOOPBACK if sockets else ()


def _hello(box: Box) -> protocol.Message:
    version = Path(sys.argv[0], "VERSION").read_text()
    features = {"users": box.uid_base is not None, "namespace": os.getpid() == 1, "filter": seccomp.available()}
    features["memory"] = features["namespace"] and box.oom.works
    features |= {path.name: True for path in (_LANGUAGES.iterdir() if _LANGUAGES.exists() else ())}
    return {"protocol": protocol.VERSION, "version": version, "features": features}


def _requests(reader: int) -> Iterator[protocol.Message]:
    chunks = iter(lambda: os.read(reader, _CHUNK_BYTES), b"")
    return protocol.messages(chunks, max_bytes=protocol.MAX_REQUEST_BYTES)


def _send(writer: int, message: protocol.Message) -> None:
    data = memoryview(protocol.frame(message, max_bytes=protocol.MAX_ANSWER_BYTES))
    while data:
        data = data[os.write(writer, data) :]
