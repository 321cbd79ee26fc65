"""Limits: series, attributes, batches; values that no wire holds; objects that bite; images of 50 MB."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gc
import importlib
import json
import math
import pkgutil
import sys
import tracemalloc
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ollama
import openai
import pytest

import clearspan
from clearspan.core import read
from clearspan.core.rarely import Rarely
from clearspan.testing import Json, ModelServer, captured
from tests.faults.kit import eventually
from tests.support.otlp_sink import Sink, http_sink, plain

CAP = 131_072  # bytes of a content attribute, by default
FIFTY = 50_000_000
CANARY = "canary-of-the-prompt"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLEARSPAN_STRICT")
    yield
    clearspan.shutdown()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as made:
        yield made
        clearspan.shutdown(20)  # while there is somebody to send to


# -- series ---------------------------------------------------------------------------------------


def test_F60_series_are_limited_whatever_the_models_are_called() -> None:
    """Twenty times more models than series: all is counted, beyond the limit in one series."""
    limit, calls = 100, 2_000
    with captured(metric_series=limit, content="full") as seen:
        with clearspan.context(user="somebody", session="one of many"):
            for number in range(calls):
                with clearspan.invocation("chat", provider="p", model=f"model-{number}") as draft:
                    draft.input(f"{CANARY} {number}")
                    draft.usage(input=1, output=2)
        metrics = seen.metrics
    assert {len(points) for points in metrics.values()} <= set(range(limit + 1))
    durations = metrics["gen_ai.client.operation.duration"]
    assert len(durations) == limit
    assert sum(point["count"] for point in durations) == calls
    (beyond,) = [point for point in durations if point["attributes"].get("otel.metric.overflow")]
    assert beyond["count"] == calls - limit + 1
    tokens = metrics["gen_ai.client.token.usage"]
    assert sum(point["sum"] for point in tokens) == calls * 3
    told = json.dumps(metrics)
    assert CANARY not in told
    assert "somebody" not in told
    assert "one of many" not in told


def test_F60_the_texts_of_series_are_cut() -> None:
    with captured() as seen:
        with clearspan.invocation("chat", model="m" * 100_000):
            pass
        found = [point["attributes"] for points in seen.metrics.values() for point in points]
    assert found
    assert (
        max(len(value) for each in found for value in each.values() if isinstance(value, str))
        <= 256
    )


# -- batches --------------------------------------------------------------------------------------


def picky(sink: Sink, fits: Callable[[str, Any, bytes], bool]) -> list[int]:
    """Have the sink answer 413 to what does not fit; answers the sizes of what did, and keeps only that."""
    sizes: list[int] = []
    take = sink.take

    def taken(signal: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        answer = take(signal, path, headers, body)
        message = sink.arrived[-1].message
        if fits(signal, message, body):
            sizes.append(len(body))
            return answer
        sink.arrived.pop()
        return 413

    sink.take = taken  # type: ignore[method-assign]
    return sizes


def records(message: Any) -> int:
    """Spans or log records in a request."""
    resources = [*getattr(message, "resource_spans", ()), *getattr(message, "resource_logs", ())]
    found = 0
    for resource in resources:
        for scope in [*getattr(resource, "scope_spans", ()), *getattr(resource, "scope_logs", ())]:
            found += len(getattr(scope, "spans", ())) + len(getattr(scope, "log_records", ()))
    return found


@pytest.mark.parametrize("by", ["argument", "environment", "spool"])
def test_F26_a_batch_that_is_too_large_is_halved_until_it_fits(
    by: str, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that takes three records at a time gets all of them, each once."""
    picky(sink, lambda signal, message, body: signal == "metrics" or records(message) <= 3)
    if by == "environment":
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    runtime = clearspan.init(
        endpoint=None if by == "environment" else sink.url, providers=(), hardware="off",
        content_target="both", export_interval=60, protocol="http/protobuf",
        spool=tmp_path / "spool.db" if by == "spool" else None,
    )  # fmt: skip
    for number in range(25):
        with clearspan.invocation("chat", model=f"m{number}") as draft:
            draft.input("why?")
    assert clearspan.flush(60)
    spans = [item.item.name for item in sink.spans]
    assert sorted(spans) == sorted(f"chat m{number}" for number in range(25))
    assert len(sink.logs) == 25
    found = runtime.status()
    assert (found.accounts.exported, found.accounts.dropped, found.accounts.pending) == (25, {}, 0)
    assert [each.accounts.dropped for each in found.deliveries] == [{}, {}, {}]


