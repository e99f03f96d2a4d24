"""The command line: results, exit codes, and errors of one line; what `doctor` finds, on engines that only pretend."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker.errors
import pytest

import sandbox.container
from sandbox import SandboxUnavailable
from sandbox.container import DockerBackend
from sandbox.contract import LANGUAGES
from sandbox.doctor import Note, examine
from sandbox.images import image_name

NO_WALLS = ("--backend", "process", "--accept-risk")


def command_line(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), **environment},
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "add.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "tests.py").write_text("assert add(1, 2) == 3\n")
    (tmp_path / "wrong.py").write_text("assert add(1, 2) == 4\n")
    (tmp_path / "echo.py").write_text("print(input())\n")
    (tmp_path / "in.txt").write_text("hello\n")
    (tmp_path / "crash.py").write_text("raise SystemExit(3)\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add.py", "--tests", "tests.py", "--entry-point", "add"], 0, "pass: proven"),
        (["add.py", "--tests", "wrong.py", "--entry-point", "add"], 1, "fail: line 1: assert add(1, 2) == 4"),
        (["echo.py", "--stdin", "in.txt", "--expect", "in.txt"], 0, "pass: proven"),
        (["echo.py", "--stdin", "in.txt", "--expect", "add.py"], 1, "fail: line 1 of the output"),
        (["echo.py", "--stdin", "in.txt"], 0, "no_verdict: ended normally; nothing was to be proven"),
        (["crash.py"], 1, "error: the program ended with exit code 3"),
    ],
)
def test_run(files: Path, arguments: list[str], code: int, said: str) -> None:
    paths = [str(files / word) if "." in word else word for word in arguments]
    done = command_line("run", *paths, *NO_WALLS)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    if "echo.py" in arguments:
        assert done.stdout == "hello\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "no-such-file.py"], "no-such-file.py: No such file or directory"),
        (["run", "/bin/true"], "/bin/true: is not UTF-8 text"),
        (["run", __file__, "--tests", __file__], "Task.entry_point"),
        (["run", __file__, "--tests", __file__, "--stdin", __file__], "--tests: judges by calls"),
        (["run", __file__, "--entry-point", "f"], "--entry-point: needs --tests"),
        (["run", __file__, "--backend", "process"], "accept_risk"),
        (["run", __file__, "--backend", "jail"], "'jail' is not one of docker, bwrap, process"),
        (["run", __file__, *NO_WALLS, "--runtime", "runsc"], "runtime: backend 'process' has none"),
        (["run", __file__, *NO_WALLS, "--cpu-s", "0"], "Limits.cpu_s"),
        (["check", *NO_WALLS, "--only", "no such probe"], "--only: no probe's name contains 'no such probe'"),
        (["check", *NO_WALLS, "--languages", "cobol"], "languages: 'cobol' is not known"),
    ],
)
def test_an_error_is_one_line_with_exit_code_2(arguments: list[str], said: str) -> None:
    done = command_line(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_language_is_told_by_the_file_name_and_needs_its_image(tmp_path: Path) -> None:
    file = tmp_path / "sum.rs"
    file.write_text("fn main() {}")
    done = command_line("run", str(file), *NO_WALLS)
    assert done.returncode == 2
    assert "process has no rust" in done.stderr.splitlines()[-1]
    assert "build --languages all" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command",
    [["run", __file__], ["check"], ["build"], ["save", "x"], ["load", __file__], ["unpack", "x"], ["reap"]],
)
def test_a_missing_engine_is_named_with_its_cure(command: list[str], tmp_path: Path) -> None:
    done = command_line(*command, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 2
    assert "no Docker socket at" in done.stderr
    assert "install Docker Engine" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_doctor_looks_further_than_a_missing_engine(tmp_path: Path) -> None:
    done = command_line("doctor", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (done.returncode, done.stderr) == (1, "")
    assert "-> no Docker socket at" in done.stdout
    assert "\nbubblewrap " in done.stdout


def only_problem(notes: list[Note]) -> Note:
    (problem,) = [note for note in notes if note.problem]
    return problem


def test_a_missing_package_is_told_from_a_missing_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sandbox.container")
    monkeypatch.setitem(sys.modules, "docker", None)
    assert only_problem(examine()) == Note("docker package", "docker is missing", "`pip install docker`")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file"), "no Docker socket at /engine.sock: install Docker Engine"),
        (PermissionError(13, "Permission denied"), "no permission for /engine.sock: add this user to the group docker"),
        (ConnectionRefusedError(111, "Connection refused"), "(Connection refused): start the engine"),
        (TimeoutError("timed out"), "nothing answers at /engine.sock (timed out)"),
    ],
)
def test_each_silence_has_its_cure(error: OSError, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: object) -> None:
        raise error

    monkeypatch.setenv("DOCKER_HOST", "unix:///engine.sock")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert said in only_problem(examine()).problem


def test_a_socket_without_an_engine_behind_it_is_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "down.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    assert "nothing answers at" in only_problem(examine()).problem


def test_an_engine_elsewhere_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound but not listening: whoever connects is refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{taken.getsockname()[1]}")
        problem = only_problem(examine()).problem
    assert "Docker engine at tcp://127.0.0.1:" in problem
    assert problem.endswith("start it, or correct DOCKER_HOST")


INFO = {
    "ServerVersion": "20.10.24",
    "KernelVersion": "6.1",
    "Architecture": "x86_64",
    "OSType": "linux",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "PidsLimit": True,
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Runtimes": {"runc": {"path": "runc"}},
}


class FakeEngine:
    """Answers what a healthy engine would, except for what is `changed`."""

    def __init__(
        self, *, api: str = "1.41", images: Sequence[str] = (image_name(), image_name(LANGUAGES)), **changed: object
    ) -> None:
        self._api, self._images, self._info = api, images, INFO | changed

    def info(self) -> dict[str, Any]:
        return self._info

    def version(self) -> dict[str, str]:
        return {"ApiVersion": self._api}

    def inspect_image(self, name: str) -> dict[str, str]:
        if name not in self._images:
            raise docker.errors.ImageNotFound("no such image")
        return {"Id": "sha256:1234"}

    def containers(self, **_filters: object) -> list[dict[str, str]]:
        return []


@pytest.fixture
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine(**getattr(request, "param", {}))
    monkeypatch.setattr(sandbox.container, "connect", lambda: fake)
    return fake


def test_a_healthy_engine_has_no_problem(engine: FakeEngine) -> None:
    notes = {note.what: note.value for note in examine() if not note.problem}
    assert notes["engine"] == f"{engine.info()['ServerVersion']} (API 1.41)"
    assert {"memory limit", "pids limit", "our containers", "bubblewrap"} <= notes.keys()
    assert (notes["image"], notes["image, languages"]) == (image_name(), image_name(LANGUAGES))


@pytest.mark.parametrize(
    ("engine", "what", "cure"),
    [
        ({"api": "1.40"}, "engine", "update Docker Engine to 20.10"),
        ({"api": "1.9"}, "engine", "update Docker Engine to 20.10"),
        ({"images": ()}, "image", "run `python -m sandbox build`"),
        ({"MemoryLimit": False}, "memory limit", "cgroup_enable=memory"),
        ({"PidsLimit": False}, "pids limit", "CONFIG_CGROUP_PIDS"),
        ({"SecurityOptions": None}, "seccomp", "start dockerd with seccomp"),
        ({"OSType": "windows"}, "kernel", "switch the engine to Linux containers"),
    ],
    indirect=["engine"],
)
@pytest.mark.usefixtures("engine")
def test_each_lack_has_its_cure(what: str, cure: str) -> None:
    problem = only_problem(examine())
    assert problem.what == what
    assert cure in problem.problem


RUNSC = {"Runtimes": {"runc": {}, "runsc": {"path": "/usr/bin/runsc"}}}


@pytest.mark.parametrize(
    ("engine", "what", "said"),
    [
        ({}, "runsc (gVisor)", "no (optional): install it from gvisor.dev, run `runsc install`"),
        (RUNSC, "runsc (gVisor)", "yes: --runtime runsc"),
        (
            {"images": [image_name()]},
            "image, languages",
            "not here (optional, for all but Python): run `python -m sandb",
        ),
        ({"SecurityOptions": ["name=seccomp", "name=rootless"]}, "user namespaces", "yes"),
        ({"CgroupVersion": "1"}, "cgroups", "version 1"),
    ],
    indirect=["engine"],
)
@pytest.mark.usefixtures("engine")
def test_what_may_be_missing_is_no_problem(what: str, said: str) -> None:
    notes = {note.what: note.value for note in examine() if not note.problem}
    assert notes[what].startswith(said)


@pytest.mark.parametrize("engine", [RUNSC], indirect=True)
@pytest.mark.usefixtures("engine")
def test_the_runtime_is_handed_to_the_engine() -> None:
    assert DockerBackend(runtime="runsc")._options(0)["host_config"]["Runtime"] == "runsc"
    assert "Runtime" not in DockerBackend()._options(0)["host_config"]


@pytest.mark.usefixtures("engine")
def test_a_runtime_that_the_engine_does_not_know_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match=r"'runsc': the Docker engine knows only runc: .*daemon\.json"):
        DockerBackend(runtime="runsc")


@pytest.mark.parametrize("installed", [False, True])
def test_a_doctor_knows_whether_bubblewrap_works(
    installed: bool, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert engine.info()
    if installed:
        (tmp_path / "bwrap").write_text("#!/bin/sh\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    value = next(note.value for note in examine() if note.what == "bubblewrap")
    assert value.startswith(
        "yes: --backend bwrap" if installed else "no (optional): backend 'bwrap': bubblewrap is mis"
    )


def test_check_shows_each_probe_and_counts_them() -> None:
    done = command_line("check", *NO_WALLS, "--only", "exit 0")
    assert done.returncode == 0, done.stderr
    assert "exit 0 while loading" in done.stdout
    assert "held, 0 broken, 0 not promised by backend process" in done.stdout


def test_what_a_backend_does_not_promise_is_counted_as_skipped() -> None:
    done = command_line("check", *NO_WALLS, "--only", "inodes")
    assert "0 held, 0 broken, 1 not promised by backend process" in done.stdout


def test_help_is_quick_and_plain() -> None:
    done = command_line("--help")
    assert done.returncode == 0
    verbs = ("check", "run", "build", "save", "load", "unpack", "doctor", "bench", "reap")
    assert all(verb in done.stdout for verb in verbs)
