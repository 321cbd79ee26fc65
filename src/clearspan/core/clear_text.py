"""Text as its reader sees it: what is invisible is taken out, what looks like a letter becomes that letter.

Whoever hides words from a filter leaves them readable for a model: zero-width characters between letters, letters
of another alphabet that look the same, the invisible tag characters of Unicode (U+E0000), full-width forms.
After this they are plain words again (Unicode Standard Annex 15, Technical Standard 39).
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["alike", "clear", "folded", "hidden"]

_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SELECTORS = re.compile("[\U000e0100-\U000e01ef]+")
# soft hyphen, joiners, direction marks, byte order mark, tags' frame, variation selectors
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f]+"
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z]")
_FOREIGN = re.compile("[\u0250-\u02af\u0370-\u058f\u1d00-\u1d7f]")
_PHONETIC = re.compile("[\u0262\u0274\u0280\u028f\u0299\u029c\u029f\u026a\u1d00-\u1d22]")
_ALIKE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u044c\u0442\u043a\u043c\u043d\u0432\u0433\u04cf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405"
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03b7\u03c9"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u0251\u0261\u026a\u0274\u0280\u028f\u1d00\u1d04\u1d05\u1d07\u1d0a\u1d0b\u1d0d\u1d0f\u1d18\u1d1b\u1d1c\u1d20\u1d21\u1d22\u029c\u029f\u0299\u0262\u0578\u057d\u0585\u0570",
    "aeopcyxijshdqwbtkmhbrl"
    "ABEKMHOPCTXYIJS"
    "aeikvoptuxcnw"
    "ABEZHIKMNOPTYX"
    "aginryacdejkmoptuvwzhlbgnuoh",
)  # fmt: skip


def clear(text: str) -> str:
    """`text` in compatibility form (NFKC), without invisible characters, its look-alikes as Latin letters.

    Words of an alphabet of their own stay what they are: only a word that mixes alphabets is folded, or one that is
    nothing but look-alikes among Latin words.
    """
    if text.isascii():
        return text
    shown = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    if not _FOREIGN.search(shown):
        return shown
    # small capitals and the like are of the Latin alphabet, and always stand for its plain letters
    shown = _PHONETIC.sub(lambda found: found[0].translate(_ALIKE), shown)
    latin = len(_LATIN.findall(shown)) * 2 > len(_WORD.findall(shown))
    return _WORD.sub(lambda found: _fold(found[0]) if latin or _LATIN.search(found[0]) else found[0], shown)  # fmt: skip


def _fold(word: str) -> str:
    folded = word.translate(_ALIKE)
    return word if _FOREIGN.search(folded) else folded


def alike(letter: str) -> str:
    """One character as the letter that it looks like, whatever stands around it; nothing for one that nobody sees."""
    tagged = ord(letter) - 0xE0000
    if 0x20 <= tagged < 0x7F:
        return chr(tagged)
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", letter)).translate(_ALIKE)


def folded(text: str) -> str:
    """`text` in lower case without accents, for comparing."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)


def hidden(text: str) -> str:
    """What invisible characters spell: tag characters as ASCII, variation selectors as the bytes they stand for."""
    if text.isascii():
        return ""
    tags = "".join(chr(ord(letter) - 0xE0000) for run in _TAGS.findall(text) for letter in run)
    octets = bytes(ord(letter) - 0xE0100 + 16 for run in _SELECTORS.findall(text) for letter in run)
    return " ".join(filter(None, (tags, octets.decode("utf-8", "ignore"))))
