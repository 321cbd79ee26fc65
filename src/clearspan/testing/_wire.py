"""What a wire form is made of: routes, endpoints and the events of its streams.

A form (OpenAI's is one, Ollama's another) is a table of routes. Each leads to an `Endpoint`, which says what is
answered without a script and how a scripted `Reply` reads there, whole and as a stream.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from clearspan.testing._answers import Answer, Error, Reply, Request
from clearspan.testing._reading import Form, Obj, flag, form_body, obj

# Ids, and the times in bodies, start anew with every server: two servers given the same requests
# in the same order answer with the same bytes.
EPOCH = 1_760_000_000


class State:
    """What one server remembers between requests: how many ids it gave, and stored objects."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: Counter[str] = Counter()
        self._kept: dict[str, object] = {}
        self._ticks = 0

    def new_id(self, prefix: str) -> str:
        """The next id of that prefix."""
        with self._lock:
            self._given[prefix] += 1
            return f"{prefix}{self._given[prefix]:08d}"

    def now(self) -> int:
        """A time in Unix seconds that only moves when it is asked for."""
        with self._lock:
            self._ticks += 1
            return EPOCH + self._ticks

    def keep(self, key: str, value: object) -> None:
        """Store an object under its id, replacing what was there."""
        with self._lock:
            self._kept[key] = value

    def kept(self, key: str) -> object:
        """The object stored under the id, or None."""
        with self._lock:
            return self._kept.get(key)

    def clear(self) -> None:
        """Forget everything; ids and times start again."""
        with self._lock:
            self._given.clear()
            self._kept.clear()
            self._ticks = 0


@dataclass(frozen=True)
class Call:
    """A request on its way through an endpoint."""

    request: Request
    number: int
    """How many requests the server had then, this one included."""
    params: Mapping[str, str]
    """What the placeholders of the route stand for."""
    state: State
    body: Obj
    """The JSON object or the plain form fields that were sent; empty if neither."""
    form: Form

    @property
    def streaming(self) -> bool:
        """Whether the client asked for a stream, in the body or in the query."""
        return flag(self.body.get("stream")) or flag(self.request.query.get("stream"))


@dataclass(frozen=True)
class Event:
    """One server-sent event. A string is sent as it is; anything else as JSON."""

    data: object
    name: str | None = None
    pause: float = 0.0
    """Seconds to wait before it."""

    def encode(self) -> bytes:
        """The event as it goes over the wire."""
        data = self.data if isinstance(self.data, str) else dump(self.data)
        name = f"event: {self.name}\n" if self.name else ""
        return f"{name}data: {data}\n\n".encode()


DONE = Event("[DONE]")

Serve: TypeAlias = "Callable[[Call], Answer]"
Plain: TypeAlias = "Callable[[Call, Reply], object]"
Stream: TypeAlias = "Callable[[Call, Reply], Iterator[Event]]"
Failure: TypeAlias = "Callable[[Call, str, str | None, str], Event]"


@dataclass(frozen=True)
class Endpoint:
    """What one route does."""

    serve: Serve
    """The unscripted answer."""
    plain: Plain | None = None
    """A `Reply` as one body: text or JSON. None: a Reply cannot be given here."""
    stream: Stream | None = None
    """A `Reply` as events."""
    failure: Failure | None = None
    """An error in the middle of a stream, given message, code and type."""
    required: Sequence[str] = ()
    """Fields without which an unscripted request is refused."""


@dataclass(frozen=True)
class Route:
    """A method and a path under the form's prefix, with ``{placeholders}``."""

    method: str
    path: str
    endpoint: Endpoint
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(pattern))


@dataclass(frozen=True)
class WireForm:
    """A vendor's way of speaking HTTP: where it lives, what it offers, how its errors look."""

    name: str
    prefixes: Sequence[str]
    """Regular expressions of the paths before the routes, tried in order."""
    routes: Sequence[Route]
    error: Callable[[Error], object]
    """The body of an error answer."""
    headers: Callable[[Call], Mapping[str, str]]
    """The headers of every answer."""
    stream_type: str = "text/event-stream; charset=utf-8"
    """The content type of a streamed `Reply`."""

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
        """The endpoint for a request and what its placeholders stand for."""
        starts = [start for prefix in self.prefixes if (start := re.match(prefix, path))]
        for start, route in product(starts, self.routes):
            match = route.pattern.fullmatch(path, start.end())
            if match and route.method == method:
                return route.endpoint, {**start.groupdict(), **match.groupdict()}
        return None


def call_of(request: Request, number: int, params: Mapping[str, str], state: State) -> Call:
    """The call that a request makes."""
    form = request.form
    return Call(request, number, params, state, obj(request.json) or form_body(form), form)


def dump(value: object) -> str:
    """JSON as the server writes it: compact, and with text left readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
