"""Fixtures that several tests share: a two-layer model made from nothing, and packed blocks to train it on."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # before torch is loaded; see specialists.cli.main
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import numpy as np
import pytest

from specialists.blocks import write_blocks
from specialists.recipe import Shape

TEXTS = (
    "def add(a, b):\n    return a + b\n",
    "The quick brown fox jumps over the lazy dog, 12345 times or 67 890.\n",
    "for item in items:\n    print(item, end=' ')\n",
    "user\nassistant\nsystem\nWhat is 12 + 30? It is 42.\n",
)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Qwen2 of random weights and a tokenizer trained on a few lines."""
    from specialists import checkpoint

    folder = tmp_path_factory.mktemp("tiny") / "checkpoint"
    shape = Shape(hidden_size=32, num_layers=2, num_heads=4, num_kv_heads=2, ffn_size=64, vocab_size=400, tied=True)
    checkpoint.begin(shape, TEXTS, folder, max_len=512, seed=0)
    return folder


@pytest.fixture(scope="session")
def tiny_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen packed blocks of up to 64 random tokens, in documents of uneven length, unevenly trained on; each ends
    with a trained end of text (token 0)."""
    rng = np.random.default_rng(7)

    def document(length: int) -> tuple[np.ndarray, np.ndarray]:
        trained = rng.random(length) < rng.choice([0.2, 0.9])
        trained[-1] = True
        ids = rng.integers(3, 259, length, dtype=np.uint32)
        ids[-1] = 0
        return ids, trained

    folder = tmp_path_factory.mktemp("blocks")
    write_blocks(folder, [[document(int(n)) for n in rng.integers(4, 22, 3)] for _ in range(16)])
    return folder
