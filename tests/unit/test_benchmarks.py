"""Declarations: what rows become, how models are asked, and the protocols of others."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from code_qwen.family import FAMILY as CODE
from code_qwen.problems import CodeProblem
from code_qwen.suites.humaneval import HUMANEVAL, HUMANEVAL_PLUS
from code_qwen.suites.mbpp import MBPP, MBPP_PLUS, MBPP_SANITIZED
from code_qwen.suites.own import OWN as OWN_CODE
from code_qwen.suites.plus import PlusProblem
from math_qwen.family import FAMILY as MATHS
from math_qwen.suites.asking import plain_number
from math_qwen.suites.chinese import MATH23K, MGSM_ZH
from math_qwen.suites.competition import MATH, MATH_500
from math_qwen.suites.own import OWN as OWN_MATHS
from math_qwen.suites.word_problems import ASDIV, GSM8K, SVAMP
from specialists.errors import ConfigError, DataError
from specialists.family import CHAT, Benchmark, Family
from specialists.records import Problem


@pytest.fixture(autouse=True)
def _digits() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Judges that run in this process here let integers have any number of digits."""
    before = sys.get_int_max_str_digits()
    yield
    sys.set_int_max_str_digits(before)


HUMANEVAL_ROW = {
    "task_id": "HumanEval/0",
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "entry_point": "add",
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "base_input": [[1, 2]],
    "plus_input": [[3, 4]],
    "atol": 0,
}
MBPP_ROW = {
    "task_id": 11,
    "text": "Write a function to add.",
    "code": "import sys\r\ndef add(a, b):\r\n    return a + b",
    "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0", "assert add(1, 1) == 2"],
    "test_setup_code": "",
}


def all_benchmarks() -> Iterator[tuple[Family, Benchmark[Any]]]:
    for family in (CODE, MATHS):
        for benchmark in family.benchmarks:
            yield family, benchmark


def test_every_benchmark_of_the_report_is_there() -> None:
    names = {benchmark.name for _, benchmark in all_benchmarks()}
    languages = ("python", "js", "java", "go", "cpp", "rust")
    wanted = {"humaneval", "humaneval-plus", "mbpp", "mbpp-sanitized", "mbpp-plus", "gsm8k", "math", "math-500"}
    wanted |= {"math401", "math23k", *(f"humanevalpack-{language}" for language in languages)}
    assert wanted <= names
    assert len(names) == len(list(all_benchmarks()))


@pytest.mark.parametrize(("family", "benchmark"), list(all_benchmarks()), ids=lambda x: x.name)
def test_a_protocol_says_where_it_comes_from_and_what_it_is(family: Family, benchmark: Benchmark[Any]) -> None:
    assert {"decoding", "extractor", "shots"} <= set(benchmark.protocol), family.name
    if benchmark.rows is not None:
        assert {"source", "split", "licence"} <= set(benchmark.protocol)
    assert CHAT in benchmark.forms and len(benchmark.forms) > 1
    assert set(benchmark.stop) <= set(benchmark.forms)
    assert benchmark.protocol["extractor"] == benchmark.extractors[0]


def profiles() -> Iterator[tuple[Benchmark[Any], str]]:
    for _, benchmark in all_benchmarks():
        yield from ((benchmark, name) for name in benchmark.profiles)


@pytest.mark.parametrize(("benchmark", "name"), list(profiles()), ids=lambda x: getattr(x, "name", x))
def test_a_profile_changes_how_is_asked_and_says_so(benchmark: Benchmark[Any], name: str) -> None:
    other = benchmark.under(name)
    assert other.name == benchmark.name and other.problems is benchmark.problems
    assert other.protocol["profile"] == name and name in other.title
    assert set(other.stop) <= set(other.forms)
    for objective in ("text", CHAT):
        assert other.form_for(objective) in other.forms


def test_the_profiles_that_are_promised() -> None:
    promised = {
        "report": {"humaneval", "mbpp", "gsm8k", "math", "math-500"},
        "evalplus": {"humaneval-plus", "mbpp-plus"},
        "lm-eval": {"humaneval", "mbpp", "gsm8k", "math", "math-500"},
    }
    for name, wanted in promised.items():
        assert {benchmark.name for _, benchmark in all_benchmarks() if name in benchmark.profiles} == wanted


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="gsm8k: profile 'odd' is not known; there are: report, lm-eval"):
        GSM8K.under("odd")
    with pytest.raises(ConfigError, match="it has none"):
        MATH23K.under("report")


def asked(benchmark: Benchmark[Any], form: str, *rows: dict[str, Any]) -> str:
    prompt = benchmark.forms[form](benchmark.problems(rows)[0])
    return prompt if isinstance(prompt, str) else prompt[0].content


