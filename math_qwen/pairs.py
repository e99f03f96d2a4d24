"""Many pairs of answers in, their equivalences out, in order.

What this process can tell alone it tells at once, in the thread that asks. Only pairs that need the symbolic worker
wait for one, each in a thread of its own that sleeps until its worker answers. Equal pairs are compared once.
"""

from collections import OrderedDict, deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NoReturn

from math_qwen.answers.outcome import Equivalence
from math_qwen.answers.profile import Profile, profile_named
from math_qwen.answers.symbolic import DEADLINE_S, SymbolicPool
from math_qwen.equivalence import equivalent

WINDOW = 64  # pairs in flight for each worker, decided ones that wait for their turn included
MAX_KNOWN = 16_384  # pairs whose outcome is remembered

Pair = tuple[str, str]


def verify_pairs(
    pairs: Iterable[Pair],
    *,
    profile: str | Profile = "generic",
    workers: int | None = None,
    deadline_s: float = DEADLINE_S,
) -> Generator[Equivalence, None, None]:
    """Yield one equivalence for each pair of a gold answer and an answer, in the order of the pairs.

    Args:
        pairs: read as they are needed, never all at once.
        profile, deadline_s: as `math_qwen.equivalence.equivalent`.
        workers: symbolic workers; one for each core if None. They start when first needed.

    Raises:
        ConfigError: there is no such profile.
        GradeError: the symbolic worker does not start.
    """
    profile = profile_named(profile)
    with SymbolicPool(workers) as pool:
        yield from compare_pairs(pairs, pool, profile=profile, deadline_s=deadline_s)


def compare_pairs(
    pairs: Iterable[Pair], pool: SymbolicPool, *, profile: str | Profile = "generic", deadline_s: float = DEADLINE_S
) -> Generator[Equivalence, None, None]:
    """Do as `verify_pairs` with symbolic workers that are there already."""
    compare = partial(equivalent, profile=profile_named(profile), deadline_s=deadline_s)
    memory = _Memory()
    waiting: deque[_Pending] = deque()
    with ThreadPoolExecutor(pool.size) as threads:
        try:
            for pair in pairs:
                pending = memory.get(pair)
                if pending is None:
                    pending = _begin(compare, pair, pool, threads)
                    memory.put(pair, pending)
                waiting.append(pending)
                while waiting and (len(waiting) > WINDOW * pool.size or _is_known(waiting[0])):
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            threads.shutdown(cancel_futures=True)


_Pending = Equivalence | Future[Equivalence]


class _NeedsWorker(Exception):
    """This process cannot tell alone."""


class _NoWorkers:
    def ask(self, *_: object, **__: object) -> NoReturn:
        raise _NeedsWorker


_ALONE = _NoWorkers()


def _begin(compare: partial[Equivalence], pair: Pair, pool: SymbolicPool, threads: ThreadPoolExecutor) -> _Pending:
    try:
        return compare(*pair, pool=_ALONE)
    except _NeedsWorker:
        return threads.submit(compare, *pair, pool=pool)


def _is_known(pending: _Pending) -> bool:
    return isinstance(pending, Equivalence) or pending.done()


def _result(pending: _Pending) -> Equivalence:
    return pending if isinstance(pending, Equivalence) else pending.result()


class _Memory:
    """The pairs that were compared last."""

    def __init__(self) -> None:
        self._known: OrderedDict[Pair, _Pending] = OrderedDict()

    def get(self, pair: Pair) -> _Pending | None:
        found = self._known.get(pair)
        if found is not None:
            self._known.move_to_end(pair)
        return found

    def put(self, pair: Pair, pending: _Pending) -> None:
        self._known[pair] = pending
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
