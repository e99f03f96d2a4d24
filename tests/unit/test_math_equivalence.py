"""The verifier's policy and what it must survive."""

import operator
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from math_qwen.answers.exact import exact_value
from math_qwen.answers.parse import read_answer
from math_qwen.answers.profile import PROFILES, Profile
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.answers.tokens import tokenize
from math_qwen.answers.tree import Expression
from math_qwen.equivalence import Outcome, equivalent
from specialists.errors import ConfigError

EQUAL, NOT, UNDECIDED = Outcome.EQUAL, Outcome.NOT_EQUAL, Outcome.UNDECIDED
POLICY_PAGE = Path(__file__).parents[2] / "docs" / "verifier.md"
PATIENCE_S = 30.0  # a deadline that a busy machine keeps, where only the decision counts
SHORT_S = 0.2  # a deadline for questions that must not be answered


@pytest.fixture(scope="module")
def pool() -> Iterator[SymbolicPool]:
    with SymbolicPool(workers=1) as symbolic:
        yield symbolic


GOLDEN = Path(__file__).parents[1] / "golden" / "answers.tsv"
POLICY = [line.split("\t") for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]


@pytest.mark.parametrize(("row", "outcome", "gold", "answer"), POLICY)
def test_policy(row: str, outcome: str, gold: str, answer: str, pool: SymbolicPool) -> None:
    there = equivalent(gold, answer, pool=pool, deadline_s=PATIENCE_S)
    back = equivalent(answer, gold, pool=pool, deadline_s=PATIENCE_S)
    assert there.outcome == outcome, f"{row}: {there}"
    assert (back.outcome, back.reason, back.layer) == (there.outcome, there.reason, there.layer)
    assert (back.gold_form, back.answer_form) == (there.answer_form, there.gold_form)
    assert bool(there) == (outcome == EQUAL)


def test_every_row_of_the_policy_is_tested_and_documented() -> None:
    policy, _, _ = POLICY_PAGE.read_text(encoding="utf-8").partition("## Choices")
    documented = re.findall(r"^\| `(\w+)` \|", policy, re.MULTILINE)
    assert sorted(documented) == sorted({row for row, *_ in POLICY})


def test_the_policy_table_repeats_and_contradicts_nothing() -> None:
    pairs = Counter(frozenset((gold, answer)) for _, _, gold, answer in POLICY)
    assert [pair for pair, count in pairs.items() if count > 1] == []
    assert len(POLICY) >= 1000


EMPTY = ["", " ", "$$", r"\,", ".", "\t\n"]


@pytest.mark.parametrize("nothing", EMPTY)
def test_nothing_equals_nothing(nothing: str) -> None:
    assert equivalent(nothing, "5").outcome is NOT
    assert equivalent(nothing, nothing).outcome is NOT


@pytest.mark.parametrize("thing", [None, b"5", 5, ["5"], {"answer": "5"}], ids=repr)
def test_what_is_no_text_equals_nothing(thing: Any) -> None:
    assert equivalent("5", thing).reason == equivalent(thing, "5").reason == "not a text"


STRICT, CONVERTING = replace(PROFILES["generic"], strict=True), replace(PROFILES["generic"], convert_units=True)
PROFILE_ROWS: list[tuple[str | Profile, str, str, Outcome]] = [
    ("math401", "0.4545", "5/11", EQUAL),
    ("math401", "0.4545", "0.4554", EQUAL),
    ("math401", "0.4545", "0.4555", NOT),
    ("math401", "-1.7321", r"-\sqrt{3}", EQUAL),
    ("math401", "5.8598", r"e+\pi", EQUAL),
    ("math401", "5.8598", r"e+\pi+0.002", NOT),
    ("math401", "1000000", "1000000.5", NOT),
    ("math23k", "((4)/(7))", "4/7", EQUAL),
    ("math23k", "5((2)/(3))", r"5\frac23", EQUAL),
    ("math23k", "5((2)/(3))", "10/3", NOT),
    ("math23k", "25%", "百分之25", EQUAL),
    ("math23k", "1(1/2)", "1又2分之1", EQUAL),
    ("generic", "5(2/3)", "10/3", EQUAL),
    (STRICT, "(3,4)", "3, 4", NOT),
    (STRICT, "(3,4)", "(3, 4)", EQUAL),
    (STRICT, r"\begin{pmatrix} 3 \\ 4 \end{pmatrix}", "(3, 4)", EQUAL),
    (STRICT, "204_5", "204", NOT),
    (STRICT, "204_5", "204_{5}", EQUAL),
    (STRICT, "8:34 PM", "8:34", NOT),
    (STRICT, "20:34", "8:34 PM", EQUAL),
    (STRICT, r"\log 100", "2", NOT),
    (STRICT, r"\log 4", r"2\log 2", EQUAL),
    (STRICT, "12 cm", "12", EQUAL),
    (CONVERTING, "2 hours", "120 minutes", EQUAL),
    (CONVERTING, "2 hours", "121 minutes", NOT),
    (CONVERTING, r"1\text{ m}", "100 cm", EQUAL),
    (CONVERTING, r"1\text{ m}^2", r"10000\text{ cm}^2", EQUAL),
    (CONVERTING, r"1\text{ m}^2", "100 cm", NOT),
    (CONVERTING, "36 km/h", r"10\text{ m/s}", EQUAL),
    (CONVERTING, "\\$2", "200 cents", EQUAL),
    (CONVERTING, "5千克", "5000克", EQUAL),
    (CONVERTING, "1 foot", "12 inches", EQUAL),
    (CONVERTING, "3 apples", "3 pears", NOT),
    (CONVERTING, "3 apples", "3 cm", NOT),
    ("generic", "0.4545", "0.4546", NOT),
]


