"""Everything that was answered in, a few items of each benchmark to look at out.

The page carries its items inside it, so there is a limit to how many and how long: items that flipped between a model
and what it is compared with come first, the rest is evenly spaced over the benchmark; a long text loses its middle and
says so. What is left out is in the run directory.
"""

from collections.abc import Sequence
from itertools import chain

from specialists.records import Prompt
from specialists.report.answered import Answered
from specialists.report.comparison import Item, Pair, Seen, Shelf
from specialists.report.pairs import Forms

_PROMPT = (400, 1400)  # characters kept of its head and of its tail: a prompt ends in the question
_ANSWER = (1200, 500)
_FLIPS_SHARE = 0.75  # of the items shown, at most


def shelves(forms: Forms, pairs: Sequence[Pair], limit: int) -> list[Shelf]:
    """Return one shelf a benchmark, with at most `limit` items each; 0 gives none."""
    names = dict.fromkeys(benchmark for _, benchmark in forms) if limit else ()
    return [_shelf([a for (_, b), asked in forms.items() if b == name for a in asked], pairs, limit) for name in names]


def chosen(items: Sequence[str], flipped: set[str], limit: int) -> list[str]:
    """Return at most `limit` items in their order: flipped ones first, to three quarters, then evenly spaced ones."""
    if len(items) <= limit:
        return list(items)
    flips = _spaced([item for item in items if item in flipped], int(_FLIPS_SHARE * limit))
    rest = _spaced([item for item in items if item not in flipped], limit - len(flips))
    kept = {*flips, *rest}
    return [item for item in items if item in kept]


def _shelf(columns: Sequence[Answered], pairs: Sequence[Pair], limit: int) -> Shelf:
    score = columns[0].score
    everything = list(dict.fromkeys(chain.from_iterable(column.shares for column in columns)))
    flipped = {item for pair in pairs if pair.benchmark == score.benchmark for item in (*pair.gained, *pair.lost)}
    return Shelf(
        benchmark=score.benchmark,
        title=score.title,
        columns=tuple((column.score.model, column.score.form) for column in columns),
        total=len(everything),
        items=tuple(_item(item, columns) for item in chosen(everything, flipped, limit)),
    )


def _item(item: str, columns: Sequence[Answered]) -> Item:
    questions = [column.questions.get(item) for column in columns]
    known = [question for question in questions if question is not None]
    prompts = list(dict.fromkeys(_worded(question.prompt) for question in known))
    return Item(
        id=item,
        group=known[0].group if known else "",
        prompts=tuple(_clipped(prompt, _PROMPT) for prompt in prompts),
        asked=tuple(-1 if question is None else prompts.index(_worded(question.prompt)) for question in questions),
        gold=_clipped(known[0].gold) if known else "",
        seen=tuple(_seen(column, item) for column in columns),
    )


def _seen(column: Answered, item: str) -> Seen | None:
    """Return the first answer of an item, with the share of all its answers."""
    if item not in column.by_item:
        return None
    completion, verdict = column.by_item[item][0]
    return Seen(
        mark=verdict.mark,
        share=column.shares[item],
        answer=_clipped(verdict.answer or ""),
        reason=_clipped(verdict.reason),
        stop=completion.stop,
        tokens=completion.num_tokens,
        text=_clipped(completion.text),
    )


def _worded(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in prompt)


def _clipped(text: str, limits: tuple[int, int] = _ANSWER) -> str:
    head, tail = limits
    left_out = len(text) - head - tail
    if left_out <= 0:
        return text
    return f"{text[:head]}\n[... {left_out:,} characters left out here ...]\n{text[-tail:]}"


def _spaced(items: Sequence[str], limit: int) -> list[str]:
    if len(items) <= limit:
        return list(items)
    return [items[place * len(items) // limit] for place in range(limit)]
