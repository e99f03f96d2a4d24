"""The data pipeline: CPU seconds, quality and memory, beside peers.

`python benchmarks/data.py [memory near grams packing pipeline ...]`; all parts without an argument. Needs the folder
that SPECIALISTS_DATA names: `corpus/` gives the texts (48 MB, six programming and two natural languages), `eval_code/`
and `eval_math/` the items. Everything is counted in CPU seconds of the whole process tree, in alternating rounds.

Near copies are planted, so that what must be found is known: documents with words replaced until their exact Jaccard is
what it is, and is computed by sets. The peers get their own pipeline as their authors show it: words by `\\w+`, sets of
5-gram strings. The 13-gram search is held against a set of strings, whose output must be the same.
"""

import gzip
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rensa import RMinHash, RMinHashDeduplicator  # pyright: ignore[reportAttributeAccessIssue]

from specialists.data.dedup import near_copies
from specialists.data.overlap import EvalItem, Index
from specialists.data.pack import best_fit
from specialists.data.words import find_words

DATA = Path(os.environ.get("SPECIALISTS_DATA", "../shared/data"))
ROUNDS = 3
THRESHOLD = 0.7
EVERY = 20  # of so many documents one gets copies
EDITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.15)  # of the words of a copy are others
KEPT_WORDS = frozenset(
    {"continue", "nonlocal", "function", "template", "typename", "operator", "protected", "implements", "interface"}
    | {"abstract", "volatile", "unsigned", "register", "namespace", "debugger", "constexpr", "noexcept", "decltype"}
    | {"instanceof", "synchronized", "transient", "explicit", "override", "fallthrough", "static_assert", "static_cast"}
)


def main(parts: list[str]) -> None:
    """Run the named parts, or all."""
    print(f"load {os.getloadavg()[0]:.1f} before the start, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    known: dict[str, Callable[[], None]] = {
        "memory": memory, "near": near, "grams": grams, "packing": packing, "pipeline": pipeline
    }  # fmt: skip
    for part in parts or known:
        print(f"\n{part}")
        known[part]()


def near() -> None:
    """Near copies at 0.7: ours, rensa's deduplicator, and datasketch where it is installed."""
    texts, planted = _planted(_texts())
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    found: dict[str, set[int]] = {}
    ways: dict[str, Callable[[], set[int]]] = {"ours": lambda: _ours(texts), "rensa": lambda: _rensa(texts)}
    if _has_datasketch():
        ways["datasketch"] = lambda: _datasketch(texts)
    seconds = _rounds({name: _keeping(found, name, way) for name, way in ways.items()})
    print(f"{len(texts)} documents, {megabytes:.1f} MB, {len(planted)} planted copies")
    for name, spent in seconds.items():
        gone = found[name]
        clear = [number for number, jaccard in planted.items() if jaccard >= THRESHOLD + 0.1]
        far = [number for number, jaccard in planted.items() if jaccard <= THRESHOLD - 0.2]
        wrong = [n for n in gone & planted.keys() if planted[n] < THRESHOLD]
        print(
            f"{name:10} {spent:6.2f} CPU s {megabytes / spent:6.1f} MB/s {seconds['rensa'] / spent:5.2f}x rensa;"
            f" found {len(gone & set(clear))}/{len(clear)} of J >= {THRESHOLD + 0.1:.1f};"
            f" removed below {THRESHOLD}: {len(wrong)}, below {THRESHOLD - 0.2:.1f}: {len(gone & set(far))}/{len(far)};"
            f" groups lost {_groups_lost(gone, len(texts), planted)}"
        )


def grams() -> None:
    """13-grams of the corpus among those of the items: ours and a set of strings, document by document."""
    texts, items = list(_texts()), _items()
    index, among = Index(items), _grams_of_items(items)
    found: dict[str, list[bool]] = {}
    ways: dict[str, Callable[[], list[bool]]] = {
        "ours": lambda: [bool(index.overlaps(find_words(text))) for text in texts],
        "set of strings": lambda: [not among.isdisjoint(_grams(text, 13)) for text in texts],
    }
    seconds = _rounds({name: _keeping(found, name, way) for name, way in ways.items()})
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} documents, {megabytes:.1f} MB; {len(items)} items, {len(among)} different 13-grams")
    for name, spent in seconds.items():
        print(f"{name:15} {spent:6.2f} CPU s {megabytes / spent:6.1f} MB/s, {sum(found[name])} documents hit")
    print("the same documents:", found["ours"] == found["set of strings"])
    telling = sum(any(o.informative for o in index.overlaps(find_words(text))) for text in texts)
    print(f"hit by an informative 13-gram: {telling}")


