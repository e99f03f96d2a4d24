"""Generation by vLLM, where it is installed.

Prompts are handed over as tokens, made by the encoder that the transformers backend uses, so that chat template and
begin token are the same. Requests go in portions, each kept when it is done: a killed run loses at most one.

Written after the documented `LLM` and `SamplingParams` of vLLM. Tests hold it against a fake module with that surface;
it was not run on a GPU.
"""

import importlib.metadata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import vllm  # pyright: ignore[reportMissingImports]
from transformers import AutoConfig

from specialists.errors import ConfigError, GenerateError
from specialists.generate.backend import Reply, Request, Settings, cut
from specialists.generate.prompts import Encoder, check_fits
from specialists.records import Stop

_PORTION = 512  # requests in one call of vLLM, which batches inside as it sees fit
_DTYPE = "bfloat16"  # "auto" would compute a checkpoint that is stored in fp32 in fp16


class VLLMBackend:
    """A checkpoint opened by vLLM's offline engine."""

    def __init__(self, folder: Path) -> None:
        """Open a checkpoint folder; vLLM takes most of the GPU's memory for itself."""
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        self._context: int = config.max_position_embeddings
        self._num_embeddings: int = config.vocab_size
        self._encoder = Encoder(folder)
        self._llm: Any = vllm.LLM(model=str(folder), dtype=_DTYPE, seed=0)

    @property
    def protocol(self) -> Mapping[str, str]:
        """Which engine made the texts; see `Backend`."""
        return {"backend": f"vLLM {importlib.metadata.version('vllm')}, {_DTYPE}", **self._encoder.protocol}

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index, reply)` portion by portion; see `Backend`."""
        prompts = [self._encoder.encode(request.prompt) for request in requests]
        going: list[int] = []
        for index, prompt in enumerate(prompts):
            if settings.may_outgrow and len(prompt) + settings.max_new_tokens > self._context:
                yield index, Reply("", Stop.LENGTH, 0)
                continue
            self._check(prompt, settings)
            going.append(index)
        for start in range(0, len(going), _PORTION):
            portion = going[start : start + _PORTION]
            outputs = self._llm.generate(
                [{"prompt_token_ids": prompts[index]} for index in portion],
                [self._params(requests[index], settings) for index in portion],
                use_tqdm=False,
            )
            for index, output in zip(portion, outputs, strict=True):
                yield index, _reply(output.outputs[0], settings)

    def _check(self, prompt: list[int], settings: Settings) -> None:
        check_fits(len(prompt), settings.max_new_tokens, self._context)
        if max(prompt) >= self._num_embeddings:
            raise ConfigError(
                "the checkpoint has no embeddings for ChatML's marks, so vLLM cannot ask it in chat; ask in text "
                "(--kind text) or with --backend hf"
            )

    def _params(self, request: Request, settings: Settings) -> Any:
        return vllm.SamplingParams(
            max_tokens=settings.max_new_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            top_k=settings.top_k,
            seed=request.seed if settings.temperature > 0 else None,
            stop=list(settings.stop),
            stop_token_ids=sorted(self._encoder.stops),
        )


def _reply(output: Any, settings: Settings) -> Reply:
    """Return the reply of one finished output: `stop_reason` is the stop string, a token, or None for its own end."""
    text, _ = cut(output.text, settings.stop)
    num_tokens = len(output.token_ids)
    if output.finish_reason == "length":
        return Reply(text, Stop.LENGTH, num_tokens)
    if output.finish_reason != "stop":
        raise GenerateError(f"vLLM ended a text for the reason {output.finish_reason!r}")
    return Reply(text, Stop.WORD if isinstance(output.stop_reason, str) else Stop.END, num_tokens)
