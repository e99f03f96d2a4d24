"""`python -m math_qwen`: plan, build, grade, check ..."""

from math_qwen.family import FAMILY
from specialists.cli import main

main(FAMILY)
