"""Settings: where each comes from, which source wins, and what is said of a bad one."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import clearspan
from clearspan.settings import SETTINGS, SettingError, Settings, load

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def test_the_table_the_class_and_the_function_agree() -> None:
    names = [setting.name for setting in SETTINGS]
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    assert [*names, "origins"] == list(fields)
    assert names == list(inspect.signature(clearspan.init).parameters)
    for setting in SETTINGS:
        assert fields[setting.name].default == setting.default, setting.name
        if setting.variable is not None:
            assert setting.variable == f"CLEARSPAN_{setting.name.upper()}"
    assert load({}, {}) == Settings()


SOURCES: list[tuple[str, str, Any]] = [
    ("service_name", "shop", "shop"),
    ("environment", "test", "test"),
    ("endpoint", "http://h:1", "http://h:1"),
    ("protocol", "grpc", "grpc"),
    ("store", "a.db", "a.db"),
    ("max_age", "7d", 604_800.0),
    ("max_bytes", "1MB", 1_000_000),
    ("content", "redacted", "redacted"),
    ("content_target", "both", "both"),
    ("content_limit", "2KiB", 2048),
    ("tool_schemas", "true", True),
    ("redact", "email,card", ("email", "card")),
    ("providers", "openai", ("openai",)),
    ("exporters", "console", ("console",)),
    ("sample_rate", "0.5", 0.5),
    ("attributes", "a=1", {"a": "1"}),
    ("metric_names", "next", "next"),
    ("metric_series", "50", 50),
    ("metric_context", "session,team", ("session", "team")),
    ("count_tokens", "metrics", "metrics"),
    ("request_usage", "true", True),
    ("token_confidence", "true", True),
    ("pricing", "off", "off"),
    ("hardware", "nvml,process", ("nvml", "process")),
    ("hardware_interval", "50ms", 0.05),
    ("queue_bytes", "1MiB", 1_048_576),
    ("export_interval", "100ms", 0.1),
    ("metric_interval", "5s", 5.0),
    ("disabled", "1", True),
]


@pytest.mark.parametrize(("name", "text", "value"), SOURCES)
def test_every_setting_from_its_argument_and_its_variable(name: str, text: str, value: Any) -> None:
    variable = f"CLEARSPAN_{name.upper()}"
    for settings, origin in (
        (load({name: text}, {}), f"argument {name}"),
        (load({}, {variable: text}), variable),
    ):
        assert getattr(settings, name) == value
        assert settings.origins == {name: origin}


def test_headers_belong_to_an_endpoint() -> None:
    settings = load({"headers": "a=1,b=2", "endpoint": "http://h"}, {})
    assert settings.headers == {"a": "1", "b": "2"}
    with pytest.raises(SettingError, match="headers are given without an endpoint"):
        load({"headers": "a=1"}, {})
    with pytest.raises(SettingError, match="OTEL_EXPORTER_OTLP_HEADERS"):
        load({}, {"CLEARSPAN_HEADERS": "a=1"})


def test_arguments_win_over_ours_and_ours_over_the_standard_ones() -> None:
    environ = {"CLEARSPAN_SERVICE_NAME": "ours", "OTEL_SERVICE_NAME": "standard"}
    assert load({"service_name": "given"}, environ).service_name == "given"
    assert load({}, environ).service_name == "ours"
    assert load({}, {"OTEL_SERVICE_NAME": "standard"}).service_name == "standard"
    assert load({"service_name": None}, environ).service_name == "ours"


def test_a_variable_that_is_set_and_empty_is_not_set() -> None:
    environ = {"CLEARSPAN_SERVICE_NAME": "", "OTEL_SERVICE_NAME": "standard"}
    assert load({}, environ).service_name == "standard"


def test_an_empty_list_is_not_given() -> None:
    assert load({"redact": ()}, {"CLEARSPAN_REDACT": "email"}).redact == ("email",)
    assert load({"providers": ()}, {"CLEARSPAN_PROVIDERS": "openai"}).providers == ()


@pytest.mark.parametrize(
    ("value", "content", "target"),
    [
        ("NO_CONTENT", "off", "span"),
        ("span_only", "full", "span"),
        ("EVENT_ONLY", "full", "event"),
        (" Span_And_Event ", "full", "both"),
        ("true", "full", "span"),
        ("False", "off", "span"),
        ("nonsense", "off", "span"),
    ],
)
def test_the_standard_switch_for_content(value: str, content: str, target: str) -> None:
    settings = load({}, {CONTENT: value})
    assert (settings.content, settings.content_target) == (content, target)
    ours = load({"content": "metadata"}, {CONTENT: value})
    assert (ours.content, ours.content_target) == ("metadata", target)


def test_the_standard_metric_interval_is_in_milliseconds() -> None:
    assert load({}, {"OTEL_METRIC_EXPORT_INTERVAL": "1500"}).metric_interval == 1.5


def test_the_standard_switch_off() -> None:
    assert load({}, {"OTEL_SDK_DISABLED": "true"}).disabled is True
    assert load({"disabled": False}, {"OTEL_SDK_DISABLED": "true"}).disabled is False


def test_objects_pass_as_they_are() -> None:
    provider, exporter = TracerProvider(shutdown_on_exit=False), object()
    settings = load({"tracer_provider": provider, "exporters": [exporter], "redact": [str]}, {})
    assert settings.tracer_provider is provider
    assert settings.exporters == (exporter,)
    assert settings.redact == (str,)
    assert load({"store": Path("x") / "y"}, {}).store == str(Path("x") / "y")


@pytest.mark.parametrize(
    ("given", "environ", "message"),
    [
        ({"endpoint": "nowhere"}, {}, "argument endpoint = 'nowhere': use an address such as"),
        ({}, {"CLEARSPAN_CONTENT": "some"}, "CLEARSPAN_CONTENT = 'some': use one of off,"),
        ({"max_age": True}, {}, "argument max_age = True: use seconds"),
        ({"tracer_provider": 5}, {}, "argument tracer_provider = 5: must be an OpenTelemetry"),
        ({"headers": "secret-token"}, {}, "argument headers = ...: use name=value"),
        ({"endpoint": "http://user:pass@h"}, {}, "argument endpoint = ...: must not hold a user"),
    ],
)
def test_a_bad_value_names_setting_origin_and_remedy(
    given: dict[str, Any], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingError, match=re.escape(message)) as caught:
        load(given, environ)
    assert str(caught.value).startswith("clearspan: ")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_bad_standard_variable_is_ignored_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"OTEL_SDK_DISABLED": "perhaps", "OTEL_METRIC_EXPORT_INTERVAL": "0"}
    found = load({}, environ)
    assert (found.disabled, found.metric_interval) == (False, 30.0)
    assert "disabled" not in found.origins
    assert sorted(record.message.partition(" = ")[0] for record in caplog.records) == [
        "clearspan: OTEL_METRIC_EXPORT_INTERVAL",
        "clearspan: OTEL_SDK_DISABLED",
    ]


def test_an_argument_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match=r"unknown setting colour, size; known are .*service_name"):
        load({"size": 1, "colour": 2}, {})


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARSPAN_SERVICE_NAME", "from the environment")
    assert load({}).service_name == "from the environment"


def test_two_that_say_the_same_are_equal_wherever_it_was_said() -> None:
    assert load({"content": "off"}, {}) == load({}, {"CLEARSPAN_CONTENT": "off"})
    assert load({"content": "off"}, {}) != load({}, {})


def test_what_is_shown_hides_header_values() -> None:
    settings = load({"headers": "api-key=s3cret", "endpoint": "http://h"}, {})
    rows = {name: (value, origin) for name, value, origin in settings.shown()}
    assert rows["headers"] == ("api-key", "argument headers")
    assert rows["endpoint"] == ("'http://h'", "argument endpoint")
    assert rows["content"] == ("'full'", "default")
    assert "origins" not in rows
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings.shown())
    assert {row[0]: row[1] for row in load({}, {}).shown()}["headers"] == "None"


def test_what_differs_is_named() -> None:
    first = load({"content": "off", "store": "a.db"}, {})
    assert first.differences(load({}, {"CLEARSPAN_CONTENT": "off"})) == ["store"]
    assert load({}, {}).differences(load({"content": "full"}, {})) == []
