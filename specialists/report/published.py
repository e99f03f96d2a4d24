"""Scores that others published, quoted.

Qwen Technical Report (arXiv 2309.16609), tables 2, 5, 10, 11 and 12, in per cent; [C] marks what both versions of the
report say alike. A quoted row was not measured here and has no verdicts: it stands apart and never enters a test. What
is known of its protocol stands in the column and in the caution, because the tables mix protocols themselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One benchmark of a published table, as it was asked there."""

    benchmark: str  # our name of it
    heading: str
    n: int  # items of its test set
    shots: str = "not stated"
    items: str = ""  # name of the items where another benchmark has the same ones


@dataclass(frozen=True)
class Table:
    """A published table: benchmarks as columns, models as rows; None where the source has no number."""

    name: str
    source: str
    caution: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    elsewhere: tuple[tuple[str, str, str, int], ...] = ()  # row, column's benchmark -> the one it was asked, its n
    claims: tuple[tuple[str, str], ...] = ()  # pairs of rows that the text compares

    def asked(self, model: str, column: Column) -> tuple[str, int]:
        """Return which benchmark a row was asked in a column, and how many items that has."""
        found = ((to, n) for row, name, to, n in self.elsewhere if (row, name) == (model, column.benchmark))
        return next(found, (column.benchmark, column.n))

    def quotes(self, benchmark: str) -> list[tuple[str, float, str]]:
        """Return the rows that were asked a benchmark: model, per cent, shots."""
        return [
            (model, value, column.shots)
            for model, values in self.rows
            for column, value in zip(self.columns, values, strict=True)
            if value is not None and self.asked(model, column)[0] == benchmark
        ]


_SOURCE = "Qwen Technical Report (arXiv 2309.16609) [C]"
_HUMANEVAL = Column("humaneval", "HumanEval", 164, items="HumanEval Python")
_SIZES = ("7B", "14B")

BASES = Table(
    name="table 2, base models",
    source=_SOURCE,
    caution="The header says MBPP is 3-shot, the text says 0-shot.",
    columns=(
        Column("gsm8k", "GSM8K", 1319, "8"),
        Column("math", "MATH", 5000, "4"),
        Column("humaneval", "HumanEval", 164, "0", "HumanEval Python"),
        Column("mbpp", "MBPP", 500, "3 or 0"),
    ),
    rows=(
        ("Qwen 1.8B", (21.2, 5.6, 17.1, 14.8)),
        ("Qwen 7B", (51.7, 11.6, 29.9, 31.6)),
        ("Qwen 14B", (61.3, 24.8, 32.3, 40.8)),
    ),
)

CHATS = Table(
    name="table 5, chat models",
    source=_SOURCE,
    caution="Of this table only the columns that this project measures; GPT-3.5 and GPT-4 have no zero-shot GSM8K.",
    columns=(
        Column("gsm8k", "GSM8K", 1319, "0"),
        Column("gsm8k", "GSM8K", 1319, "8"),
        Column("humaneval", "HumanEval", 164, "0", "HumanEval Python"),
    ),
    rows=(
        ("GPT-3.5", (None, 78.2, 73.2)),
        ("GPT-4", (None, 91.4, 86.6)),
        ("Qwen-Chat 1.8B", (27.8, 19.5, 14.6)),
        ("Qwen-Chat 7B", (50.3, 54.1, 37.2)),
        ("Qwen-Chat 14B", (60.1, 59.3, 43.9)),
    ),
)

CODE = Table(
    name="table 10, pass@1",
    source=_SOURCE,
    caution="Decoding, prompts and shots of this table are not stated in the report.",
    columns=(_HUMANEVAL, Column("mbpp", "MBPP", 500)),
    rows=(
        ("PaLM 540B", (26.2, 36.8)),
        ("PaLM-Coder 540B", (36.0, 47.0)),
        ("PaLM 2-S", (37.6, 50.0)),
        ("Code-Cushman-001", (33.5, 45.9)),
        ("Code-Davinci-002", (47.0, 58.1)),
        ("GPT-3.5", (73.2, None)),
        ("GPT-4", (86.6, None)),
        ("LLaMA2 7B", (12.2, 20.8)),
        ("LLaMA2 13B", (20.1, 27.6)),
        ("LLaMA2 34B", (22.6, 33.8)),
        ("LLaMA2 70B", (30.5, 45.4)),
        ("CodeGen-Multi 16B", (18.3, 20.9)),
        ("CodeGen-Mono 16B", (29.3, 35.3)),
        ("CodeGeeX2 6B", (35.9, None)),
        ("StarCoder-Prompted 15B", (40.8, 49.5)),
        ("CodeT5+ 16B", (30.9, None)),
        ("InstructCodeT5+ 16B", (35.0, None)),
        ("Code LLaMA 7B", (33.5, 41.4)),
        ("Code LLaMA 13B", (36.0, 47.0)),
        ("Code LLaMA 34B", (48.8, 55.0)),
        ("Code LLaMA-Instruct 7B", (34.8, 44.4)),
        ("Code LLaMA-Instruct 13B", (42.7, 49.4)),
        ("Code LLaMA-Instruct 34B", (41.5, 57.0)),
        ("Code LLaMA-Python 7B", (38.4, 47.6)),
        ("Code LLaMA-Python 13B", (43.3, 49.0)),
        ("Code LLaMA-Python 34B", (53.7, 56.2)),
        ("Unnatural Code LLaMA 34B", (62.2, 61.2)),
        ("WizardCoder-Python 13B", (64.0, 55.6)),
        ("WizardCoder-Python 34B", (73.2, 61.2)),
        ("Qwen-Chat 7B", (37.2, 35.8)),
        ("Qwen-Chat 14B", (43.9, 46.4)),
        ("Code-Qwen 7B", (40.2, 41.8)),
        ("Code-Qwen 14B", (45.1, 51.4)),
        ("Code-Qwen-Chat 7B", (43.3, 44.2)),
        ("Code-Qwen-Chat 14B", (66.4, 52.4)),
    ),
    claims=tuple((f"Code-Qwen-Chat {size}", f"Code-Qwen {size}") for size in _SIZES),
)

