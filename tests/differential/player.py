"""Runs the scenarios in a process of its own: `player.py MODE URL OUT`. MODE says how it is instrumented."""

from __future__ import annotations

import json
import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any


def described(value: Any) -> Any:
    """A value as JSON that tells its exact type, and nothing that changes from run to run."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return (
            value
            if type(value) in (type(None), bool, int, float, str)
            else [_name(type(value)), repr(value)]
        )
    if isinstance(value, (list, tuple)):
        return [_name(type(value)), *map(described, value)]
    if isinstance(value, dict):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, type):
        return _name(value)
    if isinstance(value, BaseException):
        return _error(value)
    if hasattr(value, "model_dump"):
        return [_name(type(value)), value.model_dump(mode="json", warnings=False)]
    if type(value).__module__ == "inspect":
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return _name(type(value))


def _error(error: BaseException) -> list[Any]:
    frames = [
        f"{Path(frame.filename).name} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "/openai/" in frame.filename
    ]
    told = {
        name: described(getattr(error, name, None))
        for name in ("status_code", "code", "body", "type", "request_id")
    }
    chain = [error.__cause__, error.__context__]
    below = [one and [_name(type(one)), str(one)] for one in chain]
    return [_name(type(error)), str(error), described(list(error.args)), told, below, frames]


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def start(mode: str, folder: Path) -> None:
    """Instrument this process as `mode` says."""
    if mode in ("raw", "run"):
        return
    import clearspan

    if mode == "own":
        from opentelemetry.sdk.trace import TracerProvider

        clearspan.init(tracer_provider=TracerProvider(), content_target="both")
        return
    more: dict[str, dict[str, Any]] = {"off": {"content": "off"}, "unsampled": {"sample_rate": 0}}
    clearspan.init(store=folder / f"{mode}.db", **more.get(mode, {}))


def main(mode: str, url: str, out: str) -> None:
    folder = Path(out).parent
    if mode != "late":
        start(mode, folder)
    import openai

    from tests.differential.scenarios import SCENARIOS
    from tests.providers.side import Side

    clients: dict[str, Any] = {
        "sync": openai.OpenAI(base_url=url, api_key="sk-of-the-test", max_retries=0),
        "async": openai.AsyncOpenAI(base_url=url, api_key="sk-of-the-test", max_retries=0),
    }
    if mode == "late":
        start(mode, folder)
    transcripts: dict[str, Any] = {}
    for kind in ("sync", "async"):
        side = Side(asynchronous=kind == "async")
        client = clients[kind]
        for name, play in SCENARIOS.items():
            # Where one scenario ends and the next begins on the wire.
            marker = client.with_options(default_headers={"x-scenario": f"{kind} {name}"})
            entries: list[Any] = []
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", RuntimeWarning)
                play(
                    side,
                    marker,
                    lambda *told, entries=entries: entries.append(described(list(told))),
                )
            entries.append([str(item.message) for item in warned])
            transcripts[f"{kind} {name}"] = entries
        side.close()
    status: dict[str, Any] = {}
    if mode != "raw":
        import clearspan

        clearspan.flush(30)
        found = clearspan.status()
        status = {
            "created": found.accounts.created, "pending": found.accounts.pending, "open": found.open_calls,
            "dropped": found.accounts.dropped, "errors": dict(found.internal_errors),
        }  # fmt: skip
    Path(out).write_text(json.dumps({"transcripts": transcripts, "status": status}))


if __name__ == "__main__":
    main(*sys.argv[1:])
