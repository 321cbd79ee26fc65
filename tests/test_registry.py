"""Plug-ins: ours and a third party's are found in the same way."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from clearspan import registry
from clearspan.core import installed


class _Entries:
    """Entry points as an installed distribution would bring them."""

    def __init__(self, **values: str) -> None:
        self._values = values

    def __call__(self, group: str) -> list[Any]:
        return [
            importlib.metadata.EntryPoint(known, value, group)
            for known, value in self._values.items()
            if group == registry.EXPORTERS
        ]


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = _Entries(json="json:dumps", broken="json:no_such_thing")
    monkeypatch.setattr(installed, "entries", entries)
    monkeypatch.setattr(registry, "_added", {})


def test_names_are_sorted_and_load_nothing() -> None:
    registry.add(registry.EXPORTERS, "added", object())
    registry.add(registry.PROVIDERS, "elsewhere", object())
    assert registry.names(registry.EXPORTERS) == ["added", "broken", "json"]
    assert registry.names(registry.PROVIDERS) == ["elsewhere"]


def test_an_entry_point_is_loaded_when_asked_for() -> None:
    import json

    assert registry.load(registry.EXPORTERS, "json") is json.dumps


def test_what_was_added_by_hand_wins() -> None:
    plugin = object()
    registry.add(registry.EXPORTERS, "json", plugin)
    assert registry.load(registry.EXPORTERS, "json") is plugin
    assert registry.names(registry.EXPORTERS) == ["broken", "json"]


def test_a_broken_plug_in_raises_what_it_raises() -> None:
    with pytest.raises(AttributeError):
        registry.load(registry.EXPORTERS, "broken")


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (registry.EXPORTERS, "no exporter named 'x'; known are broken, json"),
        (registry.PROVIDERS, "no provider named 'x'; known are none"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(group: str, message: str) -> None:
    assert refused(group, "x") == message


def refused(group: str, name: str) -> str:
    with pytest.raises(registry.NotFound) as caught:
        registry.load(group, name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("brokn", "'broken'"),
        ("JSON", "'json'"),
        ("jsn", "'json'"),
        ("json-lines", "'json_lines'"),
        ("lines", "'json_lines'"),
    ],
)
def test_what_reads_like_a_known_name_is_told(name: str, meant: str) -> None:
    registry.add(registry.EXPORTERS, "json_lines", object())
    said = refused(registry.EXPORTERS, name)
    assert said == (
        f"no exporter named {name!r}; known are broken, json, json_lines; did you mean {meant}?"
    )


def test_many_names_are_counted_and_not_listed() -> None:
    for number in range(20):
        registry.add(registry.EVALUATORS, f"check_{number}", object())
    assert refused(registry.EVALUATORS, "zzz") == (
        "no evaluator named 'zzz'; clearspan.registry.names('clearspan.evaluators') lists the 20 that are known"
    )
    assert refused(registry.EVALUATORS, "chek_7").endswith(
        "; did you mean 'check_7' or 'check_17' or 'check_9'?"
    )


def test_of_two_packages_ours_wins_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def entries(group: str) -> list[Any]:
        return [
            importlib.metadata.EntryPoint("pii", value, group)
            for value in ("json:dumps", "clearspan.registry:names", "json:dumps")
        ]

    monkeypatch.setattr(installed, "entries", entries)
    monkeypatch.setattr(registry, "_said", set())
    with caplog.at_level("WARNING", "clearspan"):
        assert registry.load(registry.EVALUATORS, "pii") is registry.names
        assert registry.load(registry.EVALUATORS, "pii") is registry.names
    assert caplog.messages == [
        "clearspan: several packages bring 'pii' (clearspan.evaluators); clearspan.registry:names is used"
    ]
