"""A table of scores in, what is wrong with it or must be said of it out.

A linter for evaluations: does every value follow from its verdicts, were the models of a column asked the same items in
the same way, was a gain only one of format, how many answers were cut off. The same idea for tables that others
published is in `quoted`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from specialists.metrics import mean, wilson
from specialists.records import Mark
from specialists.report.answered import Answered
from specialists.report.comparison import Cell, Check, Clean, Finding, Pair
from specialists.report.pairs import Forms

_TRUNCATED = 0.1  # share of cut answers from which it is a caution
_PROTOCOL_NOTES = ("source", "items", "metric")  # say where items come from, not how they were asked
_ABSENT = {"interpreter": "none", "profile": "none"}  # what it means where a protocol does not state it


def audit(
    forms: Forms,
    cells: Mapping[str, Mapping[str, Cell]],
    pairs: Sequence[Pair],
    clean: Sequence[Clean],
    made_by: Mapping[str, Mapping[str, int]],
    doubled: Sequence[Answered],
) -> list[Check]:
    """Return every check with what it found; `doubled`: answers left out because an earlier run has the same cell."""
    scores = [one for found in forms.values() for one in found]
    asked = columns(cells, forms)
    return [
        _check("The value, n and interval follow from the verdicts", scores, map(_value, scores), "scores"),
        _check("A cell has one score", scores, map(_doubled, doubled), "scores"),
        _check("All models of a benchmark were asked the same items", asked, map(_split, asked), "benchmarks"),
        _check("All models of a benchmark were asked in one way", asked, map(_protocol, asked), "benchmarks"),
        _check("The protocol says what was done", scores, map(_declared, scores), "scores"),
        _check("One grader judged a benchmark", asked, map(_grader, asked), "benchmarks"),
        _check("No gain is one of format", pairs, map(_format, pairs), "tests"),
        _check("Answers had room to end", scores, map(_truncated, scores), "scores"),
        _check("The grader decided every answer", scores, map(_undecided, scores), "scores"),
        _check("A pass has a strong proof", scores, map(_proof, scores), "scores"),
        _check("What the grader and the data say", scores, map(_stamps, scores), "scores"),
        _check("Training data was searched, and touches no item", clean, map(_contaminated, clean), "scores"),
        _check("One state of the code made everything", made_by, [_commits(made_by)], "kinds of version"),
    ]


def differing(column: Sequence[Answered]) -> dict[str, list[str]]:
    """Return the settings in which the answers of a column were made differently; the form itself is not one."""
    settings: dict[str, set[str]] = defaultdict(set)
    for asked in column:
        for name, value in (_ABSENT | asked.score.protocol).items():
            settings[name].add(value)
        settings["answers a problem"].add(f"{len(asked.verdicts) / asked.score.n:g}")
    return {
        name: sorted(values)
        for name, values in sorted(settings.items())
        if len(values) > 1 and name not in _PROTOCOL_NOTES
    }


def columns(cells: Mapping[str, Mapping[str, Cell]], forms: Forms) -> list[list[Answered]]:
    """Return for each benchmark the best answers of every model that was asked it."""
    found: dict[str, list[Answered]] = defaultdict(list)
    for model, by_benchmark in cells.items():
        for benchmark in by_benchmark:
            found[benchmark].append(forms[model, benchmark][0])
    return list(found.values())


def _check(
    name: str, looked_at: Sequence[object] | Mapping[str, object], found: Iterable[Finding | None], what: str
) -> Check:
    return Check(
        name=name,
        looked_at=f"{len(looked_at)} {what}",
        findings=tuple(finding for finding in found if finding is not None),
    )


def _at(asked: Answered) -> str:
    return f"{asked.score.model} on {asked.score.title}, {asked.score.form}"


def _value(asked: Answered) -> Finding | None:
    score = asked.score
    value, n = mean(list(asked.shares.values())), len(asked.shares)
    right = sum(verdict.mark is Mark.CORRECT for verdict in asked.verdicts)
    wrong = []
    if abs(value - score.value) > 1e-9:
        wrong.append(f"the score says {score.value:.4f}, its {right} right of {len(asked.verdicts)} give {value:.4f}")
    if n != score.n:
        wrong.append(f"the score says n = {score.n}, its verdicts are on {n} items")
    if max(abs(a - b) for a, b in zip(wilson(value, n), (score.low, score.high), strict=True)) > 1e-9:
        wrong.append(f"the interval is not the Wilson interval of {value:.4f} and n = {n}")
    return Finding(level="fault", where=_at(asked), what="; ".join(wrong)) if wrong else None


def _doubled(asked: Answered) -> Finding:
    what = f"asked again in run {asked.run} ({100 * asked.score.value:.1f} %); the first run's score stands"
    return Finding(level="note", where=_at(asked), what=what)


def _split(column: Sequence[Answered]) -> Finding | None:
    splits = {(asked.score.n, asked.score.subset) for asked in column}
    if len(splits) == 1 and len({frozenset(asked.shares) for asked in column}) == 1:
        return None
    said = "; ".join(f"{a.score.model}: n = {a.score.n} {a.score.subset}".rstrip() for a in column)
    return Finding(
        level="caution", where=column[0].score.title, what=f"the items differ, no test between them ({said})"
    )


def _protocol(column: Sequence[Answered]) -> Finding | None:
    found = differing(column)
    said = "; ".join(f"{name}: {' / '.join(values)}" for name, values in found.items())
    return Finding(level="caution", where=column[0].score.title, what=said) if found else None


def _declared(asked: Answered) -> Finding | None:
    protocol, samples = asked.score.protocol, len(asked.verdicts) / asked.score.n
    wrong = []
    if protocol.get("decoding") == "greedy" and float(protocol.get("temperature", "0")) > 0:
        wrong.append(f"says greedy, was sampled at temperature {protocol['temperature']}")
    if float(protocol.get("samples", samples)) != samples:
        wrong.append(f"says {protocol['samples']} answers a problem, there are {samples:g}")
    return Finding(level="fault", where=_at(asked), what="its protocol " + "; ".join(wrong)) if wrong else None


def _grader(column: Sequence[Answered]) -> Finding | None:
    codes = {(asked.judged.inputs.get("code", ""), asked.judged.inputs.get("sandbox", "")) for asked in column}
    if len(codes) == 1:
        return None
    what = f"judged by {len(codes)} states of the grader's code or kinds of sandbox; run `grade` again on every run"
    return Finding(level="caution", where=column[0].score.title, what=what)


def _format(pair: Pair) -> Finding | None:
    if not pair.gain_of_format:
        return None
    what = f"a gain only over {pair.other} asked as {pair.gain_of_format}; asked as {pair.other_form}, none is shown"
    return Finding(level="caution", where=f"{pair.model} on {pair.title}", what=what)


def _truncated(asked: Answered) -> Finding | None:
    cut, answers = asked.form_score.truncated, asked.form_score.answers
    if cut <= _TRUNCATED * answers:
        return None
    limit = asked.score.protocol.get("max_new_tokens", "?")
    return Finding(level="caution", where=_at(asked), what=f"{cut} of {answers} answers were cut at {limit} tokens")


def _undecided(asked: Answered) -> Finding | None:
    if not asked.form_score.undecided:
        return None
    what = f"{asked.form_score.undecided} of {asked.form_score.answers} answers are undecided and count as not right"
    return Finding(level="caution", where=_at(asked), what=what)


def _proof(asked: Answered) -> Finding | None:
    weak = asked.score.weak_proofs
    return Finding(level="caution", where=_at(asked), what=f"{weak} passes rest on a weak proof") if weak else None


def _stamps(asked: Answered) -> Finding | None:
    stamps = asked.score.stamps
    return Finding(level="caution", where=_at(asked), what="; ".join(stamps)) if stamps else None


def _contaminated(clean: Clean) -> Finding | None:
    where = f"{clean.model} on {clean.title}"
    if not clean.searched:
        return Finding(level="caution", where=where, what="its training data was not searched for these items")
    if clean.learned:
        what = f"{clean.learned} of {clean.full.n} items are touched by samples it was trained on"
        return Finding(level="caution", where=where, what=what)
    return None


def _commits(made_by: Mapping[str, Mapping[str, int]]) -> Finding | None:
    several = {name: values for name, values in made_by.items() if len(values) > 1 and name not in _PROTOCOL_NOTES}
    dirty = [commit for commit in made_by.get("commit", {}) if commit.endswith("+")]
    said = [f"{name}: {', '.join(f'{value} ({n} steps)' for value, n in v.items())}" for name, v in several.items()]
    said += [f"commit {commit} had uncommitted changes" for commit in dirty]
    return Finding(level="note", where="the runs", what="; ".join(said)) if said else None
