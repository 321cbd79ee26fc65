"""Rubric: an evaluator that asks a judge, by a criterion and labels that say what they mean."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from clearspan.assess.evaluator import Evaluator, Subject, missing
from clearspan.assess.judge import defaults, material, votes
from clearspan.assess.judge.cache import key_of
from clearspan.assess.judge.canary import Canaries
from clearspan.assess.judge.client import Judge, Where
from clearspan.assess.judge.failure import JudgeFailure, Unjudged
from clearspan.assess.judge.prompt import DATA, Example, ask
from clearspan.assess.judge.reply import Reply
from clearspan.assess.judge.schema import UNKNOWN, Shape, verdict
from clearspan.assess.judge.tally import Tally
from clearspan.assess.judge.verdict import Verdict
from clearspan.assess.judge.weighting import expected, probabilities
from clearspan.score import Direction, Score

__all__ = ["Labels", "Rubric"]

Labels: TypeAlias = Mapping[str, "float | tuple[float, str]"]
"""What each label is worth, 0 to 1; or that, and what it means."""

_log = logging.getLogger("clearspan")
_RULES = (
    "Judge only by the criterion. Length, style, politeness and confidence are no merit by themselves.",
    DATA,
)
_UNSURE = f'If the material does not allow a verdict, the label is "{UNKNOWN}"; do not guess.'


class Rubric(Evaluator):
    """Asks `judge` which of `labels` fits a call, by `criterion`; the value is what that label is worth.

    The judge sees the texts named in `shows` (of `material.TEXTS`) and is told: the criterion, the labels with what they
    mean, `steps` to take, `examples`. It gives its reasons first, then quotes, then the label; with `scale` a whole number
    after it, which is the value then. Where the server gives the probabilities of tokens, the value is the mean over
    labels (G-Eval, Liu et al. 2023), and the label's own is in the metadata as `raw`. Near the `threshold` (within `margin`)
    it is asked `votes` times, and the majority holds. With `unknown` the judge may say that it cannot tell:
    the score is skipped then.

    `canaries` are texts of known bad cases, of which one is judged in `1 / canary_rate` calls. Without `judge` it is the one
    that `CLEARSPAN_JUDGE` names; without that, every call is skipped as `no_judge`. Whatever goes wrong is an error or a
    reason to skip, never a number.

    Raises `ValueError` for an option that cannot be.
    """

    kind = "llm"
    threshold: float | None = 0.5
    timeout = 180.0
    concurrency = 2
    criterion: str = ""
    labels: Labels = MappingProxyType({})
    shows: tuple[str, ...] = ("question", "answer")
    examples: tuple[Example, ...] = ()
    steps: tuple[str, ...] = ()
    order: str = (
        "First reason briefly, then quote the passages that decide it, then give the label."
    )
    scale: tuple[int, int] | None = None
    unknown: bool = True
    canaries: tuple[Mapping[str, str], ...] = ()

    def __init__(
        self,
        *,
        judge: Judge | Where | None = None,
        criterion: str | None = None,
        labels: Labels | None = None,
        shows: Iterable[str] | None = None,
        examples: Iterable[Example] | None = None,
        steps: Iterable[str] | None = None,
        scale: tuple[int, int] | None = None,
        unknown: bool | None = None,
        direction: Direction | None = None,
        votes: int = 3,
        margin: float = 0.1,
        canaries: Iterable[Mapping[str, str]] | None = None,
        canary_rate: float = 0.01,
        **options: Any,
    ) -> None:
        given = {
            "criterion": criterion, "labels": labels, "shows": _tuple(shows), "examples": _tuple(examples),
            "steps": _tuple(steps), "scale": scale, "unknown": unknown, "direction": direction,
            "canaries": _tuple(canaries),
        }  # fmt: skip
        for option, value in given.items():
            if value is not None:
                setattr(self, option, value)
        super().__init__(**options)
        self._judge = defaults.made(judge)
        self._votes, self._margin = votes, margin
        self._check(votes, margin)
        self.known_bad = Canaries(self.name, self.canaries, canary_rate)
        self._system = self.system()
        self._print = _fingerprint(self._system, self.shape())
        self.version = self._print
        self._warned: set[str] = set()

    @property
    def values(self) -> dict[str, float]:
        """What each label is worth."""
        return {
            label: float(worth[0] if isinstance(worth, tuple) else worth)
            for label, worth in self.labels.items()
        }

    def shape(self) -> Shape:
        """The fields that the judge answers with."""
        choices = (*self.labels, UNKNOWN) if self.unknown else tuple(self.labels)
        return verdict(choices, self.scale)

    def meanings(self) -> list[str]:
        """What the labels say, a line each."""
        told = [
            f'- "{label}": {worth[1]}' if isinstance(worth, tuple) else f'- "{label}"'
            for label, worth in self.labels.items()
        ]
        return ["Labels:", *told]

    def system(self) -> str:
        """What the judge is told, the same for every call."""
        shape = self.shape()
        steps = [f"{number}. {step}" for number, step in enumerate(self.steps, 1)]
        parts = [
            f"You are a strict and fair judge. Criterion: {self.criterion}",
            "\n".join(self.meanings()),
            "\n".join(["Steps:", *steps]) if steps else "",
            _scaled(self.scale),
            "\n".join([*_RULES, self.order, *([_UNSURE] if self.unknown else [])]),
            "\n\n".join(example.shown(shape) for example in self.examples),
            f"Answer with one JSON object with the fields {', '.join(name for name, _, _ in shape.fields)}, in this order.",
        ]
        return "\n\n".join(part for part in parts if part)

    def texts(self, call: Subject) -> dict[str, str]:
        """What the judge sees of a call, by name."""
        return material.texts(call, self.shows)

    def evaluate(self, call: Any) -> Score:
        """The judge's verdict on a call."""
        tally = Tally()
        lacking = missing(self, call)
        if lacking is not None:
            return Score(skipped=f"missing:{lacking}")
        try:
            judge = self._judge or defaults.current()
            if judge is None:
                return Score(skipped="no_judge")
            self.version = f"{self._print}:{judge.model}"
            score = self._kept(judge, self.texts(call), tally)
        except JudgeFailure as failure:
            return self._none(tally, error=failure.type, explanation=str(failure))
        except Unjudged as reason:
            return self._none(tally, skipped=reason.reason, details=reason.details)
        except ValueError as error:
            return self._none(tally, error="judge_setting", explanation=str(error))
        if self._is_own(judge, call):
            return dataclasses.replace(score, metadata={**score.metadata, "self_judged": True})
        return score

    def judged(self, judge: Judge, texts: Mapping[str, str], tally: Tally) -> Verdict:
        """One verdict, or that of several votes."""
        first, cut = self._vote(judge, texts, tally, 0)
        given = [first]
        if self._votes > 1 and votes.close(first, self.threshold, self._margin):
            given += [self._vote(judge, texts, tally, n)[0] for n in range(1, self._votes)]
        decided = votes.decided(given)
        return decided.noting(cut_characters=cut) if cut else decided

    def read(self, fields: Mapping[str, Any], reply: Reply) -> Verdict:
        """The verdict that the fields of an answer are."""
        label = str(fields["label"])
        worth = self.values
        if label == UNKNOWN and label not in worth:
            raise Unjudged("judge_unknown")
        raw, field, said = worth[label], "label", label
        if self.scale is not None:
            low, high = self.scale
            raw, field, said = (fields["score"] - low) / (high - low), "score", str(fields["score"])
            worth = {str(n): (n - low) / (high - low) for n in range(low, high + 1)}
        likely = probabilities(reply.tokens, field, [*worth, UNKNOWN], said)
        value = expected(likely, worth) if likely is not None else None
        verdict = Verdict(raw if value is None else value, label, _explained(fields))
        if value is None or likely is None:
            return verdict
        return verdict.noting(
            raw=raw, probabilities={name: round(p, 4) for name, p in likely.items()}
        )

    def _vote(
        self, judge: Judge, texts: Mapping[str, str], tally: Tally, number: int
    ) -> tuple[Verdict, int]:
        prepared = ask(self._system, texts, judge.limit)
        knobs = votes.knobs(judge.knobs, number)
        fields, reply = judge.ask(prepared.messages, self.shape(), tally, knobs)
        try:
            return self.read(fields, reply), prepared.cut
        except Unjudged:
            if not number:
                raise
            return votes.ABSTAINED, prepared.cut

    def _kept(self, judge: Judge, texts: Mapping[str, str], tally: Tally) -> Score:
        """The verdict from before, or a new one."""
        if not texts:
            raise Unjudged("nothing_to_judge")
        key = key_of(self.version, texts)
        known = judge.cache.get(key)
        if known is not None:
            return dataclasses.replace(known, metadata={**known.metadata, "cached": True})
        self._test(judge, tally)
        decided = self.judged(judge, texts, tally)
        score = Score(
            value=decided.value, label=decided.label, passed=decided.passed, explanation=decided.explanation,
            metadata=dict(decided.notes) | {"judge_model": judge.model}, version=self.version,
        )  # fmt: skip
        judge.cache.put(key, score)
        return dataclasses.replace(
            score, cost=tally.usd, metadata={**score.metadata, **tally.told()}
        )

    def _test(self, judge: Judge, tally: Tally) -> None:
        """A known bad case first, where one is due."""
        case = self.known_bad.due()
        if case is not None:
            try:
                value = self.judged(judge, case, tally).value
            except (JudgeFailure, Unjudged) as error:
                _log.debug("clearspan: %s: no verdict on a known bad case: %s", self.name, error)
            else:
                self.known_bad.judged(found_bad=not self._good(value))
        if not self.known_bad.trusted:
            raise JudgeFailure("judge_untrusted", "the judge found known bad cases good")

    def _good(self, value: float) -> bool:
        limit = 0.5 if self.threshold is None else self.threshold
        return value < limit if self.direction == "minimize" else value >= limit

    def _none(
        self,
        tally: Tally,
        *,
        error: str | None = None,
        skipped: str | None = None,
        explanation: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> Score:
        return Score(
            error=error, skipped=skipped, explanation=explanation, cost=tally.usd, version=self.version,
            metadata={**(details or {}), **tally.told()},
        )  # fmt: skip

    def _is_own(self, judge: Judge, call: Subject) -> bool:
        """Whether the judge judges its own work, which it likes too much; said once for each model."""
        own = judge.model.casefold() in material.models(call)
        if own and judge.model not in self._warned:
            self._warned.add(judge.model)
            _log.warning("clearspan: %s: the judge %s judges its own answers; another family's judge is less partial", self.name, judge.model)  # fmt: skip
        return own

    def _check(self, votes: int, margin: float) -> None:
        said = f"clearspan: evaluator {self.name!r}:"
        if not self.criterion.strip():
            raise ValueError(f"{said} criterion is what is judged, in a sentence or two")
        if unknown := set(self.shows) - set(material.TEXTS):
            raise ValueError(f"{said} shows {', '.join(sorted(unknown))}, which is none of {', '.join(material.TEXTS)}")  # fmt: skip
        if len(self.labels) < 2 or not all(0 <= value <= 1 for value in self.values.values()):
            raise ValueError(f"{said} labels are two or more, each worth 0 to 1, not {dict(self.labels)!r}")  # fmt: skip
        if self.scale is not None and not self.scale[0] < self.scale[1] <= self.scale[0] + 9:
            raise ValueError(f"{said} scale is (lowest, highest), ten numbers at most, not {self.scale!r}")  # fmt: skip
        if votes < 1 or not votes % 2:
            raise ValueError(f"{said} votes must be an odd number, not {votes!r}")
        if not 0 <= margin <= 1:
            raise ValueError(f"{said} margin must be 0 to 1, not {margin!r}")
        self._check_examples(said)

    def _check_examples(self, said: str) -> None:
        """An example that answers otherwise than it is asked for would teach the judge to do so."""
        for example in self.examples:
            try:
                example.verdict(self.shape())
            except ValueError as error:
                raise ValueError(f"{said} an example's verdict does not fit: {error}") from None


def _tuple(given: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if given is None else tuple(given)


def _scaled(scale: tuple[int, int] | None) -> str:
    if scale is None:
        return ""
    return f'The field "score" is a whole number from {scale[0]} (worst) to {scale[1]} (best), in line with the label.'


def _fingerprint(system: str, shape: Shape) -> str:
    written = system + json.dumps(shape.json())
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _explained(fields: Mapping[str, Any]) -> str | None:
    """The judge's reasons and what it quotes."""
    quoted = [f'"{quote}"' for quote in fields.get("evidence", ()) if quote]
    evidence = f"Evidence: {'; '.join(quoted)}" if quoted else ""
    return "\n".join(part for part in (fields.get("reasoning", ""), evidence) if part) or None
