"""A model with an interpreter: who asks for a run, what it sees, when it ends."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from specialists.generate.backend import Reply, Request, Settings
from specialists.generate.tools import INSTRUCTION, OUTPUT_CHARS, ToolBackend, asked_to_run, shown
from specialists.records import Message, Prompt, Stop

PROGRAM = "```python\nprint(2 + 3)\n```"
ASKS = [
    # what a model wrote, why it stopped, the program it asks to run
    (f"Let me see.\n{PROGRAM}", Stop.END, "print(2 + 3)\n"),
    (f"{PROGRAM}\n\n", Stop.WORD, "print(2 + 3)\n"),
    ("```py\nx = 1\n```", Stop.END, "x = 1\n"),
    ("``` Python \nx = 1\n```", Stop.END, "x = 1\n"),
    (f"{PROGRAM}\nfirst\n```python\nprint(1)\n```", Stop.END, "print(1)\n"),
    (f"```text\nprint\n```\n{PROGRAM}", Stop.END, "print(2 + 3)\n"),
    (PROGRAM, Stop.LENGTH, None),
    (PROGRAM, Stop.FILTERED, None),
    (f"{PROGRAM}\nSo it is 5.", Stop.END, None),
    (f"{PROGRAM}\n```text\n5\n```", Stop.END, None),
    ("```python\nprint(2 + 3)", Stop.END, None),
    ("```\nprint(2 + 3)\n```", Stop.END, None),
    ("```rust\nfn main() {}\n```", Stop.END, None),
    ("It is 5.", Stop.END, None),
    ("", Stop.END, None),
]


@pytest.mark.parametrize(("text", "stop", "program"), ASKS)
def test_who_asks_for_a_run(text: str, stop: Stop, program: str | None) -> None:
    assert asked_to_run(Reply(text, stop, 1)) == program


class Script:
    """A backend that says its lines in order, per request, and notes what it was asked."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        self.asked: list[Request] = []
        self.settings: list[Settings] = []

    @property
    def protocol(self) -> dict[str, str]:
        return {"backend": "script"}

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        line = self.lines[len(self.settings)]
        self.settings.append(settings)
        self.asked.extend(requests)
        for index in reversed(range(len(requests))):
            yield index, Reply(line, Stop.END, 7)


class Five:
    """An interpreter to which every program is 5."""

    def __init__(self, output: str = "5") -> None:
        self.output = output
        self.ran: list[str] = []

    def run(self, programs: Iterable[str]) -> Iterator[str]:
        for program in programs:
            self.ran.append(program)
            yield self.output

    def stamps(self) -> tuple[str, ...]:
        return ()


def talk(script: Script, prompt: Prompt, *, most_calls: int = 3, output: str = "5") -> Reply:
    backend = ToolBackend(script, Five(output), most_calls=most_calls, sandbox="docker")
    ((_, reply),) = backend.generate([Request(prompt, seed=1)], Settings(9, stop=("\nQ:",)))
    return reply


def test_a_conversation_goes_on_with_the_output_as_the_next_turn() -> None:
    script = Script(f"First.\n{PROGRAM}", "It is 5.")
    reply = talk(script, (Message(role="user", content="2 + 3?"),))
    assert reply == Reply(f"First.\n{PROGRAM}\n```output\n5\n```\nIt is 5.", Stop.END, 14, num_calls=1)
    first, second = (request.prompt for request in script.asked)
    assert first == (Message(role="user", content=f"{INSTRUCTION}\n\n2 + 3?"),)
    assert second == (
        *first,
        Message(role="assistant", content=f"First.\n{PROGRAM}"),
        Message(role="user", content="```output\n5\n```"),
    )
    assert script.settings[0] == Settings(9, stop=("\nQ:", "```output"))
    assert script.settings[1].may_outgrow
    assert script.asked[0].seed == 1 != script.asked[1].seed


def test_a_text_goes_on_where_it_stopped() -> None:
    script = Script(f" First.\n{PROGRAM}\n", "\nIt is 5.")
    reply = talk(script, "2 + 3 =\n")
    assert reply.text == f" First.\n{PROGRAM}\n```output\n5\n```\nIt is 5."
    assert [request.prompt for request in script.asked] == [
        "2 + 3 =\n",
        f"2 + 3 = First.\n{PROGRAM}\n```output\n5\n```",
    ]


def test_the_rounds_end() -> None:
    script = Script(*[PROGRAM] * 3)
    reply = talk(script, "?", most_calls=2)
    assert (reply.stop, reply.num_calls, reply.num_tokens) == (Stop.ROUNDS, 2, 21)
    assert reply.text.count("```output") == 2


def test_each_talk_gets_its_own_output() -> None:
    class Prints(Five):
        def run(self, programs: Iterable[str]) -> Iterator[str]:
            yield from (program.removeprefix("print(").removesuffix(")\n") for program in programs)

    class Copies(Script):
        def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
            del settings
            for index in reversed(range(len(requests))):
                prompt = str(requests[index].prompt)
                done = "output" in prompt or prompt == "1"
                yield index, Reply("done" if done else f"```python\nprint({prompt})\n```", Stop.END, 1)

    backend = ToolBackend(Copies(), Prints(), most_calls=1, sandbox="docker")
    replies = dict(backend.generate([Request(str(n)) for n in range(4)], Settings(9)))
    assert [reply.num_calls for _, reply in sorted(replies.items())] == [1, 0, 1, 1]
    for n in (0, 2, 3):
        assert f"```output\n{n}\n```" in replies[n].text


def test_long_outputs_lose_their_middle() -> None:
    assert shown("a" * OUTPUT_CHARS) == "a" * OUTPUT_CHARS
    cut = shown("a" * OUTPUT_CHARS + "b" * OUTPUT_CHARS)
    assert cut.startswith("aaa") and cut.endswith("bbb") and f"[{OUTPUT_CHARS} characters left out]" in cut
    assert len(cut) < OUTPUT_CHARS + 40


def test_the_terms_stand_in_the_protocol() -> None:
    protocol = ToolBackend(Script(), Five(), most_calls=4, sandbox="docker").protocol
    assert protocol["backend"] == "script"
    assert "at most 4 programs" in protocol["interpreter"] and str(OUTPUT_CHARS) in protocol["interpreter"]
