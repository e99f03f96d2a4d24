"""CRUXEval: what does this function give, or for what does it give that?

The answer is an expression of plain data. It becomes the program `def answer(): return EXPRESSION`, and the tests run
the task's own function, which is trusted, beside it. So a pass is as strong as in any other benchmark, and no
expression can lie about being equal.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from code_qwen.grade import open_grader
from code_qwen.problems import CodeProblem
from code_qwen.suites.asking import PROTOCOL, say
from specialists.family import CHAT, Benchmark, Published, Row
from specialists.records import Prompt

_ENTRY_POINT = "answer"
# Our own examples in the published layout (facebookresearch/cruxeval, prompts.py): function, gap, filled gap.
_SHOWN = (
    ("def f(text, n):\n    return text[n:] + text[:n]", "'otter', 2", "'terot'"),
    ("def f(xs):\n    xs.append(sum(xs))\n    return xs", "[4, 1]", "[4, 1, 5]"),
)


class CruxProblem(CodeProblem):
    """A task: the function, which stands in `prelude`, and the assertion with a gap."""

    assertion: str
    filled: str


def _outputs(rows: Iterable[Row]) -> list[CruxProblem]:
    return [_problem(row, "f({input}) == ??", row["output"], f"f({row['input']}) == answer()") for row in rows]


def _inputs(rows: Iterable[Row]) -> list[CruxProblem]:
    return [_problem(row, "f(??) == {output}", row["input"], f"f(*answer()) == {row['output']}") for row in rows]


def _problem(row: Row, assertion: str, missing: str, test: str) -> CruxProblem:
    gap = f"assert {assertion.format(**row)}"
    return CruxProblem(
        id=row["id"],
        prompt=f"{row['code']}\n{gap}",
        gold=missing,
        entry_point=_ENTRY_POINT,
        tests=f"assert {test}\n",
        prelude=row["code"],
        assertion=gap,
        filled=gap.replace("??", missing),
    )


def _layout(code: str, gap: str, filled: str = "") -> str:
    answer = f"\n{filled}\n[/ANSWER]\n\n" if filled else ""
    return f"[PYTHON]\n{code}\n{gap}\n[/PYTHON]\n[ANSWER]{answer}"


def _after_examples(gap: str, problem: CruxProblem) -> Prompt:
    shown = (
        _layout(code, f"assert {gap.format(input=given, output=result)}", f"assert f({given}) == {result}")
        for code, given, result in _SHOWN
    )
    return "".join(shown) + _layout(problem.prelude, problem.assertion)


def _in_chat(problem: CruxProblem) -> Prompt:
    return say(
        "Fill the gap `??` in the assertion, so that it holds. Do not run anything. End with the whole assertion "
        f"between [ANSWER] and [/ANSWER].\n```python\n{problem.prompt}\n```"
    )


def _wrong(problem: CruxProblem) -> Iterator[str]:
    # Of an input, the wrong number of arguments: any value might be a right one.
    nothing = "" if "f(??)" in problem.assertion and problem.gold else repr("no such value")
    yield f"[ANSWER]\n{problem.assertion.replace('??', nothing)}\n[/ANSWER]"
    yield f"[ANSWER]\n{problem.assertion}\n[/ANSWER]"
    yield ""


def _benchmark(
    kind: str,
    gap: str,
    problems: Callable[[Iterable[Row]], list[CruxProblem]],
    exceptions: Mapping[str, str] | None = None,
) -> Benchmark[CruxProblem]:
    return Benchmark(
        name=f"cruxeval-{kind}",
        title=f"CRUXEval ({kind})",
        metric="pass@1",
        rows=Published(mirror="eval_code/cruxeval.jsonl.gz", hub="cruxeval-org/cruxeval"),
        problems=problems,
        forms={"2-shot": partial(_after_examples, gap), CHAT: _in_chat},
        open_grader=partial(open_grader, extractor="expression"),
        right=lambda problem: f"[ANSWER]\n{problem.filled}\n[/ANSWER]",
        wrong=_wrong,
        max_new_tokens=256,
        stop={"2-shot": ("[/ANSWER]", "\n[PYTHON]")},
        extractors=("expression",),
        protocol={
            **PROTOCOL,
            "extractor": "expression",
            "source": "arXiv 2401.03065",
            "split": "test, 800",
            "shots": "2 own examples; 0 in chat",
            "licence": "MIT",
        },
        exceptions=exceptions or {},
    )


CRUXEVAL = (
    _benchmark("output", "f({input}) == ??", _outputs),
    _benchmark(
        "input",
        "f(??) == {output}",
        _inputs,
        {
            "sample_258": "its input names a variable of the function",
            **dict.fromkeys(
                ("sample_344", "sample_364", "sample_522"), "its input is a function or a range, which is no plain data"
            ),
        },
    ),
)
