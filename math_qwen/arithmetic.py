"""Arithmetic in the structure of Math401: ask and work out.

Math401 (Yuan et al. 2023, arXiv 2304.02015, table 1) is one item of Euler's identity and 16 groups of 25. Each group
here is a generator of items of that kind, so the same 16 functions give a test of the published structure with new
numbers, and training samples with a worked answer. Groups whose answers a small model cannot work out in writing
(12-digit sums, 5-digit products, logarithms, real powers) are asked in the test but have no worked form, so nothing
teaches to guess them.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

GROUP_SIZE = 25


@dataclass(frozen=True)
class Item:
    """A question such as "12+30=", its answer rounded as Math401 does, and the work that leads there ("" if none)."""

    group: str
    query: str
    answer: str
    work: str = ""


Groups = dict[str, Callable[[random.Random], Item]]  # by name: what makes one item


def euler() -> Item:
    """Return the first item of Math401."""
    return Item("euler", "e^(iπ)+1=", "0", "e^(iπ) = -1, and -1 + 1 = 0")


def items(group: str, seed: int, groups: Groups | None = None) -> Iterator[Item]:
    """Yield items of a group without end, never the same question twice."""
    make = (groups or GROUPS)[group]
    rng = random.Random(f"{group}/{seed}")
    seen: set[str] = set()
    repeats = 0
    while repeats < 10_000:
        item = make(rng)
        repeats += 1
        if item.query not in seen:
            seen.add(item.query)
            repeats = 0
            yield item


def benchmark_items(seed: int = 401) -> list[Item]:
    """Return the 401 items of the generated test: Euler's identity and 25 of each group."""
    chosen = [euler()]
    for group in GROUPS:
        source = items(group, seed)
        chosen += [next(source) for _ in range(GROUP_SIZE)]
    return chosen


def _sum(rng: random.Random, low: int, high: int, group: str, work: Callable[[int, int, str], str]) -> Item:
    a, b, sign = rng.randint(low, high), rng.randint(low, high), rng.choice("+-")
    right = f"({b})" if b < 0 else str(b)
    result = a + b if sign == "+" else a - b
    return Item(group, f"{a}{sign}{right}=", str(result), work(a, b, sign))


def unworked(_a: int, _b: int, _sign: str) -> str:
    """Leave a sum without its work: asked, not taught."""
    return ""


def by_columns(a: int, b: int, sign: str) -> str:
    """Work a sum out on paper: write it down, then digit by digit from the right, each step of one-digit numbers."""
    right = f"({b})" if b < 0 else str(b)
    return f"{a} {sign} {right}: {_columns(a, b, sign)}"


