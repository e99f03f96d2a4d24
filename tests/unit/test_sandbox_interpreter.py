"""A model's own programs in plain processes, which run everywhere; tests/docker has the same in containers."""

from collections.abc import Iterator

import pytest

from code_qwen.interpreter import open_interpreter
from specialists.errors import GenerateError
from specialists.family import Judging
from tests.interpreting import PROGRAMS


@pytest.fixture(scope="module")
def told() -> Iterator[list[str]]:
    with open_interpreter(Judging("process", accept_risk=True, workers=1)) as interpreter:
        yield list(interpreter.run(program for program, *_ in PROGRAMS))
        assert any("without a container" in stamp for stamp in interpreter.stamps())


@pytest.mark.parametrize("number", range(len(PROGRAMS)), ids=[program[:20] for program, *_ in PROGRAMS])
def test_what_a_program_printed_comes_back(told: list[str], number: int) -> None:
    _, present, absent = PROGRAMS[number]
    assert all(words in told[number] for words in present), told[number]
    assert not any(words in told[number] for words in absent), told[number]


REFUSED = [
    (Judging("process"), "accept_risk"),
    (Judging("podman"), "'podman' is not one of docker, bwrap, process"),
]


@pytest.mark.parametrize(("judging", "words"), REFUSED)
def test_no_sandbox_no_interpreter(judging: Judging, words: str) -> None:
    with pytest.raises(GenerateError, match=words), open_interpreter(judging):
        pass
