"""The whole way out: `clearspan.init`, a few calls, and what an OTLP receiver then has."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.core.ledger import Accounts
from tests.runtime.support import program
from tests.support.otlp_sink import SINKS, Sink, http_sink, plain

BOUND = 60.0
BASE = "OTEL_EXPORTER_OTLP"
PROTOCOLS = pytest.mark.parametrize("protocol", SINKS)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory of the test's own; nothing runs on, and nothing was written there."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    clearspan.shutdown(BOUND)
    deadline = time.monotonic() + BOUND
    while any("clearspan" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not (tmp_path / ".clearspan").exists()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as found:
        yield found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporters give up on a receiver soon."""
    monkeypatch.setenv(f"{BASE}_TIMEOUT", "1")


@clearspan.tool
def look(number: int) -> int:
    return number


def work() -> None:
    """One call of a model by an agent."""
    with clearspan.span("scout", kind="agent"):
        with clearspan.invocation("chat", provider="acme", model="m") as draft:
            draft.input("how many?")
            draft.text("three")
            draft.finish("stop")
            draft.usage(input=12, output=1)


def balanced(accounts: Accounts) -> bool:
    settled = accounts.exported + accounts.stored + sum(accounts.dropped.values())
    return accounts.created == settled + accounts.pending


INPUT = [{"role": "user", "parts": [{"type": "text", "content": "how many?"}]}]
OUTPUT = [
    {
        "role": "assistant",
        "parts": [{"type": "text", "content": "three"}],
        "finish_reason": "stop",
    }
]


# -- what arrives ----------------------------------------------------------------------------------


@PROTOCOLS
def test_all_three_signals_arrive(protocol: str) -> None:
    with SINKS[protocol]() as found:
        with clearspan.init(
            endpoint=found.url,
            protocol=protocol,
            headers={"X-Key": "mine"},
            service_name="shop",
            environment="staging",
            attributes={"team": "red"},
            content_target="both",
            providers=(),
        ) as runtime:
            work()
            assert runtime.flush(BOUND)
        assert runtime.status().accounts == Accounts(created=2, exported=2, stored=0)
        check_spans(found)
        check_metrics(found)
        check_events(found)
        assert found.header("x-key") == {"mine"}
        for item in (*found.spans, *found.metrics, *found.logs):
            assert item.resource["service.name"] == "shop"
            assert item.resource["deployment.environment.name"] == "staging"
            assert item.resource["team"] == "red"
            assert (item.scope.name, item.scope.version) == ("clearspan", version("clearspan"))
            assert item.schema_url == "https://opentelemetry.io/schemas/1.37.0"


def check_spans(found: Sink) -> None:
    spans = {item.item.name: item.item for item in found.spans}
    assert len(found.spans) == len(spans)
    assert set(spans) == {"chat m", "invoke_agent scout"}
    chat, agent = spans["chat m"], spans["invoke_agent scout"]
    assert (chat.trace_id, chat.parent_span_id) == (agent.trace_id, agent.span_id)
    assert (chat.kind, agent.kind) == (3, 1)  # client, internal
    assert agent.start_time_unix_nano <= chat.start_time_unix_nano <= chat.end_time_unix_nano
    sent = plain(chat.attributes)
    assert json.loads(sent.pop("gen_ai.input.messages")) == INPUT
    assert json.loads(sent.pop("gen_ai.output.messages")) == OUTPUT
    assert sent == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 1,
        "clearspan.text.output.tokens_per_character": 0.2,
    }
    assert plain(agent.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "scout",
    }


UNITS = {
    "clearspan.client.operation.count": "{operation}",
    "gen_ai.client.operation.duration": "s",
    "gen_ai.client.token.usage": "{token}",
    "gen_ai.invoke_agent.duration": "s",
    "gen_ai.invoke_agent.inference_calls": "{inference_call}",
    "gen_ai.invoke_agent.tool_calls": "{tool_call}",
}


def check_metrics(found: Sink) -> None:
    assert {name: metric.unit for name, metric in found.told().items()} == UNITS
    last = found.told()  # cumulative: the last one tells all
    base = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "m",
    }
    points = last["gen_ai.client.token.usage"].histogram.data_points
    assert {plain(point.attributes)["gen_ai.token.type"]: point.sum for point in points} == {
        "input": 12,
        "output": 1,
    }
    assert list(points[0].explicit_bounds)[:3] == [1, 4, 16]
    (point,) = last["gen_ai.client.operation.duration"].histogram.data_points
    assert (point.count, plain(point.attributes)) == (1, base)
    (point,) = last["gen_ai.invoke_agent.inference_calls"].histogram.data_points
    assert (point.sum, plain(point.attributes)) == (1, {"gen_ai.agent.name": "scout"})
    chat = next(item.item for item in found.spans if item.item.name == "chat m")
    measured = {
        exemplar.span_id
        for item in found.metrics
        if item.item.name == "gen_ai.client.operation.duration"
        for point in item.item.histogram.data_points
        for exemplar in point.exemplars
    }
    assert measured == {chat.span_id}


