"""What the tests of the openai provider share."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

import pytest

ASKED: list[Any] = [{"role": "user", "content": "Where is Rome?"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": ASKED}


def method(client: Any, name: str) -> Any:
    """A method by its dotted name; the test is skipped where the version has none."""
    try:
        return attrgetter(name)(client)
    except AttributeError:
        pytest.skip(f"this version of the client has no {name}")


def beta(client: Any, name: str) -> Any:
    """A method of Chat Completions, from where older versions keep it if need be."""
    home = client.chat.completions
    return (
        getattr(home, name) if hasattr(home, name) else getattr(client.beta.chat.completions, name)
    )


def only(seen: Any) -> Any:
    """The one span, all calls having ended."""
    assert seen.open_calls == 0
    (span,) = seen.spans
    return span


def told(span: Any, name: str) -> Any:
    """A message attribute as the list that it is."""
    return json.loads(span.attributes[f"gen_ai.{name}.messages"])


def parts(span: Any, choice: int = 0) -> Any:
    """The parts of one answer."""
    return told(span, "output")[choice]["parts"]


def text(span: Any) -> str:
    """The text of the first answer."""
    return "".join(part["content"] for part in parts(span) if part["type"] == "text")
