"""Generation by an endpoint that misbehaves: what is tried again, what ends the call, what is kept and never kept."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from specialists.errors import GenerateError
from specialists.generate.backend import Reply, Request, Settings
from specialists.generate.endpoint import EndpointBackend
from specialists.generate.generate import complete
from specialists.jsonl import read_records
from specialists.recipe import Judge, Serving
from specialists.records import Completion, Message, Problem, Stop
from tests.endpoints import CUT, SLOW, Endpoint, Said, answer, serving

KEY = "sk-very-secret"
ASK = Request("2 + 3 =  \n")
CHAT = Request((Message(role="user", content="hello"),))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("TEST_KEY", KEY)
    with serving() as running:
        yield running


def backend(endpoint: Endpoint, *, at_once: int = 4, timeout_s: float = 5.0) -> EndpointBackend:
    where = Serving(
        backend="openai", endpoint=endpoint.url, served_model="m", key_variable="TEST_KEY", timeout_s=timeout_s
    )
    return EndpointBackend(where, at_once=at_once, first_pause_s=0.01)


def one(endpoint: Endpoint, request: Request = ASK, settings: Settings | None = None, **how: Any) -> Reply:
    ((_, reply),) = backend(endpoint, **how).generate([request], settings or Settings(max_new_tokens=9))
    return reply


PASSING = [
    Said({"error": "busy"}, 429),
    Said({"error": "busy"}, 429, {"Retry-After": "0"}),
    Said("", 500),
    Said("<html>bad gateway</html>", 502),
    Said("", 503, {"Retry-After": "soon"}),
    CUT,
    SLOW,
    Said(b"{not json"),
    Said({"choices": []}),
    Said({"choices": [{"finish_reason": "stop"}]}),
    Said({"choices": "none"}),
    Said({"choices": [{"message": {"content": [{"type": "text"}]}}]}),
    Said({"error": {"message": "overloaded"}}),
    Said([1]),
]


@pytest.mark.parametrize("trouble", PASSING, ids=str)
def test_what_may_pass_is_tried_again(endpoint: Endpoint, trouble: Said | str) -> None:
    endpoint.next.append(trouble)
    reply = one(endpoint, timeout_s=0.3)
    assert (reply, len(endpoint.asked)) == (Reply("2 + 3 =!", Stop.END, 3), 2)


FINAL = [
    (Said({"error": {"message": f"wrong key {KEY}"}}, 401), r"status 401: .*\[key\].*variable TEST_KEY"),
    (Said("", 403), "status 403.*TEST_KEY"),
    (Said({"error": {"message": "no model m"}}, 404), "completions, model 'm': status 404: .*no model m.*--kind chat"),
    (Said({"error": {"message": "too long"}}, 400), "status 400: .*too long"),
    (Said("", 429, {"Retry-After": "86400"}), "status 429"),
]


@pytest.mark.parametrize(("said", "words"), FINAL, ids=lambda case: str(getattr(case, "status", "")))
def test_what_will_not_pass_ends_the_call_at_once(endpoint: Endpoint, said: Said, words: str) -> None:
    endpoint.next.append(said)
    with pytest.raises(GenerateError, match=words) as ended:
        one(endpoint)
    assert len(endpoint.asked) == 1 and KEY not in str(ended.value)


def test_patience_ends(endpoint: Endpoint) -> None:
    endpoint.next.extend([Said("", 500)] * 100)
    with pytest.raises(GenerateError, match=r"status 500.*goes on from here"):
        one(endpoint)
    assert len(endpoint.asked) == 8


def test_nobody_listens() -> None:
    where = Serving(backend="openai", endpoint="http://127.0.0.1:9/v1", served_model="m")
    with pytest.raises(GenerateError, match=r"127.0.0.1:9/v1/completions.*no answer \(ConnectError\)"):
        list(EndpointBackend(where, at_once=1, first_pause_s=0.001).generate([ASK], Settings(1)))


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_holds_back_every_request(endpoint: Endpoint, as_date: bool) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "1"
    endpoint.next.append(Said("", 429, {"Retry-After": until}))
    begun = time.monotonic()
    arrived: list[float] = []
    for _ in backend(endpoint, at_once=1).generate([ASK] * 3, Settings(1)):
        arrived.append(time.monotonic() - begun)
    assert len(arrived) == 3 and arrived[0] > 0.8


READ = [
    ({"text": "5\nQuestion: 1"}, ("5", Stop.WORD)),
    ({"text": "5", "stop_reason": "\nQuestion:"}, ("5", Stop.WORD)),
    ({"text": "5", "stop_reason": 151643}, ("5", Stop.END)),
    ({"text": "5 and", "finish_reason": "length"}, ("5 and", Stop.LENGTH)),
    ({"text": "5", "finish_reason": "content_filter"}, ("5", Stop.FILTERED)),
    ({"message": {"content": None}}, ("", Stop.END)),
]


@pytest.mark.parametrize(("choice", "expected"), READ)
def test_why_a_text_ended(endpoint: Endpoint, choice: dict[str, Any], expected: tuple[str, Stop]) -> None:
    endpoint.next.append(Said(answer(choice)))
    reply = one(endpoint, settings=Settings(9, stop=("\nQuestion:",)))
    assert (reply.text, reply.stop) == expected


def test_what_is_sent(endpoint: Endpoint) -> None:
    sampled = Settings(9, temperature=0.7, top_p=0.9, top_k=20, stop=tuple("abcdef"))
    one(endpoint, Request("2 + 3 =  \n", seed=2**32 - 1), sampled)
    one(endpoint, CHAT)
    text, chat = endpoint.asked
    assert (text.path, text.key) == ("/v1/completions", f"Bearer {KEY}")
    assert text.body == {
        "model": "m",
        "prompt": "2 + 3 =",
        "max_tokens": 9,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 20,
        "seed": 2**31 - 1,
        "stop": ["a", "b", "c", "d"],
    }
    assert chat.path == "/v1/chat/completions"
    assert chat.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 9,
        "temperature": 0.0,
    }


def test_a_prompt_that_outgrew_the_model_is_answered_with_nothing(endpoint: Endpoint) -> None:
    endpoint.next.append(Said({"error": {"message": "maximum context length"}}, 400))
    assert one(endpoint, settings=Settings(9, may_outgrow=True)) == Reply("", Stop.LENGTH, 0)


def test_not_more_at_once_than_was_said(endpoint: Endpoint) -> None:
    requests = [Request(f"{n}") for n in range(40)]
    replies = dict(backend(endpoint, at_once=3).generate(requests, Settings(1)))
    assert [replies[n].text for n in range(40)] == [f"{n}!" for n in range(40)]
    assert 1 <= endpoint.most_at_once <= 3


PROBLEMS = [Problem(id=f"p/{n}", prompt=f"ask {n}", gold="") for n in range(8)]


def test_what_was_answered_is_kept_and_only_the_rest_is_asked_again(endpoint: Endpoint, tmp_path: Path) -> None:
    def run(at_once: int) -> None:
        judge = Judge(benchmark="b", num_samples=2, temperature=0.5)
        settings = Settings(1, temperature=0.5)
        complete(PROBLEMS, lambda p: p.prompt, backend(endpoint, at_once=at_once), settings, judge, tmp_path, label="")

    endpoint.next.extend([Said(answer({"text": "first"}))] * 5 + [Said("", 401)])
    with pytest.raises(GenerateError):
        run(1)
    assert len(endpoint.asked) == 6
    run(4)
    assert len(endpoint.asked) == 6 + 11
    kept = list(read_records(tmp_path / "completions.jsonl", Completion))
    assert [(c.problem_id, c.sample) for c in kept] == [(p.id, s) for p in PROBLEMS for s in range(2)]
    assert sum(c.text == "first" for c in kept) == 5
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in written and KEY not in json.dumps(dict(backend(endpoint).protocol))


def test_a_caller_that_leaves_ends_what_is_under_way(endpoint: Endpoint) -> None:
    endpoint.next.extend([Said(answer({"text": "first"})), SLOW, SLOW])
    begun = time.monotonic()
    replies = backend(endpoint, at_once=3).generate([ASK] * 3, Settings(1))
    assert next(iter(replies))[1].text == "first"
    replies.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert time.monotonic() - begun < 3
