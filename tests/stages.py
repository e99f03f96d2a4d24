"""A small training stage for tests."""

from specialists.recipe import Mix, Optim, Parallel, Source, Stage


def make_stage(**changes: object) -> Stage:
    """Return a small stage; `changes` replace its fields, and `peak_lr`, `clip_norm` and the like those of Optim."""
    optim_fields = {k: changes.pop(k) for k in list(changes) if k in Optim.model_fields}
    parallel_fields = {k: changes.pop(k) for k in list(changes) if k in Parallel.model_fields}
    optim = {"peak_lr": 1e-2, "schedule": "linear-constant", "warmup_share": 0.1} | optim_fields
    return Stage.model_validate(
        {
            "name": "stage",
            "objective": "text",
            "mix": Mix(sources=(Source(name="none", kind="made"),)),
            "seq_len": 64,
            "batch_blocks": 4,
            "steps": 6,
            "optim": Optim.model_validate(optim),
            "parallel": Parallel.model_validate({"precision": "fp32"} | parallel_fields),
        }
        | changes
    )
