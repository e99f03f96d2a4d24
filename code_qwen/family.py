"""Code-Qwen as the library sees it."""

from code_qwen import data, lessons
from code_qwen.benchmarks import BENCHMARKS, OWN
from code_qwen.disguise import RENAMED
from code_qwen.filters import FILTERS
from code_qwen.interpreter import open_interpreter
from code_qwen.nodes import node_spans
from code_qwen.recipes import RECIPES
from specialists.family import Family

FAMILY = Family(
    name="code_qwen",
    title="Code-Qwen and Code-Qwen-Chat",
    recipes=RECIPES,
    benchmarks=BENCHMARKS,
    makers={**data.MAKERS, **lessons.MAKERS},
    filters=FILTERS,
    spans=node_spans,
    disguises=(RENAMED,),
    judged_with=("sandbox",),
    open_interpreter=open_interpreter,
    own=OWN,
)
