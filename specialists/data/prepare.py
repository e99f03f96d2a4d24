"""The sources of a stage in, clean packed data out.

One straight line; each step drops samples, says why, and passes the rest on:

    read, form, redact -> exact copies -> filters -> near copies -> decontaminate -> tokenise -> pack

Only redaction changes a text, and it comes first, so that every later step sees what will be trained on. The filters,
syntax among them, come before near copies: of a group of near copies one is kept, and no filter must take that one as
well.

What lies in `out` in the end: `kept.jsonl` (whole samples), `dropped.jsonl` (id, reason, detail, source), `funnel.json`
(every count, a few samples of every reason, what was redacted, what decontamination found), `decontamination.json`
(which samples touch which benchmark item; see `specialists.touched`), and for a stage `blocks/` and `example.txt`. The
same data gives the same bytes in whatever order it is read, but for the seconds in `funnel.json`. The work can be
interrupted and started again; what is there is overwritten.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from specialists.chat import Tokenizer, render, show
from specialists.data import sources
from specialists.data.decontaminate import Decontamination, EvalItem, final_scan
from specialists.data.dedup import Copy, exact_copies, near_copies
from specialists.data.filters import FORM, QUALITY
from specialists.data.funnel import Funnel, Original
from specialists.data.licence import licence_rule
from specialists.data.overlap import index_of
from specialists.data.pack import TokenSpool, pack
from specialists.data.redact import redact
from specialists.data.rows import Reject, check_columns
from specialists.data.spool import Entry, Spool, SpooledTexts
from specialists.errors import ConfigError, DataError
from specialists.family import Disguise, Drop, Filter, Maker, Spans
from specialists.jsonl import read_records
from specialists.progress import track
from specialists.recipe import Mix, Stage
from specialists.records import Sample
from specialists.run import write_text
from specialists.touched import REPORT

_EXAMPLE_CHARS = 400


def prepare_stage(
    stage: Stage,
    *,
    makers: Mapping[str, Maker],
    filters: Sequence[Filter],
    items: Sequence[EvalItem],
    disguises: Sequence[Disguise] = (),
    spans: Spans | None = None,
    tokenizer: Tokenizer,
    end_of_text: int,
    out: Path,
) -> dict[str, Any]:
    """Clean and pack the data of one stage.

    Args:
        stage: its mix, objective, block length and seed.
        makers: the family's makers, by source name.
        filters: the family's filters, asked after the general rules.
        items: every item of every benchmark that the specialist will be judged by.
        disguises: in which they are looked for as well.
        spans: tells the nodes of a text, for fill-in-the-middle.
        tokenizer: of the checkpoint that the stage begins with.
        end_of_text: the token id that closes a text document.
        out: the folder to write to.

    Returns:
        Facts for the manifest: those of `clean_only`, and `tokens`, `trained_tokens`, `documents`, `cut_documents`,
        `middle_last`, `blocks` and `fill` (see `pack.Packed`).

    Raises:
        ConfigError: sources that do not fit the objective or each other, or a middle to fill in without marks for it.
        DataError: a source is missing, or nothing of the data is left; the reasons are named.
    """
    _check(stage.mix, stage.objective)
    out.mkdir(parents=True, exist_ok=True)
    with TokenSpool(out, stage, tokenizer, end_of_text, spans) as tokens:
        decontamination = Decontamination(index_of(tuple(items)), stage.mix.overlap, disguises)
        facts = _clean(_read(stage.mix, makers, stage.seed), stage.mix, filters, decontamination, out, tokens)
        packed = pack(tokens, seed=stage.seed, out=out / "blocks")
    first = next(iter(read_records(out / "kept.jsonl", Sample)))
    write_text(out / "example.txt", _example(first, tokenizer))
    return facts | packed.facts()


def clean_only(
    mix: Mix,
    *,
    makers: Mapping[str, Maker],
    filters: Sequence[Filter],
    items: Sequence[EvalItem],
    disguises: Sequence[Disguise] = (),
    out: Path,
    seed: int = 0,
) -> dict[str, Any]:
    """Clean data without a tokenizer: everything but the packing.

    Returns:
        Facts: `documents_in`, `documents_kept`, `dropped` (reason -> documents), `index` (benchmark -> digest of its
        items), `grams_left` (informative 13-grams of benchmarks in what is kept), `overlap` (rule -> samples that it
        drops, or would drop, for holding an item).

    Raises:
        ConfigError, DataError: as `prepare_stage`.
    """
    _check(mix, None)
    out.mkdir(parents=True, exist_ok=True)
    decontamination = Decontamination(index_of(tuple(items)), mix.overlap, disguises)
    return _clean(_read(mix, makers, seed), mix, filters, decontamination, out, None)


def _read(mix: Mix, makers: Mapping[str, Maker], seed: int) -> Iterator[Sample | Reject]:
    for source in mix.sources:
        yield from track(sources.read(source, makers, seed), f"read {source.name}")


def _clean(
    read: Iterable[Sample | Reject],
    mix: Mix,
    filters: Sequence[Filter],
    decontamination: Decontamination,
    out: Path,
    tokens: TokenSpool | None,
) -> dict[str, Any]:
    """Walk the line and write what it leaves; `tokens` takes in every sample that passed all else."""
    funnel = Funnel()
    with Spool(out / "samples.spool") as spool:
        with funnel.step("read"):
            entries = _admit(read, spool, funnel)
        with funnel.step("exact copies"):
            ranked = sorted(entries, key=lambda entry: entry.rank)
            copies = exact_copies([entry.fingerprint for entry in ranked])
            entries = _without("exact_copy", copies, ranked, spool, funnel)
        with funnel.step("filters"):
            entries = _sift(
                "filter", _first_of((licence_rule(mix.licences), *QUALITY, *filters)), entries, spool, funnel
            )
        with funnel.step("near copies"):
            ranked = sorted(entries, key=lambda entry: entry.rank)
            copies = near_copies(SpooledTexts(spool, ranked), mix.near_duplicates) if mix.near_duplicates else []
            entries = _without("near_copy", copies, ranked, spool, funnel)
        with funnel.step("decontaminate"):
            entries = _sift("decontaminate", decontamination.judge, entries, spool, funnel)
        if tokens is not None:
            with funnel.step("tokenise"):
                entries = _sift("tokenise", tokens.add, entries, spool, funnel)
        with (out / "kept.jsonl").open("wb") as file:
            file.writelines(map(spool.line, entries))
    with funnel.step("final scan"):
        kept = read_records(out / "kept.jsonl", Sample)
        grams_left = final_scan(track(kept, "final scan", len(entries)), decontamination.index)
    report = decontamination.report() | {"grams_left": grams_left}
    whole = report | {"items": decontamination.items()}
    write_text(out / REPORT, json.dumps(whole, indent=1, ensure_ascii=False))
    return _write_account(funnel, entries, report, out)


def _admit(read: Iterable[Sample | Reject], spool: Spool, funnel: Funnel) -> list[Entry]:
    """Spool every sample that is a document at all, without secrets and personal data."""
    entries: list[Entry] = []
    judge = _first_of(FORM)
    for item in read:
        content = "" if isinstance(item, Reject) else item.content()
        num_bytes = item.num_bytes if isinstance(item, Reject) else len(content.encode())
        funnel.came(item.source, num_bytes)
        drop = item.drop if isinstance(item, Reject) else judge(item)
        if drop is not None:
            funnel.drop(item.source, item.id, drop, num_bytes, content)
        elif isinstance(item, Sample):
            sample, replaced = redact(item)
            funnel.redacted(item.source, item.id, replaced)
            entries.append(spool.add(sample))
    return entries


def _sift(label: str, judge: Filter, entries: Sequence[Entry], spool: Spool, funnel: Funnel) -> list[Entry]:
    """Ask about every sample, in the order of the output, and keep those without objection."""
    kept: list[Entry] = []
    for entry in track(entries, label):
        sample = spool.sample(entry)
        drop = judge(sample)
        if drop is None:
            kept.append(entry)
        else:
            funnel.drop(entry.source, entry.id, drop, entry.num_bytes, sample.content())
    return kept


def _without(reason: str, copies: Iterable[Copy], ranked: Sequence[Entry], spool: Spool, funnel: Funnel) -> list[Entry]:
    """Take the copies out, and return the others in the order of the output."""
    gone: set[int] = set()
    for copy in copies:
        gone.add(copy.copy)
        entry, original = ranked[copy.copy], ranked[copy.original]
        drop = Drop(reason, f"of {original.id} in {original.source}, Jaccard {copy.jaccard:.3f}")
        line, rest = _from_first_difference(spool.sample(entry).content(), spool.sample(original).content())
        of = Original(original.source, original.id, line)
        funnel.drop(entry.source, entry.id, drop, entry.num_bytes, rest, of=of)
    kept = (entry for number, entry in enumerate(ranked) if number not in gone)
    return sorted(kept, key=lambda entry: entry.place)


def _from_first_difference(text: str, other: str) -> tuple[int, str]:
    """Return the number of the first line, from 1, that another text does not have there, and all from there on."""
    lines, others = text.splitlines(), other.splitlines()
    first = next((n for n, pair in enumerate(zip(lines, others, strict=False)) if pair[0] != pair[1]), 0)
    return first + 1, "\n".join(lines[first:])


def _first_of(filters: Sequence[Filter]) -> Filter:
    def judge(sample: Sample) -> Drop | None:
        return next((drop for rule in filters if (drop := rule(sample))), None)

    return judge


def _write_account(funnel: Funnel, kept: Sequence[Entry], report: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write `dropped.jsonl` and `funnel.json` and return the facts. Raises DataError where nothing is kept."""
    with (out / "dropped.jsonl").open("w", encoding="utf-8") as file:
        for gone in sorted(funnel.dropped):
            line = {"id": gone.id, "reason": gone.reason, "detail": gone.detail, "source": gone.source}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    account = funnel.account(kept) | {"decontamination": report}
    write_text(out / "funnel.json", json.dumps(account, indent=1, ensure_ascii=False))
    if not kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in funnel.counts().items())
        raise DataError(
            f"nothing is left of {account['in']['documents']} documents: {reasons}; see {out / 'dropped.jsonl'}"
        )
    return {
        "documents_in": account["in"]["documents"],
        "documents_kept": len(kept),
        "dropped": funnel.counts(),
        "index": {name: found["digest"] for name, found in report["benchmarks"].items()},
        "grams_left": report["grams_left"],
        "overlap": report["samples_by_rule"],
    }


def _check(mix: Mix, objective: str | None) -> None:
    """Raise ConfigError where sources share a name, or give text where the objective needs chat, or neither."""
    names = [source.name for source in mix.sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"source names must differ: {twice[0]!r} is there twice")
    for source in mix.sources:
        check_columns(source)
        gives = "text" if source.kind in ("folder", "git", "tar") or "text" in source.columns else "chat"
        if source.kind != "made" and objective not in (None, gives):
            raise ConfigError(
                f"source {source.name!r} gives {gives} samples, the stage's objective is {objective}; set columns"
            )


def _example(sample: Sample, tokenizer: Tokenizer) -> str:
    if sample.text is None:
        return show(render(sample.messages, tokenizer), tokenizer)
    return sample.text[:_EXAMPLE_CHARS]
