"""Who the program is: the resource that goes with all that is told of it."""

from __future__ import annotations

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from clearspan.core.jsonfast import valid
from clearspan.settings import Settings

__all__ = ["resource_of"]


def resource_of(settings: Settings) -> Resource:
    """Who the program is, by the settings and the environment."""
    given: dict[str, str] = dict(settings.attributes or {})
    if settings.service_name:
        given["service.name"] = settings.service_name
    if settings.environment:
        given["deployment.environment.name"] = settings.environment
    try:
        made = Resource.create(given)
    except RuntimeError:  # the detectors have threads of their own, and none is to be had
        made = OTELResourceDetector().detect().merge(Resource(given))
    # Bytes of the environment that are no UTF-8 are surrogates in Python, and no exporter takes those.
    clean = {
        valid(name): valid(value) if isinstance(value, str) else value
        for name, value in made.attributes.items()
    }
    return Resource(clean, made.schema_url)
