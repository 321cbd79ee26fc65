"""What `clearspan doctor` finds out: facts, without a word about how they are shown."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from clearspan import registry
from clearspan.cli.evaluators import fared, stood
from clearspan.cli.findings import Library, Report, Sent, Stock
from clearspan.cli.judging import judging
from clearspan.cli.stored import store_path
from clearspan.cli.trial import listening, sent
from clearspan.cli.veil import Veil
from clearspan.exporters.store import StoreError, StoreNotFound, StoreReader
from clearspan.provider import Endpoint, Probe, Provider
from clearspan.runtime import Runtime
from clearspan.runtime.doubts import doubtful, strangers
from clearspan.settings import SETTINGS, SettingError, Settings, load

__all__ = ["examine"]

_PACKAGES: Final = (
    "clearspan",
    "opentelemetry-api",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp",
    "wrapt",
)
_STANDARD: Final = (
    "OTEL_EXPORTER_OTLP",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SEMCONV",
)

_SETTABLE: Final = {setting.name for setting in SETTINGS if setting.variable}
_CLOSING: Final = 1.0


def examine(given: Mapping[str, Any], *, send: bool, timeout: float) -> Report:
    """Look at everything; with `send`, send a test span and wait `timeout` seconds for its fate."""
    report = Report(versions=_versions())
    veil = Veil(os.environ)
    report.environment = {
        name: veil.variable(name, value)
        for name, value in sorted(os.environ.items())
        if name.startswith(_STANDARD)
    }
    report.problems += strangers()
    try:
        settings = load(given)
        report.notes += doubtful(settings)
        report.settings = [
            {"name": name, "value": veil.text(value), "origin": origin}
            for name, value, origin in settings.shown()
            if name in _SETTABLE
        ]
        runtime = Runtime(settings)
    except SettingError as error:
        report.problems.append(veil.text(str(error).removeprefix("clearspan: ")))
        report.libraries = list(_libraries(None, report))
        return report
    _running(report, runtime, settings, veil, send=send, timeout=timeout)
    return report


def _running(
    report: Report, runtime: Runtime, settings: Settings, veil: Veil, *, send: bool, timeout: float
) -> None:
    report.destination = runtime.destination
    report.content = settings.content
    runtime.start(deliver=send)
    report.libraries = list(_libraries(runtime, report))
    if settings.disabled:
        report.notes.append("clearspan is switched off, so nothing is recorded")
        return
    with listening() as heard:
        report.sent = sent(runtime, settings, veil, heard, timeout) if send else Sent("skipped")
        report.store = _stock(settings, runtime)
        reader = StoreReader(store_path(settings.store))
        report.evaluators = fared(runtime.status().evaluators, reader)
        report.guards = stood(runtime.status().guards, reader)
        report.judge = judging(settings.judge, os.environ, ask=send, timeout=timeout)
        report.status = asdict(runtime.status())
        # An exporter that is still trying says so until it is told to stop.
        runtime.shutdown(_CLOSING)
    # Said above, method by method.
    report.status.pop("providers")
    report.status.pop("evaluators")
    report.status.pop("guards")
    report.problems += [
        f"the evaluator {each.name!r} cannot be used: {each.note}"
        for each in report.evaluators
        if each.state == "broken"
    ]
    report.notes += [
        f"the evaluator {each.name!r} could not judge {sum(each.errors.values()):,} calls: {', '.join(each.errors)}"
        for each in report.evaluators
        if each.errors
    ]
    if report.judge.state == "silent":
        report.notes.append("the judge cannot be reached: evaluators that ask it will have errors")
    if report.sent.state in ("failed", "pending"):
        report.problems.append(
            f"the test span did not arrive at {runtime.destination}: {report.sent.reason}"
        )
    if report.store is not None and report.store.problem is not None:
        report.problems.append(report.store.problem)


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
    }
    for name in _PACKAGES:
        found[name] = _version(name)
    return found


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _libraries(runtime: Runtime | None, report: Report) -> Iterator[Library]:
    """Every library that clearspan knows; those installed are imported, so that it shows."""
    for name in registry.names(registry.PROVIDERS):
        try:
            provider: Provider = registry.load(registry.PROVIDERS, name)
        except Exception as error:  # noqa: BLE001 -- a plug-in is anybody's code and may fail in any way
            report.problems.append(f"the provider {name!r} cannot be loaded: {_said(error)}")
            yield Library(name, None, "broken", note=_said(error))
            continue
        yield _library(provider, runtime, report)


def _library(provider: Provider, runtime: Runtime | None, report: Report) -> Library:
    found = _version(provider.distribution)
    if found is None:
        note = f"install it with: python -m pip install {provider.distribution}"
        return Library(provider.name, None, "not installed", note=note)
    if runtime is None:
        return Library(
            provider.name, found, "off", note="nothing is patched until the settings are right"
        )
    broken = _imported(provider)
    if broken is not None:
        problem = f"importing {provider.distribution} {found} fails: {broken}"
        report.problems.append(problem)
        return Library(provider.name, found, "broken", note=problem)
    known = next((item for item in runtime.status().providers if item.name == provider.name), None)
    if known is None:
        return Library(provider.name, found, "off", note="the setting providers leaves it out")
    if known.note is not None:
        report.notes.append(known.note)
    # What still waits after the import of everything there is has no place in this version.
    targets = {
        path: "absent" if state == "waiting" else state for path, state in known.targets.items()
    }
    return Library(provider.name, found, known.state, targets, known.note)


def _imported(provider: Provider) -> str | None:
    """Import every module that has something to patch; answers what is wrong with the library."""
    parts: tuple[Probe | Endpoint, ...] = (*provider.probes, *provider.endpoints)
    paths = [path for part in parts for path in part.targets]
    for module in dict.fromkeys(path.partition(":")[0] for path in paths):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                return _said(error)
        except Exception as error:  # noqa: BLE001 -- other people's modules may fail in any way
            return _said(error)
    return None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _stock(settings: Settings, runtime: Runtime) -> Stock | None:
    """The store, where it is a destination or simply there."""
    path = store_path(settings.store)
    reader = StoreReader(path)
    aside = sorted(
        str(found) for found in Path(reader.path).parent.glob(f"{Path(reader.path).name}.corrupt-*")
    )
    try:
        return Stock(reader.path, "healthy", reader.counts(), set_aside=aside)
    except StoreNotFound:
        used = settings.store is not None or "path" in runtime.status().destination_status
        return Stock(reader.path, "absent", set_aside=aside) if used else None
    except StoreError as error:
        return Stock(reader.path, "broken", problem=str(error), set_aside=aside)
