"""What maths benchmarks share: how a model is asked, what must be refused, and the shape of a declaration.

All are judged on the final answer, found by the same extractor for every model: the last marked answer (`\\boxed`,
`####`, "the answer is", 答案), else the last number in the text, so that a base model which never saw our format is not
marked down for it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial

from math_qwen.extract import extract_answer
from math_qwen.grade import open_grader
from math_qwen.suites.shots import Shots
from specialists.errors import DataError
from specialists.family import CHAT, Benchmark, Profile, Published, Row
from specialists.records import Message, Problem, Prompt

EXTRACTOR = "flexible"
EXTRACTORS = ("flexible", "strict")
PROTOCOL = {"decoding": "greedy", "extractor": EXTRACTOR, "samples": "1"}

Ask = Callable[["MathProblem"], Prompt]


class MathProblem(Problem):
    """A question with a final answer in `gold` and a whole right solution beside it."""

    solution: str


def asked(text: str) -> Prompt:
    """Return a conversation of one message."""
    return (Message(role="user", content=text),)


def question(problem: MathProblem) -> Prompt:
    """Ask the question as it stands."""
    return asked(problem.prompt)


def few_shot(shots: Shots, before: str, answer: str) -> Ask:
    """Return a form that shows worked examples, then the question; with none it is a bare question and its cue.

    Args:
        shots: questions and their solutions.
        before, answer: what stands before a question and before a solution; blanks at the end of the prompt go.
    """
    shown = "".join(f"{before}{q}\n{answer}{a}\n\n" for q, a in shots)
    return lambda problem: f"{shown}{before}{problem.prompt}\n{answer}".rstrip()


def off_by_one(problem: MathProblem) -> Iterator[str]:
    """Yield answers that must be judged wrong: one more than the gold, in two forms, and none."""
    yield f"#### {problem.gold}+1"
    yield f"\\boxed{{{problem.gold}+1}}"
    yield ""


def final(solution: str, problem: str) -> str:
    """Return the marked answer of a published solution. Raises `DataError` where it has none."""
    answer = extract_answer(solution)
    if answer is None:
        raise DataError(f"{problem}: its published solution has no marked final answer")
    return answer


def plain_number(value: float | str) -> str:
    """Return a number as people write it: 145.0 is "145"."""
    if isinstance(value, str):
        return value.strip()
    return f"{Decimal(repr(value)).normalize():f}"


def declare(
    name: str,
    title: str,
    rows: Published | None,
    problems: Callable[[Iterable[Row]], list[MathProblem]],
    *,
    forms: Mapping[str, Ask],
    stop: str,
    max_new_tokens: int = 512,
    judged: str = "generic",
    protocol: Mapping[str, str],
    chat: Ask = question,
    wrong: Callable[[MathProblem], Iterator[str]] = off_by_one,
    exceptions: Mapping[str, str] | None = None,
    profiles: Mapping[str, Profile] | None = None,
) -> Benchmark[MathProblem]:
    """Return a benchmark that is judged on final answers.

    Args:
        forms: how a base is asked, beside chat; `stop` ends a completion in each of them.
        judged: a key of `math_qwen.answers.profile.PROFILES`: the data set's own rules.
        name, title, rows, problems, max_new_tokens, protocol, wrong, exceptions, profiles: as `Benchmark`.
        chat: how a chat model is asked.
    """
    return Benchmark(
        name=name,
        title=title,
        metric="accuracy",
        rows=rows,
        problems=problems,
        forms={**forms, CHAT: chat},
        open_grader=partial(open_grader, extractor=EXTRACTOR, profile=judged),
        right=lambda problem: problem.solution,
        wrong=wrong,
        max_new_tokens=max_new_tokens,
        stop=dict.fromkeys(forms, (stop,)),
        extractors=EXTRACTORS,
        exceptions=exceptions or {},
        profiles=profiles or {},
        protocol={**PROTOCOL, **protocol},
    )
