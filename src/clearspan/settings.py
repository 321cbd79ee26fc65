"""Settings: one frozen object, merged from arguments, `CLEARSPAN_*` and `OTEL_*`, checked at init.

Arguments win over `CLEARSPAN_*`, which win over `OTEL_*`. Each setting is one row of `SETTINGS`;
the reference page is generated from those rows.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from clearspan.core import parse

__all__ = ["RECEIVERS", "SETTINGS", "Setting", "SettingError", "Settings", "load"]


RECEIVERS = tuple(
    f"OTEL_EXPORTER_OTLP{signal}_ENDPOINT" for signal in ("", "_TRACES", "_METRICS", "_LOGS")
)
"""The standard variables that name an OTLP receiver."""


class SettingError(ValueError):
    """A setting that cannot be used. The message names it and says what to do."""


class Setting(NamedTuple):
    """One setting: its argument, variables, how text is read, and what it means."""

    name: str
    variable: str | None
    standard: str | None
    parse: Callable[[Any], Any]
    default: Any
    note: str
    standard_parse: Callable[[str], Any] | None = None

    def shown(self, value: Any) -> str:
        """A value of it, for people: measures as they would write them, of headers the names."""
        spelt = _SPELT.get(self.parse)
        if spelt is not None and value is not None:
            return spelt(value)
        if self.name == "headers" and value:
            return ", ".join(value)
        return _SECRET.sub("...", repr(value))


_SPELT: Mapping[Callable[[Any], Any], Callable[[Any], str]] = {
    parse.duration: parse.spelt_duration,
    parse.size: parse.spelt_size,
    parse.store_size: parse.spelt_size,
}
_log = logging.getLogger("clearspan")
_SECRET = re.compile(r"""(?<=://)[^/@\s'"]+(?=@)|(?<=\?)[^\s'"#]*=[^\s'"#]*""")
"""A login in an address, and its query, which may hold a key."""
CONTENT_MODES = ("off", "metadata", "redacted", "full")
TARGETS = ("span", "event", "both")
VOCABULARIES = ("current", "next", "both")
PROTOCOLS = ("http/protobuf", "grpc")
SPOOL_ORDERS = ("oldest", "metrics-first")
COUNTING = ("off", "spans", "metrics")

_STANDARD_CONTENT = {
    "NO_CONTENT": ("off", "span"),
    "SPAN_ONLY": ("full", "span"),
    "EVENT_ONLY": ("full", "event"),
    "SPAN_AND_EVENT": ("full", "both"),
    "TRUE": ("full", "span"),
    "FALSE": ("off", "span"),
}


def _standard_content(position: int) -> Callable[[str], str]:
    def read(value: str) -> str:
        # The convention: an invalid value means no content.
        return _STANDARD_CONTENT.get(value.strip().upper(), ("off", "span"))[position]

    return read


SETTINGS: tuple[Setting, ...] = (
    Setting("service_name", "CLEARSPAN_SERVICE_NAME", "OTEL_SERVICE_NAME", parse.text, None, "name of the service, as `service.name`"),
    Setting("environment", "CLEARSPAN_ENVIRONMENT", None, parse.text, None, "where it runs, as `deployment.environment.name`"),
    Setting("endpoint", "CLEARSPAN_ENDPOINT", None, parse.url, None, "base address of an OTLP receiver; `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin are honoured where this is absent"),
    Setting("protocol", "CLEARSPAN_PROTOCOL", None, parse.one_of(*PROTOCOLS), None, "OTLP over `http/protobuf` (default) or `grpc`; `OTEL_EXPORTER_OTLP_PROTOCOL` is honoured where this is absent"),
    Setting("headers", "CLEARSPAN_HEADERS", None, parse.pairs, None, "headers for `endpoint` only, `name=value,...`"),
    Setting("spool", "CLEARSPAN_SPOOL", None, parse.spool, None, "keep what is on its way to the OTLP receiver on disk until it has arrived: `true` for `.clearspan/spool.db`, or a file; what a killed process left is delivered by the next one"),
    Setting("spool_bytes", "CLEARSPAN_SPOOL_BYTES", None, parse.size, 536_870_912, "how large the spool may grow, beyond which the oldest goes: bytes, or `500MB`, `2GB`; at least 4MiB"),
    Setting("spool_age", "CLEARSPAN_SPOOL_AGE", None, parse.duration, 604_800.0, "how long the spool keeps what does not arrive: seconds, or `36h`, `7d`"),
    Setting("spool_bandwidth", "CLEARSPAN_SPOOL_BANDWIDTH", None, parse.size, None, "how much the spool may send a second on average, compressed: bytes, or `64kB`; at least 1024"),
    Setting("spool_order", "CLEARSPAN_SPOOL_ORDER", None, parse.one_of(*SPOOL_ORDERS), "oldest", "what the spool sends first: the `oldest`, or `metrics-first`"),
    Setting("store", "CLEARSPAN_STORE", None, parse.path, None, "file of the embedded store; without any destination `.clearspan/clearspan.db`"),
    Setting("max_age", "CLEARSPAN_MAX_AGE", None, parse.duration, None, "how long the store keeps a trace: seconds, or `36h`, `7d`"),
    Setting("max_bytes", "CLEARSPAN_MAX_BYTES", None, parse.store_size, 1_073_741_824, "how large the store may grow: bytes, or `500MB`, `2GB`; at least 512KiB"),
    Setting("content", "CLEARSPAN_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", parse.one_of(*CONTENT_MODES), "full", "prompts and outputs: `off`, `metadata`, `redacted` or `full`", _standard_content(0)),
    Setting("content_target", "CLEARSPAN_CONTENT_TARGET", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", parse.one_of(*TARGETS), "span", "where content goes: `span`, `event` (the operation-details event) or `both`", _standard_content(1)),
    Setting("content_limit", "CLEARSPAN_CONTENT_LIMIT", None, parse.size, 131_072, "cap of each content attribute's JSON: bytes, or `32KiB`; at least 1024"),
    Setting("tool_schemas", "CLEARSPAN_TOOL_SCHEMAS", None, parse.flag, False, "keep descriptions and parameters of tool definitions"),
    Setting("redact", "CLEARSPAN_REDACT", None, parse.names, (), "functions, or names of built-in rules (`email`, `iban`, `card`, `ssn`, `ip`, `phone`)"),
    Setting("providers", "CLEARSPAN_PROVIDERS", None, parse.names, None, "which libraries to instrument; all that are found when absent"),
    Setting("evaluators", "CLEARSPAN_EVALUATORS", None, parse.names, (), "who judges calls, beside the program: functions, `Evaluator` objects, or names of registered ones (`pii`, `toxicity`)"),
    Setting("judge", "CLEARSPAN_JUDGE", None, parse.judge, None, "the model that judges ask where they were given none: `http://host:port/v1#model`, `ollama:model`, a `clearspan.Judge`, or a callable; its key is `CLEARSPAN_JUDGE_API_KEY`"),
    Setting("guards", "CLEARSPAN_GUARDS", None, parse.names, (), "who stands between the program and its models (changes what is sent and answered): `clearspan.guards` objects, or `evaluator[:action[:phase]]`, such as `secrets:redact`"),
    Setting("evaluator_state", "CLEARSPAN_EVALUATOR_STATE", None, parse.path, None, "folder in which evaluators keep what they have learned; without it `evaluators` beside the embedded store, where there is one"),
    Setting("session_idle", "CLEARSPAN_SESSION_IDLE", None, parse.duration, 300.0, "after how much silence a session is taken to be over, for evaluators that judge whole sessions: seconds, or `10m`"),
    Setting("exporters", "CLEARSPAN_EXPORTERS", None, parse.names, (), "further exporters: OpenTelemetry objects, or names with an optional path (`console`, `otlp_json:spans.jsonl`)"),
    Setting("sample_rate", "CLEARSPAN_SAMPLE_RATE", None, parse.share, None, "share of traces to record, 0 to 1; `OTEL_TRACES_SAMPLER` decides where this is absent"),
    Setting("attributes", "CLEARSPAN_ATTRIBUTES", None, parse.pairs, None, "resource attributes, `name=value,...`"),
    Setting("metric_names", "CLEARSPAN_METRIC_NAMES", None, parse.one_of(*VOCABULARIES), "current", "metric vocabulary of the conventions: `current`, `next` or `both`"),
    Setting("metric_series", "CLEARSPAN_METRIC_SERIES", None, parse.whole(1), 1_000, "how many attribute sets each metric may have; further ones are gathered in one series marked `otel.metric.overflow`"),
    Setting("metric_context", "CLEARSPAN_METRIC_CONTEXT", None, parse.names, (), "what of `clearspan.context` the cost metric is split by: `session`, `user`, `prompt`, or names of `metadata` and `variant`"),
    Setting("count_tokens", "CLEARSPAN_COUNT_TOKENS", None, parse.one_of(*COUNTING), "spans", "where a provider reports no tokens: count or estimate them for `spans`, for `metrics` too, or `off`"),
    Setting("request_usage", "CLEARSPAN_REQUEST_USAGE", None, parse.flag, False, "ask OpenAI-style servers for the token counts of streams (changes the request: `stream_options`), and keep the extra chunk from the program"),
    Setting("token_confidence", "CLEARSPAN_TOKEN_CONFIDENCE", None, parse.flag, False, "have local models work out log probability and entropy of each token while they generate"),
    Setting("pricing", "CLEARSPAN_PRICING", None, parse.pricing, None, "prices: a table of your own (a mapping, or a JSON file) before those of genai-prices; `off` for no cost at all"),
    Setting("hardware", "CLEARSPAN_HARDWARE", None, parse.names, ("auto",), "what is sampled: `auto` for all that is there, `off`, or names of samplers (`nvml`, `amd`, `process`)"),
    Setting("hardware_interval", "CLEARSPAN_HARDWARE_INTERVAL", None, parse.duration, 0.1, "how often accelerators are read while calls use them: seconds, or `50ms`"),
    Setting("queue_bytes", "CLEARSPAN_QUEUE_BYTES", None, parse.size, 33_554_432, "memory that telemetry may wait in, for each queue: bytes, or `64MB`; at least 1024"),
    Setting("export_interval", "CLEARSPAN_EXPORT_INTERVAL", None, parse.duration, 2.0, "how often spans and events are exported: seconds, or `500ms`"),
    Setting("metric_interval", "CLEARSPAN_METRIC_INTERVAL", "OTEL_METRIC_EXPORT_INTERVAL", parse.duration, 30.0, "how often metrics are exported: seconds, or `1m` (the OTEL variable is in milliseconds)", lambda value: parse.duration(value) / 1e3),
    Setting("exit_signals", "CLEARSPAN_EXIT_SIGNALS", None, parse.flag, True, "export what is left before `SIGTERM` or `SIGHUP` ends the program, where it has no handler of its own"),
    Setting("disabled", "CLEARSPAN_DISABLED", "OTEL_SDK_DISABLED", parse.flag, False, "make all of it inert"),
    Setting("tracer_provider", None, None, parse.having("get_tracer"), None, "the application's own TracerProvider"),
    Setting("meter_provider", None, None, parse.having("get_meter"), None, "the application's own MeterProvider"),
    Setting("logger_provider", None, None, parse.having("get_logger"), None, "the application's own LoggerProvider"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What `init` was told, by whom. Two that are equal describe the same runtime."""

    service_name: str | None = None
    environment: str | None = None
    endpoint: str | None = field(default=None, repr=False)
    protocol: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    spool: str | bool | None = None
    spool_bytes: int = 536_870_912
    spool_age: float = 604_800.0
    spool_bandwidth: int | None = None
    spool_order: str = "oldest"
    store: str | None = None
    max_age: float | None = None
    max_bytes: int = 1_073_741_824
    content: str = "full"
    content_target: str = "span"
    content_limit: int = 131_072
    tool_schemas: bool = False
    redact: Sequence[Any] = ()
    providers: Sequence[Any] | None = None
    evaluators: Sequence[Any] = ()
    judge: Any = field(default=None, repr=False)
    guards: Sequence[Any] = ()
    evaluator_state: str | None = None
    session_idle: float = 300.0
    exporters: Sequence[Any] = ()
    sample_rate: float | None = None
    attributes: Mapping[str, str] | None = None
    metric_names: str = "current"
    metric_series: int = 1_000
    metric_context: Sequence[str] = ()
    count_tokens: str = "spans"
    request_usage: bool = False
    token_confidence: bool = False
    pricing: Any = None
    hardware: Sequence[str] = ("auto",)
    hardware_interval: float = 0.1
    queue_bytes: int = 33_554_432
    export_interval: float = 2.0
    metric_interval: float = 30.0
    exit_signals: bool = True
    disabled: bool = False
    tracer_provider: Any = None
    meter_provider: Any = None
    logger_provider: Any = None
    origins: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)

    def differences(self, other: Settings) -> list[str]:
        """The names of the settings that are not the same in `other`."""
        return [
            item.name
            for item in fields(self)
            if item.compare and getattr(self, item.name) != getattr(other, item.name)
        ]

    def asked_otherwise(self, other: Settings) -> list[str]:
        """Those of them that were asked for by argument: a bare `init()` is content with anything."""
        return [
            name
            for name in self.differences(other)
            if self.origins.get(name, "").startswith("argument")
        ]

    def shown(self) -> list[tuple[str, str, str]]:
        """(name, value, origin) of every setting, for people; what is secret in headers and addresses stays hidden."""
        return [
            (setting.name, setting.shown(getattr(self, setting.name)), self.origins.get(setting.name, "default"))
            for setting in SETTINGS
        ]  # fmt: skip


def load(given: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Merge `given` (arguments; `None` is "not given") with the environment.

    Raises `SettingError` naming the setting, where the value came from, and what would be right;
    `TypeError` for an argument that does not exist.
    """
    environ = os.environ if environ is None else environ
    known = {setting.name for setting in SETTINGS}
    if unknown := set(given) - known:
        raise TypeError(
            f"clearspan.init: unknown setting {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}"
        )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        found = _find(setting, given, environ)
        if found is not None:
            values[setting.name], origins[setting.name] = found
    settings = Settings(**values, origins=origins)
    _check(settings)
    return settings


def _find(
    setting: Setting, given: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Any, str] | None:
    sources: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
        (given.get(setting.name), f"argument {setting.name}", setting.parse),
        (_variable(setting.variable, environ), str(setting.variable), setting.parse),
        (
            _variable(setting.standard, environ),
            str(setting.standard),
            setting.standard_parse or setting.parse,
        ),
    )
    for value, origin, read in sources:
        if value is None or (value == () and setting.default == ()):
            continue
        try:
            return read(value), origin
        except (ValueError, TypeError) as error:
            wrong = f"clearspan: {origin} = {_shown(setting, value)}: {error}"
            if origin != setting.standard:
                raise SettingError(wrong) from None
        # The variable is not ours: OpenTelemetry wants it ignored with a warning.
        _log.warning("%s; it is ignored", wrong)
    return None


def _variable(name: str | None, environ: Mapping[str, str]) -> str | None:
    return (environ.get(name) or None) if name is not None else None


def _shown(setting: Setting, value: Any) -> str:
    secret = setting.name == "headers" or (setting.name == "endpoint" and "@" in str(value))
    return "..." if secret else _SECRET.sub("...", repr(value))


def _check(settings: Settings) -> None:
    if settings.headers and settings.endpoint is None:
        raise SettingError(
            "clearspan: headers are given without an endpoint; headers belong to one endpoint: "
            "set endpoint (CLEARSPAN_ENDPOINT) too, or use OTEL_EXPORTER_OTLP_HEADERS"
        )
