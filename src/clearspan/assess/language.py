"""Which language a text is in, by its script and its small words: no model, no library.

A guess is made only where the text is long enough and one language is clearly ahead.
"""

# ruff: noqa: RUF001 - other scripts and typographic quotes are the matter here

from __future__ import annotations

import bisect
import re
from collections import Counter
from typing import NamedTuple

from clearspan.assess.stopwords import LETTERS, STOP_WORDS
from clearspan.assess.text.words import LONGEST

__all__ = ["LANGUAGES", "Guess", "identify", "prose", "sentences", "unfenced"]

_FENCED = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`[^`\n]*`|https?://\S+|[\w.+-]{1,64}@[\w-]{1,63}\.\S{1,63}|</?\w[^<>\n]*>")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)\]]?\s+|(?<=[。！？])|\n+")
# Vowel signs of Arabic and Devanagari are letters of a word to a reader, and not to `\w`.
_LETTER = r"(?:[^\W\d_]|[\u064b-\u0652\u0900-\u0903\u093a-\u094f])"
_WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)*")

# (first, last, script); the gaps between them are of no script that is known here.
_RANGES = (
    (0x41, 0x24F, "Latin"), (0x370, 0x3FF, "Greek"), (0x400, 0x52F, "Cyrillic"), (0x531, 0x58F, "Armenian"),
    (0x590, 0x5FF, "Hebrew"), (0x600, 0x6FF, "Arabic"), (0x900, 0x97F, "Devanagari"), (0xA80, 0xAFF, "Gujarati"),
    (0xB80, 0xBFF, "Tamil"), (0xC00, 0xC7F, "Telugu"), (0xC80, 0xCFF, "Kannada"), (0xD00, 0xD7F, "Malayalam"),
    (0xD80, 0xDFF, "Sinhala"), (0xE00, 0xE7F, "Thai"), (0xE80, 0xEFF, "Lao"), (0x1000, 0x109F, "Myanmar"),
    (0x10A0, 0x10FF, "Georgian"), (0x1100, 0x11FF, "Hangul"), (0x1780, 0x17FF, "Khmer"), (0x1E00, 0x1EFF, "Latin"),
    (0x1F00, 0x1FFF, "Greek"), (0x3040, 0x30FF, "Kana"), (0x3400, 0x9FFF, "Han"), (0xAC00, 0xD7AF, "Hangul"),
)  # fmt: skip
_STARTS = [first for first, _, _ in _RANGES]

_BY_SCRIPT = {
    "Armenian": "hy", "Georgian": "ka", "Greek": "el", "Gujarati": "gu", "Han": "zh", "Hangul": "ko", "Hebrew": "he",
    "Kana": "ja", "Kannada": "kn", "Khmer": "km", "Lao": "lo", "Malayalam": "ml", "Myanmar": "my", "Sinhala": "si",
    "Tamil": "ta", "Telugu": "te", "Thai": "th",
}  # fmt: skip
_BY_WORDS = {"Cyrillic": ["ru", "uk", "bg", "sr"], "Arabic": ["ar", "fa"], "Devanagari": ["hi"]}
_ELSEWHERE = {code for codes in _BY_WORDS.values() for code in codes}
_BY_WORDS["Latin"] = [code for code in STOP_WORDS if code not in _ELSEWHERE]

LANGUAGES = frozenset(STOP_WORDS) | frozenset(_BY_SCRIPT.values())
"""The ISO 639-1 codes that can come out; `no` is Bokmål, `hr` also what is written alike in Bosnia and Serbia."""

_ENOUGH = 10_000
_MAJORITY = 0.6
_LETTERS = 4
_WORDS = 4
_DISTINCT = 2
_HITS = 2
_SHARE = 0.12
_AHEAD = 1.2


class Guess(NamedTuple):
    """A language and how much spoke for it: the share of letters of its script, or of its small words."""

    code: str
    share: float


def sentences(text: str) -> list[str]:
    """The sentences of a text: what ends in a full stop, question or exclamation mark, or with its line."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def unfenced(text: str) -> str:
    """`text` without its fenced blocks of code."""
    return _FENCED.sub(" ", text)


def prose(text: str) -> str:
    """`text` without code, markup and addresses, which are in no language."""
    return _QUOTED.sub(" ", unfenced(text[:LONGEST]))


def identify(text: str) -> Guess | None:
    """The language of most of `text`; `None` where it is too short, too mixed, or none that is known here."""
    plain = prose(text[:_ENOUGH])
    scripts = Counter(script for char in plain if (script := _script(char)))
    total = scripts.total()
    if total < _LETTERS:
        return None
    if (east := _east_asian(scripts, total)) is not None:
        return east
    script, letters = scripts.most_common(1)[0]
    if letters < _MAJORITY * total:
        return None
    if script in _BY_SCRIPT:
        return Guess(_BY_SCRIPT[script], letters / total)
    return _by_words(plain, _BY_WORDS[script])


def _script(char: str) -> str | None:
    if not char.isalpha():
        return None
    place = ord(char)
    first, last, script = _RANGES[max(0, bisect.bisect_right(_STARTS, place) - 1)]
    return script if first <= place <= last else None


def _east_asian(scripts: Counter[str], total: int) -> Guess | None:
    """Japanese mixes kana with Chinese characters; a few kana in them are enough to tell."""
    kana, han = scripts["Kana"], scripts["Han"]
    # A character of these says what several letters say: a third of all is a text in it.
    if 3 * (kana + han) < total or kana + han < _LETTERS:
        return None
    return Guess("ja" if kana > 0.1 * (kana + han) else "zh", (kana + han) / total)


def _by_words(text: str, codes: list[str]) -> Guess | None:
    words = [word.replace("’", "'") for word in _WORD.findall(text.lower())]
    if len(words) < _WORDS:
        return None
    marks = Counter(text.lower())
    scores = sorted((_Tally.of(words, marks, code) for code in codes), reverse=True)
    best, second = scores[0], scores[1] if len(scores) > 1 else _Tally(0.0, 0, 0, "")
    share = best.hits / len(words)
    evidence = best.score * len(words)
    if (
        best.distinct < _DISTINCT
        or evidence < _HITS
        or best.score < max(_SHARE, _AHEAD * second.score)
    ):
        return None
    return Guess(best.code, share)


class _Tally(NamedTuple):
    """What speaks for one language, by the word."""

    score: float
    distinct: int
    hits: int
    code: str

    @classmethod
    def of(cls, words: list[str], marks: Counter[str], code: str) -> _Tally:
        own = STOP_WORDS[code]
        found = [word for word in words if word in own]
        letters = sum(marks[letter] for letter in LETTERS.get(code, ""))
        # Single letters are often no words: they weigh half, and so do letters that are a language's own.
        weight = sum(min(len(word), 2) / 2 for word in found) + 0.5 * min(letters, len(words) / 2)
        distinct = len(set(found)) + (letters > 0)
        return cls(weight / len(words), distinct, len(found), code)
