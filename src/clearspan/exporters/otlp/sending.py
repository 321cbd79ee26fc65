"""One attempt to hand an encoded request to a receiver, and what became of it.

What may be tried again is as the OTLP specification says (1.x, "Failures"). One thing is kept besides that it
would have dropped: what was refused for want of credentials, which somebody will renew, or sent elsewhere.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from clearspan.core import deadline
from clearspan.core.processes import PerProcess
from clearspan.exporters import DestinationError
from clearspan.exporters.otlp.addresses import HTTP, Target, variable
from clearspan.exporters.otlp.grpc_calls import calls
from clearspan.exporters.otlp.staying import stay
from clearspan.exporters.otlp.timed import timed

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

__all__ = ["TOO_LARGE", "Sender", "Sent", "failed", "headers_of", "seconds_of", "sender"]

_TIMEOUT: Final = 10.0
_LONGEST: Final = 300.0
_LONGEST_ANSWER: Final = 65_536
_PIECE: Final = 4_096
_SERVICES: Final = {
    "traces": ("opentelemetry.proto.collector.trace.v1.trace_service", "Trace", "rejected_spans"),
    "metrics": ("opentelemetry.proto.collector.metrics.v1.metrics_service", "Metrics", "rejected_data_points"),
    "logs": ("opentelemetry.proto.collector.logs.v1.logs_service", "Logs", "rejected_log_records"),
}  # fmt: skip
_ARRIVED_HTTP: Final = range(200, 300)
_ELSEWHERE_HTTP: Final = range(300, 400)
_LATER_HTTP: Final = frozenset({401, 403, 407, 408, 429, 502, 503, 504})
_DOUBTFUL_HTTP: Final = frozenset({408, 502, 504})
_PAGES: Final = ("text/html", "application/xhtml")
TOO_LARGE: Final = 413
"""The status by which HTTP refuses a request for its size."""
_LARGE_GRPC: Final = re.compile("larger than max|exceeds maximum size", re.IGNORECASE)
_DETAILS: Final = "grpc-status-details-bin"
_LATER_GRPC: Final = frozenset({
    "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED", "PERMISSION_DENIED",
})  # fmt: skip
_DOUBTFUL_GRPC: Final = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "DATA_LOSS"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a request: it arrived, may be tried again after so many seconds, or was refused."""

    arrived: bool = False
    again: float | None = None
    """Seconds; `None` where another attempt would end the same."""
    rejected: int = 0
    """Items of a request that arrived which the receiver did not want."""
    problem: str = ""
    too_large: bool = False
    """Whether it was refused for its size: less at a time may arrive."""
    doubtful: bool = False
    """Whether that it failed may be due to what is in it: others may arrive all the same."""
    elsewhere: bool = False
    """Whether this process cannot send at all: another one can."""


class Sender(Protocol):
    """Sends one signal to one receiver. One thread uses it."""

    def send(self, body: bytes) -> Sent:
        """Try once to hand over `body`, a compressed request; never raises for the network's sake."""
        ...

    def close(self) -> None:
        """Give back connections."""


def sender(target: Target, headers: Mapping[str, str] | None, timeout: float | None) -> Sender:
    """What sends to `target`. No connection is made before the first request.

    Raises:
        DestinationError: a package is missing, or a variable says what cannot be.
    """
    kind = _Http if target.protocol == HTTP else _Grpc
    try:
        return kind(target, headers_of(target, headers), seconds_of(target.signal, timeout))
    except ImportError as error:
        raise DestinationError(
            f"spool over {target.protocol} needs opentelemetry-exporter-otlp with what it depends on ({error}): install it"
        ) from error


