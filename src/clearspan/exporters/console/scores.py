"""Scores in a few words, for a tree or a line: what was judged, how it came out, who judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from clearspan.exporters.console.facts import clean

__all__ = ["Remark", "ScoreView", "remarks", "share_passed"]

_JUDGES: Final = {"llm": "judge", "human": "human"}
_ACTIONS: Final = {
    "block": ("blocked", "red"),
    "redact": ("redacted", "yellow"),
    "warn": ("warned", "yellow"),
    "allow": ("allowed", "dim"),
}
_LONGEST_WORD: Final = 40


class ScoreView(Protocol):
    """What needs to be known of a score to tell of it."""

    @property
    def name(self) -> str:
        """What was asked."""
        ...

    @property
    def value(self) -> int | float | None:
        """How much of it there is."""
        ...

    @property
    def label(self) -> str | None:
        """The answer in a word."""
        ...

    @property
    def passed(self) -> bool | None:
        """Whether that is good enough."""
        ...

    @property
    def kind(self) -> str | None:
        """`code`, `llm` or `human`."""
        ...

    @property
    def error(self) -> str | None:
        """Why there is no answer."""
        ...

    @property
    def skipped(self) -> str | None:
        """Why nobody asked."""
        ...

    @property
    def guard_action(self) -> str | None:
        """What a guard did about it: `allow`, `block`, `redact` or `warn`."""
        ...


class Remark(NamedTuple):
    """A score in a few words, and how they are coloured."""

    text: str
    style: str


def remarks(scores: Iterable[ScoreView], *, plain: bool = False) -> list[Remark]:
    """Each score as `✓ relevance 0.82 (judge)`, what a guard did as `guard secrets: redacted`; skipped ones at the end.

    `plain` is for terminals that have ASCII only: `+` passed and `x` did not. What neither passed nor failed has no mark.
    """
    given = list(scores)
    told = [_remark(score, plain=plain) for score in given if score.skipped is None]
    skipped = dict.fromkeys(_short(score.name) for score in given if score.skipped is not None)
    return told + ([Remark(f"skipped {', '.join(skipped)}", "dim")] if skipped else [])


def share_passed(scores: Iterable[ScoreView]) -> tuple[int, int]:
    """How many passed, of how many that did or did not. What guards say is no such score."""
    known = [
        score.passed for score in scores if score.passed is not None and score.guard_action is None
    ]
    return sum(known), len(known)


def _remark(score: ScoreView, *, plain: bool) -> Remark:
    if score.guard_action is not None:
        return _stepped_in(score, score.guard_action)
    judge = _JUDGES.get(score.kind or "")
    by: Sequence[str] = (f"({judge})",) if judge else ()
    if score.error is not None:
        return Remark(" ".join((_short(score.name), "error", _short(score.error), *by)), "yellow")
    marks = ("x", "+") if plain else ("✗", "✓")
    mark = () if score.passed is None else (marks[score.passed],)
    value = () if score.value is None else (_value(score.value),)
    label = (_short(score.label),) if score.label else ()
    style = {True: "green", False: "red", None: "dim"}[score.passed]
    return Remark(" ".join((*mark, _short(score.name), *value, *label, *by)), style)


def _stepped_in(score: ScoreView, action: str) -> Remark:
    did, style = _ACTIONS.get(action, (_short(action), "dim"))
    why = "" if score.error is None else f" ({_short(score.error)})"
    return Remark(f"guard {_short(score.name)}: {did}{why}", style if not why else "yellow")


def _value(value: float) -> str:
    if value == 0 or value == int(value):
        return f"{value:,.0f}"
    # Two decimals, more only where they would say 0 or 1 of what is neither.
    short = f"{value:.2f}"
    return f"{value:.3g}" if float(short) == int(float(short)) else short


def _short(text: str) -> str:
    return clean(text if len(text) <= _LONGEST_WORD else f"{text[: _LONGEST_WORD - 3]}...")