@pytest.mark.parametrize(("spool", "reason"), [(None, "too_large"), ("spool.db", "refused")])
def test_F26_what_is_too_large_by_itself_is_lost_alone_and_told(
    spool: str | None, reason: str, sink: Sink, tmp_path: Path
) -> None:
    picky(sink, lambda signal, message, body: len(body) < 30_000)
    runtime = clearspan.init(
        endpoint=sink.url, providers=(), hardware="off", export_interval=60, content="full",
        spool=spool and tmp_path / spool,
    )  # fmt: skip
    for number in range(20):
        with clearspan.span(f"step {number}") as step:
            step.set(input="x" * (60_000 if number == 7 else 10))
    assert clearspan.flush(60)
    assert len(sink.spans) == 19
    assert runtime.status().accounts.dropped == {reason: 1}
    assert runtime.status().accounts.exported == 19


@pytest.mark.parametrize("spool", [None, "spool.db"])
def test_F26_metrics_are_halved_too(spool: str | None, sink: Sink, tmp_path: Path) -> None:
    def metrics(message: Any) -> int:
        return sum(
            len(scope.metrics) for each in message.resource_metrics for scope in each.scope_metrics
        )

    picky(sink, lambda signal, message, body: signal != "metrics" or metrics(message) <= 2)
    runtime = clearspan.init(
        endpoint=sink.url, providers=(), hardware="off", spool=spool and tmp_path / spool
    )
    with clearspan.invocation("chat", model="m") as draft:
        draft.usage(input=1, output=2)
    assert clearspan.flush(60)
    names = {item.item.name for item in sink.metrics}
    assert {
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "otel.sdk.span.started",
    } <= names
    (told,) = [
        each.accounts for each in runtime.status().deliveries if each.signal == "metric points"
    ]
    assert (told.pending, told.dropped) == (0, {})
    assert told.exported + told.stored > 2


def test_F26_a_failure_of_another_kind_is_not_tried_in_halves(sink: Sink) -> None:
    """Only what is too large gets smaller: a receiver that refuses is not asked again and again."""
    sink.answer = 400
    runtime = clearspan.init(endpoint=sink.url, providers=(), hardware="off", export_interval=60)
    for number in range(10):
        with clearspan.span(f"step {number}"):
            pass
    clearspan.flush(60)
    assert [request.signal for request in sink.arrived].count("traces") == 1
    assert runtime.status().accounts.dropped == {"export_failed": 10}


# -- values ---------------------------------------------------------------------------------------


def circle() -> list[Any]:
    made: list[Any] = [1]
    made.append(made)
    return made


def deep(levels: int) -> Any:
    made: Any = "end"
    for _ in range(levels):
        made = {"a": [made]}
    return made