def packing() -> None:
    """Best fit into 2,048 and 8,192 tokens; lengths are bytes / 3.5 of the corpus's code, as code tokenises."""
    lengths = np.array([max(1, round(len(text.encode()) / 3.5)) for text in _texts()])
    for room in (2048, 8192):
        pieces = np.array([min(room, n - at) for n in lengths.tolist() for at in range(0, n, room)])
        begun = time.process_time()
        blocks = best_fit(pieces, room)
        spent = time.process_time() - begun
        kept, fill = int(pieces[np.concatenate(blocks)].sum()), pieces.sum() / (len(blocks) * room)
        cut, crossing = np.mean(lengths > room), np.mean(_crosses(lengths, room))
        print(
            f"{room}: empty {1 - fill:.3%}, documents cut {cut:.2%} (all longer than a block; concatenating cuts"
            f" {crossing:.2%}), tokens kept {kept}/{lengths.sum()}, {lengths.sum() / spent / 1e6:.0f} Mtok/s"
        )


def pipeline() -> None:
    """`python -m code_qwen prepare --source` on the corpus, from packed files to kept.jsonl, by step."""
    with tempfile.TemporaryDirectory() as folder:
        source = _write_corpus(Path(folder) / "corpus.jsonl", 1)
        spent = [_prepare(source, Path(folder) / f"out{turn}") for turn in range(ROUNDS)]
        cpu_s = statistics.median(seconds for seconds, _ in spent)
        megabytes = sum(len(text.encode()) for text in _texts()) / 1e6
        print(f"{megabytes:.1f} MB, {cpu_s:.1f} CPU s with start and index, {megabytes / cpu_s:.1f} MB/s")
        account = json.loads((Path(folder) / "out0/funnel.json").read_text())
        print(f"wall seconds by step: {account['seconds']}")
        print(f"in {account['in']}, kept {account['kept']}, dropped {account['dropped']}")


def memory() -> None:
    """Peak memory of the same command on the corpus once, and eight times with other names in it.

    Comes first: Linux counts what the process that starts a command holds as the command's own peak.
    """
    for times in (1, 8):
        with tempfile.TemporaryDirectory() as folder:
            source = _write_corpus(Path(folder) / "corpus.jsonl", times)
            cpu_s, peak_mb = _prepare(source, Path(folder) / "out")
            kept = json.loads((Path(folder) / "out/funnel.json").read_text())["kept"]["documents"]
            print(f"{times}x: peak {peak_mb:.0f} MB, {cpu_s:.0f} CPU s, {kept} documents kept")


def _ours(texts: list[str]) -> set[int]:
    return {copy.copy for copy in near_copies(texts, THRESHOLD)}


def _rensa(texts: list[str]) -> set[int]:
    dedup = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True, num_bands=16)
    minhashes = RMinHash.from_token_sets((list(_grams(text, 5)) for text in texts), num_perm=128, seed=42)
    kept = dedup.add_pairs([(str(number), minhash) for number, minhash in enumerate(minhashes)])
    return {number for number, keep in enumerate(kept) if not keep and len(texts[number].split()) >= 5}


def _has_datasketch() -> bool:
    try:
        import datasketch  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    except ImportError:
        print("datasketch is not installed (pip install --no-deps datasketch scipy)")
        return False
    return True


def _datasketch(texts: list[str]) -> set[int]:
    from datasketch import MinHash, MinHashLSH  # pyright: ignore[reportMissingImports]

    lsh, gone = MinHashLSH(threshold=THRESHOLD, num_perm=128), set[int]()
    for number, text in enumerate(texts):
        grams = _grams(text, 5)
        if not grams:
            continue
        minhash = MinHash(num_perm=128)
        minhash.update_batch([gram.encode() for gram in grams])
        if lsh.query(minhash):
            gone.add(number)
        else:
            lsh.insert(str(number), minhash)
    return gone


