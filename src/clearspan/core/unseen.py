"""What stands for a text that is there and cannot be looked at."""

from __future__ import annotations

from typing import Final

__all__ = ["UNSEEN", "Unseen"]


class Unseen(str):
    """An empty text in the place of one that nobody here can read."""

    __slots__ = ()
    unseen = True


UNSEEN: Final = Unseen()
