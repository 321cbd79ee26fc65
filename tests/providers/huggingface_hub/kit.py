"""What the tests of the huggingface_hub provider share."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import huggingface_hub
from huggingface_hub import constants

# Newer versions ask the Hub who is calling, once, unless they are told not to.
constants.HF_HUB_DISABLE_TELEMETRY = True

ASKED: list[Any] = [{"role": "user", "content": "Where is Rome?"}]


def made(url: str, *, asynchronous: bool, **given: Any) -> Any:
    """A client for what is served at this address."""
    kind: Any = (
        huggingface_hub.AsyncInferenceClient if asynchronous else huggingface_hub.InferenceClient
    )
    return kind(model=url, token="none", **given)


def release(client: Any) -> Any:
    """Close what a client holds open; the synchronous ones before 1.0 hold nothing."""
    close = getattr(client, "close", None)
    if isinstance(client, huggingface_hub.AsyncInferenceClient):
        return _released(client)
    return close() if close is not None else None


async def _released(client: Any) -> None:
    # In 0.36 a stream that was left early may be closing the same session at this moment.
    with contextlib.suppress(KeyError):
        await client.close()


def only(seen: Any) -> Any:
    """The one span, all calls having ended."""
    assert seen.open_calls == 0
    (span,) = seen.spans
    return span


def told(span: Any, name: str) -> Any:
    """An attribute that holds JSON."""
    return json.loads(span.attributes[name])


def asked(span: Any) -> Any:
    """The parts of the one message that went in."""
    (message,) = told(span, "gen_ai.input.messages")
    return message["parts"]


def said(span: Any) -> Any:
    """The parts of the one answer."""
    (message,) = told(span, "gen_ai.output.messages")
    return message["parts"]