def _grams(text: str, length: int) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}


def _grams_of_items(items: list[EvalItem]) -> set[str]:
    return {gram for item in items for text in (item.prompt, *item.texts) for gram in _grams(text, 13)}


def _planted(originals: Iterator[str]) -> tuple[list[str], dict[int, float]]:
    """Return the texts, and behind them copies with some words replaced; number of a copy -> its Jaccard."""
    rng = random.Random(0)
    texts = list(originals)
    planted: dict[int, float] = {}
    chosen = [text for text in texts[::EVERY] if 200 <= len(text.split()) <= 5000]
    for text in chosen:
        for share in EDITS:
            words = re.split(r"(\W+)", text)
            places = [place for place in range(0, len(words), 2) if words[place]]
            for place in rng.sample(places, max(1, round(share * len(places)))):
                words[place] = f"edit{rng.randrange(10**6)}"
            copy = "".join(words)
            left, right = _grams(text, 5), _grams(copy, 5)
            planted[len(texts)] = len(left & right) / len(left | right)
            texts.append(copy)
    return texts, planted


def _groups_lost(gone: set[int], num_texts: int, planted: Mapping[int, float]) -> int:
    """Count the groups of an original and its copies of which nothing is left."""
    first = num_texts - len(planted)
    originals = [n for n, text in enumerate(_texts()) if n % EVERY == 0 and 200 <= len(text.split()) <= 5000]
    groups = [
        {original, *range(first + i * len(EDITS), first + (i + 1) * len(EDITS))} for i, original in enumerate(originals)
    ]
    return sum(group <= gone for group in groups)


def _texts() -> Iterator[str]:
    return (row["text"] for row in _rows())


def _rows() -> Iterator[dict[str, Any]]:
    for path in sorted((DATA / "corpus").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def _items() -> list[EvalItem]:
    """Return HumanEval, MBPP and GSM8K: the items the goal is set for."""
    fields = {"eval_code/humaneval": "prompt", "eval_code/mbpp": "text", "eval_math/gsm8k_test": "question"}
    items: list[EvalItem] = []
    for name, field in fields.items():
        with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for number, row in enumerate(map(json.loads, file)):
                others = (" ".join(v) if isinstance(v, list) else str(v) for k, v in row.items() if k != field)
                items.append(EvalItem(name, str(number), row[field], tuple(others)))
    return items


def _write_corpus(path: Path, times: int) -> Path:
    """Write the corpus, and it again with every long name changed, so that no time is a copy of another."""
    long_name = re.compile(r"\b(?!\d)\w{8,}\b", re.ASCII)
    with path.open("w", encoding="utf-8") as file:
        for turn in range(times):
            for row in _rows():
                other = row
                if turn:

                    def named(match: re.Match[str], turn: int = turn) -> str:
                        return match[0] if match[0] in KEPT_WORDS else f"{match[0]}{turn}"

                    other = row | {"text": long_name.sub(named, row["text"])}
                file.write(json.dumps(other) + "\n")
    return path


def _prepare(source: Path, out: Path) -> tuple[float, float]:
    """Return CPU seconds and peak megabytes of cleaning one file from the command line."""
    command = [sys.executable, "-m", "code_qwen", "prepare", "--source", str(source), "--out", str(out)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command} ended with {child.returncode}"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _crosses(lengths: np.ndarray, room: int) -> np.ndarray:
    """Say of each document whether concatenating all and cutting every `room` tokens would cut it."""
    ends = np.cumsum(lengths)
    return (ends - lengths) // room != (ends - 1) // room


def _keeping(found: dict[str, Any], name: str, way: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        found[name] = way()

    return run


def _rounds(ways: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """Run the ways in turn; returns the median CPU seconds of each, over all threads."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            begun = time.process_time()
            run()
            seconds[name].append(time.process_time() - begun)
    return {name: statistics.median(found) for name, found in seconds.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
