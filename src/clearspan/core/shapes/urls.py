"""Addresses of pages: with a scheme, with `www.`, or bare under one of the usual endings."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["LONGEST", "urls"]

LONGEST = 320
"""So much of an address is looked at to know it for one, in characters; its path may be longer."""

_FULL = re.compile(
    r"(?<![A-Za-z0-9])(?:https?|ftps?|wss?)://(?P<host>[^\s/?#<>\"'`{}|\\^\[\]()]{1,253})[^\s<>\"'`{}|\\^\[\]\u201c\u201d]{0,2000}",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w@./:\\\-$])(?:www\.(?:[^\W_][\w\-]{0,62}\.){1,6}[^\W\d_]{2,24}"
    r"|(?:[a-zA-Z0-9][a-zA-Z0-9\-]{0,62}\.){1,5}(?:com|org|edu|gov|co\.uk|com\.[a-z]{2}|co\.[a-z]{2}"
    r"|(?<=\w{4}\.)(?<!self\.)(?:net|info|biz)|(?:io|dev|app|ai|de|fr|eu|info|uk|us|ch|nl|ca|it|es|jp|in|br|au)(?=/\w)))"
    r"(?::\d{2,5})?(?:/[^\s<>\"'`{}|\\^\[\]\u201c\u201d]{0,2000})?(?![\w@(])"
)
_SIGN = re.compile(r"\.(?:com|org|edu|gov|co|net|info|biz)\b|\.[a-z]{2,4}[:/]|www\.")
"""What there must be for a bare address: a quick look, before the long one."""
_LAST = re.compile(r"\.(?:[^\W\d_]{2,24}|xn--[\w\-]{2,59})\.?\Z")
_TAIL = ".,;:!?*_~'\"\u2026\u3002\uff0c"


def urls(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each address; those of this machine, and numbers instead of names, are none."""
    if "://" in text:
        for match in _FULL.finditer(text):
            if _named(match["host"]):
                yield match.start(), match.start() + len(_trimmed(match.group()))
    if _SIGN.search(text):
        for match in _BARE.finditer(text):
            yield match.start(), match.start() + len(_trimmed(match.group()))


def _named(host: str) -> bool:
    """Whether this is a public name: with a dot and an ending of letters."""
    name = host.rpartition("@")[2]
    name = name.partition(":")[0].rstrip(_TAIL)
    return _LAST.search(name) is not None


def _trimmed(found: str) -> str:
    """Without the sentence's own signs at the end."""
    while found[-1] in _TAIL or (found[-1] == ")" and found.count(")") > found.count("(")):
        found = found[:-1]
    return found
