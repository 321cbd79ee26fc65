"""A setting that cannot be used: one clear error at `init`, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import registry
from clearspan.capture import inlet
from clearspan.exporters import Exporters
from clearspan.provider import Provider, Server
from tests.runtime.conftest import ours
from tests.runtime.support import Kept, names, work
from tests.support.otlp_sink import http_sink

WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a provider that is not known": ({"providers": ["opanai"]}, "providers", "no provider named 'opanai'; known are "),
    "an exporter that is not known": ({"exporters": ["jaeger"]}, "exporters", "no exporter named 'jaeger'; known are "),
    "an exporter that is none": ({"exporters": [object()]}, "exporters", "object is no OpenTelemetry exporter"),
    "an endpoint without a scheme": ({"endpoint": "localhost:4318"}, "endpoint", "use an address such as http://localhost:4318"),
    "an endpoint that is no text": ({"endpoint": 4318}, "endpoint", "must be a text"),
    "an endpoint with a password": ({"endpoint": "http://me:secret@host"}, "endpoint", "use headers"),
    "a protocol that is not known": ({"endpoint": "http://host", "protocol": "tcp"}, "protocol", "use one of http/protobuf, grpc"),
    "headers for nobody": ({"headers": {"x-key": "secret"}}, "headers", "set endpoint"),
    "headers that are none": ({"endpoint": "http://host", "headers": "secret"}, "headers", "use name=value"),
    "a redaction rule that does not exist": ({"redact": ["mail"]}, "redact", "use a function or one of email, "),
    "a content mode that does not exist": ({"content": "some"}, "content", "use one of off, metadata, redacted, full"),
    "a share above one": ({"sample_rate": 2}, "sample_rate", "from 0 to 1"),
    "a share that is no number": ({"sample_rate": "half"}, "sample_rate", ""),
    "an age without a unit that exists": ({"max_age": "7 moons"}, "max_age", "ms, s, m, h, d or w"),
    "a size that is too small": ({"max_bytes": 1}, "max_bytes", "at least 524288"),
    "a flag that is none": ({"tool_schemas": "perhaps"}, "tool_schemas", "use true or false"),
    "a name that is empty": ({"service_name": " "}, "service_name", "must be a text that is not empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_one_error_names_the_setting_and_the_remedy_and_nothing_is_left(
    case: str, folder: Path
) -> None:
    given, setting, remedy = WRONG[case]
    with pytest.raises(clearspan.SettingError) as caught:
        clearspan.init(**given)
    message = str(caught.value)
    assert message.startswith("clearspan")
    assert setting in message
    assert remedy in message
    assert "secret" not in message
    assert isinstance(caught.value, ValueError)
    assert inlet.current() is None
    assert not clearspan.status().running
    assert ours() == []
    assert list(folder.iterdir()) == []
    assert work(3) == 3
    kept = Kept()
    with clearspan.init(exporters=[kept], providers=()):
        work()
    assert names(kept.spans) == ["work"]


@pytest.mark.parametrize("path", ["missing/runs.db", "file/runs.db", "."])
def test_a_store_that_cannot_be_written(path: str, folder: Path) -> None:
    (folder / "file").write_text("a file, no folder")
    with pytest.raises(clearspan.SettingError, match=r"the store '.*'") as caught:
        clearspan.init(store=path, providers=())
    assert str(folder) in str(caught.value)
    assert ours() == []
    assert [item.name for item in folder.iterdir()] == ["file"]


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="everything is writable for this user"
)
def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(clearspan.SettingError, match="the store"):
            clearspan.init(providers=())
    finally:
        folder.chmod(0o700)
    assert ours() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CLEARSPAN_ENDPOINT", "nowhere"), ("CLEARSPAN_SAMPLE_RATE", "2"), ("CLEARSPAN_CONTENT", "some"),
        ("CLEARSPAN_PROVIDERS", "opanai"), ("CLEARSPAN_EXPORTERS", "jaeger"), ("CLEARSPAN_MAX_AGE", "x"),
    ],
)  # fmt: skip
def test_the_error_names_the_variable_that_it_came_from(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(clearspan.SettingError) as caught:
        clearspan.init()
    message = str(caught.value)
    assert variable in message or variable.removeprefix("CLEARSPAN_").lower() in message
    assert value in message


def test_a_bad_address_of_the_standard_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://")
    with pytest.raises(clearspan.SettingError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        clearspan.init(providers=())
    assert ours() == []


def test_an_argument_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match="servce_name"):
        clearspan.init(servce_name="typo")  # type: ignore[call-arg]


def test_what_was_built_before_the_error_is_closed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, given = Kept(), Kept()
    monkeypatch.setitem(
        registry._added,
        (registry.EXPORTERS, "mine"),
        lambda where: Exporters(kept, None, None, "mine"),
    )
    with pytest.raises(clearspan.SettingError, match="no exporter named 'jaeger'"):
        clearspan.init(exporters=["mine", given, "jaeger"], providers=())
    assert kept.closed == 1
    assert given.closed == 0, "the application's own is the application's"
    assert ours() == []


def test_a_spool_that_was_opened_before_the_error_is_closed_again(folder: Path) -> None:
    """What waits in it is for whoever starts next; its side files go with the last connection."""
    spool = folder / "spool.db"
    with http_sink() as sink:
        given: dict[str, Any] = {"endpoint": sink.url, "spool": spool, "providers": (), "hardware": "off"}  # fmt: skip
        sink.answer = 503
        runtime = clearspan.init(**given)
        work()
        assert runtime.shutdown(30)
        sink.answer = 200
        sink.arrived.clear()
        with pytest.raises(clearspan.SettingError, match="no exporter named 'jaeger'"):
            clearspan.init(exporters=["jaeger"], **given)
        assert sorted(each.name for each in folder.iterdir()) == ["spool.db"]
        assert ours() == []
        assert sink.arrived == []
        runtime = clearspan.init(**given)
        assert runtime.flush(30)
        assert [item.item.name for item in sink.spans] == ["work"]


def broken(*given: object) -> Any:
    raise OSError("libssl is missing")


@pytest.mark.parametrize(
    ("group", "setting"), [(registry.PROVIDERS, "providers"), (registry.EXPORTERS, "exporters")]
)
def test_a_plug_in_that_cannot_be_loaded(
    group: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registry.load
    monkeypatch.setattr(
        registry,
        "load",
        lambda of, name: broken() if (of, name) == (group, "mine") else real(of, name),
    )
    arguments: dict[str, Any] = {"providers": (), "exporters": [Kept()]} | {setting: ["mine"]}
    with pytest.raises(clearspan.SettingError) as caught:
        clearspan.init(**arguments)
    message = str(caught.value)
    assert f"clearspan: {setting}: 'mine' can" in message
    assert "OSError: libssl is missing" in message
    assert "uninstall the package" in message
    assert isinstance(caught.value.__cause__, OSError)


def test_a_plug_in_that_is_found_by_itself_and_broken_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    monkeypatch.setattr(registry, "names", lambda group: ["mine"])
    monkeypatch.setattr(registry, "load", broken)
    from clearspan.core import fence

    fence.reset()
    with clearspan.init(exporters=[Kept()]):
        assert clearspan.status().providers == ()
        assert clearspan.status().internal_errors == {"registry.provider": 1, "samplers.load": 1}
    fence.reset()


def test_a_version_that_is_too_old_by_name_is_an_error_and_otherwise_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = Provider("old", "pytest", "999", (), lambda instance: Server("old"))
    monkeypatch.setitem(registry._added, (registry.PROVIDERS, "old"), old)
    monkeypatch.setattr(
        registry, "names", lambda group: ["old"] if group == registry.PROVIDERS else []
    )
    remedy = f"pytest {pytest.__version__} is installed, clearspan needs 999 or newer: pip install -U pytest"
    for given in (["old"], [old]):
        with pytest.raises(clearspan.SettingError) as caught:
            clearspan.init(providers=given)
        assert str(caught.value) == f"clearspan: providers: {remedy}"
    with clearspan.init(exporters=[Kept()]):
        (found,) = clearspan.status().providers
        assert (found.name, found.state, found.note) == ("old", "unsupported", remedy)
        with pytest.raises(clearspan.SettingError, match="999 or newer"):
            clearspan.instrument("old")