def check_events(found: Sink) -> None:
    (event,) = (item.item for item in found.logs)
    chat = next(item.item for item in found.spans if item.item.name == "chat m")
    assert event.event_name == "gen_ai.client.inference.operation.details"
    assert (event.severity_number, event.severity_text) == (5, "DEBUG")
    assert (event.trace_id, event.span_id) == (chat.trace_id, chat.span_id)
    sent = plain(event.attributes)
    assert sent["gen_ai.input.messages"] == INPUT
    assert sent["gen_ai.output.messages"] == OUTPUT
    assert sent["gen_ai.usage.input_tokens"] == 12


@pytest.mark.parametrize(
    ("target", "content", "on_span", "events"),
    [
        ("span", "full", True, 0),
        ("event", "full", False, 1),
        ("both", "off", False, 1),
    ],
)
def test_content_goes_where_it_is_wanted(
    sink: Sink, target: str, content: str, on_span: bool, events: int
) -> None:
    with clearspan.init(
        endpoint=sink.url, content_target=target, content=content, providers=()
    ) as runtime:
        work()
        assert runtime.flush(BOUND)
    chat = next(item.item for item in sink.spans if item.item.name == "chat m")
    assert ("gen_ai.input.messages" in plain(chat.attributes)) is on_span
    assert len(sink.logs) == events
    if not (on_span or events):
        assert b"how many?" not in b"".join(
            request.message.SerializeToString() for request in sink.arrived
        )


# -- where it goes ---------------------------------------------------------------------------------


@PROTOCOLS
def test_the_environment_says_where(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with SINKS[protocol]() as found:
        monkeypatch.setenv(f"{BASE}_ENDPOINT", found.url)
        monkeypatch.setenv(f"{BASE}_PROTOCOL", protocol)
        monkeypatch.setenv(f"{BASE}_HEADERS", "x-key=theirs")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "from-otel")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=blue")
        with clearspan.init(providers=()) as runtime:
            work()
            assert runtime.flush(BOUND)
        assert {item.item.name for item in found.spans} == {"chat m", "invoke_agent scout"}
        assert set(found.told()) == set(UNITS)
        assert {item.resource["service.name"] for item in found.spans} == {"from-otel"}
        assert {item.resource["team"] for item in found.metrics} == {"blue"}
        assert found.header("x-key") == {"theirs"}