PACK = Table(
    name="table 11, HumanEvalPack synthesize, pass@1",
    source=_SOURCE,
    caution=(
        "Zero-shot. The baselines come from OctoPack, which samples 20 answers at temperature 0.2; the Qwen rows fit "
        "one answer a problem. The table's own average column is left out."
    ),
    columns=(
        Column("humanevalpack-python", "Python", 164, "0", "HumanEval Python"),
        Column("humanevalpack-js", "JavaScript", 164, "0"),
        Column("humanevalpack-java", "Java", 164, "0"),
        Column("humanevalpack-go", "Go", 164, "0"),
        Column("humanevalpack-cpp", "C++", 164, "0"),
        Column("humanevalpack-rust", "Rust", 164, "0"),
    ),
    rows=(
        ("GPT-4", (86.6, 82.9, 81.7, 72.6, 78.7, 67.1)),
        ("InstructCodeT5+ 16B", (37.0, 18.9, 17.4, 9.5, 19.8, 0.3)),
        ("StarChat-beta 15B", (33.5, 31.4, 26.7, 25.5, 26.6, 14.0)),
        ("StarCoder 15B", (33.6, 30.8, 30.2, 17.6, 31.6, 21.8)),
        ("CodeGeeX2 6B", (35.9, 32.2, 30.8, 22.5, 29.3, 18.1)),
        ("OctoGeeX 6B", (44.7, 33.8, 36.9, 21.9, 32.3, 15.7)),
        ("OctoCoder 15B", (46.2, 39.2, 38.2, 30.4, 35.6, 23.4)),
        ("WizardCoder 15B", (59.8, 49.5, 36.1, 36.4, 40.9, 20.2)),
        ("Qwen-Chat 7B", (37.2, 23.2, 32.9, 20.7, 22.0, 9.1)),
        ("Qwen-Chat 14B", (43.9, 38.4, 42.7, 34.1, 24.4, 18.9)),
        ("Code-Qwen 7B", (40.2, 40.4, 40.2, 26.2, 20.7, 15.8)),
        ("Code-Qwen 14B", (45.1, 51.8, 57.3, 39.6, 18.2, 20.7)),
        ("Code-Qwen-Chat 7B", (43.3, 41.5, 49.4, 29.3, 32.9, 20.1)),
        ("Code-Qwen-Chat 14B", (66.4, 58.5, 56.1, 47.6, 54.2, 28.7)),
    ),
    claims=tuple((f"Code-Qwen-Chat {size}", f"Code-Qwen {size}") for size in _SIZES),
)

MATHS = Table(
    name="table 12, accuracy",
    source=_SOURCE,
    caution=(
        "In the MATH column the Qwen rows are on the 500 problems of Lightman et al., the baselines on all 5,000. "
        "Greedy decoding; shots are not stated."
    ),
    columns=(
        Column("gsm8k", "GSM8K", 1319),
        Column("math", "MATH", 5000),
        Column("math401", "Math401", 401),
        Column("math23k", "Math23K", 1000),
    ),
    rows=(
        ("GPT-4", (92.0, 42.5, 83.5, 74.0)),
        ("GPT-3.5", (80.8, 34.1, 75.1, 60.0)),
        ("Minerva 8B", (16.2, 14.1, None, None)),
        ("Minerva 62B", (52.4, 27.6, None, None)),
        ("Minerva 540B", (58.8, 33.6, None, None)),
        ("LLaMA-1 RFT 7B", (46.5, 5.2, None, None)),
        ("LLaMA-1 RFT 13B", (52.1, 5.1, None, None)),
        ("WizardMath 7B", (54.9, 10.7, None, None)),
        ("WizardMath 13B", (63.9, 14.0, None, None)),
        ("WizardMath 70B", (81.6, 22.7, None, None)),
        ("Abel 7B", (59.7, 13.0, None, None)),
        ("Abel 13B", (66.4, 17.3, None, None)),
        ("Abel 70B", (83.6, 28.3, None, None)),
        ("Qwen-Chat 7B", (50.3, 6.8, 57.4, 51.2)),
        ("Qwen-Chat 14B", (60.1, 18.4, 70.1, 67.0)),
        ("Math-Qwen-Chat 7B", (62.5, 17.2, 80.8, 75.4)),
        ("Math-Qwen-Chat 14B", (69.8, 24.2, 85.0, 78.4)),
    ),
    elsewhere=tuple(
        (f"{name} {size}", "math", "math-500", 500) for name in ("Qwen-Chat", "Math-Qwen-Chat") for size in _SIZES
    ),
    claims=(
        *((f"Math-Qwen-Chat {size}", f"Qwen-Chat {size}") for size in _SIZES),
        ("Math-Qwen-Chat 14B", "GPT-4"),
    ),
)

TABLES = (BASES, CHATS, CODE, PACK, MATHS)


def tables_for(benchmarks: set[str]) -> list[Table]:
    """Return the published tables that share a benchmark with a comparison."""
    return [table for table in TABLES if any(table.quotes(benchmark) for benchmark in benchmarks)]