GSM8K_ROW = {"question": "How many? ", "answer": "2 * 3 = <<2*3=6>>6\n#### 6"}
MATH_ROW = {"id": "test/algebra/1.json", "problem": "How many?", "type": "Algebra", "solution": r"It is $\boxed{2}$."}
PROMPTS = [
    # (benchmark, profile, form, rows, begins, ends): the exact words around a question
    (HUMANEVAL, "", "completion", [HUMANEVAL_ROW], "def add", '    """Add."""'),
    (HUMANEVAL, "", "3-shot", [HUMANEVAL_ROW], "def count_vowels", '\n\n\ndef add(a, b):\n    """Add."""'),
    (HUMANEVAL, "lm-eval", "lm-eval", [HUMANEVAL_ROW], "def add", '"""Add."""\n'),
    (HUMANEVAL_PLUS, "evalplus", "evalplus", [HUMANEVAL_ROW], "def add", '"""Add."""\n'),
    (HUMANEVAL_PLUS, "evalplus", CHAT, [HUMANEVAL_ROW], "Please provide a self-contained Python script", "```\n"),
    (MBPP_SANITIZED, "", "0-shot", [{**MBPP_ROW, "prompt": "Add."}], "You are an expert Python programmer", "[BEGIN]"),
    (GSM8K, "", "8-shot", [GSM8K_ROW], "Question: There are 15 trees", "\n\nQuestion: How many? \nAnswer:"),
    (GSM8K, "", "0-shot", [GSM8K_ROW], "Question: How many?", "\nAnswer:"),
    (GSM8K, "lm-eval", "lm-eval", [GSM8K_ROW], "Q: There are 15 trees", "The answer is 8.\n\nQ: How many? \nA:"),
    (MATH, "report", "4-shot", [MATH_ROW], "Problem:\nFind the domain", "\n\nProblem:\nHow many?\n\nSolution:"),
    (SVAMP, "", CHAT, [{"Body": "He has 2", "Question": "How many?", "Answer": 2.0}], "He has 2. How many?", "many?"),
]


@pytest.mark.parametrize(("benchmark", "profile", "form", "rows", "begins", "ends"), PROMPTS)
def test_a_question_stands_in_the_words_of_its_protocol(
    benchmark: Benchmark[Any], profile: str, form: str, rows: list[dict[str, Any]], begins: str, ends: str
) -> None:
    prompt = asked(benchmark.under(profile), form, *rows)
    assert prompt.startswith(begins) and prompt.endswith(ends)


def test_no_form_of_our_own_ends_in_blanks() -> None:
    rows = {"functions": [], "arithmetic": [], "humaneval": [HUMANEVAL_ROW], "gsm8k": [GSM8K_ROW], "math": [MATH_ROW]}
    for _, benchmark in all_benchmarks():
        for form in benchmark.forms if benchmark.name in rows else ():
            if form != CHAT:
                prompt = asked(benchmark, form, *rows[benchmark.name])
                assert prompt == prompt.rstrip(), (benchmark.name, form)


def test_mbpp_shows_three_tasks_and_asks_the_test_split() -> None:
    rows = [{**MBPP_ROW, "task_id": number, "text": f"Task {number}."} for number in (2, 3, 4, 10, 11, 510, 511)]
    problems = MBPP.problems(rows)
    assert [problem.id for problem in problems] == ["mbpp/11", "mbpp/510"]
    prompt = MBPP.forms["3-shot"](problems[0])
    assert prompt.count("[BEGIN]") == 4 and prompt.count("[DONE]") == 3 and "\r" not in prompt
    assert [prompt.index(f"Task {number}.") for number in (2, 3, 4, 11)] == sorted(
        prompt.index(f"Task {number}.") for number in (2, 3, 4, 11)
    )
    with pytest.raises(DataError, match=r"tasks \[4\] are not in the file"):
        MBPP.problems(rows[:2])


TRUTHS = [
    (["assert add(1)", "assert not add(2)"], "bool(value)"),
    (["assert add(1) == True", "assert add(2)"], ""),
    (["assert add(add(1))"], "bool(value)"),
    (["assert other(add(1))"], ""),
]


@pytest.mark.parametrize(("tests", "view"), TRUTHS)
def test_tests_that_ask_for_truth_alone_see_no_more(tests: list[str], view: str) -> None:
    (problem,) = MBPP_SANITIZED.problems([{**MBPP_ROW, "prompt": "Add.", "test_list": tests}])
    assert problem.view == view


def judged(problem: CodeProblem, program: str) -> bool:
    """Run a task as the judge would, in this process: the programs here are our own."""
    task = problem.task(program)
    candidate: dict[str, Any] = {}
    tests: dict[str, Any] = {}
    exec(task.program, candidate)
    exec(task.prelude, tests)
    tests[task.entry_point] = candidate[task.entry_point]
    try:
        exec(task.tests, tests)
    except (AssertionError, TypeError):
        return False
    return True


