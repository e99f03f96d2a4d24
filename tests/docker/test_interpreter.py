"""A model's own programs in containers: what they print comes back, and nothing of one is left for the next."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from math_qwen.interpreter import open_interpreter
from sandbox.contract import Limits
from sandbox.interpreter import Interpreter
from sandbox.pool import SandboxPool
from specialists.errors import GenerateError
from specialists.family import Judging
from tests.interpreting import PROGRAMS

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def told() -> Iterator[list[str]]:
    with ExitStack() as stack:
        try:
            interpreter = stack.enter_context(open_interpreter(Judging(workers=1)))
        except GenerateError as error:
            if os.environ.get("SANDBOX_REQUIRE") == "docker":
                raise
            pytest.skip(str(error))
        yield list(interpreter.run(program for program, *_ in PROGRAMS))
        assert interpreter.stamps() == ()


@pytest.mark.parametrize("number", range(len(PROGRAMS)), ids=[program[:20] for program, *_ in PROGRAMS])
def test_what_a_program_printed_comes_back(told: list[str], number: int) -> None:
    _, present, absent = PROGRAMS[number]
    assert all(words in told[number] for words in present), told[number]
    assert not any(words in told[number] for words in absent), told[number]


def test_no_network_and_no_files_of_ours(told: list[str]) -> None:
    del told  # Docker is there
    programs = [
        "import socket\nsocket.create_connection(('1.1.1.1', 53), 1)\nprint('through')",
        f"print(open({__file__!r}).read())",
    ]
    with SandboxPool(workers=1) as box:
        for text in Interpreter(box, Limits(cpu_s=2)).run(programs):
            assert "Error" in text and "through" not in text and "Docker is there" not in text, text