@pytest.mark.parametrize(("profile", "a", "b", "outcome"), PROFILE_ROWS)
def test_profiles(profile: str | Profile, a: str, b: str, outcome: Outcome, pool: SymbolicPool) -> None:
    assert equivalent(a, b, profile=profile, pool=pool).outcome is outcome
    assert equivalent(b, a, profile=profile, pool=pool).outcome is outcome


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="math23k"):
        equivalent("1", "1", profile="math24k")


HOSTILE = {
    "digits": "9" * 1_000_000,
    "long literal": "9" * 4_000,
    "braces": "{" * 3_000 + "5" + "}" * 3_000,
    "brackets": "(" * 1_500 + "5" + ")" * 1_500,
    "fractions": r"\frac" * 800,
    "roots": r"\sqrt{" * 500 + "2" + "}" * 500,
    "functions": r"\sin " * 800 + "x",
    "signs": "-" * 4_000 + "5",
    "postfixes": "5" + "!" * 4_000,
    "bars": "|" * 2_000,
    "sums": "1+" * 2_000 + "1",
    "towers of letters": "x^" * 1_000 + "2",
    "lists": "1, " * 1_000 + "1",
    "both signs": r"\pm 1" * 600,
    "subscripts": "a_{" * 1_000,
    "dollars": "$" * 4_000,
    "chinese fractions": "1分之" * 1_000,
    "tower": "9**9**9",
    "braced tower": "10^{10^{10}}",
    "power of a root": r"\sqrt{2}^{10^{9}}",
    "small exponent": "1e999999999",
    "factorials": "((((9!)!)!)!)!",
    "factorial": "(10^{6})!",
    "binomial": r"\binom{10^6}{5 \cdot 10^5}",
    "exponentials": "e^{e^{e^{e^{10}}}}",
    "variables": "x^{x^{x^{x^x}}}",
    "expansion": "(x+y+z)^{100000}",
    "gamma": r"\Gamma(10^{12})",
    "product": r"\prod_{k=1}^{10^{8}} k",
    "sum": r"\sum_{k=1}^{10^{10}} k^k",
    "integral": r"\int_0^1 x^{x^x} dx",
    "nothing readable": "\x00\x01\x7f",
    "right to left": "\u202e5\u202c \u0665",
    "a megabyte of LaTeX": r"\frac{1}{" * 111_000,
    "division by zero": r"\frac{1}{0}",
    "infinity less infinity": r"\infty - \infty",
    "matrices": r"\begin{pmatrix}" * 250,
    "a wide matrix": r"\begin{pmatrix} " + "1 & " * 1_000 + r"1 \end{pmatrix}",
    "rows": r"\begin{matrix} 1 " + r"\\ 1 " * 1_000 + r"\end{matrix}",
    "ratios": "1:" * 1_000 + "1",
    "a base": "9" * 2_000 + "_{36}",
    "unions": r"[0,1] \cup " * 300 + "[0,1]",
    "set-builder": r"\{x \mid " * 300 + "x > 0",
    "a tall inequality": "x^{10^{9}} < 2",
    "an inequality of towers": r"9^{9^{9}} x < 9^{9^{8}}",
    "many conditions": "x > 1, " * 300 + "x > 2",
    "number words": "one hundred " * 300,
    "Chinese numerals": "九亿" * 1_000,
    "a date": "June " * 800,
    "a gcd of powers": r"\gcd(2^{9999}, 3^{9999})",
    "an lcm of powers": r"\operatorname{lcm}(" + ", ".join(f"{n}^{{900}}" for n in range(2, 60)) + ")",
    "the largest of towers": r"\max(9^{9^9}, 1)",
    "a tower as modulus": r"3 \pmod{9^{9^9}}",
    "many units": "1 hour " * 500,
    "groups of digits": "100 " * 1_000 + "1/2",
    "combinations": r"5 \choose " * 400 + "5",
    "primes": "f" + "'" * 3_000 + "(x) = 1",
    "domains": "k " + r"(k \in Z) " * 300,
    "products of matrices": (r"\begin{pmatrix} " + r" \\ ".join(["1 & " * 9 + "1"] * 10) + r"\end{pmatrix} ") * 3,
    "systems": r"\left\{\begin{array}{l} " * 100,
    "angle brackets": r"\left<" * 700,
    "choices": "A" * 4_000,
    "unit vectors": "i + " * 1_000 + "j",
    "combining signs": "5" + "\u0301" * 3_000,
    "surrogates": "\ud800" * 10,
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_cost_little_and_are_never_equal(answer: str, pool: SymbolicPool) -> None:
    start = time.process_time()  # the worker's time has its own limit, whatever else the machine does
    result = equivalent(r"\sqrt{2}", answer, pool=pool, deadline_s=SHORT_S)
    assert result.outcome in (NOT, UNDECIDED)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "template",
    [
        "__import__('os').system('touch {}')",
        r"\text{{__import__('os').system('touch {}')}}",
        "().__class__.__mro__[1].__subclasses__()[0]('{}')",
        r"\int __import__('os').system('touch {}') dx",
        r"\sum_{{k=1}}^{{open('{}', 'w')}} k",
        r"\input{{{}}}",
        r"\write18{{touch {}}}",
    ],
)
def test_nothing_in_an_answer_is_run(template: str, tmp_path: Path, pool: SymbolicPool) -> None:
    canary = tmp_path / "canary"
    assert not equivalent("5", template.format(canary), pool=pool)
    assert not canary.exists()


def test_the_long_lists_share_one_deadline(pool: SymbolicPool) -> None:
    slow = ", ".join(f"e^{{e^{{e^{{e^{{{n}}}}}}}}}" for n in range(10, 20))
    start = time.monotonic()
    assert equivalent(slow, slow.replace("e^{e^{e^", "e^{e^{3^"), pool=pool, deadline_s=SHORT_S).reason == "timeout"
    assert time.monotonic() - start < 3


numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=500)


@st.composite
def spelled(draw: st.DrawFn, value: Fraction) -> str:
    """One of the ways to write a fraction."""
    n, d = value.numerator, value.denominator
    sign = "-" if n < 0 else ""
    ways = [
        f"{n}/{d}",
        rf"{sign}\frac{{{abs(n)}}}{{{d}}}",
        rf"$\dfrac{{{n}}}{{{d}}}$",
        rf"x = {n}/{d}",
        f"{3 * n}/{3 * d}",
    ]
    whole, rest = divmod(abs(n), d)
    if whole and rest:
        ways += [f"{sign}{whole} {rest}/{d}", rf"{sign}{whole}\frac{{{rest}}}{{{d}}}"]
    if d == 1:
        ways += [f"{n:,}", f"{n}.0", f"{n} apples"]
    if 10**6 % d == 0:
        ways += [f"{sign}{abs(n) * (10**6 // d) // 10**6}.{abs(n) * (10**6 // d) % 10**6:06}"]
    return draw(st.sampled_from(ways))


@settings(max_examples=100, deadline=None)
@given(st.data(), numbers)
def test_every_spelling_of_a_number_is_equal(data: st.DataObject, value: Fraction) -> None:
    a, b = data.draw(spelled(value)), data.draw(spelled(value))
    assert equivalent(a, b) and equivalent(b, a) and equivalent(a, a)


@settings(max_examples=100, deadline=None)
@given(st.data(), numbers, numbers)
def test_different_numbers_are_never_equal(data: st.DataObject, x: Fraction, y: Fraction) -> None:
    a, b = data.draw(spelled(x)), data.draw(spelled(y))
    assert bool(equivalent(a, b)) == bool(equivalent(b, a)) == (x == y)


