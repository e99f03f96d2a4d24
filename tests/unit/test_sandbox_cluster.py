"""A Ray cluster of two nodes on this machine: order, back-pressure, lost actors, lost nodes."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Result, SandboxUnavailable, Status, Task

pytest.importorskip("ray", reason="Ray is not installed: `pip install 'specialists[ray]'`")

import ray  # pyright: ignore[reportMissingImports]
from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

import sandbox.cluster
from sandbox.cluster import ClusterPool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the process backend needs Linux"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One node with a CPU."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    ray.init(cluster.address, log_to_driver=False)
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def second(cluster: Cluster) -> Iterator[Any]:
    """Another such node, which a test may remove."""
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield node
    if node in cluster.list_all_nodes():
        cluster.remove_node(node)


@pytest.fixture
def box(second: object) -> Iterator[ClusterPool]:  # noqa: ARG001 - opens pools on both nodes
    with ClusterPool(backend="process", accept_risk=True, workers=1) as box:
        yield box


def echo(number: int, sleep_s: float = 0.0) -> Task:
    program = f"import time\ntime.sleep({sleep_s})\nprint({number})"
    return Task(program=program, proof="stdio", expected_stdout=str(number))


def check(number: int, result: Result) -> None:
    assert (result.status, result.stdout) == (Status.PASS, f"{number}\n"), result


def test_results_keep_the_order_and_tasks_wait_for_room(box: ClusterPool) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[Task]:
        for number in range(100):
            taken.append(number)
            yield echo(number, 2 if number == 0 else 0)

    results = box.map(tasks())
    check(0, next(results))
    assert len(box._nodes) == 2
    assert len(taken) < 80
    for number, result in enumerate(results, start=1):
        check(number, result)
    assert len(taken) == 100


def test_errors_cross_as_themselves(box: ClusterPool) -> None:
    with pytest.raises(ValueError, match=r"^Task\.language: the pool was opened without 'go'"):
        box.run(Task(program="", language="go", proof="none"))
    with pytest.raises(ValueError, match="'cobol' is not known"):
        ClusterPool(languages=("cobol",))
    check(1, box.run(echo(1)))


def test_a_lost_actor_is_started_again(box: ClusterPool) -> None:
    pid = ray.get(box._nodes[1].keeper.__ray_call__.remote(lambda _keeper: os.getpid()))
    for number, result in enumerate(box.map(echo(number, 0.2) for number in range(20))):
        check(number, result)
        if number == 4:
            os.kill(pid, signal.SIGKILL)
    assert len(box._nodes) == 2
    assert ray.get(box._nodes[1].keeper.__ray_call__.remote(lambda _keeper: os.getpid())) != pid


def test_what_a_lost_node_had_under_way_goes_to_another(box: ClusterPool, cluster: Cluster, second: object) -> None:
    retries = 0
    for number, result in enumerate(box.map(echo(number, 0.2) for number in range(20))):
        check(number, result)
        retries += result.retries
        if number == 4:
            cluster.remove_node(second)
    assert retries > 0
    assert len(box._nodes) == 1


def test_what_is_lost_too_often_is_our_failure(
    box: ClusterPool, cluster: Cluster, second: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.cluster, "_MOST_LOSSES", 1)
    results = []
    for number, result in enumerate(box.map(echo(number, 0.2) for number in range(20))):
        results.append(result)
        if number == 4:
            cluster.remove_node(second)
    lost = [result for result in results if result.status is Status.INFRA_ERROR]
    assert lost
    assert all(result.worker_lost and "was lost" in result.detail for result in lost)
    assert {result.status for result in results} == {Status.INFRA_ERROR, Status.PASS}


@pytest.mark.usefixtures("cluster")
def test_a_node_that_cannot_open_its_pool_is_named() -> None:
    with pytest.raises(SandboxUnavailable, match=r"^node .*: backend 'process' has not all"):
        ClusterPool(backend="process", workers=1).__enter__()
