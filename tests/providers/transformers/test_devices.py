"""Where a model is: by its first parameter, or by the map of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.providers.transformers import devices


@pytest.mark.parametrize(
    ("device", "parts", "numbers"),
    [
        ("cuda:0", None, (0,)),
        ("cuda:11", None, (11,)),
        ("cpu", None, ()),
        ("mps:0", None, ()),
        ("xpu:1", None, ()),
        (None, None, ()),
        ("meta", {"model.a": "1", "model.b": "0", "model.c": "cpu"}, (0, 1)),
        ("cuda:0", {"a": "cuda:2", "b": "cuda:0", "c": "disk"}, (0, 2)),
        ("cpu", {"a": "cpu", "b": "3"}, (3,)),
    ],
)
def test_the_accelerators_are_told_before_the_call_runs(
    device: str | None, parts: dict[str, str] | None, numbers: tuple[int, ...]
) -> None:
    draft = Draft("chat", kind="internal")
    place: dict[str, Any] = {sc.MODEL_DEVICE: device, sc.MODEL_DEVICE_MAP: parts}
    devices.note(draft, place)
    assert draft.devices == numbers
    assert draft.extras.get(sc.MODEL_DEVICE) == device


def test_what_is_no_model_is_nowhere() -> None:
    draft = Draft("chat", kind="internal")
    devices.note(draft, None)
    assert (draft.devices, draft.extras) == ((), {})
