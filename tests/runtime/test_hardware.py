"""Which samplers run, and what of them becomes metrics."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import clearspan
from clearspan import registry
from clearspan.runtime.hardware import Hardware
from clearspan.samplers import ACCELERATOR, DeviceState, Instrument, Reading
from clearspan.settings import SettingError, load

MEMORY = Instrument("process.memory.usage", "updowncounter", "By", "memory")
ODD = Instrument("odd", "histogram", "1", "of a kind that cannot be read")


class Board:
    """A sampler of one accelerator."""

    name = "board"
    instruments: Sequence[Instrument] = ACCELERATOR
    there = True
    made: list[Board] = []

    def __init__(self) -> None:
        self.done: list[str] = []
        self.made.append(self)

    def present(self) -> bool:
        return self.there

    def open(self) -> bool:
        self.done.append("open")
        return True

    def close(self) -> None:
        self.done.append("close")

    def states(self) -> Sequence[DeviceState]:
        return [DeviceState("B-0", 0.5)]

    def ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        return ("B-0",) if tuple(indices) == (0,) else ()

    def read(self) -> Sequence[Reading]:
        self.done.append("read")
        return [
            Reading("hw.power", 250.0, {"hw.id": "B-0", "hw.type": "gpu"}),
            Reading("hw.energy", 1_000.0, {"hw.id": "B-0", "hw.type": "gpu"}),
        ]


class Other:
    """A sampler without an accelerator, which counts its failures."""

    name = "other"
    instruments: Sequence[Instrument] = (MEMORY, ODD)

    def present(self) -> bool:
        return True

    def open(self) -> bool:
        return True

    def close(self) -> None:
        return None

    def read(self) -> Sequence[Reading]:
        return [Reading("process.memory.usage", 7.0, {})]

    def counts(self) -> Mapping[str, int]:
        return {"reading": 3, "asking": 1}


class Faulty:
    name = "faulty"

    def __init__(self) -> None:
        raise RuntimeError("half installed")


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two samplers besides those that come along, which find nothing here."""
    monkeypatch.setattr(registry, "_added", dict(registry._added))  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(Board, "there", True)
    monkeypatch.setattr(Board, "made", [])
    registry.add(registry.SAMPLERS, "board", Board)
    registry.add(registry.SAMPLERS, "other", Other)
    for name in ("nvml", "amd", "process"):
        registry.add(registry.SAMPLERS, name, Absent)


class Absent(Other):
    def present(self) -> bool:
        return False


def hardware(*names: str) -> Hardware:
    return Hardware(load({"hardware": list(names)} if names else {}, {}))


def metrics(reader: InMemoryMetricReader) -> dict[str, list[tuple[float, Mapping[str, Any]]]]:
    found = reader.get_metrics_data()
    return {} if found is None else {
        metric.name: [(point.value, dict(point.attributes or {})) for point in metric.data.data_points]  # type: ignore[union-attr]
        for resource in found.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }  # fmt: skip


