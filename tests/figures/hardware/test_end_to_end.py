"""The whole way: a driver's library (a stand-in), nvidia-ml-py, the sampler, the thread, the span and the metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.samplers.stand_in import alone, gpu, machine

WATTS = 120.0
METERED = gpu(power_mw=120_000, energy_mj="clock 120000")
POWERED = gpu(power_mw=120_000, energy_mj=None)

RUN = """
import time
import clearspan
from clearspan.capture import inlet
from clearspan.draft import Draft
from clearspan.provider import Endpoint
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

logging.getLogger("clearspan").setLevel(logging.WARNING)
spans, reader, tracers = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
runtime = clearspan.init(
    tracer_provider=tracers, meter_provider=MeterProvider([reader]), logger_provider=LoggerProvider(),
    providers=(), hardware_interval=0.02,
)

def begin(**about):
    draft = Draft("chat", kind="internal")
    draft.provider, draft.model = "transformers", "small"
    draft.endpoint = Endpoint("chat", (), lambda d, c: None, lambda d, r: d.usage(output=r), kind="internal")
    for name, value in about.items():
        setattr(draft, name, value)
    assert inlet.current().open(draft)
    return draft

def end(draft, tokens=10):
    draft.result, draft.end_ns = tokens, draft.start_ns + int((time.perf_counter() - draft.started_at) * 1e9)
    inlet.current().close(draft)

def finished():
    clearspan.flush(30)
    return [
        {"seconds": (s.end_time - s.start_time) / 1e9, "end": s.end_time / 1e9, "start": s.start_time / 1e9,
         **{k.removeprefix("clearspan.hardware."): v for k, v in s.attributes.items() if k.startswith("clearspan.hardware.")}}
        for s in spans.get_finished_spans()
    ]

def metrics():
    data = reader.get_metrics_data()
    return {
        m.name: [p.value for p in m.data.data_points]
        for r in (data.resource_metrics if data else ()) for s in r.scope_metrics for m in s.metrics
        if m.name.startswith("hw.")
    }

def threads():
    return [t.name for t in threading.enumerate() if t.name == "clearspan-hardware"]
"""
# The driver's library is loaded during the first call, of which that much is not seen.
WARM = """
first = begin()
while clearspan.status().hardware["nvml"] != "open":
    time.sleep(0.01)
time.sleep(0.1)
end(first)
clearspan.flush(30)
spans.clear()
"""
ONE = """
draft = begin()
during = None
time.sleep(0.5)
during = threads()
end(draft)
"""


@pytest.mark.parametrize("device", [METERED, POWERED], ids=["metered", "powered"])
def test_a_call_is_told_the_energy_that_flowed_meanwhile(tmp_path: Path, device: list[str]) -> None:
    code = (
        RUN
        + WARM
        + ONE
        + """
tell = [finished(), during]
clearspan.shutdown(30)
tell += [threads(), balance()]
"""
    )
    (span,), during, after, (starts, stops) = alone(tmp_path, machine(device), code)
    assert span["energy"] == pytest.approx(WATTS * span["seconds"], rel=0.1)
    assert span["energy_per_token"] == pytest.approx(span["energy"] / 10)
    assert span["attribution"] == "exclusive"
    assert span["devices"] == ["GPU-0"]
    assert span["models"] == ["NVIDIA H100"]
    assert span["utilization.peak"] == pytest.approx(0.4)
    assert span["memory.peak"] == 20_000_000_000
    assert during == ["clearspan-hardware"]
    assert after == []
    assert starts == stops == 1


def test_two_calls_at_once_share_what_flowed(tmp_path: Path) -> None:
    code = (
        RUN
        + WARM
        + """
first = begin()
time.sleep(0.15)
second = begin()
time.sleep(0.3)
end(first)
time.sleep(0.15)
end(second)
tell = finished()
"""
    )
    spans = alone(tmp_path, machine(METERED), code)
    whole = max(span["end"] for span in spans) - min(span["start"] for span in spans)
    assert [span["attribution"] for span in spans] == ["shared", "shared"]
    assert sum(span["energy"] for span in spans) == pytest.approx(WATTS * whole, rel=0.1)
    assert all(span["energy"] < 0.9 * WATTS * span["seconds"] for span in spans)


def test_a_call_on_one_of_two_gpus_is_told_of_that_one(tmp_path: Path) -> None:
    code = RUN + WARM + ONE.replace("begin()", "begin(devices=(1,))") + "tell = finished()"
    other = gpu(1, power_mw=30_000, energy_mj=None)
    (span,) = alone(tmp_path, machine(POWERED, other), code)
    assert span["devices"] == ["GPU-1"]
    assert span["energy"] == pytest.approx(30 * span["seconds"], rel=0.1)


def test_a_device_that_is_lost_during_a_call_harms_nothing(tmp_path: Path) -> None:
    functions = (
        "UtilizationRates",
        "MemoryInfo",
        "PowerUsage",
        "TotalEnergyConsumption",
        "Temperature",
    )
    code = (
        RUN
        + f"""
draft = begin()
time.sleep(0.2)
lines(*[f"fail nvmlDeviceGet{{name}} 15" for name in {functions!r}])
time.sleep(0.3)
end(draft)
tell = [finished(), clearspan.status().hardware["nvml"]]
"""
    )
    (span,), status = alone(tmp_path, machine(METERED), code)
    assert span.get("energy", 0.0) <= 1.1 * WATTS * span["seconds"]
    assert "nvmlDeviceGetTotalEnergyConsumption" in status


def test_the_devices_are_told_as_metrics(tmp_path: Path) -> None:
    found = alone(
        tmp_path, machine(gpu(0), gpu(1)), RUN + "tell = metrics()\nassert not threads()\n"
    )
    assert found["hw.power"] == [pytest.approx(120.0), pytest.approx(120.001)]
    assert found["hw.energy"] == [5000.0, 5000.0]
    assert found["hw.gpu.memory.usage"] == [20_000_000_000, 20_000_000_000]


@pytest.mark.parametrize(
    "lines", [None, ["init_error 9"], ["init_error 4"], ["count 0"]],
    ids=["library", "driver", "permission", "device"],
)  # fmt: skip
def test_without_a_gpu_nothing_is_told_and_no_thread_stays(
    tmp_path: Path, lines: list[str] | None
) -> None:
    code = (
        RUN
        + ONE
        + """
tell = [finished(), during, {k: v for k, v in metrics().items() if k.startswith(("hw.gpu", "hw.power"))}]
"""
    )
    found: list[Any] = alone(tmp_path, lines, code)
    assert found[0][0].keys() == {"seconds", "start", "end"}
    assert found[1:] == [[], {}]
