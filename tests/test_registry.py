"""Plug-ins: ours and a third party's are found in the same way."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from clearspan import registry


class _Entries:
    """Entry points as an installed distribution would bring them."""

    def __init__(self, **values: str) -> None:
        self._values = values

    def __call__(self, *, group: str, name: str | None = None) -> list[Any]:
        return [
            importlib.metadata.EntryPoint(known, value, group)
            for known, value in self._values.items()
            if group == registry.EXPORTERS and name in (None, known)
        ]


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = _Entries(json="json:dumps", broken="json:no_such_thing")
    monkeypatch.setattr(importlib.metadata, "entry_points", entries)
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
    with pytest.raises(registry.NotFound) as caught:
        registry.load(group, "x")
    assert str(caught.value) == message
