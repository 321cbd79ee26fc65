"""Whether an answer has the form that was asked for: a list, verse, code, a calculation, a tweet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

__all__ = ["agreement"]

_ITEM = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[-*•\u2013])[ \t]*\S", re.MULTILINE)
_MANY = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|several|some|different|various|list|lists|top|few|\d{1,3})\b"
    r"[^.?!\n]{0,80}s\b"
)
_CODE = re.compile(
    r"```|\b(?:def|return|import|class|var|const|public|void|select .{1,80} from)\b ?|[{};]\s*$|</\w",
    re.MULTILINE,
)


def agreement(question: str, answer: str) -> float:
    """How far the forms that the question asks for and those of the answer agree: -1 to 1, 0 where no form is told.

    A form that is asked for and there speaks for the answer; one that is there unasked, or asked for and
    not there, against it.
    """
    asked = question.lower()
    told = 0.0
    for form, shown in _SHOWN.items():
        wanted, there = bool(_ASKED[form].search(asked)), shown(answer)
        if wanted and there:
            told += 1.0
        elif there:
            told -= 1.0
        elif wanted:
            told -= 0.5
    return max(-1.0, min(1.0, told))


def _list(answer: str) -> bool:
    return len(_ITEM.findall(answer)) >= 2


def _verse(answer: str) -> bool:
    lines = [line for line in answer.splitlines() if line.strip()]
    short = [line for line in lines if len(line) <= 60 and not _ITEM.match(line)]
    return len(lines) >= 4 and len(short) >= 0.8 * len(lines) and not _CODE.search(answer)


def _code(answer: str) -> bool:
    return bool(_CODE.search(answer.lower()))


def _tags(answer: str) -> bool:
    return bool(re.search(r"(?:^|\s)#[A-Za-z]\w+", answer))


_SHOWN: Mapping[str, Callable[[str], bool]] = {
    "list": _list,
    "verse": _verse,
    "code": _code,
    "tags": _tags,
}
_ASKED: Mapping[str, re.Pattern[str]] = {
    "list": _MANY,
    "verse": re.compile(
        r"\b(?:poem|poetry|limerick|haiku|sonnet|verses?|rhymes?|song|lyrics|acrostic|rap|stanza)\b"
    ),
    "code": re.compile(
        r"\b(?:code|function|program|script|sql|html|css|python|java|javascript|c\+\+|regex|query|algorithm|class)\b"
    ),
    "tags": re.compile(r"\b(?:tweet|hashtags?|instagram|social media|caption|post)\b"),
}
