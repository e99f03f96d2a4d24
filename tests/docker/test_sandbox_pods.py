"""A container in the place of a pod: the supervisor is started in it from outside, as `kubectl exec` would."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import SandboxPool, SandboxUnavailable, Status
from sandbox.container import DockerBackend, connect
from sandbox.hostile import forging, isolation
from sandbox.hostile.probe import BENIGN
from sandbox.owner import labels
from sandbox.pods import PodBackend
from sandbox.probes import check

pytestmark = pytest.mark.docker

KUBECTL = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec {docker} exec -i {container} "$@"
"""


@pytest.fixture(scope="module")
def pod() -> Iterator[str]:
    """Yield the id of a container that sleeps behind the walls of deploy/kubernetes.yaml, as far as Docker has them."""
    if shutil.which("docker") is None:
        pytest.skip("Docker's command line is not installed")
    try:
        options = DockerBackend()._options(0)
    except SandboxUnavailable as error:
        if os.environ.get("SANDBOX_REQUIRE") == "docker":
            raise
        pytest.skip(str(error))
    client = connect()
    options |= {"entrypoint": ["sleep", "600"], "command": [], "labels": labels(run="pods", slot=0)}
    options["host_config"]["Sysctls"] = {}  # a pod has none
    container = client.create_container(**options)["Id"]
    try:
        client.start(container)
        yield container
    finally:
        client.remove_container(container, force=True)


@pytest.fixture(autouse=True)
def kubectl(pod: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubectl").write_text(KUBECTL.format(docker=shutil.which("docker"), container=pod))
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_programs_are_judged_there_and_the_next_client_finds_it_clean() -> None:
    for _ in range(2):
        with SandboxPool(PodBackend(), workers=1) as box:
            result = box.run(BENIGN)
            assert (result.status, result.proof) == (Status.PASS, "weak")


def test_hostile_programs_gain_nothing_there() -> None:
    with contextlib.closing(PodBackend()) as backend:
        findings = list(check(backend, forging.INSPECTION + isolation.PROBES))
    assert {finding.probe.name: finding.problem for finding in findings if finding.problem} == {}
    assert sum(not finding.skipped for finding in findings) > 20
