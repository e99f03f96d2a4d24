"""Decontamination in disguise: what is found of what was changed, and what is found where nothing was.

`SPECIALISTS_DATA=... PYTHONPATH=. python benchmarks/disguises.py`. Solutions of HumanEval and MBPP get other names, no
docstrings, comments and annotations, and are written out by `ast.unparse`; questions of GSM8K and MATH get other
numbers. Then ordinary Python (the corpus, the standard library) is searched for the solutions, and the published
training sets of maths for the questions.
"""

import ast
import gzip
import json
import os
import random
import re
import sysconfig
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from code_qwen.disguise import RENAMED
from code_qwen.family import FAMILY as CODE
from math_qwen.family import FAMILY as MATHS
from specialists.build import benchmark_items
from specialists.data.decontaminate import Decontamination, Index
from specialists.data.disguise import Lookout
from specialists.data.overlap import EvalItem
from specialists.records import Message, Sample
from tests.planted import renamed

DATA = Path(os.environ.get("SPECIALISTS_DATA", "../shared/data"))
PAD = "import os\n\nLIMIT = 3\n\n\nclass Thing:\n    def size(self, scale):\n        return self.width * scale\n\n\n"
TRAINING: dict[str, Callable[[dict[str, Any]], str]] = {
    "gsm8k_train": lambda row: row["question"],
    "math_train": lambda row: row["problem"],
    "math23k_train": lambda row: row["original_text"],
}


def main() -> None:
    """Print what is found of programs, then of questions."""
    print(f"load {os.getloadavg()[0]:.1f} before the start, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    items = [item for item in benchmark_items(CODE, []) if item.benchmark in ("humaneval", "mbpp")]
    _programs(items, Lookout(items, RENAMED))
    questions = benchmark_items(MATHS, [])
    for name, question in TRAINING.items():
        _training_set(name, [question(row) for row in _rows(f"sft_math/{name}")], questions)
    _questions([item for item in questions if item.benchmark in ("gsm8k", "math")])


def _programs(items: list[EvalItem], lookout: Lookout) -> None:
    rng = random.Random(0)
    for benchmark in ("humaneval", "mbpp"):
        asked = [(n, item) for n, item in enumerate(items) if item.benchmark == benchmark]
        copies = {n: f"{PAD}{renamed(_program(item), rng)}{PAD}" for n, item in asked}
        found = sum(n in {seen.item for seen in lookout.sightings(_text(copy))} for n, copy in copies.items())
        print(f"{benchmark}: {found} of {len(copies)} renamed solutions found")
    texts = [row["text"] for row in _rows("corpus/code_python")] + list(_standard_library())
    begun = time.process_time()
    hits = [seen for text in texts for seen in lookout.sightings(_text(text))[:1]]
    spent, megabytes = time.process_time() - begun, sum(map(len, texts)) / 1e6
    print(f"{len(texts)} ordinary Python files, {megabytes:.1f} MB, {megabytes / spent:.1f} MB/s: {len(hits)} hit")
    for seen in hits:
        print(f"  {items[seen.item].id} {seen.share:.2f}: {seen.words[:120]}")


def _training_set(name: str, questions: list[str], items: list[EvalItem]) -> None:
    decontamination = Decontamination(Index(items), "covered", MATHS.disguises)
    reasons: dict[str, int] = {}
    for number, question in enumerate(questions):
        turns = (Message(role="user", content=question), Message(role="assistant", content="So it is."))
        drop = decontamination.judge(Sample(id=str(number), source=name, messages=turns))
        if drop is not None:
            reasons[drop.reason] = reasons.get(drop.reason, 0) + 1
    print(f"{name}: {len(questions)} questions, {decontamination.report()['samples_by_rule']}, by covered {reasons}")


def _questions(items: list[EvalItem]) -> None:
    rng = random.Random(0)
    lookout = Lookout(items, MATHS.disguises[0])
    chosen = [(n, item) for n, item in enumerate(items) if len(re.findall(r"\w+", item.prompt)) >= 16][::10]
    found = 0
    for number, item in chosen:
        other = re.sub(r"\d+", lambda _: str(rng.randrange(2, 999)), item.prompt)
        found += number in {seen.item for seen in lookout.sightings(_text(other))}
    print(f"GSM8K and MATH: {found} of {len(chosen)} renumbered questions of 16 words and more found")


def _program(item: EvalItem) -> str:
    program = re.sub(r"^```.*$", "", item.texts[0], flags=re.MULTILINE)
    try:
        ast.parse(program)
    except SyntaxError:
        return item.prompt + program
    return program


def _text(text: str) -> Sample:
    return Sample(id="1", source="s", text=text)


def _standard_library() -> Iterable[str]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if not {"test", "tests", "site-packages", "idle_test"} & set(path.parts):
            yield path.read_text(encoding="utf-8", errors="replace")


def _rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    main()