ODD = {
    "nan": math.nan,
    "infinity": math.inf,
    "huge": 10**500,
    "surrogate": "a\ud800b",
    "surrogates in a key": {"\udfff": "\ud800"},
    "circle": circle(),
    "deep": deep(2_000),
    "bytes": b"\xff\x00",
    "set": {1, 2},
    "nul": "a\0b",
    "complex": 1j,
    "class": int,
    "keys": {1: "a", None: "b", (1, 2): "c"},
    "nans": [math.nan, [math.inf, -math.inf]],
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_F26_a_value_that_no_wire_holds_costs_nobody_else_theirs(value: Any, sink: Sink) -> None:
    """In every place where a program hands something in; a hundred others arrive with it."""

    @clearspan.tool
    def echo(given: Any, **more: Any) -> Any:
        return given

    clearspan.init(
        endpoint=sink.url, providers=(), hardware="off", content="full", content_target="both"
    )
    for number in range(50):
        with clearspan.span(f"before {number}"):
            pass
    assert echo(value, other=value) is value
    with clearspan.span("step", label=value) as step:
        step.set(input=value, output=[value], own=value)
    with clearspan.invocation("chat", model="m") as draft:
        draft.input(value)
        draft.text(value)
        draft.tool_call(id="1", name="t", arguments=value)
        draft.usage(input=value)
        draft.set(temperature=value)
        draft.extra("own", value)
    for number in range(50):
        with clearspan.span(f"after {number}"):
            pass
    assert clearspan.flush(60)
    assert len(sink.spans) == 103
    assert len({item.item.span_id for item in sink.spans}) == 103
    for item in sink.spans:
        json.dumps(plain(item.item.attributes), allow_nan=True).encode()
    found = clearspan.status()
    assert (found.accounts.dropped, found.accounts.pending) == ({}, 0)


_SPECIAL = (
    "repr str bytes format hash bool len length_hint iter next reversed contains getitem setitem call eq ne lt gt "
    "add index int float enter exit getattr copy deepcopy reduce reduce_ex dir sizeof fspath await aiter anext"
)


class Biting:
    """Counts how often somebody runs any code of it; then it raises, or hangs for good."""

    touched = 0

    def _bite(self, *given: Any, **named: Any) -> Any:
        type(self).touched += 1
        raise LookupError("bitten")

    for _name in _SPECIAL.split():
        locals()[f"__{_name}__"] = _bite
    del _name


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "inside"])
def test_F25_no_code_of_the_programs_objects_runs(wrapped: bool) -> None:
    biting = Biting()
    given: Any = {"a": [biting], "b": (biting,)} if wrapped else biting

    @clearspan.tool
    def echo(one: Any, *more: Any, **named: Any) -> Any:
        return one

    @clearspan.task
    def each(one: Any) -> Any:
        yield one
        yield one

    message: Any = [{"role": "user", "content": given}]
    Biting.touched = 0
    with captured(content="full", content_target="both") as seen:
        assert echo(given, given, name=given) is given
        assert [item is given for item in each(given)] == [True, True]
        with clearspan.span("step", input=given) as step:
            step.set(output=given)
        with clearspan.context(user="u"):
            with clearspan.invocation("chat", model="m") as draft:
                draft.input(message)
                draft.tool_call(id="1", name="t", arguments=given)
        assert len(seen.spans) == 4
    assert Biting.touched == 0


# -- sizes ----------------------------------------------------------------------------------------

URL = "data:image/png;base64,"


