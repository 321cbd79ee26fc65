from __future__ import annotations

import base64
import struct

import pytest

from clearspan.figures.tokens import pictures
from clearspan.figures.tokens.models import Patches, Tiles

TILES = Tiles(85, 170)


def encoded(head: bytes) -> str:
    return base64.b64encode(head).decode()


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00" * 3


def jpeg(width: int, height: int) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 40) + b"\xff" * 38
    tables = b"\xff\xc4" + struct.pack(">H", 4) + b"ab"
    frame = b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + b"\x03"
    return b"\xff\xd8" + exif + tables + frame


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00" * 4 + body.ljust(14, b"\x00")


LOSSY = webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640 | 0x4000, 480))
LOSSLESS = webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14))
EXTENDED = webp(b"VP8X", b"\x00" * 4 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"))


@pytest.mark.parametrize(
    "head",
    [png(640, 480), gif(640, 480), jpeg(640, 480), LOSSY, LOSSLESS, EXTENDED],
    ids=["png", "gif", "jpeg", "webp lossy", "webp lossless", "webp extended"],
)
def test_the_size_is_read_from_the_head(head: bytes) -> None:
    assert pictures.size(encoded(head)) == (640, 480)


def test_what_is_cut_off_behind_the_head_does_not_matter() -> None:
    assert pictures.size(encoded(png(7, 9))[:33]) is None
    assert pictures.size(encoded(png(7, 9) + b"pixels" * 99)[:-5]) == (7, 9)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain text",
        png(0, 480),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8 nothing here, really",
        b"RIFF....WEBP",
    ],
)
def test_what_is_no_picture_has_no_size(head: bytes) -> None:
    assert pictures.size(encoded(head)) is None


def test_what_is_no_base64_has_no_size() -> None:
    assert pictures.size("é") is None
    assert pictures.size("a") is None


@pytest.mark.parametrize(
    ("shown", "detail", "cost"),
    [
        ((1024, 1024), "high", 765),  # 768 x 768: four tiles
        ((2048, 4096), "high", 1105),  # 768 x 1536: six
        ((4096, 8192), "low", 85),
        ((512, 512), None, 255),
        ((200, 300), "auto", 255),  # not made larger
        ((513, 100), "auto", 425),
    ],
)
def test_tiles(shown: tuple[int, int], detail: str | None, cost: int) -> None:
    assert pictures.tokens(TILES, shown, detail) == cost


@pytest.mark.parametrize(
    ("shown", "patches"),
    [((1024, 1024), 1024), ((1800, 2400), 1452), ((32, 33), 2), ((100_000, 100), 1536)],
)
def test_patches(shown: tuple[int, int], patches: int) -> None:
    assert pictures.tokens(Patches(1.0), shown, None) <= 1536
    if shown != (100_000, 100):
        assert pictures.tokens(Patches(1.0), shown, None) == patches


def test_patches_are_weighed() -> None:
    assert pictures.tokens(Patches(1.62), (1024, 1024), "low") == 1659
