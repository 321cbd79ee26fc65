"""An OTLP receiver on loopback, over HTTP or gRPC: keeps what arrives and answers as it is told."""

from __future__ import annotations

import contextlib
import gzip
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


class Reply(NamedTuple):
    """An answer with all that may be in one. For gRPC `status` is a code's name, and `headers` are trailers."""

    status: int | str
    headers: tuple[tuple[str, str | bytes], ...] = ()
    body: bytes = b""
    length: int | None = None
    """What is said of the body's length, where that is not the truth."""


Answer: TypeAlias = 'int | Reply | Literal["hang", "reset", "half close"]'

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


# Instruments that are read of the process, the machine and clearspan itself: no call tells them anything.
_READ = (
    "process.",
    "system.",
    "cpython.",
    "hw.",
    "otel.sdk.",
    "clearspan.client.active_calls",
    "clearspan.queue.",
)


class Sink:
    """What arrived. `script` holds the answers to the next requests, then `answer` is given.

    An answer is an HTTP status or a `Reply`, or `hang` (until the sink is closed), or `reset`, or `half close`:
    nothing, but the connection stays open for what the client may still say.
    """

    def __init__(self) -> None:
        self.url = ""
        self.arrived: list[Arrived] = []
        self.taken: list[Arrived] = []
        """Of these the requests that were answered with success."""
        self.heard = threading.Condition()
        self.script: list[Answer] = []
        self.only: str | None = None
        """The signal that the script is for, where it is not for all."""
        self.answer: Answer = 200
        self.reached = threading.Event()
        self.released = threading.Event()

    def take(self, signal: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        message = _REQUESTS[signal].FromString(body)
        arrived = Arrived(signal, path, headers, message)
        self.arrived.append(arrived)
        scripted = self.script and self.only in (None, signal)
        answer = self.script.pop(0) if scripted else self.answer
        with self.heard:
            if (answer.status if isinstance(answer, Reply) else answer) in (200, "OK"):
                self.taken.append(arrived)
            self.heard.notify_all()
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

    def told(self) -> dict[str, Any]:
        """The last of each instrument that calls told something through, by name."""
        return {item.item.name: item.item for item in self.metrics if not item.item.name.startswith(_READ)}  # fmt: skip

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
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            signal = self.path.partition("?")[0].rpartition("/")[2]
            answer = sink.take(signal, self.path, headers, body)
            if answer == "half close":
                self.connection.shutdown(socket.SHUT_WR)
                sink.released.wait(120)
                return
            if isinstance(answer, Reply):
                self._say(answer)
                return
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

        def _say(self, reply: Reply) -> None:
            self.send_response(int(reply.status))
            for name, value in reply.headers:
                self.send_header(name, str(value))
            length = len(reply.body) if reply.length is None else reply.length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    return Handler


@contextlib.contextmanager
def http_sink(version: str = "HTTP/1.0") -> Iterator[Sink]:
    """A sink that speaks `http/protobuf`; from `HTTP/1.1` on it keeps connections open, as real ones do."""
    sink = Sink()
    handler = _handler(sink)
    handler.protocol_version = version
    server = _Server(("127.0.0.1", 0), handler)
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
            if isinstance(answer, Reply):
                context.set_trailing_metadata(answer.headers)
                if answer.status != "OK":
                    context.abort(grpc.StatusCode[str(answer.status)], answer.body.decode())
                return answer.body
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
