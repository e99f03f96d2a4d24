"""Questions in on a pipe, judgements out.

Started by `math_qwen.answers.symbolic`, which kills it when an answer takes too long. What stands in a model's answer
is never run as code: requests are trees of numbers and names, and LaTeX goes to a parser. The process gets no
environment and no open files but its pipe. It limits its own memory and processor time, so that it ends even if its
parent is gone.
"""

import json
import resource
import sys
from math import ceil
from multiprocessing.connection import Connection
from typing import Any

from math_qwen.answers import numeric
from math_qwen.answers.outcome import Equivalence, undecided
from math_qwen.answers.tree import Expression, Number, from_json

MEMORY_BYTES = 2 * 2**30
READY = b"ready"


def main(descriptor: int) -> None:
    """Serve requests from the pipe with this file descriptor until the other end closes it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Connection(descriptor) as link:
        link.send_bytes(READY)
        while True:
            try:
                request = json.loads(link.recv_bytes())
            except EOFError:
                return
            link.send_bytes(json.dumps(_reply(request)).encode())


def _reply(request: dict[str, Any]) -> list[str]:
    _limit_processor_time(request["deadline_s"])
    try:
        result = _answer(request["question"], [from_json(node) for node in request["nodes"]])
    except MemoryError:
        result = undecided("over limit: memory")
    return [result.outcome, result.reason]


def _answer(question: str, nodes: list[Expression]) -> Equivalence:
    match question, nodes:
        case "identical", [a, b]:
            return numeric.identical(a, b)
        case "proportional", [a, b]:
            return numeric.proportional(a, b)
        case "positive", [a, b]:
            return numeric.proportional(a, b, positive=True)
        case "between", [a, Number(low), Number(high)]:
            return numeric.between(a, low, high)
    raise AssertionError(f"no such question: {question}")


def _limit_processor_time(seconds: float) -> None:
    """Let the kernel end this process if the parent cannot: it may have been killed itself."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(int(sys.argv[1]))
