"""What a report says, as records: every number that is shown.

`report.json` is a `Comparison` written out; the page and the Markdown are drawn from the same object. The items for
the page's browser hang on it too, but they are texts to look at, not numbers, and stay out of the JSON.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specialists.records import Mark, Score, Stop
from specialists.report.published import Table

Relation = Literal["above", "below", "within", ""]
SIGNS: dict[Relation, str] = {"above": "▲", "below": "▼", "within": "≈", "": ""}  # from the paired test, after Holm
_REMARK_CHARS = 20
ITEMS = 150  # of each benchmark that can be looked at in the page, if nobody asks for another number


def short(title: str) -> str:
    """Return a benchmark's title without a long remark in brackets."""
    head, _, remark = title.partition(" (")
    return head if len(remark) > _REMARK_CHARS else title


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Row(_Part):
    """One model: who it is, what it was made from, by which stages of which run."""

    name: str
    checkpoint: str  # digest of its weights
    kind: str  # "base", "text" or "chat"
    run: str
    base: str = ""  # name of the model it is held against: its run's start, or the only base there is; "" for a base
    before: str = ""  # name of the named model before it in the chain; "" for a base
    stages: tuple[str, ...] = ()  # names of the stages that made it, from the base on


class FormScore(Score):
    """A score with what became of every answer behind it, and what it was made from."""

    run: str
    answers: int
    stops: dict[Stop, int]  # why the answers ended
    at_k: dict[str, float] = Field(default_factory=dict)  # "pass@10", "maj@20"; only with several answers a problem
    reasons: dict[Mark, dict[str, int]]  # mark -> class of the reason -> answers, the most first
    made_from: dict[str, str]  # digests: weights, prompts, decoding, completions, verdicts, code of the grader

    @property
    def truncated(self) -> int:
        """Answers that ran into the token limit."""
        return self.stops.get(Stop.LENGTH, 0)

    @property
    def undecided(self) -> int:
        """Answers that the grader could prove neither right nor wrong."""
        return self.marks.get(Mark.UNDECIDED, 0)


class Cell(_Part):
    """One model on one benchmark: the score that counts, and every form that was asked."""

    best: FormScore
    forms: tuple[FormScore, ...]
    against_base: Relation = ""  # of the paired test with the base's best form; "" for a base, or without that test


class FormTest(_Part):
    """The difference to another model asked in one of its forms, with the p-value of that test alone."""

    form: str
    difference: float
    p: float


class Pair(_Part):
    """Two models on the same items of a benchmark, each in its best form.

    `gained` and `lost` are the ids of the items that flipped (with several answers an item: its share rose or fell).
    """

    model: str
    other: str
    benchmark: str
    title: str
    form: str
    other_form: str
    n: int
    both: int  # items that both solve (with several answers: any)
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    difference: float  # share of the model less that of the other
    low: float  # paired bootstrap, 95 %
    high: float
    p: float  # exact McNemar, or the sign-flip test with several answers an item
    p_holm: float  # over all tests of this report
    detectable: float | None  # smallest true difference that this test would have marked with 80 % probability
    relation: Relation
    by_form: tuple[FormTest, ...]  # against every form of the other
    gain_of_format: str = ""  # the form of the other against which this would be a gain, though it is none


class Part(_Part):
    """A share on a part of a benchmark's items; `base` is the base's share on the same ones."""

    n: int
    value: float
    low: float
    high: float
    base: float | None


class Clean(_Part):
    """A score on the items that the model's training data leaves alone, beside the score on all of them.

    `unlearned` leaves out the items that a sample it was trained on touches, by whatever way the data was searched;
    `untouched` also those that only dropped samples touched. None where nothing is left.
    """

    model: str
    benchmark: str
    title: str
    searched: bool  # whether the training data was searched for this benchmark's items
    learned: int  # items touched by samples that were kept
    touched: int  # items touched by any sample
    full: Part
    unlearned: Part | None
    untouched: Part | None


class Training(_Part):
    """How one stage went."""

    run: str
    stage: str
    gives: str
    objective: str
    facts: dict[str, Any]
    steps: list[float]  # of the points of the curves: at most 400, each the mean of its bucket
    loss: list[float]
    lr: list[float]
    holdout: list[tuple[int, float]]  # step, loss on blocks kept aside; empty where none are
    data: dict[str, Any]  # facts of its data
    funnel: dict[str, Any]
    example: str
    made_from: dict[str, str]  # digests: weights before, data, knobs, weights after


class Finding(_Part):
    """Something the audit found: "fault" makes a number wrong, "caution" changes how it may be read, "note" informs."""

    level: Literal["fault", "caution", "note"]
    where: str
    what: str


class Check(_Part):
    """One thing the audit looked for: in how many places, and what it found."""

    name: str
    looked_at: str  # "14 scores"
    findings: tuple[Finding, ...]


class Seen(_Part):
    """What one model made of one item."""

    mark: Mark
    share: float  # of its answers that are right
    answer: str
    reason: str
    stop: Stop
    tokens: int
    text: str


class Item(_Part):
    """One item to look at; `seen` is in the order of the columns, None where a model was not asked."""

    id: str
    group: str
    prompts: tuple[str, ...]  # every wording that was used
    asked: tuple[int, ...]  # column -> place in `prompts`; -1 where the run kept none
    gold: str
    seen: tuple[Seen | None, ...]


class Shelf(_Part):
    """The items of one benchmark in the browser: all, or a part that says so."""

    benchmark: str
    title: str
    columns: tuple[tuple[str, str], ...]  # model, form
    total: int
    items: tuple[Item, ...]


class Regraded(_Part):
    """The score of samples that others published, judged here."""

    samples: str  # name of their file
    benchmark: str
    title: str
    answers: int
    value: float
    n: int  # problems that the file answers
    low: float
    high: float
    marks: dict[Mark, int]


class Comparison(_Part):
    """Everything the report shows."""

    titles: dict[str, str]  # benchmark -> title, in the order of the columns
    rows: list[Row]
    cells: dict[str, dict[str, Cell]]  # model -> benchmark -> cell
    pairs: list[Pair]
    mixed: dict[str, dict[str, list[str]]]  # benchmark -> setting in which its answers were made differently -> values
    clean: list[Clean]
    trainings: list[Training]
    audit: list[Check]
    made_by: dict[str, dict[str, int]]  # commit, library ... -> value -> finished steps that it made
    finished: str
    regraded: list[Regraded] = Field(default_factory=list)
    quoted: list[Table] = Field(default_factory=list)  # what others published on the same benchmarks, if asked for
    shelves: list[Shelf] = Field(default_factory=list, exclude=True)

    def cell(self, model: str, benchmark: str) -> Cell | None:
        """Return the cell of a model and a benchmark, None where it was not judged."""
        return self.cells[model].get(benchmark)

    def column(self, benchmark: str) -> list[FormScore]:
        """Return the best score of every model that was asked a benchmark."""
        return [cells[benchmark].best for cells in self.cells.values() if benchmark in cells]

    def pair(self, model: str, benchmark: str) -> Pair | None:
        """Return the test of a model against its base on a benchmark, None where there is none."""
        base = next(row.base for row in self.rows if row.name == model)
        found = (p for p in self.pairs if (p.model, p.other, p.benchmark) == (model, base, benchmark))
        return next(found, None)
