"""The Kubernetes manifest promises what a container of ours does; and workers are reached through kubectl."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import sandbox.pods
from sandbox import SandboxPool, SandboxUnavailable, Status
from sandbox.container import DockerBackend
from sandbox.hostile.probe import BENIGN
from sandbox.local import PYTHON_OPTIONS, ProcessBackend
from sandbox.pods import PodBackend
from tests.unit.test_sandbox_cli import engine

__all__ = ["engine"]
MANIFEST = Path(__file__).parents[2] / "deploy" / "kubernetes.yaml"
CAPABILITIES = {"SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"}
Objects = dict[str, Any]


def read() -> Objects:
    """Return kind -> object."""
    documents = list(yaml.safe_load_all(MANIFEST.read_text()))
    objects = {document["kind"]: document for document in documents}
    assert len(objects) == len(documents)
    return objects


def pod(objects: Objects) -> Any:
    return objects["StatefulSet"]["spec"]["template"]["spec"]


def container(objects: Objects) -> Any:
    (only,) = pod(objects)["containers"]
    return only


def security(objects: Objects) -> Any:
    return container(objects)["securityContext"]


PROMISES: dict[str, Callable[[Objects], bool]] = {
    "not privileged": lambda o: security(o)["privileged"] is False,
    "no new privileges": lambda o: security(o)["allowPrivilegeEscalation"] is False,
    "a read-only root": lambda o: security(o)["readOnlyRootFilesystem"] is True,
    "a system call filter": lambda o: security(o)["seccompProfile"] == {"type": "RuntimeDefault"},
    "no capability but the supervisor's": lambda o: (
        security(o)["capabilities"] == {"drop": ["ALL"], "add": security(o)["capabilities"]["add"]}
        and set(security(o)["capabilities"]["add"]) == CAPABILITIES
    ),
    "gVisor": lambda o: (
        pod(o)["runtimeClassName"] == o["RuntimeClass"]["metadata"]["name"] and o["RuntimeClass"]["handler"] == "runsc"
    ),
    "no network": lambda o: o["NetworkPolicy"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    "no namespace of the node": lambda o: (
        [pod(o)[name] for name in ("hostNetwork", "hostPID", "hostIPC")] == [False] * 3
    ),
    "no token of the cluster": lambda o: pod(o)["automountServiceAccountToken"] is False,
    "memory and CPU are limited": lambda o: {"cpu", "memory"} <= container(o)["resources"]["limits"].keys(),
    "nothing of the node is mounted": lambda o: all(
        volume["emptyDir"].get("medium") == "Memory" and "sizeLimit" in volume["emptyDir"]
        for volume in pod(o)["volumes"]
    ),
    "only what is wiped can be written": lambda o: (
        {m["mountPath"] for m in container(o)["volumeMounts"]} == {"/work", "/tmp", "/dev/shm"}
    ),
    "one namespace, in which pods are checked": lambda o: (
        {o[kind]["metadata"]["namespace"] for kind in ("NetworkPolicy", "StatefulSet", "Role")}
        == {o["Namespace"]["metadata"]["name"]}
        and o["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    ),
    "a client may only find pods and run in them": lambda o: (
        {(*rule["resources"], *rule["verbs"]) for rule in o["Role"]["rules"]}
        == {("pods", "get", "list"), ("pods/exec", "create")}
    ),
}

WEAKENED: dict[str, Callable[[Objects], object]] = {
    "not privileged": lambda o: security(o).update(privileged=True),
    "no new privileges": lambda o: security(o).update(allowPrivilegeEscalation=True),
    "a read-only root": lambda o: security(o).update(readOnlyRootFilesystem=False),
    "a system call filter": lambda o: security(o).update(seccompProfile={"type": "Unconfined"}),
    "no capability but the supervisor's": lambda o: security(o)["capabilities"]["add"].append("SYS_ADMIN"),
    "gVisor": lambda o: pod(o).update(runtimeClassName="runc"),
    "no network": lambda o: o["NetworkPolicy"]["spec"].update(egress=[{}]),
    "no namespace of the node": lambda o: pod(o).update(hostPID=True),
    "no token of the cluster": lambda o: pod(o).update(automountServiceAccountToken=True),
    "memory and CPU are limited": lambda o: container(o)["resources"]["limits"].pop("memory"),
    "nothing of the node is mounted": lambda o: pod(o)["volumes"].append({"name": "x", "emptyDir": {}}),
    "only what is wiped can be written": lambda o: container(o)["volumeMounts"].append({"mountPath": "/data"}),
    "one namespace, in which pods are checked": lambda o: o["NetworkPolicy"]["metadata"].update(namespace="default"),
    "a client may only find pods and run in them": lambda o: o["Role"]["rules"][0]["verbs"].append("delete"),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_the_manifest_keeps_a_promise_and_would_be_seen_to_break_it(promise: str) -> None:
    objects = read()
    assert PROMISES[promise](objects)
    weak = copy.deepcopy(objects)
    WEAKENED[promise](weak)
    assert not PROMISES[promise](weak)


@pytest.mark.usefixtures("engine")
def test_pods_have_what_containers_have() -> None:
    host = DockerBackend(limits=None)._options(0)["host_config"]
    assert set(host["CapAdd"]) == CAPABILITIES
    assert {*host["Tmpfs"], "/dev/shm"} == {mount["mountPath"] for mount in container(read())["volumeMounts"]}


KUBECTL = """#!/bin/sh
# stands in for kubectl: what would run in the pod runs here, with the files of a process backend
echo "$@" >> {log}
while [ "$1" != sh ]; do shift; done
setup=$(echo "$4" | sed 's#"/work"#"{work}"#; s#"/tmp", "/dev/shm"##')
exec {python} {options} {bundle} supervise "$setup"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the supervisor needs Linux")
def test_a_pod_is_reached_by_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = ProcessBackend()
    work, log = backend._directory / "work", tmp_path / "log"
    work.mkdir(mode=0o711)
    script = KUBECTL.format(
        log=log,
        work=work,
        python=backend._python,
        options=" ".join(PYTHON_OPTIONS),
        bundle=backend._directory / "bundle",
    )
    (tmp_path / "kubectl").write_text(script)
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with SandboxPool(PodBackend(), workers=1) as box:
        result = box.run(BENIGN)
    backend.close()
    assert (result.status, result.proof, result.worker) == (Status.PASS, "weak", "sandbox-0"), result
    assert result.stamps == (sandbox.pods.STAMP,)
    asked = log.read_text()
    assert asked.startswith("exec --stdin --quiet --namespace=specialists-sandbox sandbox-0 -- sh -c chmod 0711 /work")


def test_a_missing_kubectl_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="kubectl is missing"):
        PodBackend()
