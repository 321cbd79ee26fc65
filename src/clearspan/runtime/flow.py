"""From Settings and providers to the pipeline that a call's record runs through."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clearspan import semconv
from clearspan.core import installed
from clearspan.core.ledger import Ledger
from clearspan.core.loading import load
from clearspan.core.spelling import meant
from clearspan.core.worker import Worker
from clearspan.emit import redact
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.pipeline import Pipeline
from clearspan.runtime.assess import Heard, evaluators_of, make_bench, teller
from clearspan.runtime.build import Providers, statuses
from clearspan.runtime.ends import chained
from clearspan.runtime.figures import Figures, wants_of
from clearspan.runtime.hardware import Hardware
from clearspan.runtime.promising import starting
from clearspan.runtime.queues import quiet
from clearspan.runtime.sampling import sampler_looks
from clearspan.settings import SettingError, Settings
from clearspan.stages import Work

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

    from clearspan.assess.evaluator import Evaluator

__all__ = ["content_policy", "make_pipeline", "meter_of"]

_ITEMS = 8_192


def make_pipeline(
    settings: Settings,
    providers: Providers,
    ledger: Ledger,
    *,
    figures: Figures | None = None,
    hardware: Hardware | None = None,
    evaluators: Sequence[Evaluator] | None = None,
    heard: Sequence[Heard] = (),
    **more: Any,
) -> Pipeline:
    """The pipeline over the given providers: on a worker where they are ours, else inline.

    `heard` are told each score; `evaluators` are those of the settings, where they were made already.
    Raises `SettingError` for what of the settings is only looked at here.
    """
    figures = figures or Figures(settings, own=providers.own)
    watch = hardware.watch if hardware is not None else None
    telemetry = _telemetry(settings, providers)

    def worker(handle: Any) -> Worker[Work]:
        return Worker(
            "clearspan", handle, max_items=_ITEMS, max_bytes=settings.queue_bytes, setup=quiet
        )

    policy = content_policy(settings)
    tell = teller(telemetry, policy, heard)
    made = evaluators_of(settings) if evaluators is None else evaluators
    bench = make_bench(settings, made, tell, statuses(providers.exporters).get("path"))
    pipeline = Pipeline(
        telemetry,
        policy,
        ledger,
        worker=worker,
        inline=not providers.own,
        figures=figures.listed(watch),
        watch=watch,
        keeps=settings.count_tokens != "off",
        wants=wants_of(settings),
        handed_over=not providers.own,
        assess=bench,
        tell=tell,
        **more,
    )
    if bench is not None:
        bench.follow(pipeline.unjudged)
    chained(pipeline, providers, *([] if bench is None else [bench]))
    if made or settings.guards:
        judges: Any = load("clearspan.runtime.judges")
        judges.serve(figures.price)
    return pipeline


def _telemetry(settings: Settings, providers: Providers) -> Telemetry:
    version = installed.version("clearspan")
    return Telemetry(
        starting(providers.tracer, (semconv.SCOPE, version, semconv.SCHEMA_URL)),
        meter_of(providers),
        providers.logger.get_logger(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL),
        vocabulary=settings.metric_names,  # type: ignore[arg-type]  # checked where settings are read
        spans=settings.content_target in ("span", "both"),
        events=settings.content_target in ("event", "both"),
        exception_signal=os.environ.get("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", ""),
        series=settings.metric_series,
        counted=settings.count_tokens == "metrics",
        context=settings.metric_context,
        early=not providers.own or sampler_looks(settings),
    )


def meter_of(providers: Providers) -> Meter:
    """The meter of our scope."""
    version = installed.version("clearspan")
    return providers.meter.get_meter(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL)


def content_policy(settings: Settings) -> ContentPolicy:
    """What of content is kept. Raises `SettingError` for a redaction rule that does not exist."""
    try:
        redactors = redact.resolve(settings.redact, settings.content)
    except KeyError as error:
        known = ", ".join(redact.BUILT_IN)
        hint = meant(str(error.args[0]), redact.BUILT_IN)
        raise SettingError(
            f"clearspan: redact: no rule named {error}; use a function or one of {known}{hint}"
        ) from None
    return ContentPolicy(settings.content, settings.content_limit, redactors, settings.tool_schemas)
