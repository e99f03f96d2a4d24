"""Scores that others published, quoted.

Qwen Technical Report (arXiv 2309.16609), table 10 (HumanEval and MBPP, pass@1) and table 12 (maths, accuracy), in per
cent. A quoted row was not measured here: it stands apart in the report and never enters a comparison. What is known of
its protocol is said beside the table, because the tables mix protocols themselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A published table: benchmarks as columns, models as rows; None where the source has no number."""

    source: str
    caution: str
    benchmarks: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


CODE = Table(
    source="Qwen Technical Report, table 10: pass@1 in per cent",
    caution=(
        "Decoding, prompts and shots of this table are not stated in the report; the Qwen cells fit whole numbers of "
        "164 and 500 problems, one sample each."
    ),
    benchmarks=("humaneval", "mbpp"),
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
)

MATHS = Table(
    source="Qwen Technical Report, table 12: accuracy in per cent",
    caution=(
        "In this table's MATH column the Qwen rows are on the 500 problems of Lightman et al., the baselines on all "
        "5,000. Greedy decoding; shots are not stated."
    ),
    benchmarks=("gsm8k", "math", "math401", "math23k"),
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
)


def tables_for(benchmarks: set[str]) -> list[Table]:
    """Return the published tables that share a benchmark with a comparison."""
    return [table for table in (CODE, MATHS) if benchmarks & set(table.benchmarks)]