def headers_of(target: Target, headers: Mapping[str, str] | None) -> dict[str, str]:
    """What is sent along: the environment's headers to its own receiver alone, and those given before them."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    if not target.own:
        return given
    from opentelemetry.util.re import parse_env_headers

    told = _of_signal("HEADERS", target.signal) or ""
    return {**parse_env_headers(told, liberal=True), **given}


def seconds_of(signal: str, timeout: float | None) -> float:
    """How long one attempt may wait.

    Raises:
        DestinationError: the environment says what is no such number.
    """
    if timeout is not None:
        return timeout
    told = _of_signal("TIMEOUT", signal) or _TIMEOUT
    try:
        seconds = float(told)
    except ValueError:
        seconds = math.nan
    if 0 < seconds < math.inf:
        return seconds
    raise DestinationError(f"OTEL_EXPORTER_OTLP_TIMEOUT={told!r} is no number of seconds: use 10")


def _of_signal(what: str, signal: str) -> str | None:
    return variable(what, signal) or variable(what)


class _Reply:
    """Reads what a receiver answers of one signal."""

    def __init__(self, signal: str) -> None:
        module, name, self._field = _SERVICES[signal]
        messages = import_module(f"{module}_pb2")
        self.request = getattr(messages, f"Export{name}ServiceRequest")
        self._response = getattr(messages, f"Export{name}ServiceResponse")
        self._undecodable = import_module("google.protobuf.message").DecodeError
        self._service = (module, f"{name}ServiceStub")

    def rejected(self, body: bytes) -> int:
        """The same, of an answer as it came."""
        try:
            return self.count(self._response.FromString(body))
        except self._undecodable:  # not every receiver answers with one
            return 0

    def stub(self, channel: Any) -> Any:
        """What calls the service of that signal."""
        module, name = self._service
        return getattr(import_module(f"{module}_pb2_grpc"), name)(channel)

    def count(self, response: Any) -> int:
        """How many items the receiver says that it did not take."""
        return max(0, int(getattr(response.partial_success, self._field)))


class _Http:
    def __init__(self, target: Target, headers: Mapping[str, str], timeout: float) -> None:
        import requests

        self._failures = (requests.RequestException, OSError)
        self._broken = (import_module("urllib3.exceptions").ProtocolError, requests.ReadTimeout)
        self._url = target.url
        self._timeout = timeout
        self._reply = _Reply(target.signal)
        self._headers = {**headers, "content-type": "application/x-protobuf", "content-encoding": "gzip"}  # fmt: skip
        certificate = _of_signal("CLIENT_CERTIFICATE", target.signal)
        key = _of_signal("CLIENT_KEY", target.signal)
        self._verify = _of_signal("CERTIFICATE", target.signal) or True
        self._certificate = (certificate, key) if certificate and key else certificate
        self._session = PerProcess(self._begun)

    def _begun(self) -> Session:
        import requests

        session = timed(stay(requests.Session()))
        session.headers.update(self._headers)
        session.auth = _as_it_is
        session.verify = self._verify
        session.cert = self._certificate
        return session

    def send(self, body: bytes) -> Sent:
        """Post it. Nobody is followed elsewhere, and no page acknowledges: that is what a portal answers to log in by."""
        answer: Response | None
        try:
            answer = self._session().post(self._url, data=body, timeout=self._timeout, stream=True)
        except self._failures as error:
            answer = getattr(error, "response", None)  # that it is elsewhere
            if answer is None:
                doubtful = self._begun_with(error)
                return Sent(again=0.0, problem=type(error).__name__, doubtful=doubtful)
        status, kind = answer.status_code, answer.headers.get("content-type", "").strip().lower()
        if status in _ARRIVED_HTTP:
            told = self._told(answer)
            if told.strip() and kind.startswith(_PAGES):
                return Sent(again=0.0, problem=f"HTTP {status} with a page")
            return Sent(arrived=True, rejected=self._reply.rejected(told))
        answer.close()
        if status in _LATER_HTTP or status in _ELSEWHERE_HTTP:
            return Sent(
                again=_seconds(answer.headers.get("retry-after")),
                problem=f"HTTP {status}",
                doubtful=status in _DOUBTFUL_HTTP,
            )
        return Sent(problem=f"HTTP {status}", too_large=status == TOO_LARGE)

    def _begun_with(self, error: Exception) -> bool:
        """Whether the receiver was there, and ended it or said nothing."""
        return isinstance(error, self._broken) or isinstance(next(iter(error.args), None), self._broken)  # fmt: skip

    def _told(self, answer: Response) -> bytes:
        """The beginning of the answer's body. Its status counts, even if the rest never comes."""
        told = bytearray()
        with contextlib.suppress(*self._failures):
            for piece in answer.iter_content(_PIECE):
                told += piece
                if len(told) >= _LONGEST_ANSWER:
                    break
            else:
                return bytes(told)
        answer.close()
        return bytes(told)

    def close(self) -> None:
        """Give back connections."""
        session = self._session.take()
        if session is not None:
            session.close()


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    """No credentials of a `.netrc` in the place of those that were given."""
    return request


