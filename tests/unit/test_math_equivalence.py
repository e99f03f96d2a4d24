"""The verifier's policy and what it must survive."""

import operator
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from math_qwen.answers.exact import exact_value
from math_qwen.answers.parse import read_answer
from math_qwen.answers.symbolic import SymbolicPool
from math_qwen.answers.tokens import tokenize
from math_qwen.answers.tree import Expression
from math_qwen.equivalence import Outcome, equivalent
from specialists.errors import ConfigError

EQUAL, NOT, UNDECIDED = Outcome.EQUAL, Outcome.NOT_EQUAL, Outcome.UNDECIDED
SHORT_S = 0.2  # a deadline for questions that must not be answered


@pytest.fixture(scope="module")
def pool() -> Iterator[SymbolicPool]:
    with SymbolicPool(workers=1) as symbolic:
        yield symbolic


# One line a rule of the policy: kind of answer, the two answers, what they must be to each other.
POLICY = [
    ("same text", r"\frac{1}{2}", r"\frac{1}{2}", EQUAL),
    ("same text", r"\dfrac{1}{2}", r"$\tfrac{1}{2}.$", EQUAL),
    ("same text", r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})", EQUAL),
    ("same text", "x × 2", r"x \cdot 2", EQUAL),
    ("same text", "", "", NOT),
    ("same text", "$$", "5", NOT),
    # numbers
    ("number", "5", "5.0", EQUAL),
    ("number", "5", "6", NOT),
    ("number", "007", "7", EQUAL),
    ("number", "-0", "0", EQUAL),
    ("number", "--5", "5", EQUAL),
    ("number", ".5", "0.5", EQUAL),
    ("number", "５．５", "5.5", EQUAL),
    ("number", r"\frac{2}{4}", "1/2", EQUAL),
    ("number", r"\frac12", "0.5", EQUAL),
    ("number", r"\frac 1{72}", "1/72", EQUAL),
    ("number", r"\frac{-3}{4}", r"-\frac34", EQUAL),
    ("number", "1 1/4", "5/4", EQUAL),
    ("number", r"1\frac14", "1.25", EQUAL),
    ("number", r"-3\frac{1}{2}", "-3.5", EQUAL),
    ("number", r"3\frac{3}{2}", r"\frac{9}{2}", EQUAL),
    ("number", "1½", "1.5", EQUAL),
    ("number", "1又4分之1", "1.25", EQUAL),
    ("number", "4分之1", "0.25", EQUAL),
    ("number", r"1.2\times10^3", "1200", EQUAL),
    ("number", "1.2e3", "1200", EQUAL),
    ("number", "1.2e-3", "0.0012", EQUAL),
    ("number", "2^{10}", "1024", EQUAL),
    ("number", "2**10", "1024", EQUAL),
    ("number", r"\sqrt{16}", "4", EQUAL),
    ("number", r"\sqrt[3]{-8}", "-2", EQUAL),
    ("number", "8^{2/3}", "4", EQUAL),
    ("number", "5!", "120", EQUAL),
    ("number", "3!!", "720", NOT),
    ("number", "3!!", "3", NOT),
    ("number", r"\binom{5}{2}", "10", EQUAL),
    ("number", r"\lfloor 3.7 \rfloor", "3", EQUAL),
    ("number", "|-3|", "3", EQUAL),
    ("number", "3 million", "3,000,000", EQUAL),
    ("number", "1.2万", "12000", EQUAL),
    ("number", "5", "5x", NOT),
    ("number", "12", "1 2", NOT),
    ("number", "0.1", "0.10000000001", NOT),
    ("number", "10^{-12}", "10^{-13}", NOT),
    # grouping
    ("grouping", "1,234", "1234", EQUAL),
    ("grouping", "1,234,567.5", "1234567.5", EQUAL),
    ("grouping", r"15,\!000", "15000", EQUAL),
    ("grouping", "1{,}234", "1234", EQUAL),
    ("grouping", r"1\,234", "1234", EQUAL),
    ("grouping", "1.234,56", "1234.56", EQUAL),
    ("grouping", "1,234", "1.234", NOT),
    ("grouping", "32, 349", "32349", NOT),
    ("grouping", "32, 349", "349, 32", EQUAL),
    ("grouping", "100,200", "200, 100", EQUAL),
    ("grouping", "30,45,105", "105, 30, 45", EQUAL),
    ("grouping", "30,45,105", "3045105", NOT),
    ("grouping", "(1,234)", "1234", NOT),
    ("grouping", r"\frac{12}{5,\!525}", "12/5525", EQUAL),
    # repeating decimals
    ("repeating", r"0.\overline{3}", "1/3", EQUAL),
    ("repeating", "0.(3)", "1/3", EQUAL),
    ("repeating", r"0.\dot{3}", "1/3", EQUAL),
    ("repeating", r"0.1\overline{6}", "1/6", EQUAL),
    ("repeating", r"0.\overline{9}", "1", EQUAL),
    ("repeating", r"0.\overline{3}", "0.3", NOT),
    ("repeating", "0.333...", "1/3", NOT),
    ("repeating", "0.333333...", "1/3", EQUAL),
    # a decimal against an exact value
    ("decimal", "1/3", "0.333333", EQUAL),
    ("decimal", "1/3", "0.333334", NOT),
    ("decimal", "2/3", "0.666666", EQUAL),
    ("decimal", "2/3", "0.666667", EQUAL),
    ("decimal", "-2/3", "-0.666667", EQUAL),
    ("decimal", "1/3", "0.3333", NOT),
    ("decimal", "0.33", "1/3", NOT),
    ("decimal", r"\pi", "3.14159", EQUAL),
    ("decimal", r"\pi", "3.1416", NOT),
    ("decimal", r"\pi", "3.14158", NOT),
    ("decimal", r"10^5\pi", r"3.14159\times10^5", EQUAL),
    ("decimal", "3.14159", "3.141592", NOT),
    ("decimal", "100000", "100000.1", NOT),
    ("decimal", "1000000", "1000001", NOT),
    ("decimal", r"2\pi \approx 6.28", r"2\pi", EQUAL),
    ("decimal", r"2\pi \approx 6.28", "6.28", EQUAL),
    ("decimal", r"2\pi \approx 6.28", "6.3", NOT),
    ("decimal", r"2\pi \approx 6.28", r"3\pi \approx 6.28", NOT),
    # percent
    ("percent", "28%", "28", EQUAL),
    ("percent", r"28\%", "0.28", EQUAL),
    ("percent", "28%", "28 percent", EQUAL),
    ("percent", "28％", "百分之28", EQUAL),
    ("percent", "28%", "7/25", EQUAL),
    ("percent", "28", "0.28", NOT),
    ("percent", "28%", "2800", NOT),
    ("percent", "28%", "0.28%", NOT),
    # units
    ("unit", r"5\text{ inches}", "5", EQUAL),
    ("unit", r"440\text{ cm}^2", "440 square centimeters", EQUAL),
    ("unit", "60 miles per hour", "60 mph", EQUAL),
    ("unit", r"5\text{ m/s}", "5", EQUAL),
    ("unit", r"{5\rm\ cm}", "5", EQUAL),
    ("unit", r"\$18", "18 dollars", EQUAL),
    ("unit", "$18", "18.00", EQUAL),
    ("unit", "$18$", "18", EQUAL),
    ("unit", r"-\$0.50", "-0.5", EQUAL),
    ("unit", "18元", "18", EQUAL),
    ("unit", "18千米", "18公里", EQUAL),
    ("unit", "18 eggs", "18", EQUAL),
    ("unit", "18 apples", "18 apple", EQUAL),
    ("unit", "18 eggs", "18 ducks", NOT),
    ("unit", "5 cm", r"5\text{ m}", NOT),
    ("unit", "2 hours", "2 minutes", NOT),
    ("unit", r"15\text{ cm}^2", r"15\text{ cm}^3", NOT),
    ("unit", "5m", "5", NOT),  # a variable, as far as anyone can tell
    ("unit", r"30^\circ", "30", EQUAL),
    ("unit", r"-5^{\circ}", "-5 degrees", EQUAL),
    ("unit", r"90^\circ", r"\frac{\pi}{2}", EQUAL),
    ("unit", "90", r"\frac{\pi}{2}", NOT),
    ("unit", r"\sin 30^\circ", "1/2", EQUAL),
    # hedges: what leaves the choice to the reader
    ("hedge", "2 or more", "2", NOT),
    ("hedge", "at least 5", "5", NOT),
    ("hedge", "5 to 7", "5", NOT),
    ("hedge", "18元以上", "18", NOT),
    ("hedge", "5 or 7", "5", NOT),
    ("hedge", "5或7", "7", NOT),
    ("hedge", "5, 6, 7", "6", NOT),
    ("hedge", "{5, 6}", "5", NOT),
    ("hedge", r"3 \pm 2", "5", NOT),
    ("hedge", "1, 2, ...", "1", NOT),
    ("hedge", r"x^2-9 \text{ or } (x+3)(x-3)", "x^2-9", EQUAL),  # one answer said twice
    ("hedge", "5 and a half", "5", NOT),
    ("hedge", "5 squared", "25", NOT),
    # sets and lists
    ("list", "1, 2, 3", "3, 1, 2", EQUAL),
    ("list", r"12\text{ and }13", "13, 12", EQUAL),
    ("list", r"7, -2, \text{ and } -5", "-5, -2, 7", EQUAL),
    ("list", "1, 2", "1, 2, 2", NOT),
    ("list", "1, 2, 2", "1, 1, 2", NOT),
    ("list", r"\{1, 2\}", "2, 1", EQUAL),
    ("list", r"\{1, 2, 2\}", r"\{1, 2\}", EQUAL),
    ("list", r"\{5\}", "5", EQUAL),
    ("list", r"\emptyset", r"\{\}", EQUAL),
    ("list", r"\{1, 2\}", "(1, 2)", NOT),
    ("list", "(1, 2)", "1, 2", NOT),
    ("list", r"1 \pm \sqrt{19}", r"1-\sqrt{19}, 1+\sqrt{19}", EQUAL),
    ("list", r"\{1\pm\sqrt{5}, -2\}", r"-2, 1+\sqrt5, 1-\sqrt5", EQUAL),
    ("list", r"y = \pm 2x", "2x, -2x", EQUAL),
    ("list", "x = 2 or x = -3", "-3, 2", EQUAL),
    ("list", "x = 2, 3", "3, 2", EQUAL),
    ("list", "w=16, d=3", "16, 3", EQUAL),
    ("list", "w=16, d=3", "3, 16", NOT),
    ("list", "w=16, d=3", "d=3, w=16", EQUAL),
    ("list", "w=16, d=3", "w=3, d=16", NOT),
    ("list", r"\text{A,D}", "D, A", EQUAL),
    ("list", "(1,2), (3,4)", "(3,4), (1,2)", EQUAL),
    ("list", "1；2", "2, 1", EQUAL),
    # tuples
    ("tuple", "(1, 2)", "(1.0, 4/2)", EQUAL),
    ("tuple", "(1, 2)", "(2, 1)", NOT),
    ("tuple", "(1, 2)", "(1, 2, 3)", NOT),
    ("tuple", r"(3, \frac{\pi}{2})", r"(3, \pi/2)", EQUAL),
    ("tuple", "(x, y) = (1, 2)", "(1, 2)", EQUAL),
    ("tuple", "x=1, y=2", "(1, 2)", EQUAL),
    ("tuple", "x=1, y=2", "(2, 1)", NOT),
    ("tuple", r"(1, \pm 2)", "(1,2), (1,-2)", EQUAL),
    # intervals and solved inequalities
    ("interval", "(1, 2]", "(1, 2)", NOT),
    ("interval", "[1, 2]", "(1, 2)", NOT),
    ("interval", r"(-\infty, 3)", r"(-\infty, 3.0)", EQUAL),
    ("interval", r"(-\infty, 3)", r"(\infty, 3)", NOT),
    ("interval", r"x \in [-2, 7]", "[-2, 7]", EQUAL),
    ("interval", r"-2 \le x \le 7", "[-2, 7]", EQUAL),
    ("interval", r"7 \ge t > -2", "(-2, 7]", EQUAL),
    ("interval", "x > 3", r"(3, \infty)", EQUAL),
    ("interval", "3 < x", "y > 3", EQUAL),
    ("interval", r"x \ge 3", r"(3, \infty)", NOT),
    ("interval", "x < 1 or x > 3", r"(3,\infty) \cup (-\infty,1)", EQUAL),
    ("interval", r"x \ne 2", r"(-\infty,2) \cup (2,\infty)", EQUAL),
    ("interval", "x > 3", "3", NOT),
    ("interval", r"[0,1] \cup [2,3]", r"[0,1] \cup [2,4]", NOT),
    # expressions
    ("expression", "1 - x", "-x + 1", EQUAL),
    ("expression", "(x+1)^2", "x^2+2x+1", EQUAL),
    ("expression", r"\frac{x}{2}", r"\frac12 x", EQUAL),
    ("expression", "1/2x", "x/2", EQUAL),
    ("expression", r"\frac{11x+5}{x-2}", r"\frac{-5-11x}{2-x}", EQUAL),
    ("expression", "x^2", "2x", NOT),
    ("expression", "R", "r", NOT),
    ("expression", "x_1", "x_2", NOT),
    ("expression", r"\alpha+\beta", r"\beta+\alpha", EQUAL),
    ("expression", "1+2i", "2i+1", EQUAL),
    ("expression", r"4-5\mathrm{i}", "4-5i", EQUAL),
    ("expression", r"\frac{1}{i}", "-i", EQUAL),
    ("expression", r"2\sqrt2", r"\sqrt{8}", EQUAL),
    ("expression", r"\frac{\sqrt{3}}{2}", r"\frac{3}{2\sqrt3}", EQUAL),
    ("expression", r"\sqrt2+\sqrt3", r"\sqrt{5+2\sqrt6}", EQUAL),
    ("expression", r"\sqrt2+\sqrt3", "3.1", NOT),
    ("expression", r"\sqrt{x^2}", "|x|", EQUAL),
    ("expression", r"\sqrt{x^2}", "x", NOT),
    ("expression", r"\sqrt{x^3}", r"x\sqrt{x}", EQUAL),
    ("expression", "|x-5|", "5-x", NOT),
    ("expression", "|x-5000|", "5000-x", NOT),
    ("expression", r"\sqrt{(x+0.00001)^2}", "x+0.00001", NOT),
    ("expression", "2^{2^n} + |n|", "|n| + 4^{2^{n-1}}", EQUAL),
    ("expression", r"\sin^2 x + \cos^2 x", "1", EQUAL),
    ("expression", r"\cot x", r"1/\tan x", EQUAL),
    ("expression", r"\sin^{-1} x", r"\arcsin x", EQUAL),
    ("expression", r"e^{i\pi}", "-1", EQUAL),
    ("expression", r"\ln x^2", r"2\ln x", EQUAL),
    ("expression", r"\log_2 8", "3", EQUAL),
    ("expression", r"\log 4", r"2\log 2", EQUAL),
    ("expression", "2^n", r"\sqrt{4^n}", EQUAL),
    ("expression", "2^n", "3^n", NOT),
    ("expression", "n!", r"n \cdot (n-1)!", EQUAL),
    ("expression", r"e^{\pi\sqrt{163}}", "262537412640768744", NOT),
    ("expression", "e^{-1000}", "0", NOT),
    ("expression", r"\int_0^1 x^2 dx", "1/3", EQUAL),
    ("expression", r"\sum_{k=1}^{n} k", "n(n+1)/2", EQUAL),
    ("expression", r"\Gamma(5)", "24", EQUAL),
    ("expression", "1/0", "1/0 + 1", NOT),
    ("expression", "0/0", "5", NOT),
    ("expression", "nan", "5", NOT),
    # equations
    ("equation", "x = 5", "5", EQUAL),
    ("equation", "5 = x", "5", EQUAL),
    ("equation", "x = 10/2 = 5", "5", EQUAL),
    ("equation", "x = 10/2 = 6", "6", NOT),
    ("equation", r"0.56 = 56\%", "0.56", EQUAL),
    ("equation", r"1.56 = 56\%", "0.56", NOT),
    ("equation", "x = 5", "y = 5", NOT),
    ("equation", "n = 3k", "3", NOT),
    ("equation", "x = x", "x", NOT),
    ("equation", "xy = 5", "5", NOT),
    ("equation", "y = 2x + 3", "2x + 3", EQUAL),
    ("equation", "f(x) = x + 1", "x + 1", EQUAL),
    ("equation", "2x + 4y = 6", "x + 2y = 3", EQUAL),
    ("equation", "x^2 + y^2 = 13", "13 - x^2 = y^2", EQUAL),
    ("equation", "x^2 + y^2 = 13", "x^2 + y^2 = 12", NOT),
    ("equation", r"y = \sqrt{3} x", r"\sqrt{3} y = 3x", EQUAL),
    ("equation", r"y = \sqrt{3} x", r"y = \sqrt{2} x", NOT),
    # words and choices
    ("words", r"\text{Evelyn}", "evelyn", EQUAL),
    ("words", r"\mathrm{even}", "Even.", EQUAL),
    ("words", "Eve", "Evelyn", NOT),
    ("words", r"\text{yes}", "Yes", EQUAL),
    ("words", r"\text{even}", r"\text{odd}", NOT),
    ("words", "3.5 of them", "35 of them", NOT),
    ("words", "even", "2", NOT),
    ("choice", "(C)", "C", EQUAL),
    ("choice", r"\text{(C)}", "C.", EQUAL),
    ("choice", "A: 12", "A", EQUAL),
    ("choice", "(A) 12", "B", NOT),
    ("choice", "A. 1 B. 2 C. 3", "A", NOT),
    ("choice", "A, C", "A", NOT),
    # recognised, not compared yet: never a wrong "equal"
    ("later", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}", EQUAL),
    ("later", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1, 2)", UNDECIDED),
    ("later", "204_5", "204_6", UNDECIDED),
    ("later", r"(1, \tan\frac{\pi}{2})", r"(1, \sqrt{2})", UNDECIDED),
    ("later", r"\tan\frac{\pi}{2}, 1", r"1, \sqrt{2}", UNDECIDED),
    ("later", r"(1, \tan\frac{\pi}{2})", r"(2, \sqrt{2})", NOT),
    ("later", "204_5", "204", UNDECIDED),
    ("later", "3:1", "1:3", UNDECIDED),
    ("later", r"\{x \mid x > 0\}", r"(0, \infty)", UNDECIDED),
    ("later", "2x + 1 < 5", "x < 2", UNDECIDED),
    ("later", r"\log 100", r"\log_{10} 100", NOT),
    ("later", "five", "5", NOT),
    ("later", r"\text{June 20}", "20 June", NOT),
]