@pytest.fixture(scope="module")
def image() -> str:
    """The base64 of an image of 50 MB."""
    return "iVBORw0KGgo" + "A" * (FIFTY - 11)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nobody may decode base64, on whatever thread; what is tried is told."""
    tried: list[str] = []

    def refuse(*given: Any, **named: Any) -> Any:
        tried.append(sys._getframe(1).f_code.co_filename)
        raise AssertionError("decoded")

    for module, name in (
        (base64, "b64decode"),
        (base64, "standard_b64decode"),
        (binascii, "a2b_base64"),
    ):
        monkeypatch.setattr(module, name, refuse)
    yield tried
    assert tried == []


def size(attributes: Any) -> int:
    return sum(len(str(key)) + len(str(value)) for key, value in attributes.items())


def small(seen: Any) -> None:
    """What is told of the calls keeps to the cap, in spans and events."""
    told = [*seen.spans, *seen.events]
    assert told
    for each in told:
        assert (
            max((len(str(value)) for value in each.attributes.values()), default=0) <= CAP + 1_000
        )
        assert size(each.attributes) < 5 * CAP, (
            "no more than what is told apart: input, output, own attributes"
        )


def chat_of(text: str) -> list[Any]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": URL + text}}]}]


def _arguments(image: str) -> None:
    @clearspan.tool
    def look(picture: str, **more: Any) -> str:
        return picture

    assert look(URL + image, again={"deep": [image]}).endswith("AAAA")


def _generator(image: str) -> None:
    @clearspan.task
    def pieces() -> Any:
        yield image
        yield {"type": "image", "data": image}

    assert len(list(pieces())) == 2


def _step(image: str) -> None:
    with clearspan.span("step", label=image) as step:
        step.set(input=image, output={"url": URL + image}, own=image)


def _input(image: str) -> None:
    with clearspan.invocation("chat", model="m") as draft:
        draft.input(chat_of(image))
        draft.system(image)


def _output(image: str) -> None:
    with clearspan.invocation("chat", model="m") as draft:
        draft.text(image)
        draft.part({"type": "blob", "modality": "image", "content": image})
        draft.tool_call(id="1", name="draw", arguments={"image": image})


def _documents(image: str) -> None:
    @clearspan.retrieval
    def search(query: str) -> list[str]:
        return [image, image]

    assert len(search(image)) == 2


def _failure(image: str) -> None:
    @clearspan.task
    def fail() -> None:
        raise LookupError(image)

    with pytest.raises(LookupError):
        fail()


POSITIONS = (_arguments, _generator, _step, _input, _output, _documents, _failure)


@pytest.mark.parametrize("position", POSITIONS, ids=lambda position: position.__name__[1:])
def test_F28_fifty_megabytes_in_any_place_are_cut(
    position: Callable[[str], None], image: str, undecoded: list[str]
) -> None:
    """The attribute keeps to its cap, no one decodes, and the image is not copied again and again."""
    with captured(content="full", content_target="both") as seen:
        gc.collect()
        tracemalloc.start()
        try:
            position(image)
            assert seen.spans
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        small(seen)
    # What the program itself makes of it (a data URL, a dict) is in this, too.
    assert peak < 4 * FIFTY
    assert undecoded == []


@pytest.mark.parametrize("content", ["full", "redacted", "metadata", "off"])
def test_F28_fifty_megabytes_through_clients(
    content: str, image: str, undecoded: list[str]
) -> None:
    """As a request and as an answer; what the client gets and sends is as it was."""
    answer = {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": URL + image}}],
    }  # fmt: skip
    with ModelServer() as server, captured(content=content, providers=["openai", "ollama"]) as seen:
        with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0, timeout=60) as client:
            asked = client.chat.completions.create(model="m", messages=chat_of(image))
            assert asked.choices[0].message.content
            sent = json.loads(server.requests[-1].body)
            assert len(sent["messages"][0]["content"][0]["image_url"]["url"]) == len(URL) + FIFTY
            if content == "full":
                server.script(Json(answer))
                got = client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "draw"}]
                )
                assert got.choices[0].message.content == URL + image
        if content == "full":
            asking = ollama.Client(host=server.origin)
            picture = b"\x89PNG" * 1_000_000
            asking.chat(
                model="m", messages=[{"role": "user", "content": "what?", "images": [picture]}]
            )
            asking._client.close()
        small(seen)
        assert eventually(lambda: seen.open_calls == 0)


def test_F28_the_records_of_large_calls_wait_within_their_bounds(image: str) -> None:
    """A queue that is bounded in bytes does not hold many of them: what finds no room goes without content."""
    from tests.runtime.support import Stuck

    stuck = Stuck()
    runtime = clearspan.init(
        exporters=[stuck],
        providers=(),
        hardware="off",
        content="full",
        queue_bytes=1_000_000,
        export_interval=0.001,
    )
    try:
        for number in range(30):
            with clearspan.span(f"step {number}") as step:
                step.set(input=image[:300_000] + str(number))
        for queue in runtime.status().queues:
            assert queue.bytes <= queue.max_bytes
    finally:
        stuck.let_go.set()
    assert clearspan.flush(60)
    found = runtime.status().accounts
    assert found.pending == 0
    assert found.created == found.exported + sum(found.dropped.values()) == 30


# -- what lives as long as the process ------------------------------------------------------------

BY_THE_CODE = "one entry for each place in the code, or each name in a table of ours"
BY_THE_PROGRAM = (
    "one entry for each thing that the program itself makes and names: providers, plug-ins, judges"
)
WEAK = "holds nobody alive"
BOUNDED = {
    "_boards": WEAK, "_crews": WEAK, "_holders": WEAK, "_judges": WEAK, "_known": WEAK, "_sizes": WEAK, "_workers": WEAK,
    "_counts": BY_THE_CODE, "_logged": BY_THE_CODE, "_hooked": BY_THE_CODE, "_warned": "one line for each setting",
    "_added": BY_THE_PROGRAM, "_all_patches": BY_THE_PROGRAM, "_published": BY_THE_PROGRAM, "_set": "one judge",
    "_named": BY_THE_PROGRAM, "_quiet": BY_THE_PROGRAM, "_unsafe": "one path for each store that a fork broke in on",
    "_here": "one for each spool that is open", "_heard": "the same", "_robbed": "the same", "_away": "the same",
    "_taken": "one entry for each thread that forks just now",
    "_held": "the same", "_finalized": "one number for each process", "_issued": "a deque with a length",
    "_kinds": "cleared when it is full", "_keys": "those used last stay", "_young": "settled when there are many", "_clients": "cleared when it is full",
    "_clean": "one entry; what is in it is forgotten when it is full", "_generation": "one number", "_shapes": "cleared when it is full",
    "_no_keys": "cleared when it is full", "_refusing": "the oldest go",
    "_rarely": "cleared when it is full", "_said": BY_THE_CODE,
}  # fmt: skip
"""Containers of modules that are changed while a program runs, and what bounds each."""
MUTABLE = (dict, list, set, deque, weakref.WeakSet, weakref.WeakKeyDictionary, Rarely)
ROOMS = ("cli", "offline", "testing", "web", "internals", "monitors", "__main__")


def modules() -> Iterator[Any]:
    """Every module of clearspan that runs inside a program, imported where its packages are here."""
    for item in pkgutil.walk_packages(clearspan.__path__, "clearspan."):
        if item.name.split(".")[1] not in ROOMS:
            with contextlib.suppress(ImportError):
                yield importlib.import_module(item.name)


def test_F61_what_lives_as_long_as_the_process_is_bounded() -> None:
    """A container that is new must be put into the table, with its bound; a cache must say how large it may get."""
    unknown, caches = [], []
    for module in modules():
        for name, value in vars(module).items():
            private = name.startswith("_") and not name.startswith("__") and name == name.lower()
            if private and isinstance(value, MUTABLE) and name not in BOUNDED:
                unknown.append(f"{module.__name__}.{name}")
            limit = getattr(value, "cache_parameters", lambda: {"maxsize": 0})()["maxsize"]
            takes: Any = getattr(value, "__wrapped__", None)
            if limit is None and takes.__code__.co_argcount:
                caches.append(f"{module.__name__}.{name}")
    assert unknown == []
    assert caches == [], "a cache without end, of a function that takes arguments"


def test_F61_what_is_cleared_when_full_is() -> None:
    """The ones that grow with what programs hand in, filled with more than they hold."""
    rarely = Rarely(lambda: 0.0)
    for number in range(1_000):
        assert rarely.due(str(number))
        read.fields(type(f"Odd{number}", (), {})())
    assert len(rarely._said) <= 256
    assert len(read._kinds) <= read._MAX_KINDS
