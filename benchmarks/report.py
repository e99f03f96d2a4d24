"""The report of four full runs: seconds, and bytes of the page.

Writes four finished runs as `build` leaves them, each with a specialist on the seven benchmarks of the Qwen report at
their full size, HumanEvalPack in six languages; the base they share is asked in two forms. Then times, each in a
process of its own, what a user waits for.

    python -m benchmarks.report [--keep FOLDER]
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import machine
from tests.report_runs import add_score, make_run

SIZES = {"humaneval": 164, "mbpp": 500, "gsm8k": 1319, "math": 5000, "math401": 401, "math23k": 1000}
SIZES |= {f"humanevalpack-{language}": 164 for language in ("python", "js", "java", "go", "cpp", "rust")}
MODELS = ("Code-Qwen", "Code-Qwen-Chat", "Math-Qwen", "Math-Qwen-Chat")
ROUNDS = 3
_WORDS = ("the", "sum", "list", "return", "value", "for", "each", "item", "first", "number", "answer", "is", "x")


def main() -> None:
    """Print seconds of wall and of CPU, peak memory and bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="write the runs here and leave them")
    folder = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as scratch:
        place = folder or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        runs = write_runs(place)
        print(machine())
        answers = sum(1 for path in place.rglob("completions.jsonl") for _ in path.open("rb"))
        print(f"{len(runs)} runs, {len(SIZES)} columns, {answers:,} answers")
        measure(runs, place / "report.html")


def write_runs(place: Path) -> list[Path]:
    """Write the four runs; the base is judged in the first."""
    chance = random.Random(0)
    paths: list[Path] = []
    for number, model in enumerate(MODELS):
        run = make_run(place / f"run-{number}", model, benchmarks=dict.fromkeys(SIZES, _FOUND))
        for benchmark, size in SIZES.items():
            asked = [("Base", "few-shot", 0.3), ("Base", "chat", 0.2)] if number == 0 else []
            for name, form, share in (*asked, (model, "chat", 0.35 + 0.05 * number)):
                right = ["+" if chance.random() < share else "-" for _ in range(size)]
                texts = (" ".join(chance.choices(_WORDS, k=90)) for _ in range(size))
                add_score(run, name, form, right, benchmark=benchmark, texts=texts)
        paths.append(run.path)
    return paths


def measure(runs: list[Path], html: Path) -> None:
    """Run the command as a user does, and print what it cost."""
    command = [sys.executable, "-m", "specialists", "compare", *map(str, runs), "--published", "--html", str(html)]
    for turn in range(ROUNDS):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall_s, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"round {turn + 1}: {wall_s:.2f} s wall, {cpu_s:.2f} s CPU, {after.ru_maxrss / 1024:.0f} MiB at the peak")
    for path in (html, html.with_suffix(".md"), html.with_suffix(".json")):
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


_FOUND = {"items": 164, "items_hit": 0, "samples_dropped": 0, "samples_kept": 0, "hit_ids": [], "left_ids": []}

if __name__ == "__main__":
    main()