def collecting() -> tuple[MeterProvider, InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    return MeterProvider([reader], shutdown_on_exit=False), reader


def names_of(found: Hardware) -> list[str]:
    return sorted(sampler.name for sampler in found.samplers)


def test_all_that_is_there_by_default() -> None:
    found = hardware()
    assert names_of(found) == ["board", "other"]
    assert found.watch is not None
    assert found.missing == []


def test_those_that_were_asked_for() -> None:
    found = hardware("other")
    assert names_of(found) == ["other"]
    assert found.watch is None  # nothing to attribute


def test_some_by_name_and_the_rest_with_them() -> None:
    assert names_of(hardware("other", "auto")) == ["board", "other"]


def test_off_builds_none() -> None:
    found = hardware("off")
    provider, reader = collecting()
    found.start(provider.get_meter("off"))
    assert (names_of(found), found.watch, found.status()) == ([], None, {})
    assert Board.made == []
    assert metrics(reader) == {}


def test_what_was_asked_for_in_vain_is_said(caplog: pytest.LogCaptureFixture) -> None:
    Board.there = False
    provider, _ = collecting()
    found = hardware("board", "other")
    with caplog.at_level(logging.WARNING, logger="clearspan"):
        found.start(provider.get_meter("vain"))
    assert [record.getMessage() for record in caplog.records] == [
        "clearspan: hardware: board was asked for, and is not there"
    ]
    assert found.status()["board"] == "absent"


def test_what_nobody_asked_for_is_absent_quietly(caplog: pytest.LogCaptureFixture) -> None:
    Board.there = False
    provider, _ = collecting()
    found = hardware()
    with caplog.at_level(logging.DEBUG, logger="clearspan"):
        found.start(provider.get_meter("quiet"))
    assert caplog.records == []
    assert list(found.status()) == ["other"]


def test_a_name_that_is_none() -> None:
    with pytest.raises(
        SettingError, match=r"hardware: no sampler named 'bord'.*did you mean 'board'"
    ):
        hardware("bord")


def test_one_that_cannot_be_built_is_said_if_it_was_asked_for() -> None:
    registry.add(registry.SAMPLERS, "faulty", Faulty)
    with pytest.raises(SettingError, match=r"hardware: 'faulty' cannot be used .*half installed"):
        hardware("faulty")


def test_one_that_cannot_be_built_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    registry.add(registry.SAMPLERS, "faulty", Faulty)
    assert names_of(hardware()) == ["board", "other"]


def test_readings_become_points() -> None:
    provider, reader = collecting()
    found = hardware()
    found.start(provider.get_meter("points"))
    assert Board.made[0].done == []  # nothing is opened before metrics are collected
    told = metrics(reader)
    gpu = {"hw.id": "B-0", "hw.type": "gpu"}
    assert told["hw.power"] == [(250.0, gpu)]
    assert told["hw.energy"] == [(1_000.0, gpu)]
    assert told["process.memory.usage"] == [(7.0, {})]
    assert "hw.fan.speed_ratio" not in told  # unknown is absent
    assert "odd" not in told


def test_a_closed_one_tells_nothing() -> None:
    provider, reader = collecting()
    found = hardware()
    found.start(provider.get_meter("closed"))
    assert metrics(reader)
    found.close()
    assert metrics(reader) == {}
    assert Board.made[0].done[-1] == "close"
    assert found.status()["board"] == "closed"


def test_a_second_one_on_the_same_meter_takes_over(caplog: pytest.LogCaptureFixture) -> None:
    provider, reader = collecting()
    meter = provider.get_meter("twice")
    first = hardware("other")
    first.start(meter)
    first.close()
    second = hardware()
    second.start(meter)
    told = metrics(reader)
    assert told["process.memory.usage"] == [(7.0, {})]
    assert told["hw.power"][0][0] == 250.0
    assert caplog.records == []  # the SDK complains of instruments made twice
    second.close()


def test_a_meter_keeps_nobody_alive() -> None:
    provider, reader = collecting()
    found = hardware("other")
    found.start(provider.get_meter("alive"))
    gone = weakref.ref(found.source)
    del found
    gc.collect()
    assert gone() is None
    assert metrics(reader) == {}


def test_the_state_in_words() -> None:
    provider, reader = collecting()
    found = hardware("other")
    assert found.status() == {"other": "not opened; asking failed once; reading failed 3 times"}
    found.start(provider.get_meter("words"))
    metrics(reader)
    assert found.status()["other"].startswith("open; ")


def test_a_forked_child_opens_anew() -> None:
    provider, reader = collecting()
    found = hardware("board")
    found.start(provider.get_meter("child"))
    metrics(reader)
    found.renew()
    metrics(reader)
    assert Board.made[0].done == ["open", "read", "close", "open", "read"]
    found.close()


def test_init_wires_it() -> None:
    provider, reader = collecting()
    clearspan.init(meter_provider=provider, hardware="board")
    assert clearspan.status().hardware == {"board": "not opened"}
    assert metrics(reader)["hw.power"][0][0] == 250.0
    assert clearspan.status().hardware == {"board": "open"}
    clearspan.shutdown()
    assert Board.made[0].done[-1] == "close"
    assert "hw.power" not in metrics(reader)


def test_init_twice_with_the_same_provider() -> None:
    provider, reader = collecting()
    for _ in range(2):
        clearspan.init(meter_provider=provider, hardware="board")
        assert metrics(reader)["hw.power"][0][0] == 250.0
        clearspan.shutdown()


def test_the_instruments_are_of_known_kinds() -> None:
    assert {row.kind for row in ACCELERATOR} == {"gauge", "counter", "updowncounter"}
