"""Provider and Endpoint: frozen descriptions of a client library, without behaviour of their own.

A provider says where its library runs a model (`targets`), and gives small pure functions that
read a request, a response and a chunk into a `Draft`. Everything else (wrapping, streams, errors,
spans, metrics) is done once, elsewhere, for all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from clearspan.draft import Draft

__all__ = [
    "BLOCKED",
    "Call",
    "Endpoint",
    "Passage",
    "Probe",
    "Provider",
    "Server",
    "Slot",
    "Speech",
    "Tap",
    "Unfit",
]


BLOCKED = "clearspan.Blocked"
"""What a call has failed with that a guard stopped."""


class Unfit(ValueError):
    """A changed text is not let on: the client would fail at it."""


class Call(NamedTuple):
    """What a method was called with: the object it was called on, and its arguments.

    Readers that run at completion see a copy of the containers, so the caller's later edits are
    not in it.
    """

    instance: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Server(NamedTuple):
    """Who answers: the provider's name as for `gen_ai.provider.name`, and the address."""

    provider: str
    address: str | None = None
    port: int | None = None


class Tap(Protocol):
    """What an `Endpoint.follow` uses to listen to a stream without replacing the caller's object."""

    def relay(self, iterator: Iterator[Any]) -> Iterator[Any]:
        """`iterator` with every element noted as it goes by."""
        ...

    def arelay(self, iterator: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The same for an asynchronous iterator."""
        ...

    def closing(self, owner: object, method: str) -> None:
        """End the record when `owner.method()` is called; the method itself does what it did."""

    def watch(self, owner: object) -> None:
        """End the record when `owner` is collected without having been read or closed."""

    def result(self, value: Any) -> None:
        """The answer itself, when it only becomes known after the call returned."""


class Slot(NamedTuple):
    """A text inside a request, an answer or an element of a stream, and the way to it.

    `path` is the names and positions that lead there. In a stream the texts of one `channel` follow one
    another; a `whole` one repeats or stands for itself, and `last` says that no more comes for all channels that
    begin as this one does. `role` is who speaks, as in a message: `system` is the application itself.
    """

    text: str
    path: tuple[str | int, ...] = ()
    channel: tuple[Hashable, ...] = ()
    role: str = "user"
    whole: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """Where the texts of a call are, for guards, and what an answer that no model made looks like.

    `asked` is given the keyword arguments (those of `positional` among them), `answered` a result, `chunk` an
    element of a stream. What they are given they must not change. `put` gives the text at a path of an answer another
    text, everywhere that the answer holds it, and answers with the answer.
    `reply(call, text, answer)` makes an answer of the client's own type that says `text`; `answer` is
    the model's own where there is one. `pieces(call, text, seen)` makes the elements of a stream that say it, `seen`
    being the first element that went by, the last that had an `item`, and the last, if any did; it may be `None`; `streamed(call, text)` a whole stream, where it is no plain generator.
    `elsewhere(call)` says that the answer also goes where nobody can look at it. `apart(call, result)`: where
    the result is a list of answers that stand for themselves, the call that each would have been. `puts(call)` is what stands in for `put` in a call whose
    answer may not take just any text, where it is one: it raises `Unfit` for what the client could not read then.
    `attach(result, tap)` lets the elements of a stream that is no plain generator go by `tap`. `once` names
    arguments that may be iterators, to be read by us before the client does.
    """

    asked: Callable[[Mapping[str, Any]], Iterable[Slot]]
    put: Callable[[Any, tuple[str | int, ...], str], Any]
    answered: Callable[[Any], Iterable[Slot]]
    chunk: Callable[[Any], Iterable[Slot]] | None = None
    reply: Callable[[Call, str, Any], Any] | None = None
    pieces: Callable[[Call, str, Sequence[Any]], Iterable[Any] | None] | None = None
    streamed: Callable[[Call, str], Any] | None = None
    attach: Callable[[Any, Tap], bool] | None = None
    once: tuple[str, ...] = ()
    elsewhere: Callable[[Call], bool] | None = None
    apart: Callable[[Call, Any], Sequence[Call] | None] | None = None
    puts: Callable[[Call], Callable[[Any, tuple[str | int, ...], str], Any] | None] | None = None


def _model(call: Call) -> Any:
    return call.kwargs.get("model")


def _streaming(call: Call) -> bool:
    return call.kwargs.get("stream") is True


def _check_targets(targets: tuple[str, ...]) -> None:
    for target in targets:
        module, colon, path = target.partition(":")
        if not (module and colon and path):
            raise ValueError(
                f"clearspan: target {target!r} must be written 'module:Class.method', "
                "with the module that defines the class"
            )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that a library can do.

    `targets` are `"module:Class.method"`; those that the installed version lacks are passed over.
    `families` are written alike: wherever a class derived from `Class` defines `method` itself,
    that is wrapped as well, whether the class is there already or comes later. `positional` names
    the leading positional parameters, so that the readers find them among the keyword arguments.

    `request`, `response` and `chunk` read the vendor's objects into the draft, away from the
    caller's thread. `run(draft, items, start)` may read many chunks at once: as many from `start` on as it knows how to, each
    with content; it answers how many, and the others are for `chunk`.
    `weigh` tells at once about how many bytes an answer, or a chunk, keeps alive, `None` of one that must be walked through.
    `brief` makes of an answer at once what is kept of it until it is read, where that is far less: a dictionary of its fields, say, which is then what
    `response` and `weigh` are given; `None` of an answer that is kept as it is.
    `operation`, `model`, `streaming` and `wanted` (whether a call is to be recorded: each, where it is `None`) are asked
    on the caller's thread and must be cheap. `deep` names the arguments that are copied in depth. `adjust(draft, call,
    kwargs)` may change the keyword arguments that the vendor's function is really given, and answer with a
    function that tells which elements of the stream only clearspan has asked for: the program does not get those.
    With `streams_only` it is asked about streams alone.
    `follow(result, tap)` attaches to a result that is read later (a stream) and answers whether it
    did; without it, plain generators are followed by themselves. `stepped` streams run host code in
    the record's context at each step, as decorated generators do; `lazy` ones do so at their first
    step only, where they send their request. `extras` are attributes that every call gets.

    `kind` is `"internal"` for models that run in the process. A call made inside another of the
    same provider and `layer` is part of it and no record of its own; in another layer it is one,
    below the first. `inner(draft, call, kwargs)` is told of calls that are part of another: `draft` is
    that other one's, the rest as for `adjust`. `speech` says where its texts are; without it guards do not see it.
    """

    operation: str | Callable[[Call], str]
    targets: tuple[str, ...]
    request: Callable[[Draft, Call], None]
    response: Callable[[Draft, Any], None]
    chunk: Callable[[Draft, Any], None] | None = None
    run: Callable[[Draft, Sequence[Any], int], int] | None = None
    weigh: Callable[[Any], int | None] | None = None
    model: Callable[[Call], Any] = _model
    streaming: Callable[[Call], bool] = _streaming
    wanted: Callable[[Call], bool] | None = None
    deep: tuple[str, ...] = ("messages", "input", "prompt")
    adjust: Callable[[Draft, Call, dict[str, Any]], Callable[[Any], bool] | None] | None = None
    streams_only: bool = False
    follow: Callable[[Any, Tap], bool] | None = None
    stepped: bool = False
    lazy: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
    kind: str = "client"
    layer: str | Callable[[Call], str] = ""
    inner: Callable[[Draft, Call, dict[str, Any]], None] | None = None
    positional: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    speech: Speech | None = None
    brief: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a target that is not written as one."""
        _check_targets(self.targets)
        _check_targets(self.families)


@dataclass(frozen=True, slots=True)
class Probe:
    """A place inside a library that knows something the result does not tell, such as retries.

    `read(call)` runs before the wrapped function, and what it answers is merged into
    `Draft.transport` of the call in progress: tuples under the same name are joined, all else
    replaces. `http_response` is kept in case that the call fails all the same, and `weight` is its size in bytes. The time that the function takes is added to
    that call's `phase`, where one is named. `seen(call, result, seconds)` runs after the function
    returned, whether or not a call is in progress; the seconds are 0 where they went into a phase. Probes are optional: a version without the target simply
    records less.
    """

    targets: tuple[str, ...]
    read: Callable[[Call], Mapping[str, Any]] | None = None
    phase: str | None = None
    seen: Callable[[Call, Any, float], None] | None = None
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a target that is not written as one."""
        _check_targets(self.targets)
        _check_targets(self.families)


@dataclass(frozen=True, slots=True)
class Passage:
    """A place where a library answers a request of another process, or hands work to a thread.

    `headers(call)` answers the headers (names in lower case) of the request that the target works
    on: what it does belongs to the trace that they tell of, unless the program has a span around
    it already. `handed` is the position of an argument (without `self`) that is a function to be
    run elsewhere: it will run in the context of this call.
    """

    targets: tuple[str, ...]
    headers: Callable[[Call], Mapping[str, str] | None] | None = None
    handed: int | None = None
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a target that is not written as one."""
        _check_targets(self.targets)
        _check_targets(self.families)


@dataclass(frozen=True, slots=True)
class Provider:
    """A client library: how it is recognised, what it can do, whom it talks to.

    `minimum` is the oldest supported version of `distribution`. `server(instance)` names the
    server of the object a method was called on. `finish(draft)` reads what the probes noted.
    `error(exception)` answers the provider's own error code, where there is one.
    """

    name: str
    distribution: str
    minimum: str
    endpoints: tuple[Endpoint, ...]
    server: Callable[[Any], Server]
    probes: tuple[Probe, ...] = ()
    finish: Callable[[Draft], None] | None = None
    error: Callable[[BaseException], str | None] | None = None
    passages: tuple[Passage, ...] = ()
