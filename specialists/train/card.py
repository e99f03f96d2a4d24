"""The model card of a checkpoint, written from what was run."""

from collections.abc import Mapping
from typing import Any

from specialists.recipe import Stage


def write(stage: Stage, base: str, facts: Mapping[str, Any]) -> str:
    """Return the README.md of a checkpoint folder.

    Args:
        stage: the knobs it was trained with.
        base: name of the model before the stage.
        facts: what `loop.train` returned.
    """
    name, optim = stage.gives or stage.name, stage.optim
    sources = ", ".join(f"`{source.name}`" for source in stage.mix.sources)
    asked = {
        "text": "A base model: give it text to continue, without trailing blanks.",
        "chat": "A chat model: ask it in ChatML, through the tokenizer's chat template; it ends its answer with "
        "`<|im_end|>`, where generation stops.",
    }[stage.objective]
    rows = {
        "trained from": base,
        "objective": f"{stage.objective}: next token, "
        + ("every one" if stage.objective == "text" else "answers only"),
        "data": sources,
        "trained weights": "all" if stage.adapter is None else _adapter(stage),
        "steps": f"{facts['steps']:,}" + (f", {facts['skipped']} of them left out" if facts["skipped"] else ""),
        "tokens": f"{facts['tokens']:,} seen, {facts['targets']:,} trained on",
        "block": f"{stage.seq_len:,} tokens, {stage.batch_blocks} blocks a step",
        "optimizer": f"AdamW, peak learning rate {optim.peak_lr:g}, {optim.schedule}, betas {optim.beta1:g} and "
        f"{optim.beta2:g}, weight decay {optim.weight_decay:g}, clipped at {optim.clip_norm}",
        "precision": f"{facts['precision']} products, fp32 optimizer",
        "last training loss": "unknown" if facts["last_loss"] is None else f"{facts['last_loss']:.4f}",
        "seed": str(stage.seed),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    head = "---\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n"
    return f"{head}\n# {name}\n\n{asked}\n\n| | |\n| --- | --- |\n{table}\n"


def _adapter(stage: Stage) -> str:
    adapter = stage.adapter
    assert adapter is not None
    embeddings = " and the embeddings" if adapter.train_embeddings else ""
    return f"{adapter.kind} of rank {adapter.rank}{embeddings}, merged into the start"
