"""A model with an interpreter: it writes programs and reads what they print.

A reply that ends with a fenced Python block asks for a run; so does one that goes on to write an output block of its
own, which is cut off. The program is run alone, by whatever the family handed over, and what it printed comes back
fenced as `output`: inside the text where the model continues a text, as the next turn where it holds a conversation.
Then the model goes on, a bounded number of times.

All requests go round by round, so that a batch stays a batch. What is kept of a completion is everything that was
written, outputs included, in its order.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from specialists.family import Interpreter
from specialists.generate.backend import Backend, Reply, Request, Settings
from specialists.records import Message, Prompt, Stop

OUTPUT_CHARS = 2000  # of one program that a model gets to see; the middle of more is left out
INSTRUCTION = (
    "You can run Python. Write a whole program in a ```python block and end your message there: it will be run on its "
    "own, and what it prints will be shown to you. Print every value that you need. When you know the answer, give it "
    "without another program."
)
_OUTPUT = "```output"
_FENCED = re.compile(r"^```[ \t]*(\w*)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass
class _Talk:
    """One completion in the making: what is asked next, and what was written so far."""

    prompt: Prompt
    seed: int
    said: str = ""  # the last reply
    text: str = ""
    num_tokens: int = 0
    num_calls: int = 0

    def request(self) -> Request:
        """Ask for the next part, with a seed of its own."""
        seed = zlib.crc32(f"{self.seed}/{self.num_calls}".encode()) if self.num_calls else self.seed
        return Request(self.prompt, seed)

    def hear(self, reply: Reply) -> None:
        """Take in what the model wrote."""
        gap = "\n" if self.text and not isinstance(self.prompt, str) else ""
        self.said, self.text = reply.text, self.text + gap + reply.text
        self.num_tokens += reply.num_tokens

    def see(self, output: str) -> None:
        """Put the output of the program that the last reply ended with before the model."""
        block = f"{_OUTPUT}\n{output.rstrip()}\n```"
        self.text = f"{self.text.rstrip()}\n{block}"
        self.num_calls += 1
        if isinstance(self.prompt, str):
            self.prompt = f"{self.prompt.rstrip()}{self.said.rstrip()}\n{block}"
        else:
            said, shown = Message(role="assistant", content=self.said), Message(role="user", content=block)
            self.prompt = (*self.prompt, said, shown)

    def reply(self, stop: Stop) -> Reply:
        """Return everything that was written."""
        return Reply(self.text, stop, self.num_tokens, self.num_calls)


class ToolBackend:
    """Another backend, whose model may have programs run; see `Backend`."""

    def __init__(self, backend: Backend, interpreter: Interpreter, *, most_calls: int, sandbox: str) -> None:
        """Put an interpreter beside a backend.

        Args:
            backend: generates.
            interpreter: runs the programs.
            most_calls: programs that are run for one completion.
            sandbox: what the interpreter runs in, for the protocol.
        """
        self._sandbox = sandbox
        self._backend = backend
        self._interpreter = interpreter
        self._most_calls = most_calls

    @property
    def protocol(self) -> Mapping[str, str]:
        """How the backend works, and the terms of the interpreter."""
        terms = (
            f"Python in sandbox {self._sandbox!r}, at most {self._most_calls} programs a completion, each run alone; "
            f"{OUTPUT_CHARS} characters of output shown; max_new_tokens before, between and after them"
        )
        return {**self._backend.protocol, "interpreter": terms}

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index, reply)` as each completion ends; see `Backend`."""
        talks = {index: _Talk(_instructed(request.prompt), request.seed) for index, request in enumerate(requests)}
        settings = replace(settings, stop=(*settings.stop, _OUTPUT))
        while talks:
            order = sorted(talks)
            programs: dict[int, str] = {}
            for place, reply in self._backend.generate([talks[index].request() for index in order], settings):
                index, talk = order[place], talks[order[place]]
                talk.hear(reply)
                program = asked_to_run(reply)
                if program is None:
                    yield index, talk.reply(reply.stop)
                elif talk.num_calls == self._most_calls:
                    yield index, talk.reply(Stop.ROUNDS)
                else:
                    programs[index] = program
            asking = sorted(programs)
            outputs = self._interpreter.run(programs[index] for index in asking)
            for index, output in zip(asking, outputs, strict=True):
                talks[index].see(shown(output))
            talks = {index: talks[index] for index in asking}
            settings = replace(settings, may_outgrow=True)


def asked_to_run(reply: Reply) -> str | None:
    """Return the program that a reply ends with, None if it ends with something else or was broken off."""
    if reply.stop not in (Stop.END, Stop.WORD):
        return None
    text = reply.text.rstrip()
    last = next((block for block in reversed(list(_FENCED.finditer(text)))), None)
    if last is None or last.end() != len(text) or last[1].lower() not in ("python", "py"):
        return None
    return last[2]


def shown(output: str) -> str:
    """Return as much of an output as a model gets to see: its beginning and its end."""
    left_out = len(output) - OUTPUT_CHARS
    if left_out <= 0:
        return output
    half = OUTPUT_CHARS // 2
    return f"{output[:half]}\n[{left_out} characters left out]\n{output[-half:]}"


def _instructed(prompt: Prompt) -> Prompt:
    """Tell a conversation about the interpreter, in its first user turn, which every chat template has."""
    if isinstance(prompt, str):
        return prompt
    first = next(place for place, message in enumerate(prompt) if message.role == "user")
    told = Message(role="user", content=f"{INSTRUCTION}\n\n{prompt[first].content}")
    return (*prompt[:first], told, *prompt[first + 1 :])
