"""Symbolic workers: asked, killed, not left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.answers.tree import Latex, Name, Number
from math_qwen.equivalence import Outcome, equivalent
from specialists.errors import GradeError

EQUAL_PAIR = (r"\sqrt{8}", r"2\sqrt{2}")  # only the worker can tell that they are equal
ENDLESS = "e^{e^{e^{e^{10}}}}"


@pytest.fixture(scope="module")
def pool() -> Iterator[SymbolicPool]:
    with SymbolicPool(workers=1) as symbolic:
        yield symbolic


def test_any_thread_may_ask(pool: SymbolicPool) -> None:
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.append(bool(equivalent(*EQUAL_PAIR, pool=pool)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_an_event_loop_may_ask(pool: SymbolicPool) -> None:
    async def ask() -> list[bool]:
        calls = (asyncio.to_thread(equivalent, *EQUAL_PAIR, pool=pool) for _ in range(4))
        return [bool(result) for result in await asyncio.gather(*calls)]

    assert asyncio.run(ask()) == [True] * 4


def test_a_late_worker_is_killed_and_replaced() -> None:
    with SymbolicPool(workers=1) as pool:
        assert equivalent(*EQUAL_PAIR, pool=pool)
        before = pool.pids()
        assert equivalent("1", ENDLESS, pool=pool, deadline_s=0.2).reason == "timeout"
        assert equivalent(*EQUAL_PAIR, pool=pool)
        assert pool.pids() != before
    assert not any(map(_alive, before))


def test_a_dead_worker_is_our_failure_and_is_asked_again() -> None:
    with SymbolicPool(workers=1) as pool:
        assert equivalent(*EQUAL_PAIR, pool=pool)
        os.kill(pool.pids()[0], signal.SIGKILL)
        assert equivalent(*EQUAL_PAIR, pool=pool)


def test_a_worker_that_dies_twice_leaves_the_question_open() -> None:
    with SymbolicPool(workers=1) as pool:
        result = pool.ask("no such question", Name("x"))  # pyright: ignore[reportArgumentType]
    assert result.outcome is Outcome.UNDECIDED
    assert "died twice" in result.reason


def test_a_closed_pool_has_no_processes_and_takes_no_questions() -> None:
    with SymbolicPool(workers=2) as pool:
        pool.ask("identical", Name("x"), Name("y"))
        pids = pool.pids()
    assert pids
    assert not any(map(_alive, pids))
    with pytest.raises(GradeError, match="closed"):
        pool.ask("identical", Name("x"), Name("y"))


@pytest.mark.parametrize(
    ("ending", "question"),
    [
        ("pass", r"\sqrt{2}"),
        ("os.kill(os.getpid(), 9)", r"\sqrt{2}"),
        ("os.kill(os.getpid(), 9)", ENDLESS),
    ],
    ids=["a parent that ends", "a parent that is killed", "a parent that is killed while the worker computes"],
)
def test_no_worker_outlives_its_parent(ending: str, question: str) -> None:
    script = textwrap.dedent(
        f"""
        import os, threading, time
        from math_qwen.equivalence import equivalent
        from math_qwen.answers.symbolic import default_pool
        threading.Thread(target=equivalent, args=("1", {question!r}), kwargs={{"deadline_s": 0.6}}, daemon=True).start()
        while not default_pool().pids():
            time.sleep(0.01)
        time.sleep(0.4)
        print(default_pool().pids()[0], flush=True)
        {ending}
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def test_a_forked_child_has_workers_of_its_own() -> None:
    script = textwrap.dedent(
        """
        import os
        from math_qwen.equivalence import equivalent
        from math_qwen.answers.symbolic import default_pool
        assert equivalent(r"\\sqrt{8}", r"2\\sqrt{2}")
        mine = default_pool().pids()
        child = os.fork()
        if child == 0:
            good = bool(equivalent(r"\\sqrt{8}", r"2\\sqrt{2}")) and default_pool().pids() != mine
            default_pool().close()
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert default_pool().pids() == mine and equivalent(r"\\sqrt{8}", r"2\\sqrt{2}")
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_parent_never_imports_sympy() -> None:
    script = textwrap.dedent(
        r"""
        import sys
        from math_qwen.equivalence import equivalent
        assert equivalent(r"\sqrt{8}", r"2\sqrt{2}") and equivalent(r"\int_0^1 x dx", "1/2")
        assert not {"sympy", "mpmath", "latex2sympy2_extended", "torch", "pydantic"} & set(sys.modules)
        """
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_worker_reads_latex_only_where_our_grammar_ends(pool: SymbolicPool) -> None:
    assert pool.ask("identical", Latex(r"\int_0^1 x dx"), Number(Fraction(1, 2)))
    assert (
        pool.ask("identical", Latex(r"\text{ no } \quad mathematics"), Number(Fraction(1, 2))).outcome
        is Outcome.UNDECIDED
    )


def _alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
