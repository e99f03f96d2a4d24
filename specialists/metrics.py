"""Right and wrong answers in, one score out.

Shares, their intervals, and what several samples of a problem say: pass@k and maj@k. Comparing two models is the
report's business (`specialists.report.paired`).
"""

import math
from collections import Counter
from collections.abc import Sequence

Z_95 = 1.959963984540054  # two-sided 95 % of the standard normal


def wilson(share: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a share of n independent trials (Wilson 1927).

    Args:
        share: from 0 to 1; with several samples a problem, the mean of the problems' shares.
        n: problems, at least 1.
        z: quantile of the normal distribution.
    """
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """Return the unbiased estimate of pass@k for one problem (Chen et al. 2021, arXiv 2107.03374, section 2.1).

    Args:
        num_samples: n, completions of the problem, at least k.
        num_correct: c of them that pass.
        k: how many may be tried.
    """
    if num_samples < k:
        raise ValueError(f"pass@{k} needs at least {k} samples a problem, there are {num_samples}")
    if num_samples - num_correct < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(num_samples - num_correct + 1, num_samples + 1))


def majority(votes: Sequence[tuple[str | None, bool]]) -> float:
    """Return maj@k of one problem: 1 where the answer given most often is right, a share where several tie.

    Args:
        votes: for each of the k samples the extracted answer, None where there was none, and whether it is right.
            Right answers are one answer however they are spelled; wrong ones are one where their text is the same.
    """
    counts = Counter("" if right else f"wrong {answer}" for answer, right in votes if right or answer is not None)
    if not counts:
        return 0.0
    most = max(counts.values())
    return (counts[""] == most) / sum(count == most for count in counts.values())


def mean(values: Sequence[float]) -> float:
    """Return the mean, summed exactly so that the order of the values does not matter."""
    return math.fsum(values) / len(values)
