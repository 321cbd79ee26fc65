"""Exporters of a process's own."""

from __future__ import annotations

import os
from typing import Any

import pytest

from clearspan.exporters.otlp import grpc_calls, own
from clearspan.exporters.otlp.own import OwnExporter, OwnGrpcExporter


class Made:
    """An exporter that says what was done to it."""

    def __init__(self) -> None:
        self.preference = "delta"
        self.told: list[str] = []

    def export(self, batch: Any) -> str:
        assert grpc_calls.calls.going_on or batch == "over http"
        self.told.append(batch)
        return "exported"

    def shutdown(self) -> None:
        self.told.append("shut down")


class Making:
    """Makes them, and knows them all."""

    def __init__(self) -> None:
        self.made: list[Made] = []

    def __call__(self) -> Made:
        self.made.append(Made())
        return self.made[-1]


def test_it_is_made_at_once_and_again_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    making = Making()
    exporter = OwnExporter(making)
    assert len(making.made) == 1
    assert exporter.export("over http") == "exported"
    monkeypatch.setattr(os, "getpid", lambda: 1_000_000)
    exporter.export("over http")
    assert [each.told for each in making.made] == [["over http"]] * 2
    monkeypatch.undo()
    exporter.shutdown()
    assert [each.told for each in making.made] == [["over http", "shut down"], ["over http"]]


def test_who_looked_up_a_method_before_a_fork_shuts_down_its_own_in_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making = Making()
    exporter = OwnExporter(making)
    shutdown = exporter.shutdown  # as a worker does, for its end
    monkeypatch.setattr(os, "getpid", lambda: 1_000_000)
    exporter.export("over http")
    shutdown()
    assert [each.told for each in making.made] == [[], ["over http", "shut down"]]


def test_where_grpc_cannot_be_called_none_is_made_nor_shut_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making = Making()
    exporter = OwnGrpcExporter(making)
    assert exporter.export("before") == "exported"
    monkeypatch.setattr(os, "getpid", lambda: 1_000_000)
    monkeypatch.setattr(own, "calls", cut := grpc_calls._Calls())
    cut.cut = True
    assert exporter.preference == "delta"
    assert exporter.export("in the child").value == 1
    assert exporter.too_large is False
    exporter.shutdown()
    monkeypatch.undo()
    assert [each.told for each in making.made] == [["before"]]
    exporter.shutdown()
    assert [each.told for each in making.made] == [["before", "shut down"]]
