"""Finished runs written by hand: what the report reads, without training anything."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specialists.jsonl import append_records
from specialists.metrics import mean, wilson
from specialists.models import judged, result, train_inputs
from specialists.recipe import Mix, Optim, Recipe, Source, Stage, to_yaml
from specialists.records import Completion, Mark, Question, Score, Stop, Verdict
from specialists.run import Run, write_text

BASE = "base-digest"
TOUCHED = {"items": 40, "items_hit": 2, "samples_dropped": 2, "samples_kept": 1,
           "hit_ids": ["sums/0", "sums/1"], "left_ids": ["sums/0"]}  # fmt: skip
DATA_FACTS = {
    "documents_in": 10, "documents_kept": 7, "dropped": {"exact_copy": 3}, "index": {"sums": "d"}, "grams_left": 0,
    "tokens": 1234, "fill": 0.98,
}  # fmt: skip
METRICS = """\
{"step": 1, "loss": 2.0, "lr": 0.001}
{"step": 2, "loss": null, "lr": 0.001}
{"step": 3, "loss": 1.5, "lr": 0.001, "holdout_loss": 1.75}
"""
TRAIN_FACTS = {"steps": 2, "tokens": 64, "targets": 32, "last_loss": 1.5, "precision": "bf16", "wall_s": 3.0}


def recipe(*gives: str) -> Recipe:
    """Return a recipe with one stage for each name; "" is a step on the way."""
    stages = [
        Stage(
            name=f"stage-{number}", gives=name, objective="chat", seq_len=16, batch_blocks=1, steps=2,
            mix=Mix(sources=(Source(name="x", kind="made"),)),
            optim=Optim(peak_lr=1e-3, schedule="linear-constant", warmup_share=0.0),
        )
        for number, name in enumerate(gives)
    ]  # fmt: skip
    return Recipe(name="test", start="somewhere", base_name="Base", stages=tuple(stages))


def make_run(
    path: Path,
    *gives: str,
    base: str = BASE,
    weights: str = "w",
    benchmarks: Mapping[str, object] | None = None,
) -> Run:
    """Write a trained run: a base, and what each stage gives; `benchmarks`: what decontamination found."""
    made, run = recipe(*(gives or ("Math",))), Run(path)
    path.mkdir()
    run.write_recipe(to_yaml(made))
    start = run.start({})
    start.begin()
    start.finish({"path": str(path), "digest": base})
    before = result(made, run, None)
    for stage in made.stages:
        data = run.data(stage.name, {})
        found = {"sums": TOUCHED} if benchmarks is None else benchmarks
        reasons = {"exact_copy": {"documents": 3, "samples": [{"id": "x/1", "detail": "of x/0", "excerpt": "<i>"}]}}
        funnel = {"decontamination": {"benchmarks": found}, "reasons": reasons}
        write_text(data.begin() / "funnel.json", json.dumps(funnel))
        write_text(data.path / "example.txt", "<user> 1 & 2?\n⟦3<|im_end|>⟧")
        train = run.train(stage.name, train_inputs(stage, before, data.finish(DATA_FACTS)))
        folder = train.begin()
        (folder / "checkpoint").mkdir()
        write_text(folder / "checkpoint" / "model.safetensors", weights + stage.name)
        write_text(folder / "metrics.jsonl", METRICS)
        train.finish(TRAIN_FACTS)
        before = result(made, run, stage)
    return run


def add_score(
    run: Run,
    model: str,
    form: str,
    right: int | Sequence[str],
    *,
    num_items: int = 40,
    benchmark: str = "sums",
    checkpoint: str | None = None,
    stop: Stop = Stop.END,
    wrong: Mark = Mark.WRONG,
    texts: Iterator[str] | None = None,
    **more: object,
) -> None:
    """Write completions, verdicts and a score as `grade` would.

    Args:
        right: how many of the first items are solved, or for each item its answers: "+-" is one right, one wrong.
        checkpoint: digest of the judged weights; those the run has if None.
        texts: what the answers say, one for each; a word in markup if None.
        more: further fields of the score.
    """
    answers = list(right) if not isinstance(right, int) else ["+"] * right + ["-"] * (num_items - right)
    pairs = [(f"{benchmark}/{i}", s, sign == "+") for i, signs in enumerate(answers) for s, sign in enumerate(signs)]
    asked = run.completions(model, benchmark, form, {"prompts": "p"})
    said = texts or (f"<b>{item}</b>" for item, _, _ in pairs)
    completions = (
        Completion(problem_id=item, sample=s, text=text, stop=stop, num_tokens=1)
        for (item, s, _), text in zip(pairs, said, strict=True)
    )
    append_records(asked.begin() / "completions.jsonl", completions)
    asked.finish()
    step = run.verdicts(model, benchmark, form, {"code": "grader"})
    verdicts = [
        Verdict(
            problem_id=item, sample=s, mark=Mark.CORRECT if ok else wrong, answer=f"{ok} {s}", reason=f"sum {item} off"
        )
        for item, s, ok in pairs
    ]
    append_records(step.begin() / "verdicts.jsonl", verdicts)
    items = dict.fromkeys(item for item, _, _ in pairs)
    questions = [
        Question(problem_id=item, prompt=f"{form}: what is <u>{item}</u>?", gold="7", group="odd") for item in items
    ]
    append_records(step.path / "questions.jsonl", questions)
    write_text(step.path / "score.json", _score(model, benchmark, form, answers, wrong, checkpoint, run, more))
    step.finish()


def _score(
    model: str, benchmark: str, form: str, answers: Sequence[str], wrong: Mark, checkpoint: str | None, run: Run,
    more: Mapping[str, object],
) -> str:  # fmt: skip
    value = mean([signs.count("+") / len(signs) for signs in answers])
    low, high = wilson(value, len(answers))
    signs = "".join(answers)
    fields = {
        "benchmark": benchmark, "title": f"{benchmark.title()} (generated)", "model": model, "form": form,
        "checkpoint": checkpoint or next(m.digest for m in judged(run) if m.name == model), "metric": "accuracy",
        "value": value, "n": len(answers), "low": low, "high": high,
        "marks": {Mark.CORRECT: signs.count("+"), wrong: signs.count("-")},
        "protocol": {"max_new_tokens": "64", "temperature": "0", "decoding": "greedy"},
    }  # fmt: skip
    return Score.model_validate(fields | dict(more)).model_dump_json()
