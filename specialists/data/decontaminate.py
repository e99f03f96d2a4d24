"""Samples in, verdicts on contamination out.

No sample may teach a benchmark's item. Two rules, chosen by the recipe (`Mix.overlap`):

    any       an informative 13-gram shared with any text of any item drops the sample: pretraining
    covered   it drops the sample only where the shared grams are a quarter of that text's, or a run of them is 0.6 of
              its words: fine-tuning on problems of the benchmark's kind, a fifth of which "any" would take for their
              set phrases

Under both, a conversation is dropped if a user turn holds an item's whole prompt of fewer than 13 words. In raw text
such a prompt ("Write a function to reverse a string") is counted and shown, and the text kept. What was found and not
dropped is in the report as well, with the ids of the items, so that a score can be given on the items nothing touched.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from specialists.data.overlap import EvalItem, Index, Overlap, eval_items
from specialists.family import Drop
from specialists.records import Sample
from specialists.run import digest_of

__all__ = ["Decontamination", "EvalItem", "Index", "eval_items", "final_scan"]

COVERED_SHARE = 0.25  # of the 13-grams of one text of an item
COVERED_RUN = 0.6  # of the words of that text
_EXCERPTS = 5  # a benchmark, in the report


@dataclass
class _Touch:
    """What was found of one benchmark."""

    found: set[str] = field(default_factory=set)  # ids of items that any sample touches
    left: set[str] = field(default_factory=set)  # of those, the ids that a kept sample touches
    samples: Counter[str] = field(default_factory=Counter)  # "dropped", "kept", "uninformative" -> samples
    excerpts: list[dict[str, str]] = field(default_factory=list)


class Decontamination:
    """Judges samples one by one and remembers what for. Give samples in a fixed order: the excerpts are the first."""

    def __init__(self, index: Index, rule: Literal["any", "covered"]) -> None:
        self._index = index
        self._rule = rule
        self._touches: dict[str, _Touch] = defaultdict(_Touch)

    def judge(self, sample: Sample) -> Drop | None:
        """Return why the sample must go, naming the item and the words, or None."""
        overlaps = self._index.overlaps(sample.content())
        telling = [overlap for overlap in overlaps if overlap.informative]
        prompts = self._prompts(sample)
        drop = self._verdict(sample, telling, prompts)
        for benchmark in {self._item(overlap.item).benchmark for overlap in overlaps if not overlap.informative}:
            self._touches[benchmark].samples["uninformative"] += 1
        words = {number: self._item(number).prompt for number in prompts} | {o.item: o.words for o in telling}
        self._remember(sample, words, dropped=drop is not None)
        return drop

    def report(self) -> dict[str, Any]:
        """Return what was found, as JSON values: for each benchmark its digest, items, hits, samples and excerpts."""
        sizes = Counter(item.benchmark for item in self._index.items)
        benchmarks: dict[str, Any] = {}
        for name, digest in self._index.digests.items():
            touch = self._touches.get(name, _Touch())
            benchmarks[name] = {
                "digest": digest,
                "items": sizes[name],
                "items_hit": len(touch.found),
                "samples_dropped": touch.samples["dropped"],
                "samples_kept": touch.samples["kept"],
                "samples_uninformative": touch.samples["uninformative"],
                "hit_ids": sorted(touch.found),
                "left_ids": sorted(touch.left),
                "excerpts": touch.excerpts,
            }
        return {"rule": self._rule, "index": digest_of(self._index.digests), "benchmarks": benchmarks}

    def _prompts(self, sample: Sample) -> list[int]:
        said = [m.content for m in sample.messages if m.role == "user"] if sample.messages else [sample.content()]
        return sorted({number for text in said for number in self._index.prompts_in(text)})

    def _verdict(self, sample: Sample, telling: list[Overlap], prompts: list[int]) -> Drop | None:
        against = telling if self._rule == "any" else [overlap for overlap in telling if _covered(overlap)]
        if against:
            worst = max(against, key=lambda overlap: (overlap.share, overlap.run_share, -overlap.item))
            return Drop("benchmark_overlap", f"{self._label(worst.item)}: {worst.words}")
        if prompts and sample.messages:
            return Drop("benchmark_item", f"{self._label(prompts[0])}: {self._item(prompts[0]).prompt}")
        return None

    def _remember(self, sample: Sample, words: dict[int, str], *, dropped: bool) -> None:
        for benchmark in {self._item(number).benchmark for number in words}:
            self._touches[benchmark].samples["dropped" if dropped else "kept"] += 1
        for number, excerpt in sorted(words.items()):
            touch = self._touches[self._item(number).benchmark]
            touch.found.add(self._item(number).id)
            if not dropped:
                touch.left.add(self._item(number).id)
            if len(touch.excerpts) < _EXCERPTS:
                touch.excerpts.append({"sample": sample.id, "item": self._item(number).id, "words": excerpt[:200]})

    def _item(self, number: int) -> EvalItem:
        return self._index.items[number]

    def _label(self, number: int) -> str:
        item = self._item(number)
        return item.id if item.id.startswith(item.benchmark) else f"{item.benchmark} {item.id}"


def final_scan(samples: Iterable[Sample], index: Index) -> int:
    """Return how many informative 13-grams of item texts are left in the samples; 0 under rule "any"."""
    return sum(overlap.informative for sample in samples for overlap in index.overlaps(sample.content()))


def _covered(overlap: Overlap) -> bool:
    return overlap.share >= COVERED_SHARE or overlap.run_share >= COVERED_RUN
