"""From Settings and providers to the pipeline that a call's record runs through."""

from __future__ import annotations

import os
from typing import Any

from clearspan import semconv
from clearspan.capture.patching import installed_version
from clearspan.core.ledger import Ledger
from clearspan.core.worker import Worker
from clearspan.draft import Draft
from clearspan.emit import redact
from clearspan.emit.content import ContentPolicy
from clearspan.emit.telemetry import Telemetry
from clearspan.pipeline import Chunks, Pipeline
from clearspan.runtime.build import Providers
from clearspan.runtime.figures import figures_of, wants_of
from clearspan.runtime.queues import quiet
from clearspan.settings import SettingError, Settings

__all__ = ["content_policy", "make_pipeline"]

_ITEMS = 8_192


def make_pipeline(
    settings: Settings, providers: Providers, ledger: Ledger, **more: Any
) -> Pipeline:
    """The pipeline over the given providers: on a worker where they are ours, else inline."""
    version = installed_version("clearspan")
    telemetry = Telemetry(
        providers.tracer.get_tracer(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL),
        providers.meter.get_meter(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL),
        providers.logger.get_logger(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL),
        vocabulary=settings.metric_names,  # type: ignore[arg-type]  # checked where settings are read
        spans=settings.content_target in ("span", "both"),
        events=settings.content_target in ("event", "both"),
        exception_signal=os.environ.get("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", ""),
        series=settings.metric_series,
        counted=settings.count_tokens == "metrics",
        context=settings.metric_context,
    )

    def worker(handle: Any) -> Worker[Draft | Chunks]:
        return Worker(
            "clearspan", handle, max_items=_ITEMS, max_bytes=settings.queue_bytes, setup=quiet
        )

    return Pipeline(
        telemetry,
        content_policy(settings),
        ledger,
        worker=worker if providers.own else None,
        figures=figures_of(settings),
        keeps=settings.count_tokens != "off",
        wants=wants_of(settings),
        handed_over=not providers.own,
        **more,
    )


def content_policy(settings: Settings) -> ContentPolicy:
    """What of content is kept. Raises `SettingError` for a redaction rule that does not exist."""
    try:
        redactors = redact.resolve(settings.redact, settings.content)
    except KeyError as error:
        known = ", ".join(redact.BUILT_IN)
        raise SettingError(
            f"clearspan: redact: no rule named {error}; use a function or one of {known}"
        ) from None
    return ContentPolicy(settings.content, settings.content_limit, redactors, settings.tool_schemas)
