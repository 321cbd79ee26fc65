"""Decorated properties and what Python makes class methods of."""

from __future__ import annotations

import functools
import types

import clearspan
from clearspan.testing import Captured


def test_cached_properties_are_recorded_once_and_unknown_descriptors_left_alone(
    seen: Captured,
) -> None:
    unknown = types.DynamicClassAttribute(lambda self: 1)
    assert clearspan.task(unknown) is unknown

    class Holder:
        @clearspan.task
        @functools.cached_property
        def size(self) -> int:
            return 3

        @clearspan.task
        def __class_getitem__(cls, key: object) -> object:
            return cls.__name__, key

    holder = Holder()
    assert (holder.size, holder.size, Holder[1]) == (3, 3, ("Holder", 1))
    assert len(seen.spans) == 2
