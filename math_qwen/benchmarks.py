"""The maths benchmarks, in the order in which they are shown."""

from math_qwen.suites.chinese import CMATH, MATH23K, MGSM_ZH
from math_qwen.suites.competition import AIME24, AMC23, MATH, MATH_500
from math_qwen.suites.own import OWN
from math_qwen.suites.sums import ARITHMETIC, MATH401, spaced
from math_qwen.suites.word_problems import ASDIV, GSM8K, GSM_HARD, MAWPS, SVAMP

__all__ = ["ARITHMETIC", "BENCHMARKS", "OWN", "spaced"]

BENCHMARKS = (
    ARITHMETIC,
    GSM8K,
    MATH,
    MATH_500,
    MATH401,
    MATH23K,
    SVAMP,
    ASDIV,
    MAWPS,
    GSM_HARD,
    CMATH,
    MGSM_ZH,
    AIME24,
    AMC23,
)
