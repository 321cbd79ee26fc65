"""Zero code: `opentelemetry-instrument python app.py`, and the entry point behind it."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import clearspan
from clearspan import semconv as sc
from clearspan.otel import ClearspanInstrumentor
from tests.runtime.support import environment, work


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_found_by_its_entry_point() -> None:
    (entry,) = importlib.metadata.entry_points(group="opentelemetry_instrumentor", name="clearspan")
    assert entry.load() is ClearspanInstrumentor
    assert list(ClearspanInstrumentor().instrumentation_dependencies()) == []


@pytest.mark.parametrize(
    ("variables", "kept"),
    [
        ({}, False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}, False),
        ({"CLEARSPAN_CONTENT": "full"}, True),
        ({"CLEARSPAN_CONTENT": "off", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, False),
    ],
)  # fmt: skip
def test_content_is_off_unless_a_variable_asks_for_it(
    variables: dict[str, str], kept: bool, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = ClearspanInstrumentor()
    instrumentor.instrument(tracer_provider=provider, meter_provider=None, skip_dep_check=True)
    try:
        work(3)
    finally:
        instrumentor.uninstrument()
    work(4)
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert (sc.OUTPUT in span.attributes) is kept
    assert not clearspan.status().running
    assert list(folder.iterdir()) == []
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)


APP = """
import threading
import clearspan

@clearspan.tool
def look(secret):
    return secret

look("canary")
with clearspan.invocation("chat", provider="acme", model="m") as draft:
    draft.input("canary")
    draft.text("canary")
print("the program ran")
"""


def run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("opentelemetry-instrument", path=sysconfig.get_path("scripts"))
    if program is None:
        pytest.skip("opentelemetry-instrument is not installed")
    tried = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=120)
    if tried.returncode:
        pytest.skip(f"opentelemetry-instrument does not run here: {tried.stderr.splitlines()[-1]}")
    (folder / "app.py").write_text(APP)
    return subprocess.run(
        [program, sys.executable, "app.py"], cwd=folder, capture_output=True, text=True, timeout=120,
        env=environment({
            "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
            **variables,
        }),
    )  # fmt: skip


def test_opentelemetry_instrument_end_to_end(folder: Path) -> None:
    result = run(folder)
    assert result.returncode == 0, result.stderr
    assert "the program ran" in result.stdout
    assert '"name": "execute_tool look"' in result.stdout
    assert '"name": "chat m"' in result.stdout
    assert "canary" not in result.stdout
    assert "Traceback" not in result.stderr
    assert [path.name for path in folder.iterdir()] == ["app.py"]


def test_opentelemetry_instrument_with_content(folder: Path) -> None:
    result = run(folder, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_ONLY")
    assert result.returncode == 0, result.stderr
    assert "canary" in result.stdout


def test_opentelemetry_instrument_can_leave_it_out(folder: Path) -> None:
    result = run(folder, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="clearspan")
    assert result.returncode == 0, result.stderr
    assert "execute_tool" not in result.stdout
