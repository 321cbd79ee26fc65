"""The size of a picture, read from its first bytes; and what a picture costs in tokens.

The rules are those that OpenAI publishes for its models that see.
"""

from __future__ import annotations

import base64
import binascii
import math

from clearspan.figures.tokens.models import Patches, Tiles

__all__ = ["size", "tokens"]

_HEAD = 262_144  # base64 characters: a photograph's own thumbnail may come before its size
_PATCH = 32
_MOST_PATCHES = 1_536
_TILE = 512
_LONGEST, _SHORTEST = 2_048, 768


def size(content: str) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, JPEG or WebP picture in base64; `None` of any other."""
    try:
        head = base64.b64decode(content[:_HEAD] + "=" * (-len(content[:_HEAD]) % 4))
    except (binascii.Error, ValueError):
        return None
    found = (0, 0)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        found = _big(head, 16, 4), _big(head, 20, 4)
    elif head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        found = _little(head, 6, 2), _little(head, 8, 2)
    elif head.startswith(b"\xff\xd8"):
        found = _jpeg(head)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        found = _webp(head)
    return found if min(found) > 0 else None


def _big(head: bytes, at: int, length: int) -> int:
    return int.from_bytes(head[at : at + length], "big")


def _little(head: bytes, at: int, length: int) -> int:
    return int.from_bytes(head[at : at + length], "little")


def _jpeg(head: bytes) -> tuple[int, int]:
    """The first frame header; the segments before it say how long they are."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _big(head, at + 7, 2), _big(head, at + 5, 2)
        at += 1 if marker == 0xFF else 2 + max(2, _big(head, at + 2, 2))
    return 0, 0


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return _little(head, 24, 3) + 1, _little(head, 27, 3) + 1
    if kind == b"VP8L":
        bits = _little(head, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF


def tokens(rule: Tiles | Patches, shown: tuple[int, int], detail: str | None) -> int:
    """What a picture of that size costs. Where the detail is left to the model, it is high."""
    width, height = shown
    if isinstance(rule, Patches):
        return math.ceil(_patches(width, height) * rule.factor)
    if detail == "low":
        return rule.base
    scale = min(1.0, _LONGEST / max(width, height))
    scale = min(scale, _SHORTEST / min(width, height))
    across, down = (math.ceil(round(side * scale, 6) / _TILE) for side in shown)
    return rule.base + rule.tile * across * down


def _patches(width: int, height: int) -> int:
    """How many patches cover it, shrunk to what a model takes in."""
    across, down = width / _PATCH, height / _PATCH
    if math.ceil(across) * math.ceil(down) <= _MOST_PATCHES:
        return math.ceil(across) * math.ceil(down)
    shrink = math.sqrt(_MOST_PATCHES / (across * down))
    across, down = across * shrink, down * shrink
    # Whole patches one way, so that the picture keeps its proportions within the limit.
    whole = min(math.floor(across) / across, math.floor(down) / down)
    return min(_MOST_PATCHES, math.ceil(across * whole) * math.ceil(down * whole))
