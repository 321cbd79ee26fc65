"""Machinery that knows neither language models nor OpenTelemetry."""
