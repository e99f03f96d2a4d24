"""Imports `random` without what it does in every forked child; to be imported before anything that uses it.

Drawing a fresh seed costs a child of the zygote as much as a tenth of all it does, only to be thrown away: programs
start from the same seed, so that the same program gets the same verdict. `hook` makes good for it: a program that forks
finds its own children seeded anew, as usual.
"""

import os

_register = os.register_at_fork
os.register_at_fork = lambda **_hooks: None
import random  # noqa: E402 - its hook goes nowhere

os.register_at_fork = _register


def hook() -> None:
    """From now on, seed `random` in every forked child."""
    os.register_at_fork(after_in_child=random.seed)
