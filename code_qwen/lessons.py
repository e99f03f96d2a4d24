"""Training samples from the small-function grammar.

Three makers, all of tasks that the benchmark does not ask (`functions.tasks("train")`): `functions` are modules of
documented functions, for continued pretraining; `function-chat` are single requests with their answer; `repair-chat`
are conversations in which a function is changed on request or a bug is found from a failing example.
"""

import random
from collections.abc import Iterator

from code_qwen.functions import Task, drawn, tasks
from specialists.recipe import Source
from specialists.records import Message, Sample

_REQUESTS = (
    "In Python, write `{name}(xs)`: {description}.",
    "Implement `{name}(xs)` in Python; {description}.",
    "Please code `{name}(xs)` for a list of integers: {description}.",
    "I need a function `{name}(xs)`. It should, {description}.",
)
_MODULE_SIZE = 4
_BUGS = (("x % 2 == 0", "x % 2 == 1"), ("x % 2 == 1", "x % 2 == 0"), (" > ", " >= "), (" < ", " <= "), ("max", "min"))
_BUGS += (
    ("min", "max"),
    ("sum(", "len("),
    ("x * x", "x + x"),
    ("2 * x", "x ** 2"),
    ("sorted(", "list("),
    ("abs(x)", "x"),
)


def request(task: Task, wording: int = 0) -> str:
    """Return what a user asks; wording 0 is the one the benchmark uses."""
    return _REQUESTS[wording].format(name=task.name, description=task.description)


def signature(task: Task) -> str:
    """Return the head of the function with its docstring, as a text model is asked to go on from."""
    return f'def {task.name}(xs):\n    """{task.description[0].upper()}{task.description[1:]}."""\n'


def fenced(program: str) -> str:
    """Return a program as a Markdown code block."""
    return f"```python\n{program.strip()}\n```"


def functions(source: Source, seed: int) -> Iterator[Sample]:
    """Yield modules of a few documented functions, each training task once."""
    order = drawn("train", seed)
    for begin in range(0, len(order), _MODULE_SIZE):
        text = "\n\n".join(f"{signature(task)}    {task.body}\n" for task in order[begin : begin + _MODULE_SIZE])
        yield Sample(id=f"{source.name}/{begin}", source=source.name, text=text, meta={"licence": "Apache-2.0"})


def function_chat(source: Source, seed: int) -> Iterator[Sample]:
    """Yield one request and answer for each training task."""
    rng = random.Random(seed)
    for number, task in enumerate(drawn("train", seed)):
        asked = request(task, rng.randrange(len(_REQUESTS)))
        yield _conversation(source, number, asked, fenced(task.program))


def repair_chat(source: Source, seed: int) -> Iterator[Sample]:
    """Yield conversations that change or repair a function, in turn."""
    rng = random.Random(seed)
    by_name = {task.name: task for task in tasks("train")}
    for number, task in enumerate(drawn("train", seed)):
        turns = _changed(task, by_name, rng) if number % 2 else _repaired(task, rng)
        if turns:
            yield _conversation(source, number, *turns)


def _changed(task: Task, by_name: dict[str, Task], rng: random.Random) -> tuple[str, ...]:
    """Ask for a function, then for the same with other numbers kept."""
    others = [t for t in by_name.values() if (t.change, t.give) == (task.change, task.give) and t != task]
    if not others:
        return ()
    other = rng.choice(others)
    change = f"Now make it `{other.name}(xs)`: take only the {other.keep.phrase}."
    return request(task), fenced(task.program), change, fenced(other.program)


def _repaired(task: Task, rng: random.Random) -> tuple[str, ...]:
    """Show a function with a bug and an input on which it is wrong; the answer names the bug and mends it."""
    bugs = [(right, wrong) for right, wrong in _BUGS if right in task.body]
    rng.shuffle(bugs)
    for right, wrong in bugs:
        broken = task.program.replace(right, wrong, 1)
        for xs, expected in task.examples(6):
            got = _run(broken, task.name, xs)
            if got is not None and got != repr(expected):
                asked = (
                    f"This should, {task.description}. But `{task.name}({xs})` gives {got} "
                    f"instead of {expected}.\n{fenced(broken)}"
                )
                return asked, f"`{wrong.strip()}` should be `{right.strip()}`:\n{fenced(task.program)}"
    return ()


def _run(program: str, name: str, xs: list[int]) -> str | None:
    """Return the repr of what a program of our own grammar gives, or None if it raises."""
    scope: dict[str, object] = {}
    exec(program, scope)  # made above from our own grammar; nothing a model wrote gets here
    try:
        return repr(scope[name](xs))  # pyright: ignore[reportCallIssue]
    except (TypeError, ValueError):
        return None


def _conversation(source: Source, number: int, *turns: str) -> Sample:
    messages = tuple(
        Message(role="assistant" if place % 2 else "user", content=turn) for place, turn in enumerate(turns)
    )
    return Sample(id=f"{source.name}/{number}", source=source.name, messages=messages)


MAKERS = {"functions": functions, "function-chat": function_chat, "repair-chat": repair_chat}