def _seconds(told: str | None) -> float:
    """`Retry-After`: seconds or a date (RFC 9110, section 10.2.3); 0 where it says nothing."""
    told = (told or "").strip()
    if told.isdecimal():
        return min(float(told), _LONGEST)
    try:
        wait = (parsedate_to_datetime(told) - datetime.now(timezone.utc)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(wait, 0.0), _LONGEST)


class _Grpc:
    def __init__(self, target: Target, headers: Mapping[str, str], timeout: float) -> None:
        self._grpc: Any = import_module("grpc")
        self._timeout = timeout
        self._headers = tuple(headers.items())
        self._reply = _Reply(target.signal)
        parts = urlsplit(target.url)
        self._place = parts.netloc or target.url
        told = _of_signal("INSECURE", target.signal) or ""
        insecure = parts.scheme == "http" or (parts.scheme != "https" and told.lower() == "true")
        self._credentials = None if insecure else _credentials(self._grpc, target.signal)
        self._channel = PerProcess(self._begun)

    def _begun(self) -> tuple[Any, Any]:
        compression = self._grpc.Compression.Gzip
        if self._credentials is None:
            channel = self._grpc.insecure_channel(self._place, compression=compression)
        else:
            channel = self._grpc.secure_channel(self._place, self._credentials, compression=compression)  # fmt: skip
        return channel, self._reply.stub(channel)

    def send(self, body: bytes) -> Sent:
        """Call the service, where that can be done: the child of a process that was forked amid a call cannot."""
        if not calls.may():
            calls.say("what it records stays in the spool, for another process to deliver")
            return Sent(again=0.0, problem="forked", elsewhere=True)
        request = self._reply.request.FromString(gzip.decompress(body))
        with calls.one():
            _, stub = self._channel()
            try:
                answer = stub.Export(request, metadata=self._headers, timeout=deadline.at_most(self._timeout))  # fmt: skip
            except self._grpc.RpcError as error:
                return failed(error)
        return Sent(arrived=True, rejected=self._reply.count(answer))

    def close(self) -> None:
        """Give back the channel."""
        made = self._channel.take()
        if made is not None:
            with calls.one():
                made[0].close()


def _credentials(grpc: Any, signal: str) -> Any:
    names = ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE")
    given = [_of_signal(name, signal) for name in names]
    try:
        return grpc.ssl_channel_credentials(*(Path(name).read_bytes() if name else None for name in given))  # fmt: skip
    except OSError as error:
        raise DestinationError(
            f"OTEL_EXPORTER_OTLP_CERTIFICATE or one of its kin names a file that cannot be read ({error})"
        ) from error


def failed(error: Any) -> Sent:
    """What an error of gRPC means."""
    code: str = error.code().name
    problem = f"gRPC {code}"
    if code not in _LATER_GRPC:
        return Sent(problem=problem)
    wait = _wait(error.trailing_metadata() or ())
    # The same code for "too much at the moment" and for "too large", and only the former may be asked again.
    if code == "RESOURCE_EXHAUSTED" and wait is None and _LARGE_GRPC.search(error.details() or ""):
        return Sent(problem=problem, too_large=True)
    return Sent(again=wait or 0.0, problem=problem, doubtful=code in _DOUBTFUL_GRPC)


def _wait(metadata: Iterable[tuple[str, Any]]) -> float | None:
    """Seconds that the receiver asks for (`google.rpc.RetryInfo`); `None` where it does not."""
    details = import_module("google.rpc.error_details_pb2")
    status = import_module("google.rpc.status_pb2")
    undecodable = import_module("google.protobuf.message").DecodeError
    told = next((value for name, value in metadata if name == _DETAILS), b"")
    try:
        for detail in status.Status.FromString(told).details:
            info = details.RetryInfo()
            if detail.Unpack(info):
                return min(max(float(info.retry_delay.ToTimedelta().total_seconds()), 0.0), _LONGEST)  # fmt: skip
    except undecodable:
        return None
    return None
