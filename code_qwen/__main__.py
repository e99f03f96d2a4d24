"""`python -m code_qwen`: plan, build, grade, check ..."""

from code_qwen.family import FAMILY
from specialists.cli import main

main(FAMILY)
