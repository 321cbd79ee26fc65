"""What the standard variables and the application's own provider decide."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

import clearspan
from clearspan.runtime.build import _destinations
from clearspan.settings import load


@pytest.mark.parametrize("signal", ["TRACES", "METRICS", "LOGS"])
def test_a_signal_that_the_environment_turns_off_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "none")
    (found,) = _destinations(load({}), default=True)
    there = {"TRACES": found.span, "METRICS": found.metric, "LOGS": found.log}
    assert {name for name, exporter in there.items() if exporter is None} == {signal}


def test_an_argument_wins_over_a_signal_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    (found,) = _destinations(load({"endpoint": "http://127.0.0.1:1"}), default=True)
    assert found.span is not None


def test_settings_that_the_applications_provider_overrules_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider()
    with (
        caplog.at_level(logging.WARNING, "clearspan"),
        clearspan.init(
            tracer_provider=provider, store=tmp_path / "s.db", sample_rate=0.5, providers=()
        ),
    ):
        pass
    (record,) = caplog.records
    assert "store, sample_rate" in record.getMessage()
    assert "TracerProvider" in record.getMessage()


def test_nothing_is_said_of_settings_that_were_not_given(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "clearspan"),
        clearspan.init(tracer_provider=TracerProvider(), providers=()),
    ):
        pass
    assert caplog.records == []