small = st.integers(-9, 9)


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[str, str, str]:
    """An answer of one of the kinds, a rewrite that the policy allows, and an answer that differs."""
    a, b, c = draw(small), draw(small), draw(st.integers(1, 9))
    low, high = a, a + c
    kinds = [
        (f"({a}, {b})", rf"\left( {2 * a}/2, {b}.0 \right)", f"({a}, {b + 1})"),
        (f"({a}, {b})", rf"\begin{{pmatrix}} {a} \\ {b} \end{{pmatrix}}", f"({a}, {b}, {c})"),
        (rf"\{{{a}, {a + c}\}}", f"{a + c} and {a}", rf"\{{{a}, {a + c + 1}\}}"),
        (f"[{low}, {high})", rf"{low} \le x < {high}", f"[{low}, {high}]"),
        (f"[{low}, {high})", rf"\{{t \mid {high} > t \geq {low}\}}", f"({low}, {high})"),
        (f"x < {b}", f"{-c}x > {-c * b}", f"x < {b + 1}"),
        (f"(x + {a})(x + {b})", f"x^2 + {a + b}x + {a * b}", f"x^2 + {a + b}x + {a * b + 1}"),
        (f"{a} + {c}i", f"{c}i + {a}", f"{a} - {c}i"),
        (f"{a}x + {c}y = {b}", f"{2 * b} - {2 * c}y = {2 * a}x", f"{a}x + {c}y = {b + 1}"),
        (f"{c}:{c + 1}", f"{3 * c}:{3 * c + 3}", f"{c + 1}:{c}"),
        (f"{c}0_7", f"{c}0_{{7}}", f"{c}0_8"),
        (rf"{a} \pm {c}", f"{a + c}, {a - c}", f"{a + c}"),
        (
            rf"\begin{{pmatrix}} {a} & {b} \\ {c} & 0 \end{{pmatrix}}",
            f"[[{a}, {b}], [{c}, 0]]",
            f"[[{a}, {b}], [{c + 1}, 0]]",
        ),
    ]
    return draw(st.sampled_from(kinds))


@settings(max_examples=200, deadline=None)
@given(rewritten())
def test_rewrites_are_equal_and_changes_are_not(answers: tuple[str, str, str]) -> None:
    gold, rewrite, other = answers
    assert equivalent(gold, gold)
    assert equivalent(gold, rewrite) and equivalent(rewrite, gold)
    assert equivalent(gold, other).outcome is equivalent(other, gold).outcome is NOT


anything = st.sampled_from([answer for _, _, *answers in POLICY for answer in answers])


@settings(max_examples=200, deadline=None)
@given(anything, anything)
def test_the_order_of_two_answers_makes_no_difference(a: str, b: str) -> None:
    there, back = equivalent(a, b), equivalent(b, a)
    assert (there.outcome, there.reason, there.layer) == (back.outcome, back.reason, back.layer)


@settings(max_examples=100, deadline=None)
@given(anything, st.sampled_from(["${}$", r"\boxed{{{}}}", r"\( {} \)", " {} ", "{}."]))
def test_what_stands_around_an_answer_makes_no_difference(answer: str, around: str) -> None:
    if "$" not in answer and not answer.endswith((".", "_")):
        assert equivalent(answer, around.format(answer)).outcome is EQUAL


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789.,+-*/^(){}[]\\|=<>!%$_ xyzpi分之元或\n", max_size=30))
def test_any_text_is_read_and_equals_itself(text: str) -> None:
    assert bool(equivalent(text, text)) == bool(tokenize(text))
    equivalent(text, "5")


def test_random_strings_are_no_answers(pool: SymbolicPool) -> None:
    golds = ["18", r"\frac{3}{4}", "x+1", "(1,2)", r"\sqrt{2}", "even", "A, C"]
    strings = ["", ",", ".", "$", "{", "}", "the", "answer", "0x12", "1e", "()", "[]", "=", "=18", "18=", "+", "%", "x"]
    passed = [(g, s) for g in golds for s in strings if equivalent(g, s, pool=pool)]
    assert passed == [("18", "=18")]


@settings(max_examples=100, deadline=None)
@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 20), st.sampled_from("+-*/"))
def test_arithmetic_is_exact(a: int, b: int, c: int, sign: str) -> None:
    if sign == "/" and b == 0:
        return
    text = f"{a} {sign} ({b}/{c})"
    operations = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
    expression = read_answer(text, tokenize(text))
    assert isinstance(expression, Expression)
    assert exact_value(expression) == operations[sign](Fraction(a), Fraction(b, c))
