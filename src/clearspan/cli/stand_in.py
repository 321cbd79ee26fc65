"""What the stand-in model server answers to the program of `clearspan demo`.

Every answer is decided by the request alone, but for the first request into Spanish, which meets a
rate limit. The pauses are there to be seen in the traces.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from clearspan.cli.program import NO_SUCH_MODEL
from clearspan.core import read
from clearspan.testing.server import Answer, Error, Reply, Request, ToolCall

__all__ = ["StandIn"]

_TRANSLATIONS = {
    "French": "Oui, nous sommes ouverts samedi ; apportez votre vélo à la porte arrière.",
    "Spanish": "Sí, abrimos el sábado; traiga su bicicleta por la puerta trasera.",
}
_SHORT = "Yes: Saturday, at the back."


class StandIn:
    """A handler for `ModelServer.respond`; `None` leaves the answer to the server itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits = 1

    def __call__(self, request: Request) -> Answer | None:
        """Answer a chat request."""
        if not request.path.endswith("/chat/completions") or not isinstance(request.json, dict):
            return None
        body: dict[str, Any] = request.json  # pyright: ignore[reportUnknownVariableType]  # any JSON object
        if body.get("model") == NO_SUCH_MODEL:
            return Error(404, f"The model `{NO_SUCH_MODEL}` does not exist", "model_not_found")
        messages = [item for item in read.items(body.get("messages")) if isinstance(item, dict)]
        return self._chat(body, messages)

    def _chat(self, body: Mapping[str, Any], messages: list[Any]) -> Answer | None:
        first, last = str(messages[0].get("content")), messages[-1]
        if last.get("role") == "tool":
            return _streamed(first, str(last.get("content")))
        if body.get("tools"):
            return Reply(
                tool_calls=[ToolCall("opening_hours", {"day": "Saturday"})], first_delay=0.12
            )
        for language, text in _TRANSLATIONS.items():
            if language in first:
                return self._limited() if language == "Spanish" else Reply(text, first_delay=0.18)
        return Reply(_SHORT, first_delay=0.06)

    def _limited(self) -> Answer:
        with self._lock:
            refused, self._limits = self._limits > 0, self._limits - 1
        if refused:
            return Error(429, "Rate limit reached", headers={"retry-after-ms": "40"})
        return Reply(_TRANSLATIONS["Spanish"], first_delay=0.1)


def _streamed(facts: str, hours: str) -> Reply:
    passage = facts.splitlines()[-1] if "\n" not in facts else facts.splitlines()[1]
    return Reply(
        f"Yes, on Saturday we are open {hours}. {passage}", first_delay=0.1, chunk_delay=0.012
    )
