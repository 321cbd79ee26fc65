"""An OTLP receiver on loopback, over HTTP or gRPC: keeps what arrives and answers as it is told."""

from __future__ import annotations

import contextlib
import http.server
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple, TypeAlias

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

Answer: TypeAlias = 'int | Literal["hang", "reset"]'

_REQUESTS: dict[str, Any] = {
    "traces": traces.ExportTraceServiceRequest,
    "metrics": metrics.ExportMetricsServiceRequest,
    "logs": logs.ExportLogsServiceRequest,
}
_SERVICES = {"TraceService": "traces", "MetricsService": "metrics", "LogsService": "logs"}


class Arrived(NamedTuple):
    """One request."""

    signal: str
    path: str
    headers: dict[str, str]
    message: Any


class Item(NamedTuple):
    """One span, metric or log record, with what stands around it."""

    resource: dict[str, Any]
    scope: Any
    schema_url: str
    item: Any


class Sink:
    """What arrived. `script` holds the answers to the next requests, then `answer` is given.

    An answer is an HTTP status, or `hang` (until the sink is closed), or `reset`.
    """

    def __init__(self) -> None:
        self.url = ""
        self.arrived: list[Arrived] = []
        self.script: list[Answer] = []
        self.answer: Answer = 200
        self.reached = threading.Event()
        self.released = threading.Event()

    def take(self, signal: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        message = _REQUESTS[signal].FromString(body)
        self.arrived.append(Arrived(signal, path, headers, message))
        answer = self.script.pop(0) if self.script else self.answer
        self.reached.set()
        if answer == "hang":
            self.released.wait(120)
        return answer

    def header(self, name: str) -> set[str | None]:
        return {request.headers.get(name) for request in self.arrived}

    @property
    def spans(self) -> list[Item]:
        return self._items("traces", "resource_spans", "scope_spans", "spans")

    @property
    def metrics(self) -> list[Item]:
        return self._items("metrics", "resource_metrics", "scope_metrics", "metrics")

    @property
    def logs(self) -> list[Item]:
        return self._items("logs", "resource_logs", "scope_logs", "log_records")

    def _items(self, signal: str, outer: str, inner: str, leaf: str) -> list[Item]:
        return [
            Item(plain(resource.resource.attributes), scope.scope, scope.schema_url, item)
            for request in self.arrived
            if request.signal == signal
            for resource in getattr(request.message, outer)
            for scope in getattr(resource, inner)
            for item in getattr(scope, leaf)
        ]


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return plain(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client left: nothing to tell."""


def _handler(sink: Sink) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = sink.take(self.path.rpartition("/")[2], self.path, headers, body)
            if isinstance(answer, str):
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
                return
            self.send_response(answer)
            if answer == 503:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    return Handler


@contextlib.contextmanager
def http_sink() -> Iterator[Sink]:
    """A sink that speaks `http/protobuf`."""
    sink = Sink()
    server = _Server(("127.0.0.1", 0), _handler(sink))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    sink.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield sink
    finally:
        sink.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Services(grpc.GenericRpcHandler):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def service(self, details: Any) -> Any:
        signal = _SERVICES[details.method.split("/")[1].rpartition(".")[2]]
        headers = {pair.key: pair.value for pair in details.invocation_metadata}

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            answer = self._sink.take(signal, details.method, headers, body)
            if answer != 200:
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            return b""

        return grpc.unary_unary_rpc_method_handler(export)


@contextlib.contextmanager
def grpc_sink() -> Iterator[Sink]:
    """A sink that speaks `grpc`; any answer but 200 is `UNAVAILABLE`."""
    sink = Sink()
    server = grpc.server(ThreadPoolExecutor(8), handlers=[_Services(sink)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sink.url = f"http://127.0.0.1:{port}"
    try:
        yield sink
    finally:
        sink.released.set()
        server.stop(None).wait()


SINKS = {"http/protobuf": http_sink, "grpc": grpc_sink}
