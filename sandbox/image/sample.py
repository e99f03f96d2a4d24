"""One sample inside the box: start, watch, end, wipe.

A split sample is two children of the zygote, candidate and judge, joined by a socket pair; any other is one. While they
run the supervisor polls: it keeps the head of the output and counts the rest, looks at CPU time a few times a second,
and notices at once when a child ends or the client hangs up. Afterwards everything that ran under the sample's users is
killed, whether or not it looks clean, and everything it wrote is removed; only then is the answer given.
"""

import contextlib
import json
import math
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.image import linux
from sandbox.image.child import Order, Role
from sandbox.image.nursery import BoxBroken, Nursery
from sandbox.image.streams import Output, memory_file, memory_json, pipe
from sandbox.image.verdict import Facts, decide
from sandbox.image.wipe import remove, wipe

_LOOK_EVERY_S = 0.1
_OUTPUT_FACTOR = 64  # the program is killed when it has printed this many times what is kept
_GRACE_S = 0.5  # how long after a lost connection the candidate's own end is waited for
_END_S = 10.0  # killed processes that are not gone by then mean that the box is broken
_USERS = 4000  # pairs of user ids that one worker goes through before it starts again


class ClientGone(Exception):
    """The client has hung up; nobody is left to answer."""


@dataclass(frozen=True)
class Box:
    """What one worker gives to its samples; `uid_base` is None where we are not root."""

    work: str
    wiped: tuple[str, ...]
    uid_base: int | None
    families: tuple[int, ...]
    other_processes: int = 0  # of our own user, which share its limit where children are not given their own


class Sample:
    """A sample that is running; use `run` once."""

    def __init__(self, box: Box, nursery: Nursery, request: dict[str, Any], number: int) -> None:
        self._box = box
        self._nursery = nursery
        self._request = request
        self._limits = request["limits"]
        base = box.uid_base
        self._users = [] if base is None else [base + 2 * (number % _USERS) + n for n in range(2)]
        self._directory = f"{box.work}/{number}"
        self._facts = Facts(cpu_limit_s=self._limits["cpu_s"])
        self._setups: list[int] = []
        self._outputs: list[Output] = []
        self._report_fd: int | None = None
        self._grace_ends = math.inf

    def run(self, client_fd: int) -> dict[str, Any]:
        """Run the sample to its end and return the answer. Raises `ClientGone`, `BoxBroken`."""
        oom_before = linux.oom_kills()
        started = time.monotonic()
        try:
            self._start()
            self._watch(client_fd, started)
        finally:
            self._facts.elapsed_s = time.monotonic() - started
            self._facts.exits = dict(self._nursery.ended)
            self._end()
        self._facts.oom_kills = linux.oom_kills() - oom_before
        answer = self._answer()
        self._close()
        return answer

    def _start(self) -> None:
        Path(self._directory).mkdir(mode=0o700)
        if self._users:
            os.chown(self._directory, self._users[0], self._users[0])
        stdin = memory_file(self._request["stdin"].encode("utf-8", "surrogatepass"))
        program = memory_json(self._request["program"])
        fds = [stdin, self._output("stdout_bytes"), self._output("output_bytes"), program, self._setup()]
        if self._request["judge"] is None:
            self._spawn("program", fds)
            return
        rpc, peer = (end.detach() for end in socket.socketpair())
        self._spawn("candidate", [*fds, rpc])
        tests = memory_json(self._request["judge"])
        self._report_fd, report = pipe()
        null = [os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC) for _ in range(2)]
        self._spawn("judge", [*null, os.dup(2), tests, self._setup(), peer, report])

    def _spawn(self, role: Role, fds: list[int]) -> None:
        judge = role == "judge"
        order = Order(
            role=role,
            uid=self._users[judge] if self._users else None,
            directory="/" if judge else self._directory,
            cpu_s=self._limits["cpu_s"],
            memory_mib=self._limits["memory_mib"],
            processes=self._limits["pids"] + self._box.other_processes,
            file_mib=self._limits["file_mib"],
            num_fds=self._limits["num_fds"],
            families=self._box.families,
        )
        self._nursery.spawn(order, fds)

    def _output(self, limit: str) -> int:
        reader, writer = pipe()
        if self._users:
            os.fchown(writer, self._users[0], self._users[0])  # so that /dev/stdout can be opened
        self._outputs.append(Output(reader, self._limits[limit]))
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
                self._kill(judge_too=False)  # a grandchild that holds the connection would keep the judge waiting
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
        if self._facts.stop or "program" in ended:
            return True
        if report is None:
            return "judge" in ended
        if report["outcome"] != "lost" or "candidate" in ended:
            return True
        self._grace_ends = min(self._grace_ends, time.monotonic() + _GRACE_S)
        return time.monotonic() >= self._grace_ends

    def _look(self, *, out_of_time: bool, elapsed_s: float) -> None:
        """Add up the CPU time of the candidate's processes and stop them at a limit."""
        judge = self._nursery.pids.get("judge")
        self._facts.cpu_s = sum(linux.cpu_seconds(fields) for pid, fields in self._strangers().items() if pid != judge)
        self._facts.run_delay_s = sum(linux.run_delay_s(pid) for pid in self._nursery.pids.values())
        self._facts.elapsed_s = elapsed_s
        if self._facts.cpu_s >= self._limits["cpu_s"]:
            self._facts.stop = "cpu"
        elif out_of_time:
            self._facts.stop = "wall"

    def _strangers(self) -> dict[int, list[bytes]]:
        """Every process below the supervisor that is not the zygote."""
        below = linux.descendants(os.getpid())
        below.pop(self._nursery.zygote_pid, None)
        return below

    def _kill(self, *, judge_too: bool) -> None:
        for uid in self._users[: 1 + judge_too]:
            linux.kill_user(uid)
        if self._users:
            return
        judge = self._nursery.pids.get("judge")
        for pid in self._strangers():
            if judge_too or pid != judge:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _end(self) -> None:
        """Kill and reap everything, take the last output, remove every file."""
        deadline = time.monotonic() + _END_S
        while True:
            self._kill(judge_too=True)
            self._nursery.hear(0 if self._nursery.all_ended() else 0.005)
            self._reap()
            if self._nursery.all_ended() and not self._strangers():
                break
            if time.monotonic() > deadline:
                raise BoxBroken(f"processes that cannot be killed: {sorted(self._strangers())}")
        for output in self._outputs:
            output.drain()
        remove(self._directory)
        for directory in self._box.wiped:
            wipe(directory)

    def _reap(self) -> None:
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            if pid == self._nursery.zygote_pid:
                raise BoxBroken("the zygote is gone")

    def _answer(self) -> dict[str, Any]:
        facts, ended = self._facts, self._nursery.ended.values()
        facts.setups = [os.read(fd, 1000).decode("utf-8", "replace") for fd in self._setups]
        status, detail = decide(facts)
        main = facts.exits.get("program") or facts.exits.get("candidate")
        stdout, stderr = self._outputs
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
        }

    def _readers(self) -> list[int]:
        outputs = [output.fd for output in self._outputs]
        return outputs if self._report_fd is None else [*outputs, self._report_fd]

    def _close(self) -> None:
        for fd in (*self._setups, *self._readers()):
            os.close(fd)
        self._nursery.forget()
