"""One process with clearspan and another instrumentation in it: what each of them, and the program, saw.

Run as `python -m tests.coexist.program` with a plan in JSON; prints a report in JSON, on the last line.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import openai
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan.capture.wrapper import Wrapper
from clearspan.providers.openai import provider
from clearspan.testing import Error, ModelServer, captured
from tests.coexist.peers import PEERS, Started, Telemetry

ASK: Any = [{"role": "user", "content": "Name a river."}]
OURS = "clearspan"
# What no two runs share: ports, random ids, moments and how long things took.
VOLATILE = re.compile(
    r"127\.0\.0\.1:\d+|0x[0-9a-f]+|[0-9a-f]{16,}|(?:run|trace|span)[-_]id[^,}]*"
    r"|took [0-9.]+s|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?|time_to_first_\w+\W+[0-9.e-]+|\bduration\W+[0-9.e-]+"
)
# The caller's place is ours where clearspan runs from its sources, and the program's where it is installed.
UNSTABLE = ("code.", "server.port", "port", "time_to_first", "completion_start", "timestamp", "duration", "thread.", "pid", "sdk.version", "_ms", "time_per", "tokens_per_second")  # fmt: skip


# -- what the program does ------------------------------------------------------------------------------------


def _error(error: Exception) -> list[Any]:
    return [type(error).__name__, VOLATILE.sub("~", str(error))]


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else repr(value)


def synchronous(url: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        chat = client.chat.completions
        yield _plain(chat.create(model="m", messages=ASK))
        yield [_plain(item) for item in chat.create(model="m", messages=ASK, stream=True, stream_options={"include_usage": True})]  # fmt: skip
        yield _plain(client.embeddings.create(model="e", input=["one", "two"]))
        if hasattr(client, "responses"):
            yield _plain(client.responses.create(model="m", input="Name a river."))
            yield [_plain(item) for item in client.responses.create(model="m", input="Name a lake.", stream=True)]  # fmt: skip
        try:
            yield _plain(chat.create(model="broken", messages=ASK))
        except openai.APIStatusError as error:
            yield _error(error)


async def asynchronous(url: str) -> list[Any]:
    async with openai.AsyncOpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        chat = client.chat.completions
        found: list[Any] = [_plain(await chat.create(model="m", messages=ASK))]
        stream = await chat.create(model="m", messages=ASK, stream=True, stream_options={"include_usage": True})  # fmt: skip
        found.append([_plain(item) async for item in stream])
        found.append(_plain(await client.embeddings.create(model="e", input=["one"])))
        if hasattr(client, "responses"):
            found.append(_plain(await client.responses.create(model="m", input="Name a hill.")))
        try:
            await chat.create(model="broken", messages=ASK)
        except openai.APIStatusError as error:
            found.append(_error(error))
        return found


def traffic(server: ModelServer) -> tuple[list[Any], int]:
    """What the program got, and how many calls of models it made."""
    server.reset()
    server.respond(lambda asked: Error(400, "no such model") if b'"broken"' in asked.body else None)
    found = [*synchronous(server.url), *asyncio.run(asynchronous(server.url))]
    return found, len(server.requests)


# -- what the two record --------------------------------------------------------------------------------------


class Shared:
    """Providers of the application's."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer = TracerProvider()
        self.processor = SimpleSpanProcessor(self.exporter)
        self.tracer.add_span_processor(self.processor)
        self.meter = MeterProvider([self.reader])

    def spans(self, mine: bool) -> list[tuple[str, dict[str, Any]]]:
        """Those of clearspan, or those of anybody else, since they were last cleared."""
        self.tracer.force_flush()
        # Some bring a processor of their own, and so a second copy of every span.
        once = {span.context.span_id: span for span in self.exporter.get_finished_spans()}
        return [
            (span.name, dict(span.attributes or {}))
            for span in once.values()
            if _is_ours(span.instrumentation_scope) is mine
        ]

    def points(self) -> dict[str, int]:
        """How many values clearspan has recorded, by instrument."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: sum(getattr(point, "count", 0) for point in metric.data.data_points)
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            if _is_ours(scope.scope)
            for metric in scope.metrics
        }


def _is_ours(scope: Any) -> bool:
    return scope is not None and scope.name.startswith(OURS)


class Ours:
    """clearspan, recording for itself or into the application's providers."""

    def __init__(self, way: str, shared: Shared, **settings: Any) -> None:
        self._way = way
        self._settings = settings
        self._shared = shared
        self._stack = contextlib.ExitStack()
        self._seen: Any = None
        self._before: dict[str, int] = {}
        self.on = False

    def start(self) -> None:
        if self._way == "own":
            self._seen = self._stack.enter_context(captured(count_tokens="off"))
        else:
            clearspan.init(
                tracer_provider=self._shared.tracer, meter_provider=self._shared.meter,
                hardware="off", count_tokens="off", exit_signals=False,
                **self._settings,
            )  # fmt: skip
            self._stack.callback(clearspan.shutdown)
        self.on = True

    def undo(self) -> None:
        self._stack.close()
        self.on = False

    def _all(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        if self._way == "own":
            spans = [dict(span.attributes) for span in self._seen.spans]
            points = {
                name: sum(point.get("count", 0) for point in found)
                for name, found in self._seen.metrics.items()
            }
            return spans, points
        return [attributes for _, attributes in self._shared.spans(mine=True)], self._shared.points()  # fmt: skip

    def report(self) -> dict[str, int]:
        """Since the last report: spans, those that tell usage, and values of the two client metrics."""
        if self._seen is None and self._way == "own":
            return {}
        spans, points = self._all()
        now = {
            "spans": len(spans),
            "usage": sum("gen_ai.usage.input_tokens" in attributes for attributes in spans),
            "durations": points.get("gen_ai.client.operation.duration", 0),
            "tokens": points.get("gen_ai.client.token.usage", 0),
        }
        # The exporter of the application is emptied between reports, the rest goes on counting.
        kept = self._before if self._way == "own" else {**self._before, "spans": 0, "usage": 0}
        self._before = now
        return {name: count - kept.get(name, 0) for name, count in now.items()}


def theirs(started: Started | None, shared: Shared) -> list[str]:
    """The spans of the other one, without what differs between any two runs."""
    told = started.told() if started is not None and started.told else shared.spans(mine=False)
    shared.exporter.clear()
    return sorted(_normal(name, attributes) for name, attributes in told)


def _normal(name: str, attributes: dict[str, Any]) -> str:
    kept = {
        key: VOLATILE.sub("~", str(value))
        for key, value in attributes.items()
        if not any(word in key for word in UNSTABLE)
    }
    return f"{name} {json.dumps(kept, sort_keys=True)}"


# -- traffic that is not the program's --------------------------------------------------------------------------


class Asking:
    """A judge that asks its model through the very client that both watch."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0

    def __call__(self, messages: Any, schema: Any) -> Any:
        self.asked += 1
        with openai.OpenAI(base_url=self.url, api_key="unused", max_retries=0) as client:
            client.chat.completions.create(model="judge", messages=ASK)
        return {"reasoning": "It names one.", "evidence": [], "label": "fully"}


# -- what is left of either -----------------------------------------------------------------------------------


def _places() -> dict[str, tuple[Any, str]]:
    """Every place that clearspan patches in this openai, and those where others do."""
    paths = [path for item in provider.endpoints for path in item.targets]
    paths += [path for probe in provider.probes for path in probe.targets]
    paths += ["openai:OpenAI.request", "openai:AsyncOpenAI.request"]
    found: dict[str, tuple[Any, str]] = {}
    for path in paths:
        module, _, place = path.partition(":")
        *parents, attribute = place.split(".")
        owner: Any = None
        with contextlib.suppress(ImportError, AttributeError):
            owner = import_module(module)
            for parent in parents:
                owner = getattr(owner, parent)
        if owner is not None and inspect.getattr_static(owner, attribute, None) is not None:
            found[path] = (owner, attribute)
    return found


def _state(owner: Any, attribute: str, original: Any) -> str:
    now = inspect.getattr_static(owner, attribute)
    if now is original:
        return "original"
    layer = now
    while layer is not None:
        if isinstance(layer, Wrapper):
            return "ours"
        layer = getattr(layer, "__wrapped__", None)
    return "theirs"


# -- the plan -------------------------------------------------------------------------------------------------


def main(plan: dict[str, Any]) -> dict[str, Any]:
    """Start in the order of `plan["start"]`, undo in that of `plan["undo"]`; traffic after every step."""
    warnings.simplefilter("ignore")  # the other one's own deprecations
    places = _places()
    originals = {path: inspect.getattr_static(*place) for path, place in places.items()}
    shared = Shared()
    judge = Asking()
    judged = {"judge": judge, "evaluators": ["judge_relevance"]} if plan.get("silences") else {}
    ours = Ours(plan["way"], shared, **judged)
    started: Started | None = None
    peer = next((item for item in PEERS if item.name == plan["peer"]), None)
    phases: list[dict[str, Any]] = []
    with ModelServer() as server, ModelServer() as judges:
        judge.url = judges.url

        def phase(name: str, hush: Callable[[], Any] = contextlib.nullcontext) -> None:
            around = started.around if started is not None else contextlib.nullcontext
            with around(), hush():
                host, calls = traffic(server)
                if judged and ours.on:
                    clearspan.flush(30.0)  # waits for the judge
            mine = ours.report() if ours.on else {}
            phases.append(
                {"name": name, "host": host, "calls": calls, "ours": mine, "theirs": theirs(started, shared), "judged": judge.asked}
            )  # fmt: skip

        for who in plan["start"]:
            if who == "ours":
                ours.start()
            elif peer is not None:
                started = peer.start(Telemetry(shared.tracer, shared.meter, shared.processor))
        phase("started")
        if plan.get("silences"):
            for path in peer.silences if peer is not None else ():
                module, _, name = path.partition(":")
                phase(f"silenced by {path}", getattr(import_module(module), name))
        for who in plan["undo"]:
            if who == "ours":
                ours.undo()
            elif started is not None and started.undo is not None:
                started.undo()
            phase(f"{who} undone")
        states = {path: _state(*place, originals[path]) for path, place in places.items()}
        if ours.on:
            ours.undo()
    return {
        "openai": openai.__version__,
        "undo": started is not None and started.undo is not None,
        "phases": phases,
        "states": states,
    }


if __name__ == "__main__":
    sys.stdout.write(
        "\n" + json.dumps(main(json.loads(sys.argv[1])))
    )  # some greet on standard output
