"""A stand-in model server on loopback, for demos and tests.

It speaks the HTTP of OpenAI, Ollama and Hugging Face, real enough for the official clients: whole answers and streams,
errors, delays, connections cut in the middle. It runs no model. What it says on its own is derived
from the request and always the same; everything else is scripted::

    with ModelServer() as server:
        server.script(Error(429, headers={"retry-after": "0"}), Reply("Paris."))
        client = openai.OpenAI(base_url=server.url, api_key="unused")

Tokens are counted as words between white space; the answers say ``server:
clearspan-model-server (stand-in)``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clearspan.testing._answers import (
    Answer,
    Cut,
    Delay,
    Error,
    Handler,
    Hang,
    Json,
    Raw,
    Reply,
    Request,
    Sse,
    StreamError,
    ToolCall,
)
from clearspan.testing._hugging_face import HUGGING_FACE
from clearspan.testing._listener import Channel, Listener
from clearspan.testing._ollama import OLLAMA
from clearspan.testing._openai import OPENAI
from clearspan.testing._perform import Performance
from clearspan.testing._wire import Endpoint, State, WireForm, call_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Answer",
    "Cut",
    "Delay",
    "Error",
    "Handler",
    "Hang",
    "Json",
    "ModelServer",
    "Raw",
    "Reply",
    "Request",
    "Sse",
    "StreamError",
    "ToolCall",
]

# The first form also answers for paths that no form knows.
_FORMS: tuple[WireForm, ...] = (OPENAI, OLLAMA, HUGGING_FACE)
_NO_RETRY: Mapping[str, str] = {"x-should-retry": "false"}


@dataclass(frozen=True)
class _Scripted:
    """An answer or handler, and the requests it is meant for."""

    answer: Answer | Handler
    path: str | None

    def fits(self, request: Request) -> bool:
        """Whether it may answer the request. Without a path, look-ups by GET are left alone."""
        if self.path is None:
            return request.method != "GET"
        return request.path.endswith(self.path)


class ModelServer:
    """A stand-in for a model provider on a free port of 127.0.0.1; it listens once it is made.

    Use it in a ``with`` block, or call `close`; either ends every connection and thread.
    All members may be used from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[_Scripted] = deque()
        self._standing: list[_Scripted] = []
        self._requests: list[Request] = []
        self._state = State()
        self._listener = Listener(self._exchange)
        self._port = self._listener.port

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._port

    @property
    def origin(self) -> str:
        """Scheme, host and port: the ``host`` of an Ollama client, an Azure client's ``azure_endpoint``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The ``base_url`` of an OpenAI client."""
        return f"{self.origin}/v1"

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in order of arrival; a copy."""
        with self._lock:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections are open. A client that closes one is noticed a moment later."""
        return self._listener.connections

    @property
    def active(self) -> int:
        """How many answers are under way, up to the moment before their last bytes are sent."""
        return self._listener.active

    def wait_idle(self, timeout: float = 5.0, *, connections: int | None = None) -> bool:
        """Wait until no answer is under way, and at most so many connections are open.

        Returns False if `timeout` seconds passed first.
        """
        return self._listener.wait_idle(timeout, connections)

    def script(self, *answers: Answer | Handler, path: str | None = None) -> None:
        """Queue answers for the next requests, each used once, first in first out.

        With `path`, only requests whose path ends with it take them; without, any but a GET does.
        """
        with self._lock:
            self._queue.extend(_Scripted(answer, path) for answer in answers)

    def respond(self, answer: Answer | Handler, path: str | None = None) -> None:
        """Set the standing answer, used whenever nothing is queued; the latest that fits wins.

        A handler is called with each `Request`, on the connection's thread; None from it means the
        server's own answer. What it raises is sent to the client as an error that is not retried.
        """
        with self._lock:
            self._standing.insert(0, _Scripted(answer, path))

    def reset(self) -> None:
        """Forget requests, scripts and stored objects; ids start again. Connections stay."""
        with self._lock:
            self._queue.clear()
            self._standing.clear()
            self._requests.clear()
            self._state.clear()

    def close(self) -> None:
        """Stop listening and end every connection; harmless when done twice."""
        if not self._listener.stopping.is_set():
            self._listener.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, request: Request, channel: Channel) -> None:
        with self._lock:
            self._requests.append(request)
            number = len(self._requests)
            scripted = self._next(request)
        form, endpoint, params = _route(request)
        call = call_of(request, number, params, self._state)
        show = Performance(form, call, endpoint, channel)
        answer = _decided(scripted, request)
        if answer is None:
            answer = show.unscripted()
        show.play(answer)

    def _next(self, request: Request) -> Answer | Handler | None:
        """The scripted answer for the request; called with the lock held."""
        for scripted in self._queue:
            if scripted.fits(request):
                self._queue.remove(scripted)
                return scripted.answer
        return next((item.answer for item in self._standing if item.fits(request)), None)


def _route(request: Request) -> tuple[WireForm, Endpoint | None, Mapping[str, str]]:
    for form in _FORMS:
        found = form.find(request.method, request.path)
        if found is not None:
            return form, *found
    return _FORMS[0], None, {}


def _decided(scripted: Answer | Handler | None, request: Request) -> Answer | None:
    """The answer itself, where a handler stands for it."""
    if not callable(scripted):
        return scripted
    try:
        return scripted(request)
    except Exception as error:  # noqa: BLE001 - it is the user's code
        # Whoever wrote the handler reads the client's error: nothing else connects the two threads.
        text = f"The handler raised {type(error).__name__}: {error}"
        return Error(500, text, "handler_failed", headers=_NO_RETRY)
