"""The whole line on real files."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from specialists.blocks import Blocks
from specialists.data.decontaminate import EvalItem, Index, final_scan
from specialists.data.prepare import clean_only, prepare_stage
from specialists.errors import ConfigError, DataError
from specialists.family import Drop
from specialists.jsonl import read_records
from specialists.recipe import Mix, Optim, Source, Stage
from specialists.records import Sample

ITEM = EvalItem("bench", "7", "Return the largest gap between two neighbours of a sorted list of at least two numbers.")
SHORT = EvalItem("bench", "8", "Write a function to reverse a string.")
SETTINGS: dict[str, Any] = {"makers": {}, "filters": (), "items": [ITEM, SHORT]}


def test_folder_is_cleaned_and_every_drop_accounted_for(tmp_path: Path) -> None:
    root = _folder(tmp_path / "in")
    facts = clean_only(_mix(root), **SETTINGS, out=tmp_path / "out")
    kept = [sample.id for sample in read_records(tmp_path / "out/kept.jsonl", Sample)]
    dropped = {row["id"]: row for row in _rows(tmp_path / "out/dropped.jsonl")}
    assert kept == ["good/0.py", "good/1.py", "good/2.py", "original.py", "short.py"]
    assert {name: row["reason"] for name, row in dropped.items()} == {
        "blank.py": "empty",
        "copy.py": "exact_copy",
        "near.py": "near_copy",
        "leak.py": "benchmark_overlap",
        "binary.py": "binary",
        "latin.py": "undecodable",
        "line.py": "huge_line",
        ".git/": "skipped_folder",
    }
    assert dropped["copy.py"]["detail"].startswith("of original.py")
    assert dropped["near.py"]["detail"].startswith("of original.py in s, Jaccard 0.9")
    assert "bench 7" in dropped["leak.py"]["detail"]
    funnel = json.loads((tmp_path / "out/funnel.json").read_text())
    for account in (funnel, funnel["sources"]["s"]):
        num_dropped = sum(funnel["sources"]["s"]["dropped"].values())
        assert account["in"]["documents"] == account["kept"]["documents"] + num_dropped == 13
    assert funnel["in"]["bytes"] == funnel["kept"]["bytes"] + funnel["dropped"]["bytes"]
    assert funnel["dropped"]["bytes"] == sum(reason["bytes"] for reason in funnel["reasons"].values())
    assert funnel["reasons"]["near_copy"]["samples"][0]["excerpt"].startswith("# new")
    assert funnel["decontamination"]["benchmarks"]["bench"]["hit_ids"] == ["7", "8"]
    assert funnel["decontamination"]["grams_left"] == facts["grams_left"] == 0
    assert facts["dropped"] == Counter(row["reason"] for row in dropped.values())
    assert (facts["documents_in"], facts["documents_kept"]) == (13, 5)
    left = "decontamination.json dropped.jsonl funnel.json kept.jsonl"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == left.split()


def test_same_bytes_again_and_in_any_order_of_shards(tmp_path: Path) -> None:
    rng = random.Random(2)
    rows = [{"id": str(n % 150), "text": _program(rng)} for n in range(200)]
    rows += [{"id": f"c{n}", "text": row["text"].replace("\n", "\r\n")} for n, row in enumerate(rows[:30])]
    rows += [{"id": f"n{n}", "text": row["text"] + f"# {n}\n"} for n, row in enumerate(rows[30:60])]
    outs: list[list[Any]] = []
    for number, order in enumerate((rows, rows, rows[::-1])):
        folder = tmp_path / str(number)
        for shard in range(3):
            _write_rows(folder / f"in/{shard}.jsonl", order[shard::3])
        mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(folder / "in/*.jsonl")),))
        clean_only(mix, **SETTINGS, out=folder / "out")
        funnel = json.loads((folder / "out/funnel.json").read_text())
        del funnel["seconds"]
        kept = [(s.id, s.text) for s in read_records(folder / "out/kept.jsonl", Sample)]
        outs.append([kept, (folder / "out/dropped.jsonl").read_bytes(), funnel])
    assert outs[0] == outs[1] == outs[2]
    assert outs[0][2]["sources"]["s"]["dropped"] == {"exact_copy": 30, "near_copy": 30}
    assert (tmp_path / "0/out/kept.jsonl").read_bytes() == (tmp_path / "1/out/kept.jsonl").read_bytes()


def test_a_broken_near_copy_does_not_take_the_good_one_along(tmp_path: Path) -> None:
    good = _program(random.Random(0))
    _write_rows(tmp_path / "in.jsonl", [{"id": "good", "text": good}, {"id": "longer", "text": good + "BROKEN\n"}])

    def parses(sample: Sample) -> Drop | None:
        return Drop("broken") if "BROKEN" in sample.content() else None

    mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl")),))
    clean_only(mix, makers={}, filters=(parses,), items=[], out=tmp_path / "out")
    assert [row["id"] for row in _rows(tmp_path / "out/kept.jsonl")] == ["good"]


@pytest.mark.parametrize(("threshold", "num_kept"), [(0.7, 1), (0, 3)])
def test_near_copies_can_be_left_in(tmp_path: Path, threshold: float, num_kept: int) -> None:
    text = _program(random.Random(0))
    _write_rows(tmp_path / "in.jsonl", [{"id": str(n), "text": f"{text}\n# {n}"} for n in range(3)])
    source = Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl"))
    facts = clean_only(Mix(sources=(source,), near_duplicates=threshold), **SETTINGS, out=tmp_path / "out")
    assert facts["documents_kept"] == num_kept


def test_licensed_and_longer_copies_are_kept(tmp_path: Path) -> None:
    text = _program(random.Random(0))
    rows = [
        {"id": "a", "text": text},
        {"id": "b", "text": text, "license": "MIT"},
        {"id": "c", "text": text + "# and more\n", "license": "MIT"},
        {"id": "d", "text": text + "# and even more\n"},
    ]
    _write_rows(tmp_path / "in.jsonl", rows)
    mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl")),))
    clean_only(mix, **SETTINGS, out=tmp_path / "out")
    assert [row["id"] for row in _rows(tmp_path / "out/kept.jsonl")] == ["c"]


def test_nothing_left_names_the_reasons(tmp_path: Path) -> None:
    _write_rows(tmp_path / "in.jsonl", [{"text": ""}, {"text": " "}, {"text": 5}, {"text": ITEM.prompt}])
    mix = Mix(sources=(Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl")),))
    with pytest.raises(DataError, match="nothing is left of 4 documents: 2 empty, 1 bad_row, 1 benchmark_overlap"):
        clean_only(mix, **SETTINGS, out=tmp_path / "out")
    assert json.loads((tmp_path / "out/funnel.json").read_text())["kept"]["documents"] == 0


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    source = Source(name="s", kind="folder", path=str(tmp_path))
    with pytest.raises(ConfigError, match="'s' is there twice"):
        clean_only(Mix(sources=(source, source)), **SETTINGS, out=tmp_path / "out")


def test_text_stage_becomes_blocks(tmp_path: Path) -> None:
    tokenizer = _tokenizer()
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    stage = _stage("text", Source(name="s", kind="folder", path=str(_folder(tmp_path / "in")), repeat=2))
    facts = prepare_stage(stage, **SETTINGS, tokenizer=tokenizer, end_of_text=end, out=tmp_path / "out")
    blocks = Blocks(tmp_path / "out/blocks")
    texts = Counter(tokenizer.decode(document) for document in _whole_documents(blocks, end))
    kept = [sample.text for sample in read_records(tmp_path / "out/kept.jsonl", Sample)]
    assert texts == Counter({f"{text}<|endoftext|>": 2 for text in kept})
    assert max(len(blocks[i].ids) for i in range(len(blocks))) <= stage.seq_len
    assert (facts["tokens"], facts["blocks"]) == (blocks.num_tokens, len(blocks))
    assert (facts["documents"], facts["cut_documents"]) == (10, 0)
    assert facts["trained_tokens"] == facts["tokens"] - facts["documents"]
    assert facts["index"] == Index([ITEM, SHORT]).digests
    assert (tmp_path / "out/example.txt").read_text() == str(kept[0])[:400]
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.suffix in {".npy", ".jsonl"}}
    for left in ("samples.spool", "ids.spool", "trained.spool", "blocks/ids.raw"):  # what a killed attempt leaves
        (tmp_path / "out" / left).write_bytes(b"torn")
    prepare_stage(stage, **SETTINGS, tokenizer=tokenizer, end_of_text=end, out=tmp_path / "out")
    assert {path for path in (tmp_path / "out").rglob("*") if path.suffix in {".spool", ".raw"}} == set()
    assert {path: path.read_bytes() for path in before} == before


def test_chat_stage_masks_counts_and_decontaminates(tmp_path: Path) -> None:
    rows = [
        {"q": f"What is {n} plus {n}, if you would be so kind?", "a": f"It is {2 * n}, {'indeed, ' * n}sir."}
        for n in (1, 3, 300)
    ]
    rows += [{"q": f"Hi! {SHORT.prompt}", "a": "def f(s): return s[::-1]"}, {"q": "Well?", "a": " "}]
    _write_rows(tmp_path / "in.jsonl.gz", rows)
    source = Source(name="s", kind="jsonl", path=str(tmp_path / "in.jsonl.gz"), columns={"user": "q", "assistant": "a"})
    facts = prepare_stage(
        _stage("chat", source), **SETTINGS, tokenizer=_tokenizer(), end_of_text=0, out=tmp_path / "out"
    )
    assert facts["dropped"] == {"benchmark_item": 1, "empty_turn": 1, "too_long": 1}
    assert (facts["documents_kept"], facts["documents"]) == (2, 2)
    example = (tmp_path / "out/example.txt").read_text()
    assert example.startswith("<|im_start|>user\nWhat is 1 plus 1")
    assert example.endswith("<|im_start|>assistant\n⟦It is 2, indeed, sir.<|im_end|>⟧\n")
    assert _rows(tmp_path / "out/dropped.jsonl")[-1]["reason"] == "empty_turn"


@pytest.mark.parametrize("objective", ["text", "chat"])
def test_samples_must_fit_the_objective(tmp_path: Path, objective: Literal["text", "chat"]) -> None:
    columns: Any = {"user": "q", "assistant": "a"} if objective == "text" else {"text": "t"}
    source = Source(name="s", kind="jsonl", path="x.jsonl", columns=columns)
    with pytest.raises(ConfigError, match=f"objective is {objective}"):
        prepare_stage(_stage(objective, source), **SETTINGS, tokenizer=_tokenizer(), end_of_text=0, out=tmp_path)


def test_made_samples_must_fit_the_objective(tmp_path: Path) -> None:
    def maker(source: Source, seed: int) -> Iterator[Sample]:
        yield Sample(id=f"{seed}", source=source.name, text="some text")

    settings: dict[str, Any] = SETTINGS | {"makers": {"maker": maker}}
    stage = _stage("chat", Source(name="maker", kind="made"))
    with pytest.raises(DataError, match="source 'maker' gives text"):
        prepare_stage(stage, **settings, tokenizer=_tokenizer(), end_of_text=0, out=tmp_path)


def test_final_scan_sees_what_the_line_would_have_dropped() -> None:
    leak = Sample(id="1", source="s", text=f"def f():\n    '''{ITEM.prompt}'''\n")
    assert final_scan([leak], Index([ITEM])) == 4


def _folder(root: Path) -> Path:
    rng = random.Random(1)
    original = _program(rng)
    files: dict[str, bytes] = {f"good/{n}.py": _program(rng).encode() for n in range(3)}
    files |= {
        "original.py": original.encode(),
        "copy.py": b"\xef\xbb\xbf" + original.replace("\n", "  \r\n").encode(),
        "near.py": ("# new\n" + original[: -len("# the end\n")]).encode(),
        "leak.py": (_program(rng) + f'"""{ITEM.prompt}"""\n').encode(),
        "short.py": (_program(rng) + f'"""{SHORT.prompt}"""\n').encode(),
        "blank.py": b" \n\n",
        "binary.py": b"\x7fELF\0\0",
        "latin.py": "s = 'ä'\n".encode("latin-1"),
        "line.py": b"x = '" + b"ab " * 40_000 + b"'\n",
        ".git/config": b"[core]\n",
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def _program(rng: random.Random) -> str:
    lines = [f"name{rng.randrange(10**6)} = call{rng.randrange(10**6)}(x{rng.randrange(10**6)})" for _ in range(30)]
    return "\n".join(lines) + "\n# the end\n"


def _mix(root: Path) -> Mix:
    return Mix(sources=(Source(name="s", kind="folder", path=str(root)),))


def _stage(objective: Literal["text", "chat"], source: Source) -> Stage:
    optim = Optim(peak_lr=1e-4, schedule="cosine-decay", warmup_steps=0)
    mix = Mix(sources=(source,))
    return Stage(name="st", objective=objective, mix=mix, seq_len=2048, batch_blocks=1, steps=1, optim=optim)


def _tokenizer() -> Any:
    """Return a tokenizer of single bytes, with the marks that a checkpoint brings."""
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate([*marks, *alphabet])}, merges=[]))
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\s"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    words.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=words, additional_special_tokens=marks)


def _whole_documents(blocks: Blocks, end: int) -> Iterator[list[int]]:
    for i in range(len(blocks)):
        start = 0
        for length in blocks[i].lengths.tolist():
            document = blocks[i].ids[start : start + length].tolist()
            assert document[-1] == end
            yield document
            start += length


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w", newline="") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
