"""The docker backend: every hostile program, every flag, and what happens when something is killed."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status, Task
from sandbox.build import load, save
from sandbox.container import DockerBackend, connect, image_name
from sandbox.hostile import isolation
from sandbox.hostile.forging import ENDINGS, INSPECTION, VALUES
from sandbox.hostile.probe import BENIGN
from sandbox.owner import ours, reap
from sandbox.probes import PROBES, PYTHON, Finding, check

pytestmark = pytest.mark.docker

FIRST_USER = 1 << 28  # of samples; far above every user of this machine


@pytest.fixture(scope="module")
def backend() -> Iterator[DockerBackend]:
    try:
        wall = DockerBackend()
    except SandboxUnavailable as error:
        if os.environ.get("SANDBOX_REQUIRE") == "docker":
            raise
        pytest.skip(str(error))
    yield wall
    wall.close()


@pytest.fixture(scope="module")
def client(backend: DockerBackend) -> docker.APIClient:  # noqa: ARG001 - skips where there is no engine
    return connect()


@pytest.fixture(scope="module")
def findings(backend: DockerBackend) -> dict[str, Finding]:
    return {finding.probe.name: finding for finding in check(backend, PYTHON)}


@pytest.mark.parametrize("name", [probe.name for probe in PYTHON])
def test_a_hostile_program_gains_nothing(name: str, findings: dict[str, Finding]) -> None:
    assert not findings[name].skipped
    assert findings[name].problem == ""


def test_names_of_probes_differ() -> None:
    assert len({probe.name for probe in PROBES}) == len(PROBES) >= 80


# Negative controls: the same programs where our walls are missing. A probe that never succeeds there proves nothing.

RUN_EACH = """
import json, os, subprocess, sys
ends = {}
for name, program in json.loads(os.environ["PROGRAMS"]).items():
    shell = ["sh", "-c", 'exec 9</etc/passwd; python3 -c "$0"', program]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, cwd="/tmp")
    ends[name] = [done.returncode, done.stdout.strip()]