@pytest.mark.parametrize(("kind", "a", "b", "outcome"), POLICY)
def test_policy(kind: str, a: str, b: str, outcome: Outcome, pool: SymbolicPool) -> None:
    there, back = equivalent(a, b, pool=pool), equivalent(b, a, pool=pool)
    assert there.outcome is outcome, f"{kind}: {there}"
    assert back == there, "the order of the answers makes no difference"
    assert bool(there) == (outcome is EQUAL)


PROFILES = [
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
    ("generic", "0.4545", "0.4546", NOT),
]


@pytest.mark.parametrize(("profile", "a", "b", "outcome"), PROFILES)
def test_profiles(profile: str, a: str, b: str, outcome: Outcome, pool: SymbolicPool) -> None:
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
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_answers_cost_little_and_are_never_equal(answer: str, pool: SymbolicPool) -> None:
    start = time.monotonic()
    result = equivalent(r"\sqrt{2}", answer, pool=pool, deadline_s=SHORT_S)
    assert result.outcome in (NOT, UNDECIDED)
    assert time.monotonic() - start < 3


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


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789.,+-*/^(){}[]\\|=<>!%$_ xyzpi分之元或\n", max_size=30))
def test_any_text_is_read_and_equals_itself(text: str) -> None:
    assert bool(equivalent(text, text)) == bool(text.strip())
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
