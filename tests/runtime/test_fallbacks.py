"""Where something is not as wished, and the program goes on all the same."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import clearspan
from clearspan.testing import captured


def test_a_bare_init_is_content_with_what_runs(caplog: pytest.LogCaptureFixture) -> None:
    with (
        clearspan.init(content="off", providers=(), exporters=["console"]) as first,
        caplog.at_level(logging.WARNING, "clearspan"),
    ):
        assert clearspan.init() is first
    assert caplog.records == []


def test_an_old_library_is_told_of_when_it_is_imported(tmp_path: Path) -> None:
    metadata = tmp_path / "openai-1.30.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: openai\nVersion: 1.30.0\n")
    program = (
        "import logging; logging.basicConfig(level='INFO')\n"
        "import clearspan; clearspan.init(exporters=['console'])\n"
        "import openai; clearspan.shutdown()\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "openai is not recorded: openai 1.30.0 is installed" in done.stderr
    assert "pip install -U openai" in done.stderr


def test_a_default_store_that_cannot_be_written_only_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".clearspan").write_text("a file where the folder would be")
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "clearspan"), clearspan.init(providers=()) as runtime:
        with clearspan.span("step"):
            pass
        assert runtime.flush()
        accounts = runtime.status().accounts
    assert runtime.destination == "nowhere"
    assert accounts.dropped == {"no_destination": 1}
    assert accounts.pending == 0
    (record,) = caplog.records
    assert "CLEARSPAN_STORE" in record.message


def test_an_unsampled_span_is_counted_once_without_a_destination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".clearspan").write_text("a file where the folder would be")
    monkeypatch.chdir(tmp_path)
    with clearspan.init(providers=(), sample_rate=0) as runtime:
        with clearspan.span("step"):
            pass
        assert runtime.flush()
        assert runtime.status().accounts.dropped == {"unsampled": 1}


@pytest.mark.parametrize("name", ["tracer_provider", "meter_provider", "logger_provider"])
def test_what_is_no_provider_is_refused(name: str) -> None:
    with pytest.raises(clearspan.SettingError, match=f"argument {name} .* OpenTelemetry provider"):
        clearspan.init(**{name: object()})  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["acme.client.Client.chat", "acme.client:", ":Client.chat", ""])
def test_a_target_is_checked_when_it_is_written(target: str) -> None:
    def nothing(draft: object, found: object) -> None:
        """Reads nothing."""

    with pytest.raises(ValueError, match=r"module:Class\.method"):
        clearspan.Endpoint("chat", (target,), nothing, nothing)


def break_off() -> None:
    with clearspan.invocation("chat", model="m") as call:
        call.text("Hi")
        raise RuntimeError


def test_no_finish_reason_is_made_up_for_a_block() -> None:
    with captured(providers=()) as seen:
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input("Hello")
            call.text("Hi")
        with pytest.raises(RuntimeError):
            break_off()
    done, failed = seen.invocations
    assert done.finish_reasons == ()
    assert "finish_reason" not in done.output[0]
    assert failed.finish_reasons == ("error",)