def test_a_view_stands_between_program_and_tests() -> None:
    problem = CodeProblem(id="x", prompt="", gold="", entry_point="f", tests="assert f(2) is True", view="bool(value)")
    assert judged(problem, "def f(n):\n    return n and f(n - 1) or 7\n")
    assert not judged(problem.model_copy(update={"view": ""}), "def f(n):\n    return 7\n")


PLUS = [
    # (oracle, tolerance, reference, inputs, right program, wrong program)
    ("", 0.0, "return sorted(x)", [[[2, 1]]], "return sorted(x)", "return x"),
    ("", 0.0, "return x / 3", [[1.0]], "return x * 0.3333333", "return x * 0.333"),
    ("", 0.0, "return x // 3", [[7]], "return 2", "return 2.0001"),
    ("", 0.0, "return [x / 3]", [[1.0]], "return [0.33333333]", "return (0.33333333,)"),
    ("", 0.1, "return x", [[2]], "return 2", "return 1"),
    ("", 0.1, "return x", [[2.0]], "return 2.05", "return 2.2"),
    ("", 0.0, "return x", [[float("inf")]], "return x", "return -x"),
    ("set", 0.0, "return (1, 2)", [[0]], "return [2, 1]", "return [2]"),
    ("set", 0.0, "return (1, 2)", [[0]], "return [2, 1]", "return 3"),
    ("any", 0.0, "return 1", [[0]], "return 2", None),
    ("or-zero", 0.0, "return 5", [[0]], "return 0", "return 4"),
    ("root", 1e-6, "return 0", [[[2, 1]]], "return -2.0", "return -1.9"),
    ("distance", 0.0, "return 1", [[1, 22]], "return 3", "return 2"),
    ("surface", 0.0, "return 1", [[3, 4]], "return 35", "return 34"),
]


@pytest.mark.parametrize(("oracle", "tolerance", "reference", "inputs", "right", "wrong"), PLUS)
def test_added_inputs_are_compared_as_evalplus_does(
    oracle: str, tolerance: float, reference: str, inputs: list[Any], right: str, wrong: str | None
) -> None:
    head = "def f(x, y=None):\n    "
    problem = PlusProblem(
        id="x",
        prompt="",
        gold="",
        entry_point="f",
        tests="",
        reference=head + reference,
        inputs=tuple(inputs),
        tolerance=tolerance,
        oracle=oracle,
    )
    assert judged(problem, head + right)
    assert wrong is None or not judged(problem, head + wrong)


def test_a_program_cannot_change_the_inputs_of_the_reference() -> None:
    (problem,) = HUMANEVAL_PLUS.problems([{**HUMANEVAL_ROW, "plus_input": [[[1], [2]]]}])
    assert judged(problem, "def add(a, b):\n    return a + b\n")
    assert not judged(problem, "def add(a, b):\n    if isinstance(a, list):\n        a.clear()\n    return a + b\n")


SHAPES = [
    # (task of MBPP+, input as JSON has it, what the function takes)
    (2, [[1, 2], [3]], [(1, 2), (3,)]),
    (63, [[[1, 2]], [[3]]], [[(1, 2)], [(3,)]]),
    (75, [[[1, 2]], 5], [[(1, 2)], 5]),
    (106, [[1], [2, 3]], [[1], (2, 3)]),
    (115, [[[1, 2], []]], [[{1, 2}, {}]]),
    (124, ["1", "2"], [1.0, 2 + 0j]),
    (250, [[1, 2], 3], [(1, 2), 3]),
    (259, [[[1, 2]], [[3, 4]]], [((1, 2),), ((3, 4),)]),
    (278, [[1, [2]]], [(1, (2,))]),
    (307, [[1], 2, 3], [(1,), 2, 3]),
    (722, [{"a": [1, 2]}, 3], [{"a": (1, 2)}, 3]),
    (252, ["3"], [3 + 0j]),
    (580, [[1, [2, [3]]]], ((1, (2, (3,))),)),
    (3, [[1, [2]]], [[1, [2]]]),
]


@pytest.mark.parametrize(("number", "case", "taken"), SHAPES)
def test_inputs_take_the_shape_that_the_task_wants(number: int, case: list[Any], taken: object) -> None:
    row = {**HUMANEVAL_ROW, "task_id": f"Mbpp/{number}", "base_input": [case], "plus_input": []}
    row |= {"canonical_solution": "def add(*args):\n    return 1"}
    (problem,) = MBPP_PLUS.problems([row])
    scope: dict[str, Any] = {}
    exec(problem.task("def add(): pass").prelude, scope)
    assert scope["CASES"] == [taken]


