"""Where OTLP goes, and whose headers go with it. The receivers are real, on loopback."""

from __future__ import annotations

import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from clearspan import registry
from clearspan.exporters import Destination, DestinationError
from clearspan.exporters.otlp import build, direct, targets
from tests.exporters.kit import logger, meter, spans

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "OTEL_EXPORTER_OTLP"


class Receiver:
    """What arrived: path (or method) and headers of each request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    @property
    def paths(self) -> list[str]:
        return sorted(path for path, _ in self.seen)

    def header(self, name: str) -> set[str | None]:
        return {headers.get(name) for _, headers in self.seen}


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    """Two HTTP servers."""
    servers = []
    found = (Receiver(), Receiver())
    for receiver in found:

        class Handler(http.server.BaseHTTPRequestHandler):
            mine = receiver

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                given = {name.lower(): value for name, value in self.headers.items()}
                self.mine.seen.append((self.path, given))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        servers.append((server, thread))
    yield found
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def grpc_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Everything(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            receiver.seen.append((details.method, dict(details.invocation_metadata)))
            return grpc.unary_unary_rpc_method_handler(lambda *_: b"")

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Everything()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    receiver.url = f"http://127.0.0.1:{port}"
    yield receiver
    server.stop(None).wait()


def send(destination: Destination) -> None:
    """One batch of each signal that has a receiver."""
    built = build(destination)
    if built.span is not None:
        assert built.span.export(spans()) is SpanExportResult.SUCCESS
        built.span.shutdown()
    if built.log is not None:
        logger(built.log).emit(body="x")
        built.log.shutdown()
    if built.metric is not None:
        with meter(built.metric) as (source, provider):
            source.create_counter("calls").add(1)
            assert provider.force_flush()


def test_an_endpoint_is_a_base(receivers: Any) -> None:
    first, _ = receivers
    for base in ("", "/", "/otlp", "/otlp/"):
        first.seen.clear()
        send(Destination(endpoint=first.url + base))
        below = base.rstrip("/")
        assert set(first.paths) == {f"{below}/v1/{name}" for name in ("logs", "metrics", "traces")}


def test_the_environments_endpoint_is_a_base_too(
    receivers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = receivers
    monkeypatch.setenv(f"{BASE}_ENDPOINT", f"{first.url}/otlp/")
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=env%20key")
    send(Destination())
    assert set(first.paths) == {f"/otlp/v1/{name}" for name in ("logs", "metrics", "traces")}
    assert first.header("api-key") == {"env key"}


def test_a_signals_endpoint_wins_and_is_taken_as_it_is(
    receivers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = receivers
    monkeypatch.setenv(f"{BASE}_ENDPOINT", first.url)
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", f"{second.url}/custom")
    monkeypatch.setenv(f"{BASE}_TRACES_HEADERS", "api-key=traces")
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=general")
    send(Destination())
    assert second.paths == ["/custom"]
    assert second.header("api-key") == {"traces"}
    assert set(first.paths) == {"/v1/logs", "/v1/metrics"}
    assert first.header("api-key") == {"general"}


def test_the_environments_headers_stay_with_the_environments_endpoint(
    receivers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = receivers
    monkeypatch.setenv(f"{BASE}_ENDPOINT", first.url)
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", first.url)
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=secret,x-shared=theirs")
    monkeypatch.setenv(f"{BASE}_TRACES_HEADERS", "x-traces=secret")
    send(Destination(endpoint=second.url, headers={"X-Own": "mine", "X-Shared": "ours"}))
    assert first.seen == []
    assert second.header("x-own") == {"mine"}
    assert second.header("x-shared") == {"ours"}
    assert second.header("api-key") == second.header("x-traces") == {None}
    assert second.header("content-type") == {"application/x-protobuf"}


def test_headers_of_the_environment_alone_are_not_for_an_argument(
    receivers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = receivers
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=secret")
    send(Destination(endpoint=first.url))
    assert first.header("api-key") == {None}


def test_an_argument_that_repeats_the_environment_is_the_environment(
    receivers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = receivers
    monkeypatch.setenv(f"{BASE}_ENDPOINT", first.url)
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=mine")
    send(Destination(endpoint=first.url))
    assert first.header("api-key") == {"mine"}


def test_grpc_reaches_every_service(grpc_receiver: Receiver) -> None:
    send(Destination(endpoint=grpc_receiver.url, protocol="grpc", headers={"X-Own": "mine"}))
    assert {path.rpartition(".")[2] for path in grpc_receiver.paths} == {
        "LogsService/Export",
        "MetricsService/Export",
        "TraceService/Export",
    }
    assert grpc_receiver.header("x-own") == {"mine"}


def test_grpc_keeps_the_environments_headers_back(
    grpc_receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=secret")
    monkeypatch.setenv(f"{BASE}_TRACES_HEADERS", "x-traces=secret")
    # It was set for another address, and would make this one fail.
    monkeypatch.setenv(f"{BASE}_INSECURE", "false")
    send(Destination(endpoint=grpc_receiver.url, protocol="grpc"))
    assert len(grpc_receiver.seen) >= 3
    assert grpc_receiver.header("api-key") == grpc_receiver.header("x-traces") == {None}


def test_grpc_takes_the_environments_headers_to_its_endpoint(
    grpc_receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{BASE}_ENDPOINT", grpc_receiver.url)
    monkeypatch.setenv(f"{BASE}_PROTOCOL", "grpc")
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=mine")
    send(Destination())
    assert grpc_receiver.header("api-key") == {"mine"}


def test_each_signal_may_have_its_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{BASE}_METRICS_PROTOCOL", "grpc")
    assert [(target.signal, target.url) for target in targets(Destination())] == [
        ("traces", "http://localhost:4318/v1/traces"),
        ("metrics", "http://localhost:4317"),
        ("logs", "http://localhost:4318/v1/logs"),
    ]
    assert {target.protocol for target in targets(Destination(protocol="grpc"))} == {"grpc"}
    assert build(Destination()).label == (
        "OTLP http/protobuf http://localhost:4318 (traces, logs);"
        " OTLP grpc http://localhost:4317 (metrics)"
    )


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{BASE}_ENDPOINT", " ")
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", "")
    assert targets(Destination())[0].url == "http://localhost:4318/v1/traces"


def test_a_receiver_for_one_signal_is_not_made_up_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", "http://a.example:9/x")
    built = build(Destination())
    assert (built.log, built.metric) == (None, None)
    assert built.span is not None
    assert built.label == "OTLP http/protobuf http://a.example:9/x (traces)"


def test_an_argument_wins_over_all_endpoints_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{BASE}_ENDPOINT", "http://a.example")
    monkeypatch.setenv(f"{BASE}_LOGS_ENDPOINT", "http://b.example")
    found = targets(Destination(endpoint="https://c.example:1/p?q=1"))
    assert {target.url for target in found} == {
        f"https://c.example:1/p/v1/{signal}?q=1" for signal in ("traces", "metrics", "logs")
    }


def test_the_label_shows_no_secret() -> None:
    built = build(
        Destination(endpoint="http://user:pass@c.example:1/p?key=secret", headers={"k": "secret"})
    )
    assert built.label == "OTLP http/protobuf http://c.example:1/p"
    assert (built.counts_as, built.status()) == ("exported", {})
    assert "secret" not in repr(Destination(headers={"k": "secret"}))


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "localhost",
        "localhost:4318",
        "ftp://x.example",
        "http://",
        "http://:4318",
        "http://x:99999",
        "http://x:no",
        "http://x:0",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_said_so(endpoint: str) -> None:
    with pytest.raises(DestinationError, match=r"endpoint.* address.*http://localhost:4318"):
        build(Destination(endpoint=endpoint))


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", "nowhere")
    with pytest.raises(DestinationError, match=f"{BASE}_TRACES_ENDPOINT='nowhere'"):
        build(Destination())
    monkeypatch.setenv(f"{BASE}_TRACES_ENDPOINT", "")
    monkeypatch.setenv(f"{BASE}_ENDPOINT", "nowhere")
    with pytest.raises(DestinationError, match=f"{BASE}_ENDPOINT='nowhere'"):
        build(Destination())


def test_the_address_of_a_signal_is_no_base() -> None:
    with pytest.raises(DestinationError, match="give the base address, without '/v1/traces'"):
        build(Destination(endpoint="http://x.example/otlp/v1/traces/"))


def test_grpc_has_forms_of_its_own() -> None:
    for endpoint in ("collector:4317", "unix:/run/otel.sock", "https://x.example:4317"):
        built = build(Destination(endpoint=endpoint, protocol="grpc"))
        assert built.label == f"OTLP grpc {endpoint}"
        for exporter in (built.span, built.log, built.metric):
            assert exporter is not None
            exporter.shutdown()
    for endpoint in ("", "http://"):
        with pytest.raises(DestinationError, match="http://localhost:4317"):
            build(Destination(endpoint=endpoint, protocol="grpc"))


def test_a_protocol_that_is_not_known_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DestinationError, match=r"protocol='http/json' is not.*'grpc'"):
        build(Destination(protocol="http/json"))
    monkeypatch.setenv(f"{BASE}_PROTOCOL", "smoke")
    with pytest.raises(DestinationError, match=f"{BASE}_PROTOCOL='smoke'"):
        build(Destination())


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(direct, "import_module", absent)
    with pytest.raises(DestinationError, match="opentelemetry-exporter-otlp-proto-grpc"):
        build(Destination(protocol="grpc"))


def test_the_registry_finds_it() -> None:
    assert registry.load(registry.EXPORTERS, "otlp") is build
