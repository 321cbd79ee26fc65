"""An Invocation becomes spans, metrics and events."""