NUMBERS = [
    (145.0, "145"),
    (0.5, "0.5"),
    (23103210.4, "23103210.4"),
    (-117564570.0, "-117564570"),
    (1e16, "10000000000000000"),
    (0.0, "0"),
    ("7/8", "7/8"),
    (27, "27"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_a_number_is_written_as_people_write_it(value: float | str, text: str) -> None:
    assert plain_number(value) == text


GOLDS = [
    (GSM8K, GSM8K_ROW, "gsm8k/0", "6"),
    (MATH, MATH_ROW, "math/test/algebra/1.json", "2"),
    (
        MATH_500,
        {**MATH_ROW, "answer": "3", "subject": "Algebra", "unique_id": "test/algebra/1.json"},
        "math/test/algebra/1.json",
        "3",
    ),
    (ASDIV, {"body": "Two", "question": "How many?", "answer": "9 (apples)"}, "asdiv/0", "9"),
    (ASDIV, {"body": "Two", "question": "Which?", "answer": "Brand B"}, "asdiv/0", "Brand B"),
    (MATH23K, {"id": "35", "original_text": "多少？", "ans": "880"}, "math23k/35", "880"),
    (MGSM_ZH, {"id": "1", "messages": [{"content": "多少？"}], "answer": "3"}, "mgsm-zh/1", "3"),
]


@pytest.mark.parametrize(("benchmark", "row", "name", "gold"), GOLDS)
def test_a_row_becomes_a_problem(benchmark: Benchmark[Any], row: dict[str, Any], name: str, gold: str) -> None:
    (problem,) = benchmark.problems([row])
    assert (problem.id, problem.gold) == (name, gold)


OWN_ROW = {
    "task": "a/1",
    "prompt": "fn f() {\n",
    "entry_point": "f",
    "test": "fn main() {\n    f();\n}",
    "language": "rs",
}


def test_own_tests_in_rust_become_a_module_of_tests() -> None:
    (problem,) = OWN_CODE.problems([OWN_ROW])
    assert problem.language == "rust" and problem.id == "a/1 (rust)"
    assert "mod tests" in problem.tests and "#[test]\nfn all_tests()" in problem.tests


BAD_OWN: list[tuple[Benchmark[Any], dict[str, Any], str]] = [
    (OWN_CODE, {**OWN_ROW, "test": None}, "no text in test"),
    (OWN_CODE, {**OWN_ROW, "language": "cobol"}, "language 'cobol' is not one of python"),
    (OWN_MATHS, {"question": "How many?"}, "no question or no answer"),
    (OWN_MATHS, {"answer": "3"}, "no question or no answer"),
]


@pytest.mark.parametrize(("benchmark", "row", "words"), BAD_OWN)
def test_a_row_that_brings_too_little_is_refused(benchmark: Benchmark[Any], row: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        benchmark.problems([row])


def test_own_answers_may_be_whole_solutions() -> None:
    rows = [{"question": "How many?", "answer": answer} for answer in ("6 eggs.\n#### 6", "6", "x + 1")]
    assert [problem.gold for problem in OWN_MATHS.problems(rows)] == ["6", "6", "1"]


def test_every_problem_of_a_family_is_found_by_its_benchmark_only() -> None:
    for family in (CODE, MATHS):
        assert family.own is not None and family.benchmark("own") is family.own
        assert family.own not in family.benchmarks


def test_generated_benchmarks_have_the_problems_that_they_say() -> None:
    counts = {b.name: len(b.problems(())) for _, b in all_benchmarks() if b.rows is None}
    assert counts == {"functions": 100, "arithmetic": 401}


def test_small_functions_are_shown_from_the_training_part_alone() -> None:
    functions = CODE.benchmark("functions")
    problems: list[Problem] = functions.problems(())
    prompt = functions.forms["3-shot"](problems[0])
    assert isinstance(prompt, str) and prompt.count("def ") == 4
    shown = {line for line in prompt.splitlines() if line.startswith("def ")} - {problems[0].prompt.splitlines()[0]}
    assert not shown & {problem.prompt.splitlines()[0] for problem in problems}
    assert len(list(itertools.islice(shown, 4))) == 3


def test_the_docs_name_every_benchmark_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = text.partition("## What there is")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| `")]
    found: dict[str, tuple[str, set[str]]] = {}
    for name, *_, forms, named in rows:
        stem, brace, languages = name.strip().strip("`").partition("{")
        for language in languages.rstrip("}").split(",") if brace else [""]:
            found[stem + language] = forms, set(named.replace(",", " ").split())
    assert set(found) == {benchmark.name for _, benchmark in all_benchmarks()}
    for _, benchmark in all_benchmarks():
        forms, named = found[benchmark.name]
        assert forms.strip() == ", ".join(benchmark.forms), benchmark.name
        assert named == set(benchmark.profiles), benchmark.name
