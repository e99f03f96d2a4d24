"""Ask a model a benchmark: completions as they come.

Each finished completion is appended to `completions.jsonl` at once, so a killed run goes on with what is missing. At
the end the file is put in the order of the problems, so that the same answers are the same bytes.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from specialists.generate.backend import Backend, Request, Settings
from specialists.jsonl import append_records, drop_torn_line, read_records
from specialists.progress import bar
from specialists.recipe import Judge
from specialists.records import Completion, Problem, Prompt
from specialists.run import write_text

FILE = "completions.jsonl"


def complete(
    problems: Sequence[Problem],
    ask: Callable[[Problem], Prompt],
    backend: Backend,
    settings: Settings,
    judge: Judge,
    out: Path,
    *,
    label: str,
) -> tuple[int, float]:
    """Write `completions.jsonl` for all problems; returns the tokens made in this call, and its seconds.

    Args:
        problems: what is asked, in order.
        ask: turns a problem into a prompt.
        backend: makes the texts.
        settings: how to decode.
        judge: number of samples and seed.
        out: folder; completions that are already there are kept.
        label: shown beside the progress bar.
    """
    path = out / FILE
    drop_torn_line(path)
    done = {(c.problem_id, c.sample): c for c in read_records(path, Completion)} if path.exists() else {}
    wanted = [(p, s) for p in problems for s in range(judge.num_samples)]
    missing = [(p, s) for p, s in wanted if (p.id, s) not in done]
    requests = [Request(ask(p), _seed(judge.seed, p.id, s)) for p, s in missing]
    num_tokens, begun = 0, time.monotonic()
    with bar(f"generate {label}", len(wanted), len(done)) as advance:
        for completion in _completions(backend, requests, settings, missing):
            append_records(path, [completion])
            done[completion.problem_id, completion.sample] = completion
            num_tokens += completion.num_tokens
            advance(1, "")
    write_text(path, "".join(done[p.id, s].to_line() + "\n" for p, s in wanted))
    return num_tokens, round(time.monotonic() - begun, 1)


def _completions(
    backend: Backend, requests: Sequence[Request], settings: Settings, asked: Sequence[tuple[Problem, int]]
) -> Iterator[Completion]:
    for index, reply in backend.generate(requests, settings):
        problem, sample = asked[index]
        yield Completion(
            problem_id=problem.id,
            sample=sample,
            text=reply.text,
            stop=reply.stop,
            num_tokens=reply.num_tokens,
            num_calls=reply.num_calls,
        )


def _seed(seed: int, problem_id: str, sample: int) -> int:
    """Return a seed that belongs to this one completion, the same on every machine."""
    return zlib.crc32(f"{seed}/{problem_id}/{sample}".encode())
