"""One step of a sample inside the box: start, watch, end.

A split sample is two children of the zygote, candidate and judge, joined by a socket pair; any other is one. While they
run the supervisor polls: it keeps the head of the output and counts the rest, looks at CPU time a few times a second,
and notices at once when a child ends or the client hangs up. Afterwards every process of the sample is killed; only
then is the answer given.
"""

import json
import math
import os
import select
import socket
import time
from collections.abc import Iterable
from typing import Any

from sandbox.image import linux
from sandbox.image.child import Order, Role, limits
from sandbox.image.home import Home
from sandbox.image.nursery import Nursery
from sandbox.image.streams import Output, full_pipe, memory_file, memory_message, pipe
from sandbox.image.verdict import Facts, decide, main_exit

_LOOK_EVERY_S = 0.1
_OUTPUT_FACTOR = 64  # the program is killed when it has printed this many times what is kept
_GRACE_S = 2.0  # how long after a lost connection the candidate's own end is waited for, on a busy machine too
_WITNESS_BYTES = 256


class ClientGone(Exception):
    """The client has hung up; nobody is left to answer."""


class Sample:
    """A step that is running; use `run` once."""

    def __init__(self, home: Home, nursery: Nursery, request: dict[str, Any]) -> None:
        self._home = home
        self._nursery = nursery
        self._request = request
        self._limits = request["limits"]
        self._facts = Facts(cpu_limit_s=self._limits["cpu_s"])
        self._setups: list[int] = []
        self._outputs: list[Output] = []
        self._report_fd: int | None = None
        self._grace_ends = math.inf
        self._delays: dict[int, float] = {}

    def run(self, client_fd: int) -> dict[str, Any]:
        """Run the step to its end and return the answer. Raises `ClientGone`, `BoxBroken`."""
        started = time.monotonic()
        try:
            self._start()
            self._watch(client_fd, started)
        finally:
            self._facts.elapsed_s = time.monotonic() - started
            self._facts.exits = dict(self._nursery.ended)
            self._home.end()
        for output in self._outputs:
            output.drain()
        self._facts.oom_kills = self._home.box.oom.new()
        answer = self._answer()
        self._close()
        return answer

    def _start(self) -> None:
        stdin = memory_file(self._request["stdin"].encode("utf-8", "surrogatepass"))
        program = self._request["program"]
        outputs = [self._output(self._limits[name]) for name in ("stdout_bytes", "output_bytes")]
        fds = [stdin, *outputs, memory_message(program), self._setup()]
        if "argv" in program:
            self._nursery.spawn([self._child("command", [*fds, *self._witness(program["witness"])])])
        elif "witness" in program:
            self._nursery.spawn([self._child("inproc", [*fds, self._output(_WITNESS_BYTES)])])
        elif self._request["judge"] is None:
            self._nursery.spawn([self._child("program", fds)])
        else:
            self._start_split(fds)

    def _witness(self, secret: str) -> list[int]:
        """Return the descriptors of a command that is to prove something: where it finds its secret, and tells it."""
        if not secret:
            return []
        owner = self._home.users[0] if self._home.users else None
        return [full_pipe(secret.encode(), owner), self._output(_WITNESS_BYTES)]

    def _start_split(self, fds: list[int]) -> None:
        rpc, peer = (end.detach() for end in socket.socketpair())
        tests = memory_message(self._request["judge"])
        self._report_fd, report = pipe()
        null = [os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC) for _ in range(2)]
        judge = [*null, os.dup(2), tests, self._setup(), peer, report]
        self._nursery.spawn([self._child("candidate", [*fds, rpc]), self._child("judge", judge)])

    def _child(self, role: Role, fds: list[int]) -> tuple[Order, list[int]]:
        judge = role == "judge"
        order = Order(
            role=role,
            uid=self._home.users[judge] if self._home.users else None,
            alone=os.getpid() == 1,
            directory="/" if judge else self._home.directory,
            limits=limits(self._limits, self._home.box.other_processes),
            handed=len(fds),
        )
        return order, fds

    def _output(self, keep_bytes: int) -> int:
        reader, writer = pipe()
        if self._home.users:
            os.fchown(writer, self._home.users[0], self._home.users[0])  # so that /dev/stdout can be opened
        self._outputs.append(Output(reader, keep_bytes))
        return writer

    def _setup(self) -> int:
        reader, writer = pipe()
        self._setups.append(reader)
        return writer

    def _watch(self, client_fd: int, started: float) -> None:
        """Poll until the sample is over or has to be stopped."""
        poller = select.poll()
        poller.register(client_fd, 0)  # hang-up only: a queued request must not wake us
        poller.register(self._nursery.fd, select.POLLIN)
        for fd in self._readers():
            poller.register(fd, select.POLLIN)
        deadline = started + self._limits["wall_s"]
        look = started + _LOOK_EVERY_S
        while not self._over():
            now = time.monotonic()
            if now >= min(look, deadline):
                look = now + _LOOK_EVERY_S
                self._look(out_of_time=now >= deadline, elapsed_s=now - started)
                continue
            ready = [fd for fd, _ in poller.poll((min(look, deadline) - now) * 1000 + 1)]
            if client_fd in ready:
                raise ClientGone
            for fd in ready:
                if not self._take(fd):
                    poller.unregister(fd)

    def _take(self, fd: int) -> bool:
        """Take what one descriptor has for us; False if there will be no more."""
        if fd == self._nursery.fd:
            self._nursery.hear(0)
            if "candidate" in self._nursery.ended and self._grace_ends == math.inf:
                self._home.kill(judge_too=False)  # a grandchild that holds the connection would keep the judge waiting
                self._grace_ends = time.monotonic()
            return True
        if fd == self._report_fd:
            data = os.read(fd, 1 << 16)  # one write of less than PIPE_BUF: it arrives whole
            self._facts.report = json.loads(data) if data else None
            return False
        output = next(output for output in self._outputs if output.fd == fd)
        goes_on = output.read()
        if output.seen_bytes > _OUTPUT_FACTOR * output.keep_bytes:
            self._facts.stop = "output"
        return goes_on

    def _over(self) -> bool:
        ended, report = self._nursery.ended, self._facts.report
        if self._facts.stop or not ended.keys().isdisjoint(("program", "command", "inproc")):
            return True
        if report is None:
            return "judge" in ended
        if report["outcome"] != "lost" or "candidate" in ended:
            return True
        self._grace_ends = min(self._grace_ends, time.monotonic() + _GRACE_S)
        return time.monotonic() >= self._grace_ends

    def _look(self, *, out_of_time: bool, elapsed_s: float) -> None:
        """Add up the CPU time of the candidate's processes and stop them at a limit."""
        judge = self._nursery.pids.get("judge", 0)
        strangers = self._home.strangers()
        used = {pid: linux.cpu_seconds(fields) for pid, fields in strangers.items()}
        self._facts.judge_cpu_s = used.pop(judge, 0.0)
        self._facts.cpu_s = sum(used.values())
        self._facts.run_delay_s += self._waited_s(strangers)
        self._facts.elapsed_s = elapsed_s
        if self._facts.cpu_s >= self._limits["cpu_s"]:
            self._facts.stop = "cpu"
        elif out_of_time:
            self._facts.stop = "wall"

    def _waited_s(self, pids: Iterable[int]) -> float:
        """Return for how long, since the last look, the thread that waited longest for a CPU did so.

        The longest, because threads that wait for each other's work wait at the same time.
        """
        before, self._delays = self._delays, {}
        for pid in pids:
            self._delays |= linux.run_delays(pid)
        return max((delay - before.get(thread, 0.0) for thread, delay in self._delays.items()), default=0.0)

    def _answer(self) -> dict[str, Any]:
        facts, ended = self._facts, self._nursery.ended.values()
        facts.setups = [os.read(fd, 1000) for fd in self._setups]
        status, detail = decide(facts)
        main = main_exit(facts)
        stdout, stderr, *witness = self._outputs
        return {
            "status": status,
            "detail": detail,
            "stdout": stdout.text(),
            "stderr": stderr.text(),
            "dropped_bytes": stdout.dropped_bytes + stderr.dropped_bytes,
            "num_calls": facts.report["num_calls"] if facts.report else 0,
            "exit_code": main.exit_code if main else None,
            "cpu_s": max(facts.cpu_s, sum(end.cpu_s for end in ended)),  # orphans are in the first figure only
            "wall_s": facts.elapsed_s,
            "max_rss_mib": max(end.max_rss_mib for end in ended),
            "witness": witness[0].text() if witness else "",
        }

    def _readers(self) -> list[int]:
        outputs = [output.fd for output in self._outputs]
        return outputs if self._report_fd is None else [*outputs, self._report_fd]

    def _close(self) -> None:
        for fd in (*self._setups, *self._readers()):
            os.close(fd)
        self._nursery.forget()
