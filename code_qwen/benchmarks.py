"""The code benchmarks, in the order in which they are shown."""

from code_qwen.suites.cruxeval import CRUXEVAL
from code_qwen.suites.functions import FUNCTIONS
from code_qwen.suites.humaneval import HUMANEVAL, HUMANEVAL_PLUS
from code_qwen.suites.humanevalpack import HUMANEVALPACK
from code_qwen.suites.mbpp import MBPP, MBPP_PLUS, MBPP_SANITIZED
from code_qwen.suites.own import OWN
from code_qwen.suites.quixbugs import QUIXBUGS

__all__ = ["BENCHMARKS", "FUNCTIONS", "OWN"]

BENCHMARKS = (
    FUNCTIONS,
    HUMANEVAL,
    HUMANEVAL_PLUS,
    MBPP,
    MBPP_SANITIZED,
    MBPP_PLUS,
    *HUMANEVALPACK,
    QUIXBUGS,
    *CRUXEVAL,
)
