"""Samples in, verdicts on contamination out.

No sample may teach a benchmark's item. Two rules, chosen by the recipe (`Mix.overlap`), both counted:

    any       an informative 13-gram shared with any text of any item drops the sample: pretraining
    covered   it drops the sample only where the shared grams are a quarter of that text's, or a run of them is 0.6 of
              its words: fine-tuning on problems of the benchmark's kind, a fifth of which "any" would take for their
              set phrases

Under both, a conversation is dropped if a user turn holds the whole wording of an item in fewer than 13 words, and any
sample that holds an item in a disguise of the family's: a program with other names, a question with other numbers. In
raw text such a short wording ("Write a function to reverse a string") is counted and shown, and the text kept.

The report lists, item by item, which samples touch it, by what and with which words, kept ones too, so that a score can
be given on the items nothing touched (`specialists.touched`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from specialists.data.disguise import lookout_of
from specialists.data.overlap import EvalItem, Index, Overlap, eval_items
from specialists.data.words import Words, find_words
from specialists.family import Disguise, Drop
from specialists.records import Sample
from specialists.run import digest_of

__all__ = ["Decontamination", "EvalItem", "Index", "Rule", "eval_items", "final_scan"]

Rule = Literal["any", "covered"]
RULES: tuple[Rule, ...] = ("any", "covered")
COVERED_SHARE = 0.25  # of the 13-grams of one text of an item
COVERED_RUN = 0.6  # of the words of that text
WORDS, PROMPT = "words", "prompt"  # how an item is found, beside the names of disguises
_EXCERPTS = 5  # a benchmark, in the summary
_SHOWN_HITS = 20  # an item, in the whole report
_EXCERPT_CHARS = 200


class _Hit(NamedTuple):
    """One way in which a sample touches an item. `rules` are those by which it drops the sample."""

    item: int
    tier: str
    share: float
    words: str
    rules: tuple[Rule, ...]


@dataclass
class _Touch:
    """What was found of one benchmark."""

    samples: Counter[str] = field(default_factory=Counter)  # "dropped", "kept", "uninformative" -> samples
    tiers: Counter[str] = field(default_factory=Counter)  # tier -> samples
    items: dict[str, Counter[str]] = field(default_factory=dict)  # id -> "dropped", "kept" -> samples
    hits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # id -> the first few


class Decontamination:
    """Judges samples one by one and remembers what for. Give samples in a fixed order: the excerpts are the first."""

    def __init__(self, index: Index, rule: Rule, disguises: Sequence[Disguise] = ()) -> None:
        self.index = index
        self._rule: Rule = rule
        self._lookouts = [lookout_of(index.items, disguise) for disguise in disguises]
        self._touches: dict[str, _Touch] = defaultdict(_Touch)
        self._would_drop = Counter[str]()  # rule -> samples

    def judge(self, sample: Sample) -> Drop | None:
        """Return why the sample must go, naming the item and the words, or None."""
        words = find_words(sample.content(), marks=True)
        overlaps = self.index.overlaps(words.without_marks())
        for benchmark in {self._item(overlap.item).benchmark for overlap in overlaps if not overlap.informative}:
            self._touches[benchmark].samples["uninformative"] += 1
        hits = [*_word_hits(overlaps), *self._prompt_hits(sample, words), *self._disguised_hits(sample)]
        if not hits:
            return None
        for rule in RULES:
            self._would_drop[rule] += any(rule in hit.rules for hit in hits)
        drop = self._verdict([hit for hit in hits if self._rule in hit.rules])
        self._remember(sample, hits, dropped=drop is not None)
        return drop

    def report(self) -> dict[str, Any]:
        """Return what was found, as JSON values: for each benchmark its digest, items, hits, samples and excerpts."""
        sizes = Counter(item.benchmark for item in self.index.items)
        benchmarks = {
            name: {"digest": digest, "items": sizes[name]} | _summary(self._touches.get(name, _Touch()))
            for name, digest in self.index.digests.items()
        }
        return {
            "rule": self._rule,
            "index": digest_of(self.index.digests),
            "samples_by_rule": {rule: self._would_drop[rule] for rule in RULES},
            "searchable": {lookout.disguise.name: lookout.searchable for lookout in self._lookouts},
            "benchmarks": benchmarks,
        }

    def items(self) -> dict[str, dict[str, Any]]:
        """Return benchmark -> item id -> how many samples touch it, dropped and kept, and the first of them."""
        return {
            name: {item: {**touch.items[item], "hits": touch.hits[item]} for item in sorted(touch.items)}
            for name, touch in sorted(self._touches.items())
            if touch.items
        }

    def _prompt_hits(self, sample: Sample, words: Words) -> list[_Hit]:
        asked = [find_words(m.content, marks=True) for m in sample.messages if m.role == "user"]
        said = asked if sample.messages else [words]
        found = {number: wording for turn in said for number, wording in self.index.prompts_in(turn).items()}
        return [_Hit(number, PROMPT, 1.0, found[number], RULES if sample.messages else ()) for number in sorted(found)]

    def _disguised_hits(self, sample: Sample) -> list[_Hit]:
        return [
            _Hit(seen.item, lookout.disguise.name, seen.share, seen.words, RULES)
            for lookout in self._lookouts
            for seen in lookout.sightings(sample)
        ]

    def _verdict(self, hits: list[_Hit]) -> Drop | None:
        if not hits:
            return None
        first = min(hits, key=lambda hit: (_order(hit.tier), -hit.share, hit.item))
        reason = {WORDS: "benchmark_overlap", PROMPT: "benchmark_item"}.get(first.tier, f"benchmark_{first.tier}")
        return Drop(reason, f"{self._label(first.item)}: {first.words[:_EXCERPT_CHARS]}")

    def _remember(self, sample: Sample, hits: list[_Hit], *, dropped: bool) -> None:
        outcome = "dropped" if dropped else "kept"
        for benchmark in {self._item(hit.item).benchmark for hit in hits}:
            self._touches[benchmark].samples[outcome] += 1
        for benchmark, tier in {(self._item(hit.item).benchmark, hit.tier) for hit in hits}:
            self._touches[benchmark].tiers[tier] += 1
        for number in sorted({hit.item for hit in hits}):
            item = self._item(number)
            touch = self._touches[item.benchmark]
            touch.items.setdefault(item.id, Counter(dropped=0, kept=0))[outcome] += 1
            shown = touch.hits.setdefault(item.id, [])
            for hit in hits:
                if hit.item == number and len(shown) < _SHOWN_HITS:
                    about = {"sample": sample.id, "source": sample.source, "tier": hit.tier}
                    shown.append(
                        about | {"share": round(hit.share, 3), "kept": not dropped, "words": hit.words[:_EXCERPT_CHARS]}
                    )

    def _item(self, number: int) -> EvalItem:
        return self.index.items[number]

    def _label(self, number: int) -> str:
        item = self._item(number)
        return item.id if item.id.startswith(item.benchmark) else f"{item.benchmark} {item.id}"


def final_scan(samples: Iterable[Sample], index: Index) -> int:
    """Return how many informative 13-grams of item texts are left in the samples; 0 under rule "any"."""
    return sum(overlap.informative for sample in samples for overlap in index.overlaps(find_words(sample.content())))


def _word_hits(overlaps: Iterable[Overlap]) -> list[_Hit]:
    """Return the informative overlaps, of each item the one that covers most."""
    best: dict[int, _Hit] = {}
    for overlap in overlaps:
        share = max(overlap.share, overlap.run_share)
        covered = overlap.share >= COVERED_SHARE or overlap.run_share >= COVERED_RUN
        hit = _Hit(overlap.item, WORDS, share, overlap.words, RULES if covered else ("any",))
        if overlap.informative and (hit.item not in best or (covered, share) > _rank(best[hit.item])):
            best[hit.item] = hit
    return list(best.values())


def _rank(hit: _Hit) -> tuple[bool, float]:
    return "covered" in hit.rules, hit.share


def _order(tier: str) -> int:
    """Sort the ways of finding an item by how sure they are."""
    return {WORDS: 0, PROMPT: 1}.get(tier, 2)


def _summary(touch: _Touch) -> dict[str, Any]:
    excerpts = [
        {"sample": hit["sample"], "item": item, "tier": hit["tier"], "words": hit["words"]}
        for item in sorted(touch.hits)
        for hit in touch.hits[item][:1]
    ]
    return {
        "items_hit": len(touch.items),
        "samples_dropped": touch.samples["dropped"],
        "samples_kept": touch.samples["kept"],
        "samples_uninformative": touch.samples["uninformative"],
        "samples_by_tier": dict(sorted(touch.tiers.items())),
        "hit_ids": sorted(touch.items),
        "left_ids": sorted(item for item, samples in touch.items.items() if samples["kept"]),
        "excerpts": excerpts[:_EXCERPTS],
    }
