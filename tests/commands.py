"""The command line as a user runs it: whole commands in processes of their own, to their end or killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import docker
from docker.errors import DockerException

ROOT = Path(__file__).parents[1]


def command(family: str, *arguments: str, settings: list[str] | None = None) -> list[str]:
    flags = [word for setting in settings or [] for word in ("--set", setting)]
    return [sys.executable, "-m", family, *arguments, *flags]


def sandbox() -> list[str]:
    """The container where there is one, plain processes elsewhere: what is tested here is the way, not the walls."""
    try:
        docker.from_env(timeout=5).ping()
    except DockerException:
        return ["--sandbox", "process", "--accept-risk"]
    return []


def run(words: list[str], *, timeout_s: float = 1500) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SPECIALISTS_DATA": "", "HF_HUB_OFFLINE": "1"}
    found = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)
    assert found.returncode == 0, found.stderr[-3000:]
    return found


def kill_when(words: list[str], ready: Callable[[], bool], *, timeout_s: float = 200) -> None:
    """Start a command and kill it, with all it started, as soon as `ready` says so."""
    environment = os.environ | {"SPECIALISTS_DATA": "", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline, "the command never came so far"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
