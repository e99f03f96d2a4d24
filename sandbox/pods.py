"""Workers in pods of Kubernetes, reached by `kubectl exec`.

    with SandboxPool(PodBackend(), workers=4) as box: ...

Pod NAME-0 is the worker of the first slot, and so on; `deploy/kubernetes.yaml` makes them. The client starts the
supervisor in the pod and speaks with it over the stdin and stdout of kubectl; hanging up ends it. One client at a time.

Not verified on a cluster, only with a container in the place of a pod. So every result is stamped, and every proof
counts as weak.
"""

import os
import shutil
import tempfile
from pathlib import Path

from sandbox.contract import SandboxUnavailable
from sandbox.local import PYTHON_OPTIONS, ProcessChannel
from sandbox.worker import StreamWorker, supervisor_setup

STAMP = "judged in pods whose walls this package did not put up"
_SUPERVISE = f'chmod 0711 /work && exec python3 {" ".join(PYTHON_OPTIONS)} /opt/sandbox supervise "$0"'


class PodBackend:
    """Workers that are pods; see `sandbox.contract.Backend`."""

    def __init__(self, namespace: str = "specialists-sandbox", name: str = "sandbox") -> None:
        """Find kubectl, which must be set up for the cluster. Raises `SandboxUnavailable`.

        Args:
            namespace: of the pods.
            name: of their StatefulSet.
        """
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            raise SandboxUnavailable("kubectl is missing: install it, and see that it reaches the cluster")
        self._command = [kubectl, "exec", "--stdin", "--quiet", f"--namespace={namespace}"]
        self._name = name
        self._directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self.stamps = (STAMP,)

    def open(self, slot: int) -> StreamWorker:
        """Start the supervisor of one pod; see `sandbox.contract.Backend.open`."""
        pod = f"{self._name}-{slot}"
        setup = supervisor_setup(work="/work", wiped=("/tmp", "/dev/shm"), sockets=True)
        command = [*self._command, pod, "--", "sh", "-c", _SUPERVISE, setup]
        channel = ProcessChannel(command, words=self._directory / f"{pod}.stderr", environment=os.environ)
        return StreamWorker(channel, name=pod, image=pod, stamps=self.stamps)

    def close(self) -> None:
        """Nothing is held beside the workers but what kubectl said."""
        shutil.rmtree(self._directory, ignore_errors=True)
