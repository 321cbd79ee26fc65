"""F33: whichever function of ours fails, the program does what it would have done."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import clearspan
from clearspan.core import fence
from clearspan.testing import captured
from tests.capture.vendor import Vendor

MODULES = [
    "capture.calls", "capture.decorators", "capture.families", "capture.passages", "capture.patching", "choice", "core.jsonfast", "core.ledger", "core.read", "emit.content",
    "emit.fit", "emit.measures", "emit.projection", "emit.redact", "emit.telemetry", "pipeline",
]  # fmt: skip
# What stands before the fences: it is called by the host's own code, and only hands on.
BEFORE = {
    "Patches._begin", "_Decorated.__init__", "_Decorated.result", "_Decorated.chunk", "messages_of", "_message", "Choice.__init__",
    "Choice.piece",
}  # fmt: skip


def targets(name: str) -> list[tuple[Any, str, str]]:
    """Every function of a module that runs during a call: where it stands, and its names."""
    module = importlib.import_module(f"clearspan.{name}")
    found: list[tuple[Any, str, str]] = []
    for key, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            found.append((module, key, key))
        elif inspect.isclass(value):
            found += [
                (value, inner, f"{key}.{inner}")
                for inner, function in vars(value).items()
                if inspect.isfunction(function) and function.__module__ == module.__name__
            ]
    return [item for item in found if item[2] not in BEFORE]


@clearspan.tool
def add(left: int, right: int) -> int:
    return left + right


@clearspan.agent
async def add_later(left: int, right: int) -> int:
    await asyncio.sleep(0)
    return add(left, right)


@clearspan.task
def count(limit: int) -> Any:
    yield from range(limit)


@clearspan.retrieval
async def search(query: str) -> Any:
    for letter in query:
        yield {"content": letter}


def smoke(client: Any) -> list[Any]:
    """A program that uses everything."""

    async def read(stream: Any) -> list[Any]:
        return [item async for item in stream]

    async def read_awaited(opened: Any) -> list[Any]:
        return [item async for item in await opened]

    seen: list[Any] = [
        add(1, 2),
        asyncio.run(add_later(1, 2)),
        list(count(40)),
        asyncio.run(read(search("ab"))),
    ]
    with clearspan.context(session="s", tags=["t"], propagate=True):
        with clearspan.span("step", label=1) as step:
            step.set(input={"a": [1]}, output="sk-proj-abcdefghijklmnopqrstuvwxyz")
            seen.append(client.create(model="m", prompt="a", temperature=1))
    with clearspan.invocation("chat", model="m") as draft:
        draft.input("why?")
        draft.text("because")
        draft.usage(input=1)
    seen.append(list(client.create(model="m", prompt="ab" * 20, stream=True)))
    seen.append(asyncio.run(client.acreate(model="m")))
    seen.append(asyncio.run(read_awaited(client.astream(model="m", prompt="xy"))))
    try:
        client.create(model="m", prompt="fail")
    except LookupError as error:
        seen.append(repr(error))
    with clearspan.suppressed():
        seen.append(add(3, 4))
    clearspan.current()
    seen.append(clearspan.carry(add)(1, 1))
    return seen


def fail(*given: Any, **named: Any) -> Any:
    raise RuntimeError("injected")


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("inline", [False, True], ids=["worker", "inline"])
def test_F33_a_failure_anywhere_changes_nothing(
    name: str, inline: bool, vendor: Vendor, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("clearspan"), "disabled", True)
    client = vendor.load().Client()
    expected = smoke(client)
    tried = targets(name)
    assert tried
    for owner, attribute, shown in tried:
        with monkeypatch.context() as broken:
            if inline:
                with clearspan.init(providers=[vendor.provider], tracer_provider=TracerProvider()):
                    broken.setattr(owner, attribute, fail)
                    assert smoke(client) == expected, shown
                    broken.undo()
            else:
                with captured(providers=[vendor.provider]) as seen:
                    broken.setattr(owner, attribute, fail)
                    assert smoke(client) == expected, shown
                    broken.undo()
                    # What cannot be closed stays open in the books, and only there.
                    assert seen.open_calls == 0 or shown == "Pipeline.close", shown
    fence.reset()
