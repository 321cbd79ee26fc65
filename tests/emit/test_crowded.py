"""As many attributes as OpenTelemetry takes, chosen by us."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanLimits

from clearspan import semconv as sc
from clearspan.emit.crowded import limit_of, limited

OURS = {sc.OPERATION_NAME: "chat", "server.address": "h", "error.type": "e", "gen_ai.other": 1}
THEIRS = {f"{sc.METADATA}{number}": "v" for number in range(10)}


def test_few_attributes_stay_as_they_are() -> None:
    assert limited({**OURS, **THEIRS}, 14) == {**OURS, **THEIRS}


def test_the_applications_own_go_first_and_the_last_of_them() -> None:
    kept = limited({**THEIRS, "own": 1, sc.VARIANT + "x": "y", **OURS}, 8)
    assert kept == {
        **OURS, f"{sc.METADATA}0": "v", f"{sc.METADATA}1": "v", f"{sc.METADATA}2": "v", sc.ATTRIBUTES_LEFT_OUT: 9,
    }  # fmt: skip


@pytest.mark.parametrize(("limit", "names"), [(3, [*OURS][:2]), (1, []), (0, None), (-5, None)])
def test_where_even_ours_are_too_many_the_first_stay(limit: int, names: list[str] | None) -> None:
    kept = limited({**OURS, **THEIRS}, limit)
    assert list(kept) == ([] if names is None else [*names, sc.ATTRIBUTES_LEFT_OUT])


@pytest.mark.parametrize(
    ("given", "found"), [({}, 128), ({"max_span_attributes": 5}, 5), ({"max_span_attributes": SpanLimits.UNSET}, 1 << 30)]
)  # fmt: skip
def test_the_limit_is_that_of_the_spans_own_provider(given: Any, found: int) -> None:
    assert limit_of(SimpleNamespace(_limits=SpanLimits(**given)), "OTEL_NONE") == found


@pytest.mark.parametrize(
    ("told", "found"), [(None, 128), ("7", 7), (" 8 ", 8), ("unset", 1 << 30), ("many", 128)]
)
def test_otherwise_that_of_the_environment(
    told: str | None, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", told)
    assert limit_of(None, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") == found
