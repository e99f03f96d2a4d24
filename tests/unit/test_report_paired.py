"""Paired statistics against known values, brute force and simulation."""

import itertools
import math

import numpy as np
import pytest

from specialists.metrics import majority
from specialists.report.paired import detectable, holm, mcnemar, paired_interval, paired_p

MCNEMAR = [
    # gained, lost, p
    (0, 0, 1.0),
    (1, 1, 1.0),
    (5, 0, 0.0625),
    (0, 6, 0.03125),
    (10, 2, 158 / 4096),
    (86, 150, 3.716e-05),  # approval ratings of Agresti, Categorical Data Analysis, as R's exact2x2 gives them
    (3000, 2000, 1.3e-45),
]


@pytest.mark.parametrize(("gained", "lost", "p"), MCNEMAR)
def test_mcnemar_is_exact(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p, rel=0.05 if p < 1e-40 else 1e-3)
    assert mcnemar(gained, lost) == mcnemar(lost, gained)


def test_one_answer_an_item_is_mcnemar_whatever_else_did_not_flip() -> None:
    assert paired_p([1.0] * 10 + [-1.0] * 2 + [0.0] * 50) == mcnemar(10, 2)
    assert paired_p([0.5] * 10 + [-0.5] * 2) == mcnemar(10, 2)  # every flip weighs the same


SAMPLED = [
    [0.5, 0.5, 0.25, -0.25, 0.75, 0.5, -0.5, 0.25, 0.0],
    [0.1, 0.9, -0.3, 0.3, 0.2],
    [0.25, -0.25, 0.5, -0.5],
]


@pytest.mark.parametrize("differences", SAMPLED)
def test_several_answers_an_item_agree_with_all_sign_patterns(differences: list[float]) -> None:
    patterns = itertools.product((1, -1), repeat=len(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in patterns]
    exact = sum(found >= abs(sum(differences)) - 1e-9 for found in sums) / len(sums)
    assert paired_p(differences) == pytest.approx(exact, abs=0.015)


def test_the_bootstrap_is_that_of_drawing_items_one_by_one() -> None:
    differences = [1.0] * 30 + [-1.0] * 12 + [0.5] * 5 + [0.0] * 117
    random = np.random.default_rng(1)
    means = [random.choice(differences, len(differences)).mean() for _ in range(8000)]
    assert paired_interval(differences) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.006)


def test_the_bootstrap_of_many_items_is_the_normal_interval() -> None:
    differences = [1.0] * 1000 + [-1.0] * 500 + [0.0] * 8500
    spread = 1.96 * math.sqrt((0.15 - 0.05**2) / 10_000)
    assert paired_interval(differences) == pytest.approx((0.05 - spread, 0.05 + spread), abs=0.0005)


HOLM = [
    ([], []),
    ([0.04], [0.04]),
    ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # R: p.adjust(c(.01, .04, .03, .005), "holm")
    ([0.5, 0.6], [1.0, 1.0]),
    ([0.01, 0.01, 0.01], [0.03, 0.03, 0.03]),
]


@pytest.mark.parametrize(("given", "expected"), HOLM)
def test_holm(given: list[float], expected: list[float]) -> None:
    assert holm(given) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "changed"), [(164, 0.2), (500, 0.1), (1319, 0.3), (164, 0.0)])
def test_a_detectable_difference_is_detected_four_times_in_five(n: int, changed: float) -> None:
    found = detectable(n, changed)
    assert found is not None
    share = max(changed, found)
    random = np.random.default_rng(0)
    draws = random.multinomial(n, [(share + found) / 2, (share - found) / 2, 1 - share], size=1500)
    power = np.mean([mcnemar(int(gained), int(lost)) < 0.05 for gained, lost, _ in draws])
    assert 0.7 < power < 0.9  # the formula is asymptotic, the test exact


DETECTABLE = [
    # n, changed, alpha, at least
    (4, 0.5, 0.05, None),  # even four flips one way have p = 0.125
    (6, 0.0, 0.05, 1.0),  # all six would have to flip
    (100, 0.0, 0.05, 0.06),
    (100, 0.0, 0.05 / 64, 0.12),  # a corrected table asks for more flips
]


@pytest.mark.parametrize(("n", "changed", "alpha", "least"), DETECTABLE)
def test_few_items_can_show_little(n: int, changed: float, alpha: float, least: float | None) -> None:
    found = detectable(n, changed, alpha)
    assert (found is None) if least is None else (found is not None and found >= least - 1e-9)


MAJORITY = [
    ([("4", True)], 1.0),
    ([("5", False)], 0.0),
    ([(None, False), (None, False), ("4", True)], 1.0),  # no answer is no vote
    ([("4", True), ("4.0", True), ("5", False)], 1.0),  # right answers are one however they are spelled
    ([("5", False), ("5", False), ("4", True)], 0.0),
    ([("4", True), ("5", False)], 0.5),  # a tie is drawn
    ([("4", True), ("5", False), ("6", False)], 1 / 3),
    ([(None, False)], 0.0),
]


@pytest.mark.parametrize(("votes", "share"), MAJORITY)
def test_the_majority_of_several_answers(votes: list[tuple[str | None, bool]], share: float) -> None:
    assert majority(votes) == pytest.approx(share)