def _columns(a: int, b: int, sign: str) -> str:
    if b < 0:
        return by_columns(a, -b, "-" if sign == "+" else "+")
    if a < 0:
        return by_columns(b, -a, "-") if sign == "+" else f"-({by_columns(-a, b, '+')})"
    if sign == "-" and b > a:
        return f"-({by_columns(b, a, '-')})"
    steps, carried = [], 0
    for place in range(len(str(max(a, b)))):
        x, y = (n // 10**place % 10 for n in (a, b))
        carry = f" {sign} 1" if carried else ""
        if sign == "-":
            borrowed = x < y + carried
            steps.append(f"{x + 10 * borrowed} - {y}{carry} = {x + 10 * borrowed - y - carried}")
            carried = int(borrowed)
        else:
            steps.append(f"{x} + {y}{carry} = {x + y + carried}")
            carried = (x + y + carried) // 10
    return ", ".join(steps)


def by_place_value(a: int, b: int, sign: str) -> str:
    """Work a sum out by place value, a negative number by its sign first."""
    if b < 0:
        flipped = "-" if sign == "+" else "+"
        return f"{a} {sign} ({b}) = {a} {flipped} {-b} = {a + b if sign == '+' else a - b}"
    if a < 0 or max(a, b) < 10:
        return f"{a} {sign} {b} = {a + b if sign == '+' else a - b}"
    if sign == "-" and b > a:
        return f"{a} - {b} = -({b} - {a}). {by_place_value(b, a, '-')}. So {a} - {b} = {a - b}"
    steps, reached = [], a
    for place in (100, 10, 1):
        part = b // place % 10 * place
        if part:
            following = reached + part if sign == "+" else reached - part
            steps.append(f"{reached} {sign} {part} = {following}")
            reached = following
    return ", ".join(steps) or f"{a} {sign} 0 = {a}"


def _decimal_sum(rng: random.Random) -> Item:
    a, b = (Decimal(rng.randint(-9999, 9999)).scaleb(-rng.choice((2, 2, 3))) for _ in range(2))
    sign = rng.choice("+-")
    result = a + b if sign == "+" else a - b
    right = f"({b})" if b < 0 else str(b)
    adding = (sign == "+") == (b >= 0)
    plain = f"{a} {'+' if adding else '-'} {abs(b)}"
    work = f"{a} {sign} {right} = {plain} = {_round(result)}" if b < 0 else f"{plain} = {_round(result)}"
    return Item("decimal-sum", f"{a}{sign}{right}=", _round(result), work)


def _product(rng: random.Random) -> Item:
    a, b = rng.randint(0, 99), rng.randint(0, 99)
    tens, ones = b // 10 * 10, b % 10
    work = f"{a} × {b} = {a * b}"
    if tens and ones and a:
        work = (
            f"{a} × {tens} = {a * tens}, {a} × {ones} = {a * ones}, {by_place_value(a * tens, a * ones, '+')}"
            if a * tens < 1000
            else f"{a} × {tens} = {a * tens}, {a} × {ones} = {a * ones}, {a * tens} + {a * ones} = {a * b}"
        )
    return Item("product", f"{a}{rng.choice('*×')}{b}=", str(a * b), work)


def _decimal_product(rng: random.Random) -> Item:
    a, b = (Decimal(rng.randint(1, 99)).scaleb(-rng.choice((1, 1, 2))) for _ in range(2))
    whole = int(a.scaleb(-a.as_tuple().exponent)), int(b.scaleb(-b.as_tuple().exponent))  # type: ignore[operator]
    places = -int(a.as_tuple().exponent) - int(b.as_tuple().exponent)
    work = f"{whole[0]} × {whole[1]} = {whole[0] * whole[1]}, with {places} decimal places: {_round(a * b)}"
    return Item("decimal-product", f"{a}×{b}=", _round(a * b), work)


def _large_product(rng: random.Random) -> Item:
    a, b = rng.randint(10_000, 99_999), rng.randint(10_000, 99_999)
    return Item("large-product", f"{a}{rng.choice('*×')}{b}=", str(a * b))


def _quotient(rng: random.Random) -> Item:
    a, b = rng.randint(1, 99), rng.randint(1, 99)
    whole, rest = divmod(a, b)
    result = _round(Fraction(a, b))
    work = f"{a} ÷ {b} = {result}" if not rest else f"{a} = {whole} × {b} + {rest}, {rest} ÷ {b} = "
    if rest:
        work += f"{_round(Fraction(rest, b))}, together {result}"
    return Item("quotient", f"{a}{rng.choice('÷/')}{b}=", result, work)


def _power(rng: random.Random) -> Item:
    base, exponent = rng.randint(0, 10), rng.randint(2, 4)
    steps, reached = [], base
    for _ in range(exponent - 1):
        steps.append(f"{reached} × {base} = {reached * base}")
        reached *= base
    return Item("power", f"{base}{rng.choice(('^', '**'))}{exponent}=", str(reached), ", ".join(steps))


def _real_power(rng: random.Random) -> Item:
    base, exponent = round(rng.uniform(1, 10), 4), round(rng.uniform(0.5, 4), 4)
    return Item("real-power", f"{base}{rng.choice(('^', '**'))}{exponent}=", _round(base**exponent))


def _irrational(rng: random.Random) -> Item:
    name, value = rng.choice((("π", math.pi), ("pi", math.pi), ("e", math.e)))
    k, sign = rng.randint(2, 20), rng.choice("+-*")
    result = {"+": value + k, "-": value - k, "*": value * k}[sign]
    return Item("irrational", f"{name}{sign}{k}=", _round(result), f"{_round(value)} {sign} {k} = {_round(result)}")


def _expression(rng: random.Random) -> Item:
    a, b, c = (rng.randint(1, 99) for _ in range(3))
    outer, inner = rng.choice("+-*"), rng.choice("+-")
    value = b + c if inner == "+" else b - c
    result = {"+": a + value, "-": a - value, "*": a * value}[outer]
    shown = f"({value})" if value < 0 else str(value)
    work = f"{b} {inner} {c} = {value}, {a} {outer} {shown} = {result}"
    return Item("expression", f"{a}{outer}({b}{inner}{c})=", str(result), work)


def _trigonometry(rng: random.Random) -> Item:
    name, step = rng.choice(("sin", "cos", "tan")), rng.choice((30, 45))
    degrees = rng.randrange(-360, 361, step)
    if name == "tan" and degrees % 180 == 90:
        degrees += step
    result = _round(getattr(math, name)(math.radians(degrees)))
    period = 180 if name == "tan" else 360
    work = f"{name}({degrees}°) = {name}({degrees % period}°) = {result}"
    asked = f"{degrees}°" if rng.random() < 0.5 else f"{Decimal(degrees) / 180:.4g}π"
    if Decimal(asked.rstrip("°π")) * (1 if asked.endswith("°") else 180) != degrees:
        asked = f"{degrees}°"
    return Item("trigonometry", f"{name}({asked})=", result, work)


def _logarithm(rng: random.Random) -> Item:
    k, name = rng.randint(2, 999), rng.choice(("log10", "log2", "ln"))
    result = {"log10": math.log10, "log2": math.log2, "ln": math.log}[name](k)
    return Item("logarithm", f"{name}({k})=", _round(result))


def _round(value: float | Fraction | Decimal) -> str:
    """Write a number with at most four decimal places, as Math401's answers are, and no trailing zeros."""
    text = f"{float(value):.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _small_sums(work: Callable[[int, int, str], str]) -> Groups:
    """Return the groups of sums that can be taught, worked out in one way."""
    return {
        "sum-10": lambda rng: _sum(rng, 0, 10, "sum-10", work),
        "sum-100": lambda rng: _sum(rng, 0, 99, "sum-100", work),
        "sum-1000": lambda rng: _sum(rng, 0, 999, "sum-1000", work),
        "sum-negative": lambda rng: _sum(rng, -10, 20, "sum-negative", work),
    }


SUMS_BY_COLUMNS = _small_sums(by_columns)
GROUPS: Groups = {
    **_small_sums(by_place_value),
    "sum-12-digits": lambda rng: _sum(rng, 10**10, 10**12, "sum-12-digits", unworked),
    "decimal-sum": _decimal_sum,
    "product": _product,
    "decimal-product": _decimal_product,
    "large-product": _large_product,
    "quotient": _quotient,
    "power": _power,
    "real-power": _real_power,
    "irrational": _irrational,
    "expression": _expression,
    "trigonometry": _trigonometry,
    "logarithm": _logarithm,
}
