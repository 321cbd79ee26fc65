from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from clearspan.core.weight import weigh


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ("abc", 3),
        ("a\u00e9\u6c49\U0001f600", 1 + 2 + 3 + 4),
        ("half \udc00", 5 + 3),
        (b"abcd", 4),
        (12, 0),
        (None, 0),
        (object(), 0),
        (["ab", ("c", 1)], 2 + 1 + 8),
        ([1.0] * 1_000, 8_000),
        ({"name": "ab", "more": {"deep": ["c" * 10]}}, 12),
        ({"name": "\u00e9", "none": None, "many": 7}, 2),
        (MappingProxyType({"name": "ab", "many": 7}), 2),
    ],
)
def test_texts_weigh_wherever_they_are(value: Any, bytes_: int) -> None:
    assert weigh(value) == bytes_
