"""Misspelt variables, and settings that change nothing, are told at `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.runtime.doubts import doubtful, strangers
from clearspan.settings import SETTINGS, load


def test_a_misspelt_variable_is_told_with_what_was_meant() -> None:
    environ = {
        "CLEARSPAN_SPOL": "true",
        "CLEARSPAN_CONTNET": "off",
        "CLEARSPAN_QWERTZ": "sk-secret",
    }
    assert strangers(environ) == [
        "nothing reads the variable CLEARSPAN_CONTNET (did you mean CLEARSPAN_CONTENT?)",
        "nothing reads the variable CLEARSPAN_QWERTZ",
        "nothing reads the variable CLEARSPAN_SPOL (did you mean CLEARSPAN_SPOOL?)",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *[setting.variable for setting in SETTINGS if setting.variable],
        "CLEARSPAN_JUDGE_API_KEY", "CLEARSPAN_STRICT", "CLEARSPAN_TEST_ROUNDS", "CLEARSPAN_LIVE_PHOENIX",
        "CLEARSPAN_SERVICE_HOST", "CLEARSPAN_SERVICE_PORT_HTTP", "CLEARSPAN_PORT", "CLEARSPAN_PORT_4318_TCP_ADDR",
        "CLEARSPAN_COLLECTOR_SERVICE_PORT", "CLEARSPAN_COLLECTOR_PORT_4318_TCP",
        "OTEL_SERVICE_NAME", "CLEARSPANISH",
    ],
)  # fmt: skip
def test_what_is_read_and_what_is_not_ours_is_not_told(name: str) -> None:
    assert strangers({name: "x"}) == []


def test_a_variable_that_is_set_and_empty_is_not_set() -> None:
    assert strangers({"CLEARSPAN_CONTNET": ""}) == []


ADDRESS: dict[str, Any] = {"endpoint": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("given", "environ", "told"),
    [
        ({"spool_bytes": "1GB", "spool_order": "oldest"}, {}, ["spool_bytes", "spool_order"]),
        ({"spool_age": "1d", "spool": True, **ADDRESS}, {}, []),
        ({"protocol": "grpc"}, {}, ["protocol"]),
        ({"protocol": "grpc"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h"}, []),
        ({"protocol": "grpc", "exporters": ["otlp"]}, {}, []),
        ({"max_bytes": "1GB", "max_age": "1d", **ADDRESS}, {}, ["max_age", "max_bytes"]),
        ({"max_age": "1d", "exporters": ["console"]}, {}, ["max_age"]),
        ({"max_age": "1d", "exporters": ["store:a.db"]}, {}, []),
        ({"max_age": "1d", "exporters": [object()]}, {}, []),
        ({"max_age": "1d"}, {}, []),
        ({"max_age": "1d", "store": "a.db", **ADDRESS}, {}, []),
        ({"exporters": ["otlp"], **ADDRESS}, {}, ["exporters"]),
        ({"store": "Off"}, {}, ["store"]),
        ({}, {}, []),
    ],
)
def test_a_setting_that_changes_nothing_is_told(
    given: dict[str, Any], environ: dict[str, str], told: list[str]
) -> None:
    found = doubtful(load(given, {}), environ)
    assert [each.partition(" ")[0] for each in found] == told


def test_init_warns_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTNET", "off")
    for _ in range(2):
        with clearspan.init(store=tmp_path / "a.db", providers=(), spool_age="1d") as runtime:
            assert runtime.running
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "clearspan: nothing reads the variable CLEARSPAN_CONTNET (did you mean CLEARSPAN_CONTENT?)",
        "clearspan: spool_age changes nothing without spool",
    ]


def test_disabled_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CLEARSPAN_CONTNET", "off")
    with clearspan.init(disabled=True, spool_age="1d"):
        pass
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []
