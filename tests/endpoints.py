"""An endpoint on this machine that answers as it is told, well or badly, and remembers what it was asked."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUT = "cut the connection"
SLOW = "say nothing until the client gives up"


@dataclass
class Said:
    """One answer of the endpoint: a status and a body, or one of the ways to say nothing."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    body: dict[str, Any]
    key: str


Reply = Callable[[Asked], dict[str, Any]]


class Endpoint:
    """What the server does next, and what it was asked; when `next` is empty it replies."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.next: deque[Said | str] = deque()
        self.asked: list[Asked] = []
        self.url = ""
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self.ends = threading.Event()

    def take(self, asked: Asked) -> Said | str:
        with self._lock:
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.next.popleft() if self.next else Said(self._reply(asked))

    def gave(self) -> None:
        with self._lock:
            self._at_once -= 1


def echo(asked: Asked) -> dict[str, Any]:
    """Return a right answer: the prompt and an exclamation mark."""
    if asked.path.endswith("/chat/completions"):
        return answer({"message": {"role": "assistant", "content": asked.body["messages"][-1]["content"] + "!"}})
    return answer({"text": asked.body["prompt"] + "!"})


def answer(choice: dict[str, Any]) -> dict[str, Any]:
    """Return a body with one choice."""
    return {"choices": [{"finish_reason": "stop", **choice}], "usage": {"completion_tokens": 3}}


@contextmanager
def serving(reply: Reply = echo) -> Iterator[Endpoint]:
    """Serve on a free port of this machine until the block ends."""
    endpoint = Endpoint(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = endpoint.take(Asked(self.path, body, self.headers.get("Authorization", "")))
            try:
                self._say(said)
            finally:
                endpoint.gave()

        def _say(self, said: Said | str) -> None:
            if isinstance(said, str):
                if said == SLOW:
                    endpoint.ends.wait(20)
                self.close_connection = True
                return
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.ends.set()
        server.shutdown()
        thread.join(10)
        server.server_close()
