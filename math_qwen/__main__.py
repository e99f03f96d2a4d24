"""`python -m math_qwen`: the verbs of every family, and `explain`."""

from math_qwen.explain import SETTINGS, explain
from math_qwen.family import FAMILY
from specialists.cli import app, main

app.command(context_settings=SETTINGS)(explain)
main(FAMILY)
