"""Addresses of pages: with a scheme, with `www.`, or bare under one of the usual endings."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["LONGEST", "urls"]

LONGEST = 320
"""So much of an address is looked at to know it for one, in characters; its path may be longer."""

# Endings of countries, and some general ones, that are no words, no files' endings and no usual names of attributes.
_LANDS = (
    "co|io|ai|uk|de|fr|nl|ch|se|dk|fi|eu|ru|ca|jp|br|au|nz|za|ie|gr|cz|hu|pt|ro|bg|hr|sk|lt|lv|ee|lu|li|tv|cn|kr|tw|hk|sg|mx"
    "|cl|pe|il|tr|ua|ae|kz|shop|online|blog|travel|museum|xyz"
)
_FULL = re.compile(
    r"(?<![A-Za-z0-9])(?:https?|ftps?|wss?)://(?P<host>[^\s/?#<>\"'`{}|\\^\[\]()]{1,253})[^\s<>\"'`{}|\\^\[\]\u201c\u201d]{0,2000}",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w@./:\\\-$])(?:www\.(?:[^\W_][\w\-]{0,62}\.){1,6}[^\W\d_]{2,24}"
    r"|(?:[a-zA-Z0-9][a-zA-Z0-9\-]{0,62}\.){1,5}(?:com\.[a-z]{2}|co\.[a-z]{2}|com|org|edu|gov|biz"
    r"|(?<=\w{4}\.)(?<!self\.)(?:net|info)"
    rf"|(?<=\w{{3}}\.)(?<!java\.)(?<!scipy\.)(?:{_LANDS})(?!\.\w)"
    r"|(?P<word>it|at|be|no|us|me|to|is|in|es|my|am|pl|app|dev|site|store|cloud)(?!\.\w)))"
    r"(?::\d{2,5})?(?:/[^\s<>\"'`{}|\\^\[\]\u201c\u201d]{0,2000})?(?![\w@(])"
)
_SIGN = re.compile(
    rf"\.(?:com|org|edu|gov|net|info|biz|{_LANDS})\b|\.[a-z]{{2,5}}(?:[.,;)]?\s|[.,;)]?\Z)|\.[a-z]{{2,4}}[:/]|www\."
)
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
            if match["word"] is not None and not _meant(text, match):
                continue
            yield match.start(), match.start() + len(_trimmed(match.group()))


_NAMES = frozenset(("pl", "app", "dev", "site", "store", "cloud"))
"""Endings of files and attributes, too: only what somebody says of them tells."""
_BUILT = re.compile(r"[a-z][A-Z]|[\d\-]")
_SITE = re.compile(r"\b(?:(?:web)?site|(?:home)?page|shop|visit|domain|url|web|link|blog|go to)\b[^.\n]{0,12}\Z", re.IGNORECASE)  # fmt: skip


def _meant(text: str, match: re.Match[str]) -> bool:
    """Whether a name under an ending that is a word, too, is an address: so it is built, or somebody says so."""
    found = match.group()
    if "/" in found:
        return True
    built = found == text.strip() or _BUILT.search(found, 0, match.start("word") - match.start())
    if built and match["word"] not in _NAMES:
        return True
    return _SITE.search(text[max(0, match.start() - 32) : match.start()]) is not None


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
