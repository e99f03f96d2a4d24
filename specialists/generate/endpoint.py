"""Generation by any OpenAI-compatible endpoint.

Text prompts go to `/completions`, conversations to `/chat/completions`, one request a completion, so that whatever was
answered is kept. A few requests are under way at once. What may pass (429, 5xx, a connection that breaks, an answer
that is not what the protocol says) is tried again after growing pauses; `Retry-After` holds back all requests, not only
the one that was told. What will not pass (a wrong key, an unknown model) ends the call at once.

The key comes from the environment, goes into one request header, and nowhere else. Stop strings beyond the four that
the protocol allows are looked for here. Where an endpoint ends a text with finish reason "stop" and does not say at
which string, the completion counts as ended by the model.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from specialists.errors import GenerateError
from specialists.generate.backend import Reply, Request, Settings, cut
from specialists.recipe import Serving
from specialists.records import Stop

_TRIES = 8  # of one request; with the pauses below a little over two minutes
_LONGEST_PAUSE_S = 60.0
_LONGEST_WAIT_S = 600.0  # longest Retry-After that is waited for
_CONNECT_S = 30.0
_MOST_STOPS = 4  # of the completions API; some servers take more, none takes fewer
_MAY_PASS = frozenset({408, 409, 425, 429})
_TOO_LONG = frozenset({400, 413, 422})  # how servers answer to a prompt that exceeds the context
_KEY_REFUSED = frozenset({401, 403})
_STOPS = {"length": Stop.LENGTH, "content_filter": Stop.FILTERED}


@dataclass(frozen=True)
class _Trouble:
    """Why a try gave no reply, and how long the endpoint asked to wait."""

    text: str
    wait_s: float = 0.0


class EndpointBackend:
    """A model that is known only by the address that serves it."""

    def __init__(self, serving: Serving, *, at_once: int, first_pause_s: float = 1.0) -> None:
        """Say whom to ask; nothing is sent before `generate`.

        Args:
            serving: address, name of the model, where the key is, patience with one request.
            at_once: requests under way.
            first_pause_s: before the second try; each further pause is twice as long.
        """
        self._serving = serving
        self._at_once = at_once
        self._first_pause_s = first_pause_s
        self._key = os.environ.get(serving.key_variable, "")
        self._not_before = 0.0  # on the monotonic clock

    @property
    def protocol(self) -> Mapping[str, str]:
        """Who answers; see `Backend`."""
        return {
            "backend": f"endpoint {self._serving.endpoint}, model {self._serving.served_model}",
            "chat template": "the endpoint's",
        }

    def generate(self, requests: Sequence[Request], settings: Settings) -> Iterator[tuple[int, Reply]]:
        """Yield `(index, reply)` as each one comes; see `Backend`.

        Raises:
            GenerateError: the endpoint refuses, or a request failed `_TRIES` times.
        """
        done: asyncio.Queue[tuple[int, Reply] | Exception] = asyncio.Queue()
        with asyncio.Runner() as runner:
            work = runner.get_loop().create_task(self._serve(requests, settings, done))  # cancelled as the runner ends
            for _ in requests:
                answer = runner.run(done.get())
                if isinstance(answer, Exception):
                    raise answer
                yield answer
            runner.run(asyncio.wait([work]))

    async def _serve(self, requests: Sequence[Request], settings: Settings, done: "asyncio.Queue[Any]") -> None:
        waiting = iter(enumerate(requests))

        async def work() -> None:
            for index, request in waiting:
                try:
                    done.put_nowait((index, await self._reply(client, request, settings)))
                except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller of `generate`
                    done.put_nowait(error)
                    return

        async with self._client() as client, asyncio.TaskGroup() as group:
            for _ in range(min(self._at_once, len(requests))):
                group.create_task(work())

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self._serving.endpoint,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx2.Timeout(self._serving.timeout_s, connect=_CONNECT_S),
            limits=httpx2.Limits(max_connections=self._at_once),
        )

    async def _reply(self, client: httpx2.AsyncClient, request: Request, settings: Settings) -> Reply:
        path, body = self._question(request, settings)
        trouble = _Trouble("")
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(min(self._first_pause_s * 2 ** (attempt - 1), _LONGEST_PAUSE_S))
            while (left_s := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            answer = await self._try(client, path, body, settings)
            if isinstance(answer, Reply):
                return answer
            trouble = answer
            if trouble.wait_s > _LONGEST_WAIT_S:
                break
            self._not_before = max(self._not_before, time.monotonic() + trouble.wait_s)
        raise GenerateError(f"{self._where(path)}: {trouble.text}; the same command later goes on from here")

    def _question(self, request: Request, settings: Settings) -> tuple[str, dict[str, Any]]:
        """Return the path and the body of one request; what the protocol does not know is sent only where it is set."""
        body: dict[str, Any] = {
            "model": self._serving.served_model,
            "max_tokens": settings.max_new_tokens,
            "temperature": settings.temperature,
        }
        if settings.temperature > 0:
            body["seed"] = request.seed & 0x7FFFFFFF
        if settings.top_p < 1:
            body["top_p"] = settings.top_p
        if settings.top_k:
            body["top_k"] = settings.top_k
        if settings.stop:
            body["stop"] = list(settings.stop[:_MOST_STOPS])
        if isinstance(request.prompt, str):
            return "completions", body | {"prompt": request.prompt.rstrip()}
        return "chat/completions", body | {"messages": [message.model_dump() for message in request.prompt]}

    async def _try(
        self, client: httpx2.AsyncClient, path: str, body: Mapping[str, Any], settings: Settings
    ) -> Reply | _Trouble:
        try:
            response = await client.post(path, json=body)
        except httpx2.TransportError as error:
            return _Trouble(f"no answer ({type(error).__name__})")
        status = response.status_code
        if response.is_success:
            return _read(response, settings)
        text = f"status {status}: {self._said(response)}"
        if status in _MAY_PASS or status >= 500:
            return _Trouble(text, _retry_after_s(response.headers.get("Retry-After", "")))
        if status in _TOO_LONG and settings.may_outgrow:
            return Reply("", Stop.LENGTH, 0)
        if status in _KEY_REFUSED:
            text += f"; the key is read from the environment variable {self._serving.key_variable}"
        if status == 404 and path == "completions":
            text += "; where an endpoint only holds conversations, ask in chat alone (evaluate --kind chat)"
        raise GenerateError(f"{self._where(path)}: {text}")

    def _where(self, path: str) -> str:
        return f"{self._serving.endpoint.rstrip('/')}/{path}, model {self._serving.served_model!r}"

    def _said(self, response: httpx2.Response) -> str:
        """Return an endpoint's own words in one short line, the key taken out should it repeat that."""
        words = " ".join(response.text.split())
        return (words.replace(self._key, "[key]") if self._key else words)[:300]


def _read(response: httpx2.Response, settings: Settings) -> Reply | _Trouble:
    """Return the reply that an answer holds, or what is wrong with it."""
    try:
        answer = response.json()
        choice = answer["choices"][0]
        content = choice["message"]["content"] if "message" in choice else choice["text"]
        if not isinstance(content, str | None):
            raise TypeError("a text was expected")
        usage = answer.get("usage") or {}
        num_tokens = int(usage.get("completion_tokens") or 0)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        return _Trouble(f"the answer is not what the protocol says ({type(error).__name__}: {error})")
    text, found = cut(content or "", settings.stop)
    if found or isinstance(choice.get("stop_reason"), str):  # vLLM names the string it stopped at
        return Reply(text, Stop.WORD, num_tokens)
    return Reply(text, _STOPS.get(choice.get("finish_reason"), Stop.END), num_tokens)


def _retry_after_s(header: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; 0 if it asks for nothing."""
    if header.strip().isdigit():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())
