"""What is told of the process and the machine, by OpenTelemetry's `process`, `system` and `cpython` conventions."""

from __future__ import annotations

from clearspan.samplers import Instrument

__all__ = ["INSTRUMENTS"]

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("process.cpu.time", "counter", "s", "CPU time that the process has used, by mode"),
    Instrument("process.cpu.utilization", "gauge", "1", "share of the CPUs it may use that the process used since the last measurement, by mode"),
    Instrument("process.memory.usage", "updowncounter", "By", "physical memory that the process uses"),
    Instrument("process.memory.virtual", "updowncounter", "By", "virtual memory of the process"),
    Instrument("process.memory.utilization", "gauge", "1", "share of the machine's physical memory that the process uses"),
    Instrument("process.thread.count", "updowncounter", "{thread}", "threads of the process"),
    Instrument("process.unix.file_descriptor.count", "updowncounter", "{file_descriptor}", "file descriptors that the process has open"),
    Instrument("process.uptime", "gauge", "s", "time since the process was started"),
    Instrument("process.disk.io", "counter", "By", "bytes that the process had read from disks and written to them, by direction"),
    Instrument("system.cpu.utilization", "gauge", "1", "share of the time of all CPUs since the last measurement, by mode"),
    Instrument("system.memory.usage", "updowncounter", "By", "physical memory of the machine, by state"),
    Instrument("system.memory.utilization", "gauge", "1", "share of the machine's physical memory, by state"),
    Instrument("system.network.io", "counter", "By", "bytes that the machine received and transmitted, over all interfaces, by direction"),
    Instrument("system.disk.io", "counter", "By", "bytes read from all disks and written to them, by direction"),
    Instrument("cpython.gc.collections", "counter", "{collection}", "runs of the garbage collector, by generation"),
    Instrument("cpython.gc.collected_objects", "counter", "{object}", "objects that it collected, by generation"),
    Instrument("cpython.gc.uncollectable_objects", "counter", "{object}", "objects that it could not collect, by generation"),
)  # fmt: skip
"""Attributes: `cpu.mode`, `disk.io.direction`, `network.io.direction`, `system.memory.state`, `cpython.gc.generation`."""
