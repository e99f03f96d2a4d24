"""Generation: the batch that stays full against plain decoding, stop words, sampling, resuming."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from specialists import checkpoint
from specialists.errors import ConfigError
from specialists.evaluate.subset import subset
from specialists.generate import kv
from specialists.generate.backend import Reply, Request, Settings
from specialists.generate.batch import Row
from specialists.generate.generate import complete
from specialists.generate.hf import HFBackend, _choose, _nucleus
from specialists.jsonl import read_records
from specialists.recipe import Judge
from specialists.records import Completion, Message, Problem, Stop

SHOTS = "3 + 4 = 7\n12 + 30 = 42\n" * 4
PROMPTS = [
    "def add(",
    "The quick brown fox",
    "for item in items:\n    print(item",
    "What is 12?",
    *(f"{SHOTS}{a} + {a} =" for a in range(5)),
]


@pytest.fixture(scope="module")
def backend(tiny_checkpoint: Path) -> HFBackend:
    return HFBackend(tiny_checkpoint, batch=4, dtype=torch.float32)


def replies(backend: HFBackend, requests: Sequence[Request], settings: Settings) -> list[Reply]:
    return [reply for _, reply in sorted(backend.generate(requests, settings), key=lambda pair: pair[0])]


def plain_greedy(folder: Path, prompt: str, max_new_tokens: int) -> str:
    """What transformers' own generate gives for one prompt."""
    tokenizer = checkpoint.open_tokenizer(folder)
    model = checkpoint.open_model(folder, tokenizer, torch.float32)
    ids = torch.tensor([tokenizer.encode(prompt.rstrip(), add_special_tokens=False)])
    stops = checkpoint.stop_tokens(tokenizer)
    made = model.generate(ids, max_new_tokens=max_new_tokens, do_sample=False, eos_token_id=stops, pad_token_id=0)
    new = [token for token in made[0, ids.shape[1] :].tolist() if token not in stops]
    return tokenizer.decode(new)


def test_batched_greedy_equals_plain_decoding(backend: HFBackend, tiny_checkpoint: Path) -> None:
    got = replies(backend, [Request(prompt) for prompt in PROMPTS], Settings(max_new_tokens=24))
    assert [reply.text for reply in got] == [plain_greedy(tiny_checkpoint, prompt, 24) for prompt in PROMPTS]


def test_texts_of_any_length_join_and_leave_without_a_trace(backend: HFBackend) -> None:
    """More requests than places, with and without a shared start, ended at different times: each as it were alone."""
    prompts = [f"{start}{a} * {b} =" for start in ("", SHOTS) for a in range(3) for b in (7, 12345)]
    settings = Settings(max_new_tokens=24, temperature=1.0, stop=("e", "a"))
    for chosen in (prompts, prompts[6:]):
        requests = [Request(prompt, seed=number) for number, prompt in enumerate(chosen)]
        together = replies(backend, requests, settings)
        assert together == [replies(backend, [request], settings)[0] for request in requests]
        assert len({reply.num_tokens for reply in together}) > 2


def test_more_new_tokens_than_the_cache_has_room_for(backend: HFBackend, tiny_checkpoint: Path) -> None:
    (got,) = replies(backend, [Request(PROMPTS[0])], Settings(max_new_tokens=200))
    assert got.text == plain_greedy(tiny_checkpoint, PROMPTS[0], 200)


def test_sampling_does_not_depend_on_the_batch(backend: HFBackend) -> None:
    requests = [Request(prompt, seed=i) for i, prompt in enumerate(PROMPTS)]
    settings = Settings(max_new_tokens=12, temperature=1.0, top_p=0.9)
    together = replies(backend, requests, settings)
    alone = [replies(backend, [request], settings)[0] for request in requests]
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    other = replies(backend, [Request(request.prompt, seed=request.seed + 100) for request in requests], settings)
    assert [reply.text for reply in together] != [reply.text for reply in other]


def test_samples_of_one_prompt_are_those_of_the_prompt_alone(backend: HFBackend) -> None:
    """A prompt that several rows sample from is read once, also where they do not fit one batch."""
    requests = [Request(prompt, seed=7 * n) for prompt in PROMPTS[:3] for n in range(6)]
    settings = Settings(max_new_tokens=12, temperature=1.0)
    together = replies(backend, requests, settings)
    assert together == [replies(backend, [request], settings)[0] for request in requests]
    assert len({reply.text for reply in together}) > 9


DRAWS = [
    # chances, settings, the tokens that can be drawn
    ([0.5, 0.3, 0.15, 0.05], Settings(1, temperature=1.0), {0, 1, 2, 3}),
    ([0.5, 0.3, 0.15, 0.05], Settings(1, temperature=1.0, top_k=2), {0, 1}),
    ([0.5, 0.3, 0.15, 0.05], Settings(1, temperature=1.0, top_k=9), {0, 1, 2, 3}),
    ([0.5, 0.3, 0.15, 0.05], Settings(1, temperature=1.0, top_p=0.5), {0}),
    ([0.5, 0.3, 0.15, 0.05], Settings(1, temperature=1.0, top_p=0.6), {0, 1}),
    ([0.3, 0.05, 0.5, 0.15], Settings(1, temperature=1.0, top_k=3, top_p=0.9), {0, 2, 3}),
    ([0.3, 0.05, 0.5, 0.15], Settings(1, temperature=0.01), {2}),
    ([0.3, 0.05, 0.5, 0.15], Settings(1), {2}),
    ([1 / 3000] * 3000, Settings(1, temperature=1.0, top_p=0.99), set(range(3000))),
]


