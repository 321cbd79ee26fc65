"""Files as programs write them, and evaluators that are easy to foretell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import clearspan
from tests.offline.test_otlp import attributes, request

Write = Callable[[str, Iterable[Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write values to a file of that name, one a line."""

    def written(name: str, values: Iterable[Any]) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{json.dumps(value)}\n" for value in values), encoding="utf-8")
        return path

    return written


def said(text: str, role: str = "user") -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def span(trace: int, number: int, start: int, end: int, parent: int = 0, **given: Any) -> dict[str, Any]:  # fmt: skip
    """A span of trace `trace` as OTLP-JSON; attributes have `__` for each dot."""
    named = {name.replace("__", "."): value for name, value in given.items()}
    return {
        "traceId": f"{trace:032x}", "spanId": f"{number:016x}", "parentSpanId": f"{parent:016x}" if parent else "",
        "name": "x", "startTimeUnixNano": str(start), "endTimeUnixNano": str(end), "attributes": attributes(named),
    }  # fmt: skip


def chat(trace: int, number: int, start: int, answer: str, **given: Any) -> dict[str, Any]:
    return span(
        trace, number, start, start + 5,
        gen_ai__operation__name="chat", gen_ai__input__messages=said("Q"),
        gen_ai__output__messages=said(answer, "assistant"), **given,
    )  # fmt: skip


def retrieval(trace: int, number: int, start: int, *documents: str) -> dict[str, Any]:
    found = json.dumps([{"content": document} for document in documents])
    return span(trace, number, start, start + 5, gen_ai__operation__name="retrieval", gen_ai__retrieval__documents=found)  # fmt: skip


def lines(*spans: dict[str, Any]) -> list[dict[str, Any]]:
    """Each span as a request of its own."""
    return [request(each) for each in spans]


def brief(call: clearspan.Invocation) -> bool:
    return len(call.output_text) < 3


def length(call: clearspan.Invocation) -> float:
    return float(len(call.output_text))
