"""Many pairs at once, rejection sampling, and `explain`."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from math_qwen.answers.outcome import Layer, Outcome
from math_qwen.batch import WINDOW, spread, verify_pairs, verify_solutions
from math_qwen.equivalence import equivalent
from specialists.errors import ConfigError
from specialists.records import Completion, Mark, Problem, Stop

# What decides, in the order of the pairs: some at once, some in a worker, some too late.
PAIRS = [
    ("5", "5", Outcome.EQUAL, Layer.TEXT),
    (r"\sqrt{8}", r"2\sqrt{2}", Outcome.EQUAL, Layer.SYMBOLIC),
    ("5", "6", Outcome.NOT_EQUAL, Layer.EXACT),
    ("1", "e^{e^{e^{e^{10}}}}", Outcome.UNDECIDED, Layer.SYMBOLIC),
    ("(1, 2)", r"\{1, 2\}", Outcome.NOT_EQUAL, Layer.FORM),
    ("(x+1)^2", "x^2+2x+1", Outcome.EQUAL, Layer.IDENTITY),
    ("5", "9^{9^{9}}", Outcome.UNDECIDED, Layer.LIMIT),
    ("5", "5", Outcome.EQUAL, Layer.TEXT),
]


@pytest.mark.parametrize("workers", [1, 3])
def test_pairs_come_back_in_order_with_what_decided(workers: int) -> None:
    pairs = [(gold, answer) for gold, answer, *_ in PAIRS]
    results = list(verify_pairs(pairs, workers=workers, deadline_s=0.5))
    assert [(result.outcome, result.layer) for result in results] == [(outcome, layer) for *_, outcome, layer in PAIRS]
    assert all(result.reason and "\n" not in result.reason for result in results)


def test_a_batch_says_what_single_questions_say() -> None:
    pairs = [("0.5", r"\frac12"), (r"\ln 6", r"\ln 2 + \ln 3"), ("x < 2", "2x < 4"), (r"\sin x", r"\cos x")]
    assert list(verify_pairs(pairs, workers=1)) == [equivalent(*pair) for pair in pairs]


def test_an_endless_stream_is_read_only_as_far_as_needed() -> None:
    taken = 0

    def pairs() -> Iterator[tuple[str, str]]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken), rf"\sqrt{{{taken}}}^2 + \sqrt{{2}} - \sqrt{{2}}"

    results = verify_pairs(pairs(), workers=1)
    assert all(next(results) for _ in range(100))
    assert taken <= 100 + WINDOW + 1
    results.close()


def _sampled(gold: str, text: str) -> tuple[Problem, Completion]:
    return Problem(id=text, prompt="?", gold=gold), Completion(problem_id=text, text=text, stop=Stop.END, num_tokens=1)


def test_rejection_sampling_keeps_the_right_solutions_and_counts_the_others() -> None:
    texts = [
        "#### 4",
        "#### 5",
        "no idea, perhaps 4",
        r"\boxed{\sqrt{16}}",
        "#### 4 or 5",
        r"\boxed{9^{9^9}}",
        "#### 4.0",
    ]
    left_out: Counter[Mark] = Counter()
    kept = verify_solutions((_sampled("4", text) for text in texts), left_out, profile="gsm8k", workers=1)
    assert [completion.text for _, completion in kept] == ["#### 4", r"\boxed{\sqrt{16}}", "#### 4.0"]
    assert left_out == {Mark.WRONG: 2, Mark.NO_ANSWER: 1, Mark.UNDECIDED: 1}


def test_the_spread_shows_what_each_extractor_makes_of_the_same_solutions() -> None:
    texts = ["#### 4", "she has 4", r"\boxed{4}, in 3 steps", "#### 5"]
    assert spread((_sampled("4", text) for text in texts), profile="gsm8k", workers=1) == {
        "strict": {Mark.CORRECT: 2, Mark.NO_ANSWER: 1, Mark.WRONG: 1},
        "flexible": {Mark.CORRECT: 3, Mark.WRONG: 1},
        "report": {Mark.CORRECT: 2, Mark.WRONG: 2},
    }


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="math23k"):
        next(verify_pairs([("1", "1")], profile="maths"))
    with pytest.raises(ConfigError, match="flexible"):
        next(verify_solutions([_sampled("1", "#### 1")], Counter(), extractor="lenient"))


EXPLAINED = [
    (("5", "-5"), 1, "not equal: different exact values (exact)\ngold    5\nanswer  -5\n"),
    (("2x+1<5", "x<2"), 0, "equal: all parts are equal (form)\ngold    (-oo, 2)\nanswer  (-oo, 2)\n"),
    (
        ("5", "9^{9^{9}}"),
        1,
        "undecided: over limit: a power of more than 10000 bits (limit)\ngold    5\nanswer  9^(9^9)\n",
    ),
    (
        ("--profile", "math401", "0.3333", "1/3"),
        0,
        "equal: within the tolerance (exact)\ngold    3333/10000\nanswer  1/3\n",
    ),
]


@pytest.mark.parametrize(("words", "code", "shown"), EXPLAINED)
def test_explain(words: tuple[str, ...], code: int, shown: str) -> None:
    command = [sys.executable, "-m", "math_qwen", "explain", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, shown, "")
