"""What `clearspan doctor` says of a spool."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.otlp_sink import http_sink


def test_a_spool_says_what_waits_and_for_what(
    call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_sink() as sink:
        monkeypatch.setenv("CLEARSPAN_ENDPOINT", sink.url)
        monkeypatch.setenv("CLEARSPAN_SPOOL", "true")
        monkeypatch.setenv("COLUMNS", "500")
        sink.answer = 503
        told = call("doctor", "--timeout", "20").stdout
        line = next(line for line in told.splitlines() if "spool.db; requests" in line)
        assert f"{place / '.clearspan' / 'spool.db'}; requests " in line
        assert "problem traces: HTTP 503" in line
        assert f"did not arrive at OTLP http/protobuf {sink.url}" in told
        assert f"it waits in {place / '.clearspan' / 'spool.db'} and is sent again" in told
        sink.answer = 200
        report = json.loads(call("doctor", "--timeout", "20", "--json").stdout)
        assert report["sent"]["state"] == "delivered"
        status = report["status"]["destination_status"]
        assert status["spool"] == str(place / ".clearspan" / "spool.db")
        # Its own, and what waited since the time before.
        assert len(sink.taken) >= 2
        assert status["spool delivered"] >= 2


@pytest.mark.parametrize("spool", ["true", "false"])
def test_who_only_looks_sends_nothing(
    spool: str, call: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_sink() as sink:
        monkeypatch.setenv("CLEARSPAN_ENDPOINT", sink.url)
        monkeypatch.setenv("CLEARSPAN_SPOOL", spool)
        sink.answer = 503
        call("doctor", "--timeout", "1")  # leaves something that waits
        sink.answer = 200
        before = len(sink.arrived)
        report = json.loads(call("doctor", "--no-send", "--json").stdout)
        assert report["sent"]["state"] == "skipped"
        assert len(sink.arrived) == before
        assert len(sink.taken) == 0


def test_without_a_spool_there_is_no_line(call: Command) -> None:
    assert "spool.db" not in call("doctor", "--no-send").stdout
