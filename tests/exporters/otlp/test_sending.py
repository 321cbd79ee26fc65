"""What becomes of one attempt to send: the receivers are real, on loopback."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import DebugInfo, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clearspan.exporters import DestinationError
from clearspan.exporters.otlp import grpc_calls, sending
from clearspan.exporters.otlp.addresses import GRPC, HTTP, Target
from clearspan.exporters.otlp.sending import Sender, Sent, headers_of, seconds_of, sender
from tests.exporters.kit import spans
from tests.support.otlp_sink import Reply, Sink, grpc_sink, http_sink

BASE = "OTEL_EXPORTER_OTLP"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with http_sink() as made:
        yield made


def http(sink: Sink, signal: str = "traces", *, own: bool = False) -> Target:
    return Target(signal, HTTP, f"{sink.url}/v1/{signal}", own=own)


def grpc(url: str, signal: str = "traces", *, own: bool = False) -> Target:
    return Target(signal, GRPC, url, own=own)


def body(count: int = 1) -> bytes:
    return gzip.compress(encode_spans(spans(count)).SerializeToString())


def sent(target: Target, headers: dict[str, str] | None = None, timeout: float | None = 10) -> Sent:
    made = sender(target, headers, timeout)
    try:
        return made.send(body())
    finally:
        made.close()


def refusal(count: int) -> bytes:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = count
    return response.SerializeToString()


@pytest.mark.parametrize(
    ("answer", "became"),
    [
        (200, Sent(arrived=True)),
        (202, Sent(arrived=True)),
        (Reply(200, (), b"thank you"), Sent(arrived=True)),
        (Reply(200, (), refusal(7)), Sent(arrived=True, rejected=7)),
        (Reply(200, (), bytes(100_000)), Sent(arrived=True)),
        (Reply(200, length=1_000), Sent(arrived=True)),
        (400, Sent(problem="HTTP 400")),
        (404, Sent(problem="HTTP 404")),
        (500, Sent(problem="HTTP 500")),
        (401, Sent(again=0.0, problem="HTTP 401")),
        (403, Sent(again=0.0, problem="HTTP 403")),
        (302, Sent(again=0.0, problem="HTTP 302")),
        (503, Sent(again=0.0, problem="HTTP 503")),
        (Reply(429, (("Retry-After", "7"),)), Sent(again=7.0, problem="HTTP 429")),
        (Reply(429, (("Retry-After", "-7"),)), Sent(again=0.0, problem="HTTP 429")),
        (Reply(429, (("Retry-After", "86400"),)), Sent(again=300.0, problem="HTTP 429")),
        (Reply(429, (("Retry-After", "nan"),)), Sent(again=0.0, problem="HTTP 429")),
        (Reply(429, (("Retry-After", "soon"),)), Sent(again=0.0, problem="HTTP 429")),
        (502, Sent(again=0.0, problem="HTTP 502", doubtful=True)),
        (Reply(429, (("Retry-After", "Mon, 01 Jan 2024 00:00:00 +99999999999999999"),)), Sent(again=0.0, problem="HTTP 429")),
        (Reply(200, (), refusal(-7)), Sent(arrived=True)),
        (Reply(200, (("Content-Type", "Text/HTML; charset=utf-8"),), b"<p>Log in"), Sent(again=0.0, problem="HTTP 200 with a page")),
        (Reply(200, (("Content-Type", "text/html"),)), Sent(arrived=True)),
        (Reply(200, (("Content-Type", "application/json"),), b"{}"), Sent(arrived=True)),
        ("reset", Sent(again=0.0, problem="ConnectionError", doubtful=True)),
        ("half close", Sent(again=0.0, problem="ConnectionError", doubtful=True)),
    ],
    ids=str,
)  # fmt: skip
def test_what_an_answer_means(answer: Any, became: Sent, sink: Sink) -> None:
    sink.answer = answer
    assert sent(http(sink)) == became
    assert len(sink.arrived) == 1


def test_a_date_to_come_back_is_seconds_from_now(sink: Sink) -> None:
    then = datetime.now(timezone.utc) + timedelta(seconds=200)
    sink.answer = Reply(503, (("Retry-After", format_datetime(then)),))
    again = sent(http(sink)).again
    assert again is not None
    assert 100 < again <= 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_to_another_address(status: int, sink: Sink) -> None:
    """The log-in page of a portal answers 200 to whatever comes: that is no acknowledgement."""
    with http_sink() as portal:
        sink.answer = Reply(status, (("Location", f"{portal.url}/v1/traces"), ("Retry-After", "7")))
        became = sent(http(sink), {"authorization": "secret"})
        assert became == Sent(again=7.0, problem=f"HTTP {status}")
        assert len(sink.arrived) == 1
        assert portal.arrived == []


@pytest.mark.parametrize("where", ["/there/v1/traces", "{}/there/v1/traces"], ids=["path", "whole"])
@pytest.mark.parametrize("status", [307, 308])
def test_another_path_of_the_same_server_is_followed(
    status: int, where: str, sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    sink.script = [Reply(status, (("Location", where.format(sink.url)),))]
    became = sent(http(sink), {"authorization": "Bearer mine", "x-key": "mine"})
    assert became == Sent(arrived=True)
    assert [each.path for each in sink.arrived] == ["/v1/traces", "/there/v1/traces"]
    assert sink.arrived[0].message == sink.arrived[1].message
    assert (sink.header("authorization"), sink.header("x-key")) == ({"Bearer mine"}, {"mine"})


@pytest.mark.parametrize("status", [301, 302, 303, 304])
def test_a_redirect_that_would_be_followed_without_the_body_is_not(status: int, sink: Sink) -> None:
    sink.script = [Reply(status, (("Location", "/there/v1/traces"),))]
    assert sent(http(sink)) == Sent(again=0.0, problem=f"HTTP {status}")
    assert len(sink.arrived) == 1


def test_a_server_that_sends_on_and_on_is_left(sink: Sink) -> None:
    sink.answer = Reply(307, (("Location", "/v1/traces"),))
    assert sent(http(sink)) == Sent(again=0.0, problem="HTTP 307")
    assert len(sink.arrived) == 3


def test_a_receiver_that_is_not_there_or_says_nothing_is_tried_again(sink: Sink) -> None:
    sink.answer = "hang"
    assert sent(http(sink), timeout=0.05) == Sent(again=0.0, problem="ReadTimeout", doubtful=True)
    nowhere = Target("traces", HTTP, "http://127.0.0.1:9/v1/traces", own=False)
    assert sent(nowhere) == Sent(again=0.0, problem="ConnectionError")


def test_a_certificate_that_is_missing_is_a_failure_that_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"{BASE}_CERTIFICATE", str(tmp_path / "missing.pem"))
    target = Target("traces", HTTP, "https://127.0.0.1:9/v1/traces", own=False)
    assert sent(target).again == 0.0


def test_certificates_of_clients_are_a_pair_or_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{BASE}_CLIENT_CERTIFICATE", "both.pem")
    target = Target("traces", HTTP, "https://127.0.0.1:9/v1/traces", own=False)
    one: Any = sender(target, None, None)
    assert one._session().cert == "both.pem"
    monkeypatch.setenv(f"{BASE}_TRACES_CLIENT_KEY", "key.pem")
    two: Any = sender(target, None, None)
    assert two._session().cert == ("both.pem", "key.pem")


def test_headers_are_sent_and_a_netrc_does_not_take_their_place(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    sent(http(sink), {"Authorization": "Bearer mine"})
    assert sink.header("authorization") == {"Bearer mine"}
    assert sink.header("content-encoding") == {"gzip"}


def test_the_environments_headers_go_to_its_receiver_alone(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{BASE}_HEADERS", "api-key=general,x-a=1")
    assert headers_of(http(sink), {"X-B": "2"}) == {"x-b": "2"}
    assert headers_of(http(sink, own=True), None) == {"api-key": "general", "x-a": "1"}
    monkeypatch.setenv(f"{BASE}_TRACES_HEADERS", "api-key=traces")
    assert headers_of(http(sink, own=True), None) == {"api-key": "traces"}
    assert headers_of(http(sink, own=True), {"API-Key": "given"}) == {"api-key": "given"}
    assert headers_of(http(sink, "logs", own=True), None)["api-key"] == "general"


def test_how_long_an_attempt_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (seconds_of("traces", None), seconds_of("traces", 3.0)) == (10.0, 3.0)
    monkeypatch.setenv(f"{BASE}_TIMEOUT", "20")
    monkeypatch.setenv(f"{BASE}_LOGS_TIMEOUT", "0.5")
    assert (seconds_of("traces", None), seconds_of("logs", None)) == (20.0, 0.5)
    for wrong in ("soon", "0", "-1", "inf", "nan"):
        monkeypatch.setenv(f"{BASE}_TIMEOUT", wrong)
        with pytest.raises(DestinationError, match=f"{BASE}_TIMEOUT='{wrong}'"):
            seconds_of("traces", None)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(sending, "import_module", absent)
    with pytest.raises(
        DestinationError, match=r"spool over grpc needs opentelemetry-exporter-otlp .*'grpc'"
    ):
        sender(grpc("http://127.0.0.1:9"), None, None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_speaks_on_a_connection_of_its_own(sink: Sink) -> None:
    made = sender(http(sink), None, 10)
    assert made.send(body()).arrived
    pid = os.fork()
    if pid == 0:
        done = False
        try:
            before = made._session.take()  # type: ignore[attr-defined]
            done = before is None and made.send(body()).arrived
        finally:
            os._exit(0 if done else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert made.send(body()).arrived
    made.close()
    made.close()
    assert len(sink.taken) == 3


def retry(seconds: float) -> tuple[tuple[str, bytes], ...]:
    told = Status(code=8)
    for detail in (DebugInfo(), RetryInfo(retry_delay=Duration(seconds=int(seconds)))):
        packed = Packed()
        packed.Pack(detail)
        told.details.append(packed)
    return (("grpc-status-details-bin", told.SerializeToString()),)


LARGE = b"Received message larger than max (5000000 vs. 4194304)"
LARGE_TOO = b"gRPC message exceeds maximum size 4194304: 5000000"
TOO_LARGE = Sent(problem="gRPC RESOURCE_EXHAUSTED", too_large=True)


@pytest.mark.parametrize(
    ("answer", "became"),
    [
        (200, Sent(arrived=True)),
        (Reply("OK", (), refusal(3)), Sent(arrived=True, rejected=3)),
        (Reply("UNAVAILABLE"), Sent(again=0.0, problem="gRPC UNAVAILABLE")),
        (Reply("UNAVAILABLE", retry(9)), Sent(again=9.0, problem="gRPC UNAVAILABLE")),
        (Reply("UNAVAILABLE", retry(9_999)), Sent(again=300.0, problem="gRPC UNAVAILABLE")),
        (
            Reply("UNAVAILABLE", (("grpc-status-details-bin", b"\xff"),)),
            Sent(again=0.0, problem="gRPC UNAVAILABLE"),
        ),
        (Reply("ABORTED"), Sent(again=0.0, problem="gRPC ABORTED", doubtful=True)),
        (Reply("UNAUTHENTICATED"), Sent(again=0.0, problem="gRPC UNAUTHENTICATED")),
        (Reply("INVALID_ARGUMENT"), Sent(problem="gRPC INVALID_ARGUMENT")),
        (Reply("RESOURCE_EXHAUSTED"), Sent(again=0.0, problem="gRPC RESOURCE_EXHAUSTED")),
        (Reply("RESOURCE_EXHAUSTED", (), LARGE), TOO_LARGE),
        (Reply("RESOURCE_EXHAUSTED", (), LARGE_TOO), TOO_LARGE),
        (
            Reply("RESOURCE_EXHAUSTED", retry(4), LARGE),
            Sent(again=4.0, problem="gRPC RESOURCE_EXHAUSTED"),
        ),
    ],
    ids=str,
)
def test_what_a_status_means(answer: Any, became: Sent) -> None:
    with grpc_sink() as sink:
        sink.answer = answer
        assert sent(grpc(sink.url), {"X-Own": "mine"}) == became
        assert sink.header("x-own") == {"mine"}


def test_a_scheme_or_a_variable_decides_whether_it_is_encrypted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with grpc_sink() as sink:
        bare = sink.url.removeprefix("http://")
        assert sent(grpc(bare), timeout=1).problem == "gRPC UNAVAILABLE"
        assert sent(grpc(f"https://{bare}"), timeout=1).problem == "gRPC UNAVAILABLE"
        assert sink.arrived == []
        monkeypatch.setenv(f"{BASE}_INSECURE", "True")
        assert sent(grpc(bare)).arrived
        monkeypatch.setenv(f"{BASE}_CERTIFICATE", str(tmp_path / "missing.pem"))
        with pytest.raises(
            DestinationError, match=r"names a file that cannot be read .*missing\.pem"
        ):
            sender(grpc(f"https://{bare}"), None, None)


def test_a_child_forked_amid_a_call_calls_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = grpc_calls._Calls()
    monkeypatch.setattr(sending, "calls", made)
    with grpc_sink() as sink:
        with made.one():
            made._pid = 0  # as in the child
            made.settle()
        assert sent(grpc(sink.url)) == Sent(again=0.0, problem="forked", elsewhere=True)
        assert sent(grpc(sink.url)).elsewhere
        assert sink.arrived == []
    assert [text for text in caplog.messages if "stays in the spool" in text] == caplog.messages
    assert len(caplog.messages) == 1


def test_who_is_calling_is_known_for_as_long_as_it_takes() -> None:
    with grpc_sink() as sink:
        made = sender(grpc(sink.url), None, 10)
        sink.answer = "hang"
        thread = threading.Thread(target=made.send, args=(body(),))
        thread.start()
        assert sink.reached.wait(30)
        assert grpc_calls.calls.going_on
        sink.released.set()
        thread.join(30)
        assert not grpc_calls.calls.going_on
        made.close()


def test_closing_what_was_never_used_and_what_answers_of_logs() -> None:
    with grpc_sink() as sink:
        never: Sender = sender(grpc(sink.url), None, None)
        never.close()
        response = ExportLogsServiceResponse()
        response.partial_success.rejected_log_records = 2
        sink.answer = Reply("OK", (), response.SerializeToString())
        made = sender(grpc(sink.url, "logs"), None, 10)
        assert made.send(gzip.compress(b"")) == Sent(arrived=True, rejected=2)
        made.close()
