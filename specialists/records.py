"""The nouns: frozen records, one JSON line each.

A `Sample` is something to learn and a `Problem` is something to be asked. They are different types on purpose, so that
training on a test item is a type error. A `Verdict` is our judgement of a `Completion`; how a program ended inside the
sandbox is a `sandbox.Result` and never leaves the grader.
"""

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["system", "user", "assistant"]


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    # Validators are built when a record is first made: whoever only imports one need not wait for them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def to_line(self) -> str:
        """Return the record as one JSON line, without the line break."""
        return self.model_dump_json()


class Message(Record):
    """One turn of a conversation."""

    role: Role
    content: str


Prompt = str | tuple[Message, ...]
"""What a model is given: raw text to continue, or a conversation to answer."""


class Sample(Record):
    """Something to learn: either raw `text` or a conversation in `messages`.

    `origin` says where the row comes from (a path, a repository, "file.jsonl:12"); `meta` carries what is known of it
    (licence, language, commit).
    """

    id: str
    source: str
    text: str | None = None
    messages: tuple[Message, ...] = ()
    origin: str = ""
    meta: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.text is None) == (not self.messages):
            raise ValueError("a sample has either text or messages")
        return self

    def content(self) -> str:
        """Return everything the sample says, as one string, for filters that read text."""
        return self.text if self.text is not None else "\n".join(m.content for m in self.messages)


class Problem(Record):
    """Something to be asked. A benchmark may add fields (its tests, an entry point) in a subclass.

    `gold` is the reference: a program for code, an answer for maths. `group` names the part of the benchmark the
    problem belongs to, for breakdowns; "" where the benchmark has none.
    """

    id: str
    prompt: str
    gold: str
    group: str = ""


class Question(Record):
    """A problem as one model was asked it: the exact prompt, and the reference the answer is held against."""

    problem_id: str
    prompt: Prompt
    gold: str
    group: str = ""


class Stop(StrEnum):
    """Why a completion ended."""

    END = "end"  # the model produced an end-of-text or end-of-turn token
    WORD = "word"  # a stop string of the protocol appeared; it is cut off
    LENGTH = "length"  # the token limit was reached first
    FILTERED = "filtered"  # whoever serves the model withheld the rest
    ROUNDS = "rounds"  # it asked for one more program to be run than the protocol allows


class Completion(Record):
    """What a model answered. `sample` counts from 0 within one problem; `num_tokens` includes the stop token.

    `num_calls` counts the programs that the model wrote on the way and saw the output of; `text` holds them and it.
    """

    problem_id: str
    sample: int = 0
    text: str
    stop: Stop
    num_tokens: int
    num_calls: int = 0


class Mark(StrEnum):
    """Our judgement of one completion."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"  # nothing to judge was found in the text
    CRASHED = "crashed"  # the program raised, or died, before the tests were through
    TIMED_OUT = "timed_out"
    UNDECIDED = "undecided"  # the grader could not prove either way within its limits


class Verdict(Record):
    """The judgement of one completion, with what it rests on.

    `answer` is what was extracted and judged, `reason` the rule or error that decided. `proof` is "strong" where the
    judged text cannot have forged the outcome, "weak" where it could.
    """

    problem_id: str
    sample: int = 0
    mark: Mark
    answer: str | None = None
    reason: str = ""
    proof: Literal["strong", "weak"] = "strong"


class Score(Record):
    """One cell of the report: a share of correct problems with its interval and everything it hides.

    `low` and `high` bound the 95 % Wilson interval of `value` over `n` problems. `marks` counts every mark; `subset`
    says in words which problems were asked when not all of them were ("every 4th of 164").
    """

    benchmark: str
    title: str  # the benchmark's name as people write it
    model: str
    checkpoint: str  # digest of the weights that were judged
    form: str
    metric: str
    value: float
    n: int
    low: float
    high: float
    marks: dict[Mark, int]
    groups: dict[str, tuple[int, int]] = Field(default_factory=dict)  # group -> (correct, asked)
    subset: str = ""
    weak_proofs: int = 0
    stamps: tuple[str, ...] = ()  # what the reader must know, e.g. "judged without a container"
    protocol: dict[str, str] = Field(default_factory=dict)
