"""Math-Qwen as the library sees it."""

from math_qwen.benchmarks import BENCHMARKS
from math_qwen.data import FILTERS, MAKERS
from math_qwen.disguise import RENUMBERED
from math_qwen.interpreter import open_interpreter
from math_qwen.recipes import RECIPES
from specialists.family import Family

FAMILY = Family(
    name="math_qwen",
    title="Math-Qwen-Chat",
    recipes=RECIPES,
    benchmarks=BENCHMARKS,
    makers=MAKERS,
    filters=FILTERS,
    disguises=(RENUMBERED,),
    open_interpreter=open_interpreter,
)
