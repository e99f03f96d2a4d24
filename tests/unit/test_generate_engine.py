"""The vLLM backend against a fake module that has the documented surface of `vllm.LLM` and `vllm.SamplingParams`."""

import importlib.metadata
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from specialists.errors import ConfigError, GenerateError
from specialists.generate.backend import Reply, Request, Settings
from specialists.records import Message, Stop


@dataclass
class SamplingParams:
    """The fields of vLLM's own that are used here, by their documented names."""

    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int | None
    stop: list[str]
    stop_token_ids: list[int]


@dataclass
class LLM:
    """An engine that answers with `outputs` in turn, and notes its calls."""

    model: str
    dtype: str
    seed: int
    calls: list[tuple[Any, Any]] = field(default_factory=list)

    def generate(
        self, prompts: Sequence[dict[str, list[int]]], sampling_params: Sequence[SamplingParams], *, use_tqdm: bool
    ) -> list[Any]:
        assert not use_tqdm and len(prompts) == len(sampling_params)
        self.calls.append((prompts, sampling_params))
        return [SimpleNamespace(outputs=[output(text=f"{len(p['prompt_token_ids'])}")]) for p in prompts]


def output(text: str = "a", finish_reason: str = "stop", stop_reason: int | str | None = None) -> SimpleNamespace:
    return SimpleNamespace(text=text, token_ids=[1, 2], finish_reason=finish_reason, stop_reason=stop_reason)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module under test, imported while a fake vLLM is installed."""
    fake = ModuleType("vllm")
    fake.LLM, fake.SamplingParams = LLM, SamplingParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.delitem(sys.modules, "specialists.generate.engine", raising=False)
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0" if name == "vllm" else version(name))
    from specialists.generate import engine as module

    yield module
    sys.modules.pop("specialists.generate.engine", None)


def test_requests_reach_the_engine_as_tokens_with_seeds_of_their_own(
    engine: Any, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PORTION", 2)
    backend = engine.VLLMBackend(tiny_checkpoint)
    prompts = ["def add(", "The quick brown fox", (Message(role="user", content="What is 12?"),)]
    requests = [Request(prompt, seed=40 + n) for n, prompt in enumerate(prompts)]
    settings = Settings(9, temperature=0.5, top_p=0.9, top_k=7, stop=("\n",))
    replies = dict(backend.generate(requests, settings))
    tokens = [backend._encoder.encode(prompt) for prompt in prompts]
    assert [replies[n].text for n in range(3)] == [str(len(ids)) for ids in tokens]
    calls = backend._llm.calls
    assert [[p["prompt_token_ids"] for p in prompts] for prompts, _ in calls] == [tokens[:2], tokens[2:]]
    stops = sorted(backend._encoder.stops)
    assert [params for _, portion in calls for params in portion] == [
        SamplingParams(9, 0.5, 0.9, 7, 40 + n, ["\n"], stops) for n in range(3)
    ]
    assert backend._llm.model == str(tiny_checkpoint) and backend._llm.dtype == "bfloat16"
    assert backend.protocol == {"backend": "vLLM 0.0, bfloat16", "chat template": "ChatML"}


def test_greedy_needs_no_seed(engine: Any, tiny_checkpoint: Path) -> None:
    backend = engine.VLLMBackend(tiny_checkpoint)
    list(backend.generate([Request("def", seed=5)], Settings(9)))
    assert backend._llm.calls[0][1][0].seed is None


ENDS = [
    (output(), Reply("a", Stop.END, 2)),
    (output(stop_reason=151643), Reply("a", Stop.END, 2)),
    (output(stop_reason="\nQ:"), Reply("a", Stop.WORD, 2)),
    (output("a\nQ: b", stop_reason="\nQ:"), Reply("a", Stop.WORD, 2)),
    (output(finish_reason="length"), Reply("a", Stop.LENGTH, 2)),
]


@pytest.mark.parametrize(("made", "reply"), ENDS, ids=str)
def test_why_a_text_ended(engine: Any, made: SimpleNamespace, reply: Reply) -> None:
    assert engine._reply(made, Settings(9, stop=("\nQ:",))) == reply


def test_an_aborted_text_is_our_failure(engine: Any) -> None:
    with pytest.raises(GenerateError, match="'abort'"):
        engine._reply(output(finish_reason="abort"), Settings(9))


def test_prompts_that_do_not_fit(engine: Any, tiny_checkpoint: Path) -> None:
    backend = engine.VLLMBackend(tiny_checkpoint)
    with pytest.raises(ConfigError, match="exceed the model's context"):
        list(backend.generate([Request("def")], Settings(5000)))
    assert list(backend.generate([Request("def")], Settings(5000, may_outgrow=True))) == [
        (0, Reply("", Stop.LENGTH, 0))
    ]
