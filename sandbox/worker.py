"""One worker as the client sees it: a byte stream with a supervisor at its other end.

Whatever carries the stream (a container's attached stdin and stdout, pipes of a process) is a `Channel`. This file
speaks the protocol over it: hello, requests with ids, deadlines. Any broken rule means that the worker is lost, because
after one there is no telling what the next bytes are.
"""

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any, Protocol

from sandbox import bundle, protocol
from sandbox.contract import Limits, Result, SandboxUnavailable, Status, Task, WorkerLost
from sandbox.image.verdict import BY_OUTCOME
from sandbox.languages.language import Language, Step
from sandbox.languages.table import BY_NAME

HELLO_S = 30.0
_GRACE_S = 20.0  # beyond the wall limit: killing, reaping, wiping and the way back
_LOOK_S = 10.0
_UID_START, _UID_STEP, _UID_SLOTS = 1 << 28, 1 << 13, 1 << 16  # far above every real user, 8192 ids for a worker
_FAILED = "fail: "  # what a witness says instead of the secret
_CURE = (
    "open the pool with languages=... and backend docker, on the image of `python -m sandbox build --languages all`; "
    "or with backend bwrap and image=DIRECTORY, which `python -m sandbox unpack DIRECTORY --languages all` fills"
)
_MARGIN_BYTES = 64 << 10  # of stdout kept beyond the expected text, for spaces that do not count


class Channel(Protocol):
    """A two-way byte stream to a supervisor."""

    def send(self, data: bytes, timeout_s: float) -> None:
        """Send everything. Raises `OSError` (a `TimeoutError` among them)."""
        ...

    def receive(self, timeout_s: float) -> bytes:
        """Return some bytes, b"" at the end of the stream. Raises `OSError` (a `TimeoutError` among them)."""
        ...

    def last_words(self) -> str:
        """Return what the supervisor wrote to its stderr, in one line; "" if nothing."""
        ...

    def close(self) -> None:
        """End the supervisor and everything below it; may be called twice."""
        ...


class StreamWorker:
    """A worker behind a channel; see `sandbox.contract.Worker`."""

    def __init__(self, channel: Channel, *, name: str, image: str, stamps: tuple[str, ...] = ()) -> None:
        """Wait for the supervisor's hello.

        Args:
            name: shown in results.
            image: what the box was made from, shown in results.
            stamps: the promises that this kind of box does not keep; with any, every proof is weak.

        Raises:
            WorkerLost: no hello in time.
            SandboxUnavailable: the supervisor in the image is not the one of this package.
        """
        self._channel = channel
        self._name = name
        self._image = image
        self._stamps = stamps
        self._parser = protocol.FrameParser(protocol.MAX_ANSWER_BYTES)
        self._inbox: Iterator[protocol.Message] = iter(())
        try:
            self.features = self._greeted(self._receive(time.monotonic() + HELLO_S))
        except (WorkerLost, SandboxUnavailable):
            self.close()
            raise

    def run(self, task: Task, limits: Limits) -> Result:
        """Run one task; see `sandbox.contract.Worker.run`."""
        if task.language != "python" and task.language not in self.features:
            raise SandboxUnavailable(f"{self._image} has no {task.language}: {_CURE}")
        secret = protocol.new_id()
        box = {"worker": self._name, "image": self._image, "stamps": self._stamps}
        try:
            answer = self._ask("run", limits.backstop_s + _build_s(task) + _GRACE_S, **_request(task, limits, secret))
        except protocol.FrameTooBig as error:
            return Result(status=Status.UNSUPPORTED, detail=f"the task is too big to be sent: {error}", **box)
        status, detail = _judged(task, answer, secret)
        strong = task.proof in ("split", "stdio") and not self._stamps
        return Result(
            **{**answer, "status": status, "detail": detail},
            proof="strong" if strong else "weak",
            **box,
        )

    def leftovers(self) -> tuple[str, ...]:
        """Name what earlier tasks left behind; see `sandbox.contract.Worker.leftovers`."""
        return tuple(self._ask("look", _LOOK_S)["leftovers"])

    def close(self) -> None:
        """End the box."""
        self._channel.close()

    def _greeted(self, message: protocol.Message) -> dict[str, bool]:
        hello = message.get("hello", {})
        if (hello.get("protocol"), hello.get("version")) != (protocol.VERSION, bundle.version()):
            raise SandboxUnavailable(
                f"the supervisor in {self._image} has version {hello.get('version')}, this package has "
                f"{bundle.version()}: run `python -m sandbox build`"
            )
        return hello["features"]

    def _ask(self, op: str, timeout_s: float, **content: Any) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        request_id = protocol.new_id()
        try:
            self._channel.send(protocol.frame({"id": request_id, "op": op, **content}), timeout_s)
        except OSError as error:
            raise self._lost(error) from None
        answer = self._receive(deadline)
        if answer.pop("id", None) != request_id:
            raise WorkerLost(f"{self._name} answered a request that was not asked")
        return answer

    def _receive(self, deadline: float) -> protocol.Message:
        try:
            while (message := next(self._inbox, None)) is None:
                data = self._channel.receive(max(0.001, deadline - time.monotonic()))
                if not data:
                    raise WorkerLost(f"{self._name} has ended: {self._channel.last_words() or 'it said nothing'}")
                self._inbox = self._parser.feed(data)
        except (OSError, protocol.FrameError) as error:
            raise self._lost(error) from None
        return message

    def _lost(self, error: Exception) -> WorkerLost:
        words = self._channel.last_words()
        return WorkerLost(f"{self._name}: {type(error).__name__}: {error}" + (f" ({words})" if words else ""))


