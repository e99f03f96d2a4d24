"""Two models on the same items in, how they differ out.

Everything here looks at one list: for each item, the share of right answers of one model less that of the other. With
one answer an item that is 1 (gained), -1 (lost) or 0, and the test is McNemar's. Items count as independent draws from
the benchmark's population; decoding noise of greedy answers is not in any of these numbers.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

ALPHA = 0.05
POWER = 0.8
_DRAWS = 20_000
_SEED = 2309  # fixed: the same answers give the same report


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: is a flip as likely one way as the other?

    Args:
        gained, lost: items that only the one or only the other model solves (McNemar 1947; exact, as a sign test).
    """
    flips, tail, term = gained + lost, 0, 1
    for count in range(min(gained, lost) + 1):
        tail += term
        term = term * (flips - count) // (count + 1)
    return min(1.0, 2 * tail / 2**flips)


def paired_p(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of "the two models are exchangeable on every item".

    Exact (McNemar) where all flips weigh the same; with several answers an item the sign-flip permutation test, from
    20,000 draws: the share of sign patterns whose sum lies as far from 0 as what was seen.
    """
    sizes, counts = np.unique(np.abs(_changed(differences)), return_counts=True)
    if len(sizes) <= 1:
        return mcnemar(sum(d > 0 for d in differences), sum(d < 0 for d in differences))
    plus = np.random.default_rng(_SEED).binomial(counts, 0.5, size=(_DRAWS, len(counts)))
    sums = (2 * plus - counts) @ sizes
    seen = abs(math.fsum(differences))
    return float((1 + np.sum(np.abs(sums) >= seen - 1e-9)) / (1 + _DRAWS))


def paired_interval(differences: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean difference, items drawn with replacement 20,000 times.

    Equal items are drawn as one group with its count, which is the same bootstrap and does not grow with the items.
    Without any flip it is (0, 0), which says nothing of how sure that is: look at `detectable`.
    """
    values, counts = np.unique(np.asarray(differences, dtype=float), return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(len(differences), counts / len(differences), size=_DRAWS)
    means = draws @ values / len(differences)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are (Holm 1979): each may be held against the same limit.

    The i-th smallest of m is multiplied by m - i + 1, and never falls below the one before it.
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = floor
    return adjusted


def detectable(n: int, changed: float, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest true difference that n items would show with a given power, or None where none would be.

    Connor's formula for McNemar's test (Biometrics 43, 1987): the d with z_alpha sqrt(s) + z_power sqrt(s - d^2)
    = d sqrt(n), where s is the share of items that flip. A difference of d needs at least d of them to flip, so s =
    max(changed, d); and exact McNemar needs so many flips that at least all on one side would reach alpha.

    Args:
        n: items.
        changed: share of items that flipped, as seen.
        alpha: two-sided limit; for a table, what Holm demands of its smallest p-value.
        power: chance to show it.
    """
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    least = math.ceil(1 - math.log2(alpha)) / n  # k flips, all one way, have p = 2 / 2^k

    def shown(d: float) -> bool:
        share = max(changed, d)
        return d >= least and d * math.sqrt(n) >= z_alpha * math.sqrt(share) + z_power * math.sqrt(share - d * d)

    if not shown(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _changed(differences: Sequence[float]) -> np.ndarray:
    found = np.asarray(differences, dtype=float)
    return np.round(found[found != 0], 9)
