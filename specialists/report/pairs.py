"""Answers of two models to the same items in, tests out.

Every specialist is held against its base, and against the model before it in its chain where that is another one, each
in its best form. A base's best form is chosen on the same items, which can only make the base look better. All tests
of a report are one family: a difference is marked where its p-value after Holm is below 5 %.
"""

from collections.abc import Mapping, Sequence

from specialists.report.answered import Answered
from specialists.report.comparison import FormTest, Pair, Relation, Row
from specialists.report.paired import ALPHA, detectable, holm, paired_interval, paired_p

Forms = Mapping[tuple[str, str], Sequence[Answered]]
"""(model, benchmark) -> its forms, the best one first."""


def held_against(rows: Sequence[Row], forms: Forms) -> list[Pair]:
    """Return the test of every model against its base and its predecessor, on every benchmark where items agree."""
    matches = [
        (forms[row.name, benchmark], forms[other, benchmark])
        for row in rows
        for other in dict.fromkeys(name for name in (row.base, row.before) if name)
        for benchmark in dict.fromkeys(benchmark for _, benchmark in forms)
        if (row.name, benchmark) in forms and (other, benchmark) in forms
    ]
    matches = [(mine, theirs) for mine, theirs in matches if mine[0].shares.keys() == theirs[0].shares.keys()]
    adjusted = holm([paired_p(_differences(mine[0], theirs[0])) for mine, theirs in matches])
    strictest = ALPHA / max(1, len(matches))
    return [_pair(mine[0], theirs, p_holm, strictest) for (mine, theirs), p_holm in zip(matches, adjusted, strict=True)]


def _pair(mine: Answered, theirs: Sequence[Answered], p_holm: float, strictest: float) -> Pair:
    differences = _differences(mine, theirs[0])
    low, high = paired_interval(differences)
    gained = tuple(item for item, d in zip(mine.shares, differences, strict=True) if d > 0)
    lost = tuple(item for item, d in zip(mine.shares, differences, strict=True) if d < 0)
    tests = tuple(_form_test(mine, other) for other in theirs if other.shares.keys() == mine.shares.keys())
    return Pair(
        model=mine.score.model,
        other=theirs[0].score.model,
        benchmark=mine.score.benchmark,
        title=mine.score.title,
        form=mine.score.form,
        other_form=theirs[0].score.form,
        n=len(differences),
        both=sum(mine.shares[item] > 0 and theirs[0].shares[item] > 0 for item in mine.shares),
        gained=gained,
        lost=lost,
        difference=sum(differences) / len(differences),
        low=low,
        high=high,
        p=tests[0].p,
        p_holm=p_holm,
        detectable=detectable(len(differences), (len(gained) + len(lost)) / len(differences), alpha=strictest),
        relation=_relation(sum(differences), p_holm),
        by_form=tests,
        gain_of_format=_format_gain(tests),
    )


def _form_test(mine: Answered, theirs: Answered) -> FormTest:
    differences = _differences(mine, theirs)
    return FormTest(form=theirs.score.form, difference=sum(differences) / len(differences), p=paired_p(differences))


def _format_gain(tests: Sequence[FormTest]) -> str:
    """Return the weaker form of the other over which alone this is a gain, "" where it is one over the best form too.

    Each test stands alone here: the marks are corrected for their number, a caution need not be.
    """
    best, *weaker = [test.form if test.difference > 0 and test.p < ALPHA else "" for test in tests]
    return "" if best else next(filter(None, reversed(weaker)), "")


def _differences(mine: Answered, theirs: Answered) -> list[float]:
    return [share - theirs.shares[item] for item, share in mine.shares.items()]


def _relation(difference: float, p_holm: float) -> Relation:
    if p_holm >= ALPHA:
        return "within"
    return "above" if difference > 0 else "below"
