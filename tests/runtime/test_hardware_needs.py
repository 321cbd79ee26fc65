"""What is said of a sampler that was asked for by name and has nothing to read with."""

from __future__ import annotations

import importlib.util
import logging
import sys
import types
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from clearspan import registry
from clearspan.runtime.hardware import Hardware
from clearspan.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clearspan.samplers import Instrument, Reading

SAID = "clearspan: hardware: "


class StandIn:
    """A sampler by the name of one of ours."""

    name = "nvml"
    instruments: Sequence[Instrument] = ()
    there = True

    def present(self) -> bool:
        return self.there

    def open(self) -> bool:
        return False

    def close(self) -> None:
        return None

    def read(self) -> Sequence[Reading]:
        return ()


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in in the place of NVIDIA's and AMD's."""
    monkeypatch.setattr(registry, "_added", dict(registry._added))  # pyright: ignore[reportPrivateUsage]
    for name in ("nvml", "amd"):
        registry.add(registry.SAMPLERS, name, type(name, (StandIn,), {"name": name}))


def warnings(caplog: pytest.LogCaptureFixture, *names: str) -> list[str]:
    provider = MeterProvider(shutdown_on_exit=False)
    with caplog.at_level(logging.WARNING, logger="clearspan"):
        Hardware(load({"hardware": names}, {})).start(provider.get_meter("needs"))
    provider.shutdown()
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("name", "library", "remedy"),
    [
        ("nvml", "libnvidia-ml.so.1", "install the driver, or start the container with its GPUs"),
        ("amd", "libamd_smi.so", "install ROCm's amd-smi-lib, or name the folder of ROCm by ROCM_PATH"),
    ],
)  # fmt: skip
def test_without_the_library(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    name: str, library: str, remedy: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(StandIn, "there", False)
    (said,) = warnings(caplog, name)
    assert said.startswith(f"{SAID}{name} was asked for, and is not there: ")
    assert f"({library}" in said
    assert remedy in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nvml", "the Python package pynvml is not installed (pip install nvidia-ml-py)"),
        ("amd", "the Python package amdsmi is not installed (it comes with ROCm: pip install $ROCM_PATH/share/amd_smi)"),
    ],
)  # fmt: skip
def test_without_the_package(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    assert warnings(caplog, name) == [f"{SAID}{name} was asked for, and cannot be read: {said}"]


def test_with_both_nothing_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object())
    assert warnings(caplog, "nvml", "amd") == []


def test_a_module_that_is_not_what_it_seems_is_not_judged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", types.ModuleType("pynvml"))
    assert warnings(caplog, "nvml") == []


def test_nobody_is_told_who_did_not_ask(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StandIn, "there", False)
    assert warnings(caplog, "auto") == []