def supervisor_setup(*, work: str, wiped: tuple[str, ...], sockets: bool) -> str:
    """Return the argument that a supervisor is started with; see `sandbox.image.supervise.main`.

    Every worker draws user ids of its own, because the kernel counts the processes of a user over the whole host.
    """
    uid_base = _UID_START + _UID_STEP * secrets.randbelow(_UID_SLOTS)
    return json.dumps({"work": work, "wiped": wiped, "uid_base": uid_base, "sockets": sockets})


def _request(task: Task, limits: Limits, secret: str) -> dict[str, Any]:
    """Say what the supervisor needs; the expected output of a stdio task stays here."""
    judge = build = None
    if task.language != "python":
        build, program = _commands(task, BY_NAME[task.language], secret)
    elif task.proof == "split":
        program = {k: getattr(task, k) for k in ("program", "entry_point", "mutates")}
        judge = {k: getattr(task, k) for k in ("entry_point", "mutates", "prelude", "tests")}
    elif task.proof == "inproc":
        program = {k: getattr(task, k) for k in ("program", "entry_point", "prelude", "tests")} | {"witness": secret}
    else:
        program = {"program": task.program}
    numbers = _numbers(limits, task.language)
    if task.expected_stdout is not None:
        expected_bytes = len(task.expected_stdout.encode("utf-8", "surrogatepass"))
        numbers["stdout_bytes"] = max(limits.output_bytes, expected_bytes + _MARGIN_BYTES)
    return {"program": program, "build": build, "judge": judge, "stdin": task.stdin, "limits": numbers}


def _commands(task: Task, language: Language, secret: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the request for the compiler, where there is one, and what the child that runs the program reads."""
    tag = secrets.token_hex(8)
    plan = language.proven(task.program, task.tests, tag) if task.proof == "proof" else language.alone(task.program)
    build = None
    if plan.build is not None:
        limits = _numbers(language.build_limits, task.language)
        build = {"program": _step(plan.build, ""), "build": None, "judge": None, "stdin": "", "limits": limits}
    return build, _step(plan.run, secret if task.proof == "proof" else "")


def _step(step: Step, witness: str) -> dict[str, Any]:
    return {
        "argv": step.argv,
        "files": dict(step.files),
        "environment": dict(step.environment),
        "witness": witness,
    }


def _numbers(limits: Limits, language: str) -> dict[str, Any]:
    return {
        **vars(limits),
        "reserves": language != "python" and BY_NAME[language].reserves,
        "wall_s": limits.backstop_s,
        "stdout_bytes": limits.output_bytes,
    }


def _build_s(task: Task) -> float:
    return 0.0 if task.language == "python" else BY_NAME[task.language].build_limits.backstop_s


def _judged(task: Task, answer: dict[str, Any], secret: str) -> tuple[Status, str]:
    """Return the status after what only the client can decide: the witness, or the text that was printed."""
    status, detail, witness = Status(answer["status"]), answer["detail"], answer.pop("witness")
    done = status is Status.NO_VERDICT and answer["exit_code"] == 0
    if task.proof == "proof":
        if done and secrets.compare_digest(witness.encode(), secret.encode()):
            return Status.PASS, ""
        if witness.startswith(_FAILED) and status in (Status.ERROR, Status.NO_VERDICT):
            return Status.FAIL, witness.removeprefix(_FAILED)
    if task.proof == "inproc" and done:
        return _vouched(witness, secret) or (status, detail)
    if task.proof == "stdio" and done:
        return _compared(task.expected_stdout or "", answer["stdout"])
    if task.proof == "none" and done:
        return status, "ended normally; nothing was to be proven"
    return status, detail


def _vouched(witness: str, secret: str) -> tuple[Status, str] | None:
    """Return what a process says of itself; None if it does not know the secret."""
    said, outcome, detail = [*witness.split(" ", 2), "", ""][:3]
    if not secrets.compare_digest(said.encode(), secret.encode()):
        return None
    return BY_OUTCOME.get(outcome, Status.NO_VERDICT), detail


def _compared(expected_stdout: str, stdout: str) -> tuple[Status, str]:
    expected, printed = _lines(expected_stdout), _lines(stdout)
    if expected == printed:
        return Status.PASS, ""
    pairs = zip([*expected, None], [*printed, None], strict=False)
    number, (want, got) = next((n, pair) for n, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    return Status.FAIL, f"line {number} of the output is {_cut(got)}, expected is {_cut(want)}"


def _lines(text: str) -> list[str]:
    """Return the lines that are compared: no spaces at their ends, no empty lines at the end of the text."""
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _cut(line: str | None) -> str:
    return "missing" if line is None else repr(line[:80])