def test_a_signal_may_have_its_own_receiver(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as other:
        monkeypatch.setenv(f"{BASE}_ENDPOINT", sink.url)
        monkeypatch.setenv(f"{BASE}_HEADERS", "x-key=general")
        monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", f"{other.url}/only/traces")
        monkeypatch.setenv(f"{BASE}_TRACES_HEADERS", "x-key=traces")
        with clearspan.init(providers=(), content_target="both") as runtime:
            work()
            assert runtime.flush(BOUND)
        assert {(item.path, item.headers["x-key"]) for item in other.arrived} == {
            ("/only/traces", "traces")
        }
        assert {(item.path, item.headers["x-key"]) for item in sink.arrived} == {
            ("/v1/metrics", "general"),
            ("/v1/logs", "general"),
        }


def test_a_receiver_for_one_signal_only(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{BASE}_METRICS_ENDPOINT", f"{sink.url}/v1/metrics")
    with clearspan.init(providers=(), exporters=["console"]) as runtime:
        work()
        assert runtime.flush(BOUND)
    assert {item.path for item in sink.arrived} == {"/v1/metrics"}


@PROTOCOLS
def test_headers_go_to_their_own_endpoint(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as theirs, SINKS[protocol]() as ours:
        monkeypatch.setenv(f"{BASE}_ENDPOINT", theirs.url)
        monkeypatch.setenv(f"{BASE}_HEADERS", "x-secret=theirs")
        with clearspan.init(
            endpoint=ours.url, protocol=protocol, headers={"x-key": "ours"}, providers=()
        ) as runtime:
            work()
            assert runtime.flush(BOUND)
        assert theirs.arrived == []
        assert ours.header("x-key") == {"ours"}
        assert ours.header("x-secret") == {None}


def test_our_own_variables(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_ENDPOINT", sink.url)
    monkeypatch.setenv("CLEARSPAN_HEADERS", "x-key=mine")
    monkeypatch.setenv("CLEARSPAN_ENVIRONMENT", "prod")
    monkeypatch.setenv("CLEARSPAN_METRIC_NAMES", "next")
    with clearspan.init(providers=()) as runtime:
        work()
        assert runtime.flush(BOUND)
    assert sink.header("x-key") == {"mine"}
    assert {item.resource["deployment.environment.name"] for item in sink.spans} == {"prod"}
    names = {item.item.name for item in sink.metrics}
    assert "gen_ai.client.inference.usage.input_tokens" in names
    assert "gen_ai.client.token.usage" not in names


# -- receivers that fail ---------------------------------------------------------------------------


def test_busy_for_a_moment(sink: Sink) -> None:
    """A receiver that asks to be tried again gets everything in the end."""
    sink.script = [503, 503]
    with clearspan.init(endpoint=sink.url, providers=()) as runtime:
        work()
        assert runtime.flush(BOUND)
    assert runtime.status().accounts == Accounts(created=2, exported=2, stored=0)
    assert {item.item.name for item in sink.spans} == {"chat m", "invoke_agent scout"}


FAILURES: list[Any] = [
    ("http/protobuf", 503),
    ("http/protobuf", 400),
    ("http/protobuf", "hang"),
    ("http/protobuf", "reset"),
    ("grpc", 503),
    ("grpc", "hang"),
]


@pytest.mark.parametrize(("protocol", "answer"), FAILURES)
@pytest.mark.usefixtures("quick")
def test_what_cannot_be_delivered_is_counted(protocol: str, answer: Any) -> None:
    with SINKS[protocol]() as found:
        found.answer = answer
        runtime = clearspan.init(endpoint=found.url, protocol=protocol, providers=())
        assert [look(number) for number in range(20)] == list(range(20))
        assert runtime.flush(BOUND), "each batch was tried and given up"
        accounts = runtime.status().accounts
        assert accounts == Accounts(20, 0, 0, {"export_failed": 20})
        assert accounts.pending == 0
        assert look(21) == 21
        runtime.shutdown(BOUND)
        assert balanced(runtime.status().accounts)
        assert runtime.status().internal_errors == {}


@pytest.mark.parametrize("protocol", SINKS)
@pytest.mark.usefixtures("quick")
def test_a_deadline_is_kept_while_a_receiver_hangs(protocol: str) -> None:
    with SINKS[protocol]() as found:
        found.answer = "hang"
        runtime = clearspan.init(
            endpoint=found.url, protocol=protocol, providers=(), export_interval="1ms"
        )
        assert look(1) == 1
        assert found.reached.wait(BOUND)
        assert runtime.flush(0.01) is False
        assert look(2) == 2
        assert runtime.shutdown(0.01) is False
        accounts = runtime.status().accounts
        assert balanced(accounts)
        assert (accounts.created, accounts.exported) == (2, 0)
        assert look(3) == 3
        assert runtime.status().accounts.created == 2


@pytest.mark.usefixtures("quick")
def test_nobody_listens() -> None:
    with http_sink() as closed:
        url = closed.url
    runtime = clearspan.init(endpoint=url, providers=())
    assert look(1) == 1
    assert runtime.flush(BOUND)
    assert runtime.status().accounts == Accounts(1, 0, 0, {"export_failed": 1})


def test_a_queue_that_is_full_drops_and_counts(sink: Sink) -> None:
    sink.answer = "hang"
    runtime = clearspan.init(
        endpoint=sink.url, providers=(), queue_bytes=16_384, export_interval="1ms"
    )
    assert look(0) == 0
    assert sink.reached.wait(BOUND)
    assert [look(number) for number in range(200)] == list(range(200))
    assert runtime.pipeline is not None
    assert runtime.pipeline.worker is not None
    assert runtime.pipeline.worker.flush(BOUND)
    accounts = runtime.status().accounts
    assert (accounts.created, accounts.exported, balanced(accounts)) == (201, 0, True)
    assert sum(accounts.dropped.values()) > 100
    assert set(accounts.dropped) <= {"queue_full", "export_queue_full"}
    sink.answer = 200
    sink.released.set()
    assert runtime.flush(BOUND)
    after = runtime.status().accounts
    assert (after.pending, balanced(after)) == (0, True)
    # What was on its way when the connection broke was sent again.
    assert after.exported == len({span.item.span_id for span in sink.spans}) > 0
    assert runtime.shutdown(BOUND)


# -- a program of its own --------------------------------------------------------------------------

PROGRAM = """
import sys
import clearspan

clearspan.init(endpoint=sys.argv[1], protocol=sys.argv[2], providers=())

@clearspan.tool
def look(number):
    return number

print(sum(look(number) for number in range(10)))
"""


@PROTOCOLS
def test_a_program_that_just_ends_has_sent_everything(protocol: str, folder: Path) -> None:
    with SINKS[protocol]() as found:
        done = program(PROGRAM, folder, found.url, protocol, timeout=BOUND)
        assert (done.returncode, done.stdout, done.stderr) == (0, "45\n", "")
        assert [item.item.name for item in found.spans] == ["execute_tool look"] * 10
        assert set(found.told()) == {
            "gen_ai.execute_tool.duration",
            "clearspan.client.operation.count",
        }


@pytest.mark.parametrize(("protocol", "answer"), FAILURES)
def test_a_program_ends_as_it_would_whatever_the_receiver_does(
    protocol: str, answer: Any, folder: Path
) -> None:
    with SINKS[protocol]() as found:
        found.answer = answer
        done = program(PROGRAM, folder, found.url, protocol, timeout=BOUND)
        assert (done.returncode, done.stdout) == (0, "45\n"), done.stderr
        assert "Traceback" not in done.stderr
        assert found.arrived
