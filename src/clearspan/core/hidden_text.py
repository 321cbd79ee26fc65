"""The texts that a text hides: decoded, spelled apart, written backwards."""

from __future__ import annotations

import base64
import codecs
import html
import re
import urllib.parse
from collections.abc import Callable, Iterator, Sequence

from clearspan.core.clear_text import hidden

__all__ = ["compact", "views"]

_MOST = 8  # encoded runs that are read of one text
_SHORTEST = 8
_FEW = 2  # words with a number in them that any text may have
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,8192}={0,2}")
_BASE32 = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[A-Z2-7]{24,8192}|[a-z2-7]{24,8192})={0,6}(?![A-Za-z0-9+/])"
)
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){12,4096}")
_BINARY = re.compile(r"(?<!\d)(?:[01]{8} ?){12,2048}")
_DECIMAL = re.compile(r"(?<!\d)(?:\d{2,3}[ ,]{1,2}){11,2048}\d{2,3}(?!\d)")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-fA-F]{2,5}|[a-z]{2,8});")
_SPELLED = re.compile(r"(?<!\w)(?:\w[\W_]{1,3}){7,2048}\w(?!\w)")
# invisible, and nothing else, between two words
_UNSEEN_GAP = re.compile("(?<=\\w)[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+(?=\\w)")
# a word whose letters have one sign between them
_DOTTED = re.compile(r"(?<![^\W_])[^\W\d_](?:[-._*~|/+][^\W\d_]){3,40}(?![^\W_])")
_TOKEN = re.compile(r"[\w@$!|]{2,64}")
_RUN_ON = re.compile(r"[^\W\d_]{20,400}")
# a letter on either side of a sign that looks like one, or such a sign in front
_MIXED = re.compile(r"[a-z][0134578@$!|]+[a-z]|^[0134578@$][a-z]")
_LEET = str.maketrans("0134578@$!|", "oieastbasil")


def views(text: str, telling: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What `text` hides, each with the name of the way it does so; nothing for ordinary text.

    Whether letters are turned (ROT13) or written backwards is seen by `telling` only: words in lower case of which
    what is looked for has one.
    """
    if unseen := hidden(text):
        yield "invisible", unseen
    if _UNSEEN_GAP.search(text):
        yield "unseen_gap", _UNSEEN_GAP.sub(" ", text)
    if _DOTTED.search(text):
        yield "spelled", _DOTTED.sub(lambda found: re.sub(r"[\W_]", "", found[0]), text)
    yield from _runs("base64", _BASE64, text, _of_base64)
    yield from _runs("base32", _BASE32, text, _of_base32)
    yield from _runs("hex", _HEX, text, _of_hex)
    yield from _runs("binary", _BINARY, text, _of_binary)
    yield from _runs("decimal", _DECIMAL, text, _of_decimal)
    yield from _escapes(text)
    lower = text.lower()
    if any(codecs.encode(word, "rot13") in lower for word in telling):
        yield "rot13", codecs.encode(text, "rot13")
    if any(word[::-1] in lower for word in telling):
        yield "backwards", text[::-1]
    if sum(_MIXED.search(word) is not None for word in _TOKEN.findall(lower)) > _FEW:
        yield "leet", _TOKEN.sub(_of_leet, lower)


def compact(text: str) -> Iterator[str]:
    """Words that are spelled letter by letter, or run into one another: without anything between them."""
    for found in _SPELLED.findall(text)[:_MOST]:
        yield re.sub(r"[\W_]+", "", found)
    yield from _RUN_ON.findall(text)[:_MOST]


def _runs(
    name: str, pattern: re.Pattern[str], text: str, read: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    for found in pattern.findall(text)[:_MOST]:
        decoded = read(found)
        if _is_text(decoded):
            yield name, decoded


def _is_text(decoded: str) -> bool:
    if len(decoded) < _SHORTEST:
        return False
    shown = sum(letter.isalpha() or letter in " \n.,:;!?'\"" for letter in decoded)
    return shown >= 0.85 * len(decoded)


def _of_base64(run: str) -> str:
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    return _decoded(base64.b64decode(bare + "=" * (-len(bare) % 4)))


def _of_base32(run: str) -> str:
    bare = run.rstrip("=").upper()
    # what is left over of these lengths holds no whole byte
    bare = bare[: len(bare) - (len(bare) % 8 in (1, 3, 6))]
    return _decoded(base64.b32decode(bare + "=" * (-len(bare) % 8)))


def _decoded(octets: bytes) -> str:
    """UTF-8, or UTF-16 where every second byte is 0, as it is for Latin letters."""
    half = len(octets) // 2
    for codec, zeros in (("utf-16-le", octets[1::2]), ("utf-16-be", octets[::2])):
        if half and zeros.count(0) >= 0.9 * half:
            return octets.decode(codec, "ignore")
    return octets.decode("utf-8", "ignore")


def _of_hex(run: str) -> str:
    digits = re.sub(r"0x|\\x|[ ,:]", "", run)
    return _decoded(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _of_binary(run: str) -> str:
    bits = run.replace(" ", "")
    octets = (int(bits[start : start + 8], 2) for start in range(0, len(bits), 8))
    return bytes(octets).decode("utf-8", "ignore")


def _of_decimal(run: str) -> str:
    codes = [int(code) for code in re.findall(r"\d+", run)]
    return "".join(map(chr, codes)) if max(codes) < 128 else ""


def _escapes(text: str) -> Iterator[tuple[str, str]]:
    if len(_PERCENT.findall(text)) > 2:
        yield "url", urllib.parse.unquote_plus(text, errors="ignore")
    if _ENTITY.search(text):
        yield "html", html.unescape(text)
    if _ESCAPED.search(text):
        yield "unicode", _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _of_leet(found: re.Match[str]) -> str:
    word = found[0]
    return word.translate(_LEET) if any(letter.isalpha() for letter in word) else word
