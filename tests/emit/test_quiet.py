"""OpenTelemetry's keys for silence: each spelling is heard, and all of them are said."""

from __future__ import annotations

import importlib

import pytest
from opentelemetry import context as otel
from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    is_instrumentation_enabled,
    suppress_http_instrumentation,
    suppress_instrumentation,
)

from clearspan.emit import quiet


def within(key: str) -> bool:
    token = otel.attach(otel.set_value(key, True))
    try:
        return quiet.asked(otel.get_current())
    finally:
        otel.detach(token)


def test_what_exporters_of_the_sdk_set_is_heard() -> None:
    assert not quiet.asked(otel.get_current())
    assert within(otel._SUPPRESS_INSTRUMENTATION_KEY)
    assert within("suppress_instrumentation")
    assert not quiet.asked(otel.get_current())


def test_what_instrumentations_set_is_heard() -> None:
    with suppress_instrumentation():
        assert quiet.asked(otel.get_current())
    with suppress_http_instrumentation():
        assert not quiet.asked(otel.get_current()), "it is about HTTP clients"


def test_what_is_said_is_heard_by_instrumentations() -> None:
    token = otel.attach(quiet.silenced())
    try:
        assert not is_instrumentation_enabled()
        assert not is_http_instrumentation_enabled()
        assert otel.get_value(otel._SUPPRESS_INSTRUMENTATION_KEY)
        assert otel.get_value(otel._SUPPRESS_HTTP_INSTRUMENTATION_KEY)
        assert otel.get_value("suppress_instrumentation")
        assert quiet.asked(otel.get_current())
    finally:
        otel.detach(token)
    assert is_http_instrumentation_enabled()


def test_without_the_keys_of_the_api_the_plain_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(otel, "_SUPPRESS_INSTRUMENTATION_KEY")
        patch.delattr(otel, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
        importlib.reload(quiet)
        assert within("suppress_instrumentation")
    importlib.reload(quiet)
    assert within(otel._SUPPRESS_INSTRUMENTATION_KEY)
