"""What the words beside a row of digits say of it: that it is a telephone number, or a number of something else."""

from __future__ import annotations

import re

__all__ = ["AROUND", "Words"]

AROUND = 48
"""How far before a number its words are looked for, in characters."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words of a few languages that a telephone number follows, alone or with the word after them ("" is the number).
_YES = _set(
    """
    phone phones telephone telephones phonenumber tel cell cellphone cellular mobile handset landline fax
    facsimile whatsapp viber sms voicemail pager hotline helpline switchboard dial dialed dialled dialing
    dialling phoned phoning rang ring ringing desk reach reached reachable contact contacted telefon
    telefonnummer telefonnr telefonisch handy handynummer mobil mobilnummer rufnummer durchwahl portable
    téléphone téléphones telephonique teléfono telefono móvil movil celular telefone telemóvel cellulare
    telefoon puhelin gsm telefón komórka телефон тел моб
    """
)
_YES_PAIRS = frozenset(
    f"{first} {then}"
    for firsts, thens in (
        ("call calls called calling", "me us him her them you back on at to my our his your their"),
        ("call calling text texting", ""),
        ("text texted texting", "me us him her them to"),
        ("answer answers answered answering", "at on the"),
        ("pick picks picked picking", "up"),
        ("my his her their our your home work office direct emergency", "number no nr line"),
        ("appelez appeler llame llamar ligue chiamare bel", "moi le me al para nous mich"),
    )
    for first in firsts.split()
    for then in thens.split() or [""]
)
_NO = _set(
    """
    order orders invoice ticket tracking serial isbn issn reference ref case account acct iban card policy zip
    postal postcode passport licence license version build release date born year population price prices total
    amount cost costs usd eur euro euros dollar dollars id ids uuid pin code password port timestamp epoch score
    coordinate coordinates lat lon latitude longitude page pages isin sku ean upc part model batch lot row rows
    token tokens seed byte bytes room bin vat tax ssn
    """
)
_NO_PAIRS = frozenset(("tool call", "function call"))
_AT = frozenset(("at", "on", "under", "auf", "au", "al"))
_CALLS = _set("call calls called calling answer answers answering phone ring text anrufen")
_BESIDE = 2
_LABEL = re.compile(r"(?:^|[\s|,;(])[TPMF][:.] ?\Z")
_EASTERN = ("電話", "电话", "手机", "携帯", "전화")
_WORD = re.compile(r"[^\W\d_]+")
_SAID_AFTER = re.compile(
    r"\s{0,2}(?:\((?:mobile|cell|home|work|office|fax|phone|tel|landline|direct|m|h|w|c)\b"
    r"|(?:is|was) (?:my|his|her|the|their|our|your) (?:\w+ )?(?:phone|mobile|cell|fax|telephone|number)"
    r"|(?:phone|mobile|cell|fax|tel)\b)",
    re.IGNORECASE,
)


class Words:
    """What the words of a text say of the numbers in it, asked for from left to right: no word is read twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._read = 0
        self._cue: bool | None = None
        self._place = 0

    def say(self, start: int, end: int) -> bool | None:
        """That `start` to `end` is a telephone number, that it is something else, or nothing."""
        words = _WORD.findall(self._text[max(self._read, start - AROUND) : start].lower())
        self._read = start
        cue, beside = _cue(words)
        if cue is not None:
            self._cue, self._place = cue, start
        if _LABEL.search(self._text, max(0, start - 4), start):
            return True
        if self._cue is True and start - self._place <= AROUND:
            return True
        if beside:
            return False
        return True if _SAID_AFTER.match(self._text, end) else None


def _cue(words: list[str]) -> tuple[bool | None, bool]:
    """What the last word says that says something, and whether it says right before that it is something else.

    "Call Ann at" says it in two. A word for something else that stands farther off takes away what was said before.
    """
    if words and words[-1] in _AT and not _CALLS.isdisjoint(words[-7:]):
        return True, False
    then = ""
    for place in range(len(words) - 1, -1, -1):
        word = words[place]
        pair = f"{word} {then}"
        if word in _NO or f"{words[place - 1]} {word}" in _NO_PAIRS:
            return False, place >= len(words) - _BESIDE
        if word in _YES or pair in _YES_PAIRS or (not word.isascii() and word.endswith(_EASTERN)):
            return True, False
        then = word
    return None, False