print(json.dumps(ends))
"""


def run_without_walls(client: docker.APIClient, programs: dict[str, str], **host: object) -> dict[str, list]:
    config = client.create_host_config(mem_limit="4g", pids_limit=200, **host)
    container = client.create_container(
        image_name(),
        ["-c", 'python3 -c "$RUN_EACH"; true'],
        entrypoint="sh",
        environment={"RUN_EACH": RUN_EACH, "PROGRAMS": json.dumps(programs)},
        host_config={**config, "ReadonlyPaths": [], "MaskedPaths": []},
    )
    try:
        client.start(container)
        client.wait(container, timeout=300)
        return json.loads(client.logs(container).decode().splitlines()[-1])
    finally:
        client.remove_container(container, force=True)


@pytest.fixture(scope="module")
def open_doors(client: docker.APIClient) -> dict[str, list]:
    programs = {probe.name: probe.task.program for probe in isolation.PROBES}
    return run_without_walls(
        client,
        programs,
        cap_add=["SYS_ADMIN", "SYSLOG", "SYS_PTRACE"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        devices=["/dev/kmsg"],
    )


@pytest.mark.parametrize("name", [probe.name for probe in isolation.PROBES])
def test_a_breaker_succeeds_where_nothing_forbids_it(name: str, open_doors: dict[str, list]) -> None:
    assert open_doors[name] == [0, "open"]


NOT_FOOLED = {  # by these the exit code of program and tests in one process is not turned into a pass
    "_exit 0 from an exit handler": "exit handlers of a failed program are too late",
    "parent ends, child goes on answering": "the answers are wrong",
    "child ends, parent goes on answering": "the answers are wrong",
    "keyboard interrupt": "not an exit code of 0",
    "a value nested without end": "a wrong answer",
    "a value of 40 MB": "a wrong answer",
    "patched builtins": "asserts do not look the name up",
    "patched protocol": "there is no protocol",
    "tests in files and other processes": "looks for files that are not there",
    "expected values in all objects": "finds the code of functions, not of a running script",
    "trace function that skips asserts": "the last assert is not skipped",
    "a lying class": "still not equal",
}


def test_exit_codes_would_have_been_fooled(client: docker.APIClient) -> None:
    probes = [probe for probe in ENDINGS + VALUES + INSPECTION if probe.name not in NOT_FOOLED]
    ends = run_without_walls(client, {p.name: f"{p.task.program}\n{p.task.tests}" for p in probes}, network_mode="none")
    assert {name: code for name, (code, _) in ends.items() if code != 0} == {}
    assert len(probes) >= 15


# Walls and life of a container.


@pytest.fixture(scope="module")
def box(backend: DockerBackend) -> Iterator[SandboxPool]:  # noqa: ARG001 - skips where there is no engine
    with SandboxPool(workers=2) as pool:
        yield pool


def mine(client: docker.APIClient) -> list[str]:
    """Return the ids of the running containers of this process."""
    return [row["id"] for row in ours(client) if f"/{os.getpid()}/" in row["owner"] and row["state"] == "running"]


def wait_until(true: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not so after {timeout_s} s"
        time.sleep(0.05)


def test_a_container_has_every_wall(box: SandboxPool, client: docker.APIClient) -> None:
    assert box.run(BENIGN).status == Status.PASS
    details = client.inspect_container(mine(client)[0])
    host, config = details["HostConfig"], details["Config"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["Memory"], host["MemorySwap"]) == (1088 << 20, 1088 << 20)
    assert host["PidsLimit"] == 48
    assert host["NanoCpus"] == 10**9
    assert host["IpcMode"] == "private"
    assert host["LogConfig"]["Type"] == "none"
    assert host["AutoRemove"] is True
    assert not host["Binds"]
    assert not details["Mounts"] or {mount["Type"] for mount in details["Mounts"]} == {"tmpfs"}
    assert (config["OpenStdin"], config["StdinOnce"], config["Tty"]) == (True, True, False)
    assert {name.partition("=")[0] for name in config["Env"] or ()} <= {
        "PATH",
        "LANG",
        "GPG_KEY",
        "PYTHON_VERSION",
        "PYTHONHASHSEED",
    }


def test_a_result_says_where_it_comes_from(box: SandboxPool, client: docker.APIClient) -> None:
    result = box.run(BENIGN)
    assert (result.proof, result.num_calls, result.stamps) == ("strong", 2, ())
    assert result.image == client.inspect_image(image_name())["Id"]
    assert result.worker in ("docker-0", "docker-1")


def test_samples_of_both_workers_differ_in_their_users(box: SandboxPool) -> None:
    who = Task(
        program="import os, time\nprint(os.getuid(), os.getgid(), os.getgroups())\ntime.sleep(0.1)", proof="none"
    )
    users = [result.stdout for result in box.map([who] * 6)]
    assert len(set(users)) == 6
    assert all(int(user.split()[0]) >= FIRST_USER for user in users)


USES_A_PORT = """
import socket
server = socket.socket()
server.bind(("127.0.0.1", 8765))
server.listen()
client = socket.create_connection(("127.0.0.1", 8765))
server.accept()[0].close()
client.close()
print("open")
"""


def test_a_port_is_free_again_for_the_next_sample(box: SandboxPool, client: docker.APIClient) -> None:
    results = list(box.map([Task(program=USES_A_PORT, proof="none")] * 6))
    assert [result.stdout for result in results] == ["open\n"] * 6, results[-1].stderr
    ends = run_without_walls(client, {"first": USES_A_PORT, "second": USES_A_PORT}, network_mode="none")
    assert ends == {"first": [0, "open"], "second": [1, ""]}  # without our settings the kernel keeps it for a minute


def test_nothing_outlives_a_client_that_is_killed(client: docker.APIClient) -> None:
    code = (
        "from sandbox import *\n"
        "with SandboxPool(workers=2) as box:\n"
        "    print('open', flush=True)\n"
        "    box.run(Task(program='import time; time.sleep(4711)', proof='none'), Limits(wall_s=600))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"open\n"

    def count() -> int:
        return sum(f"/{process.pid}/" in row["owner"] for row in ours(client))

    assert count() == 2
    time.sleep(0.5)  # let the sample start: one worker is busy, one idle
    process.kill()
    process.wait()
    wait_until(lambda: count() == 0)


def busy(client: docker.APIClient) -> list[str]:
    """Return the ids of the running containers of this process in which a sample runs."""
    found = []
    for container in mine(client):
        with contextlib.suppress(docker.errors.APIError):  # it ended between the two looks
            rows = client.top(container, "-eo uid,pid")["Processes"]
            found += [container] if any(int(row[0]) >= FIRST_USER for row in rows) else []
    return found


def run_and_kill(box: SandboxPool, client: docker.APIClient, times: int, sleep_s: int) -> Result:
    """Run a sample that sleeps, and kill the container it runs in that often, each time when it does."""
    sleeper = Task(program=f"import time\ntime.sleep({sleep_s})", proof="none")
    with ThreadPoolExecutor(1) as caller:
        waiting = caller.submit(box.run, sleeper, Limits(wall_s=120))
        for _ in range(times):
            wait_until(lambda: bool(busy(client)), timeout_s=60)
            for container in busy(client):
                client.kill(container)
            wait_until(lambda: not busy(client))
        return waiting.result(200)


def test_a_lost_worker_is_replaced_and_its_task_tried_once_more(client: docker.APIClient) -> None:
    with SandboxPool(workers=1) as box:
        once = run_and_kill(box, client, 1, sleep_s=10)
        assert (once.status, once.exit_code, once.retries, once.worker_lost) == (Status.NO_VERDICT, 0, 1, False)
        twice = run_and_kill(box, client, 2, sleep_s=100)
        assert (twice.status, twice.retries, twice.worker_lost) == (Status.KILLED, 1, True)
        assert box.run(BENIGN).status == Status.PASS


def test_leaving_the_block_removes_the_containers(client: docker.APIClient) -> None:
    before = set(mine(client))
    with pytest.raises(KeyError), SandboxPool(workers=2) as box:
        assert box.run(BENIGN).status == Status.PASS
        assert len(set(mine(client)) - before) == 2
        raise KeyError("of the caller")
    wait_until(lambda: set(mine(client)) <= before)


def test_the_reaper_removes_what_a_dead_owner_left_and_nothing_else(client: docker.APIClient) -> None:
    options = DockerBackend()._options(0)
    place = options["labels"]["specialists.sandbox.owner"].partition("/")[0]
    dead, elsewhere = {**options}, {**options}
    dead["labels"] = {"specialists.sandbox.owner": f"{place}/4194303/1"}
    elsewhere["labels"] = {"specialists.sandbox.owner": "another-host:pid:[1]/4194303/1"}
    created = [client.create_container(**kind)["Id"] for kind in (dead, elsewhere, options)]
    try:
        assert reap(client) == [created[0]]
        assert {row["id"] for row in ours(client)} >= set(created[1:])
    finally:
        for container in created[1:]:
            client.remove_container(container, force=True)


def test_an_image_that_is_not_here_names_the_cure() -> None:
    with pytest.raises(SandboxUnavailable, match="python -m sandbox build"):
        DockerBackend("specialists-sandbox:never-built")


def test_an_old_image_is_refused(client: docker.APIClient) -> None:
    container = client.create_container(image_name(), ["-c", "echo old > /opt/sandbox/VERSION"], entrypoint="sh")
    try:
        client.start(container)
        client.wait(container)
        client.commit(container, "specialists-sandbox-test", "old", changes=_entry_point(client))
        with (
            pytest.raises(SandboxUnavailable, match="has version old"),
            SandboxPool(workers=1, image="specialists-sandbox-test:old"),
        ):
            pass
    finally:
        client.remove_container(container, force=True)
        client.remove_image("specialists-sandbox-test:old", force=True)


def _entry_point(client: docker.APIClient) -> str:
    return f"ENTRYPOINT {json.dumps(client.inspect_image(image_name())['Config']['Entrypoint'])}"


def test_cpu_time_decides_and_not_the_clock(box: SandboxPool) -> None:
    busy = Task(program="import time\nwhile time.process_time() < 0.3: pass", proof="none")
    statuses = {result.status for result in box.map([busy] * 12, Limits(cpu_s=1))}
    assert statuses == {Status.NO_VERDICT}
    assert {r.status for r in box.map([busy] * 4, Limits(cpu_s=0.1))} == {Status.CPU_LIMIT}


def set_cpus(client: docker.APIClient, container: str, cpus: float) -> None:
    """Give a running container another share of the processors; the SDK has no call for it."""
    answer = client._post_json(client._url("/containers/{0}/update", container), data={"NanoCPUs": int(cpus * 1e9)})
    assert answer.status_code == 200, answer.text


def test_a_sample_that_got_no_cpu_is_tried_again_alone(client: docker.APIClient) -> None:
    busy = Task(program="import time\nwhile time.process_time() < 0.2: pass", proof="none")
    before = set(mine(client))
    with SandboxPool(workers=1) as box, ThreadPoolExecutor(1) as caller:
        (container,) = set(mine(client)) - before
        set_cpus(client, container, 0.01)  # of which the first try gets half of what it needs
        waiting = caller.submit(box.run, busy, Limits(cpu_s=2, wall_s=10))
        time.sleep(10.5)
        set_cpus(client, container, 1)
        result = waiting.result(60)
    assert (result.status, result.retries >= 1) == (Status.NO_VERDICT, True), result


def test_building_again_does_nothing(backend: DockerBackend) -> None:  # noqa: ARG001 - skips where there is no engine
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "sandbox", "build"], capture_output=True, text=True)
    assert (done.returncode, "up to date" in done.stdout) == (0, True), done.stderr
    assert time.monotonic() - started < 5


def test_an_image_travels_in_a_file(client: docker.APIClient, tmp_path: Path) -> None:
    file = tmp_path / "image.tar.gz"
    save(file)
    assert file.read_bytes()[:2] == b"\x1f\x8b"
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar.gz"]
    assert load(file) == [f"Loaded image: {image_name()}"]
    assert client.inspect_image(image_name())


def test_an_image_that_is_not_here_cannot_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.build.image_name", lambda _languages: "specialists-sandbox:never-built")
    with pytest.raises(SandboxUnavailable, match="build` first"):
        save(tmp_path / "image.tar")
    assert not list(tmp_path.iterdir())


def test_an_image_tells_nothing_of_the_machine_it_was_built_on(client: docker.APIClient) -> None:
    files = "/etc/apt/sources.list /etc/hostname /etc/resolv.conf /var/lib/apt/lists /var/log /var/cache/apt"
    container = client.create_container(image_name(), ["-c", f"cat {files}; ls {files}"], entrypoint="sh")
    try:
        client.start(container)
        client.wait(container)
        said = client.logs(container, stderr=False).decode()
    finally:
        client.remove_container(container, force=True)
    assert "http" not in said
