"""The keys of OpenTelemetry's context by which instrumentations ask each other to keep still.

Two spellings are about: the plain name, which instrumentations set by hand, and the key of the API, which has
a random part and is what the SDK's exporters and most instrumentations use. Both are heard, and both are said.
"""

from __future__ import annotations

from opentelemetry import context as otel

__all__ = ["asked", "silenced"]

_PLAIN, _HTTP = "suppress_instrumentation", "suppress_http_instrumentation"


def _key(attribute: str) -> tuple[str, ...]:
    """The key of the API, which calls its place a temporary one."""
    found = getattr(otel, attribute, None)
    return (found,) if isinstance(found, str) else ()


_HEARD = (
    _PLAIN,
    *_key("_SUPPRESS_INSTRUMENTATION_KEY"),
    # Set by frameworks' instrumentations around calls that they record themselves.
    "suppress_language_model_instrumentation",
)
_SAID = (
    _PLAIN,
    _HTTP,
    *_key("_SUPPRESS_INSTRUMENTATION_KEY"),
    *_key("_SUPPRESS_HTTP_INSTRUMENTATION_KEY"),
)


def asked(context: otel.Context) -> bool:
    """Whether a context asks for silence."""
    found = context.get  # a context is a dictionary, and most have one entry
    for key in _HEARD:  # noqa: SIM110 -- at every call: a generator takes longer than the rest of this
        if found(key):
            return True
    return False


def silenced() -> otel.Context:
    """The current context, except that instrumentations keep still in it: those of clients and of HTTP."""
    context = otel.get_current()
    for key in _SAID:
        context = otel.set_value(key, True, context)
    return context
