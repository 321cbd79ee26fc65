"""Expected values that are not one plain value."""

from __future__ import annotations

from typing import Final


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Final[object] = _Absent()


class OneOf:
    """Any of several values, where conventions leave a choice; ``ABSENT`` may be among them."""

    def __init__(self, *values: object) -> None:
        self.values = values
        self._any = False

    @classmethod
    def anything(cls) -> OneOf:
        """Any value, so long as there is one."""
        self = cls()
        self._any = True
        return self

    def accepts(self, seen: object) -> bool:
        return (
            seen is not ABSENT if self._any else any(accepts(value, seen) for value in self.values)
        )

    def __repr__(self) -> str:
        return "anything" if self._any else " or ".join(map(repr, self.values))


def maybe(*values: object) -> OneOf:
    """One of the values, or nothing."""
    return OneOf(ABSENT, *values)


def accepts(expected: object, seen: object) -> bool:
    """Whether a seen value is (one of) the expected. Sequences are compared item by item, whatever their type."""
    if isinstance(expected, OneOf):
        return expected.accepts(seen)
    if isinstance(expected, (list, tuple)):
        if not isinstance(seen, (list, tuple)) or len(expected) != len(seen):
            return False
        return all(accepts(one, other) for one, other in zip(expected, seen, strict=True))
    if isinstance(expected, bool) or isinstance(seen, bool):
        return expected is seen
    return expected == seen
