"""What is advised where a test span does not arrive."""

from __future__ import annotations

import pytest

from clearspan.cli.hints import hint

HTTP, GRPC = "OTLP http/protobuf http://localhost", "OTLP grpc http://localhost"


@pytest.mark.parametrize(
    ("destination", "reason", "part"),
    [
        (f"{HTTP}:4318/v1", "Failed to export traces batch code: 404, reason: ", "base address"),
        (f"{HTTP}:4318", "traces: HTTP 405", "base address"),
        (f"{HTTP}:4318", "Failed to export traces batch code: 401, reason: ", "see headers"),
        (f"{HTTP}:4318", "traces: HTTP 403", "see headers"),
        (f"{HTTP}:4317", "('Connection aborted.', BadStatusLine())", "set protocol to grpc"),
        (f"{GRPC}:4318", "UNAVAILABLE", "set protocol to http/protobuf"),
        ("store a.db", "no_destination", "nothing takes spans"),
    ],
)
def test_the_commonest_causes(destination: str, reason: str, part: str) -> None:
    assert part in hint(destination, reason, {})


def test_a_signal_that_is_turned_off_is_named() -> None:
    said = hint("nowhere", "no_destination", {"OTEL_TRACES_EXPORTER": " None"})
    assert said == "OTEL_TRACES_EXPORTER=none turns spans off"


@pytest.mark.parametrize("reason", ["traces: HTTP 500", "code: 40400", "timed out after 404 ms"])
def test_no_advice_where_nothing_is_known(reason: str) -> None:
    assert hint(f"{HTTP}:43170", reason, {}) == ""