@pytest.mark.parametrize(("chances", "settings", "possible"), DRAWS)
def test_which_tokens_can_be_drawn(chances: list[float], settings: Settings, possible: set[int]) -> None:
    rows = [Row(0, [], torch.Generator().manual_seed(seed)) for seed in range(400)]
    logits_BV = torch.tensor([chances]).log().expand(len(rows), -1).clone()
    drawn = set(_choose(logits_BV, rows, settings))
    assert drawn <= possible
    assert drawn == possible or len(possible) > 4


@pytest.mark.parametrize("top_p", [0.2, 0.9, 0.9999])
@pytest.mark.parametrize("sharpness", [0.1, 3.0, 8.0])
def test_the_nucleus_is_that_of_a_full_sort(top_p: float, sharpness: float) -> None:
    chances_BV = torch.softmax(torch.randn(4, 3000, generator=torch.Generator().manual_seed(0)) * sharpness, dim=-1)
    for chances, kept in zip(chances_BV, _nucleus(chances_BV, top_p), strict=True):
        ordered = chances.sort(descending=True).values
        crossing = int((ordered.cumsum(0) - ordered < top_p).sum())
        assert torch.equal(kept, torch.where(chances >= ordered[crossing - 1], chances, 0.0))


def test_a_stop_word_ends_and_is_cut_off(backend: HFBackend) -> None:
    (whole,) = replies(backend, [Request(PROMPTS[0])], Settings(max_new_tokens=40))
    word = whole.text[10:13]
    (cut,) = replies(backend, [Request(PROMPTS[0])], Settings(max_new_tokens=40, stop=(word,)))
    assert cut.stop is Stop.WORD
    assert cut.text == whole.text[: whole.text.index(word)]


def test_trailing_blanks_of_a_text_prompt_do_not_count(backend: HFBackend) -> None:
    assert backend.encoder.encode("def add(a, b):\n") == backend.encoder.encode("def add(a, b):")


@pytest.mark.parametrize("kind", [{"softcap": 30.0}, {"s_aux": torch.zeros(4)}, {"sliding_window": 5}])
def test_attention_that_would_be_computed_wrongly_is_refused(kind: dict[str, Any]) -> None:
    query, keys = torch.zeros(1, 4, 1, 8), torch.zeros(1, 2, 6, 8)
    with pytest.raises(ConfigError, match="--backend vllm or an --endpoint"):
        kv.attend(torch.nn.Module(), query, keys, keys, None, **kind)
    kv.attend(torch.nn.Module(), query, keys, keys, None, sliding_window=6)


def test_a_chat_prompt_ends_with_an_open_reply(backend: HFBackend) -> None:
    ids = backend.encoder.encode((Message(role="user", content="What is 12?"),))
    assert backend.tokenizer.decode(ids).endswith("<|im_end|>\n<|im_start|>assistant\n")


def test_a_prompt_that_does_not_fit_is_refused(backend: HFBackend) -> None:
    with pytest.raises(ConfigError, match="max_new_tokens = 5000 exceed the model's context"):
        list(backend.generate([Request("def")], Settings(max_new_tokens=5000)))


class Parrot:
    """A backend that says the prompt back and dies after `lives` replies."""

    def __init__(self, lives: int = 1000) -> None:
        self.lives = lives
        self.asked: list[str] = []

    @property
    def protocol(self) -> dict[str, str]:
        return {}

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        del settings
        for index in reversed(range(len(requests))):
            if self.lives == 0:
                raise KeyboardInterrupt
            self.lives -= 1
            self.asked.append(str(requests[index].prompt))
            yield index, Reply(f"{requests[index].prompt}!", Stop.END, 1)


PROBLEMS = [Problem(id=f"p/{n}", prompt=f"ask {n}", gold="") for n in range(6)]


def ask(problem: Problem) -> str:
    return problem.prompt


def test_a_killed_generation_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    arguments = (Settings(max_new_tokens=1), Judge(benchmark="b"), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        complete(PROBLEMS, ask, Parrot(lives=2), *arguments, label="")
    path = tmp_path / "completions.jsonl"
    with path.open("a") as file:
        file.write('{"problem_id": "p/0", "te')  # a line that was being written when the process died
    second = Parrot()
    complete(PROBLEMS, ask, second, *arguments, label="")
    assert sorted(second.asked) == ["ask 0", "ask 1", "ask 2", "ask 3"]
    assert [c.problem_id for c in read_records(path, Completion)] == [p.id for p in PROBLEMS]


def test_several_samples_of_a_problem_have_seeds_of_their_own(tmp_path: Path) -> None:
    seeds: list[int] = []

    class Listener(Parrot):
        def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
            seeds.extend(request.seed for request in requests)
            return super().generate(requests, settings)

    judge = Judge(benchmark="b", num_samples=3, temperature=0.8)
    complete(PROBLEMS, ask, Listener(), Settings(max_new_tokens=1, temperature=0.8), judge, tmp_path, label="")
    assert len(set(seeds)) == 18


@pytest.mark.parametrize(
    ("limit", "chosen", "note"),
    [(None, [0, 1, 2, 3, 4, 5], ""), (9, [0, 1, 2, 3, 4, 5], ""), (2, [0, 3], "2 of 6, evenly spaced")],
)
def test_a_subset_is_evenly_spaced_and_says_so(limit: int | None, chosen: list[int], note: str) -> None:
    asked, said = subset(PROBLEMS, limit)
    assert ([PROBLEMS.index(p) for p in asked], said) == (chosen, note)
