"""Judges of what an answer rests on: the documents that it was given, or what is known to be true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.failure import Unjudged
from clearspan.assess.judge.prompt import DATA, Example, ask
from clearspan.assess.judge.reply import Reply
from clearspan.assess.judge.rubric import Rubric
from clearspan.assess.judge.schema import UNKNOWN, Shape, labels, quotes, text
from clearspan.assess.judge.tally import Tally
from clearspan.assess.judge.verdict import Verdict

__all__ = ["Faithfulness", "Hallucination"]

_NOTHING = "nothing_claimed"
_MOST = 20
_EXTRACT = (
    "List every claim of fact that the answer makes: short, each complete in itself, none twice. "
    "Leave out questions, greetings, opinions, and what only repeats the question.\n\n"
    f"{DATA}\n\n"
    'Answer with one JSON object with the field "claims".'
)
_VERIFY = (
    'For each numbered claim: do the documents support it? "yes": they say it, or it follows from them. '
    '"no": they contradict it, or do not say it, however true it is.\n\n'
    f"{DATA}\n\n"
    'Answer with one JSON object with the fields "reasoning" and "verdicts", one verdict for each claim in order.'
)


class Faithfulness(Rubric):
    """The share of the answer's claims that its documents support (0 to 1).

    With `calls=1` the judge lists supported and unsupported claims in one answer; with `calls=2` it first
    lists the claims without seeing the documents, then judges each, which is dearer and steadier. An answer
    that claims nothing is skipped as `no_claims`. Raises `ValueError` for other numbers of calls.
    """

    name = "judge_faithfulness"
    threshold: float | None = 0.8
    requires = frozenset({"output", "context"})
    shows = ("question", "answer", "documents")
    criterion = (
        "Does every claim of fact in the answer rest on the documents? A claim that they contradict or do not make "
        "is unsupported, however true it may be."
    )
    labels = {  # noqa: RUF012 -- read only
        "faithful": (1.0, "the documents support every claim"),
        "partly": (0.5, "they support some claims and others not"),
        "unfaithful": (0.0, "they support no claim that matters"),
        _NOTHING: (1.0, "the answer makes no claim of fact, such as a refusal"),
    }
    examples = (
        Example(
            {"documents": "The library opens at nine.", "answer": "It opens at nine and has a café."},
            "The documents give the hour, and say nothing of a café.", "partly",
            lists={"supported": ["It opens at nine."], "unsupported": ["It has a café."]},
        ),
    )  # fmt: skip
    order = (
        "First reason briefly, then list the claims that the documents support and those that they do not, "
        "then give the label."
    )
    canaries = (
        {
            "question": "When was the mill built?",
            "answer": "The mill was built in 1912 by Anna Berg and burned down twice.",
            "documents": "The mill stands by the river. Its wheel turns in spring only.",
        },
    )

    def __init__(self, *, calls: int = 1, **options: Any) -> None:
        if calls not in (1, 2):
            raise ValueError(f"clearspan: evaluator {self.name!r}: calls must be 1 or 2, not {calls!r}")  # fmt: skip
        self._calls = calls
        super().__init__(**options)

    def shape(self) -> Shape:
        """Reasoning, the claims of both kinds, the label."""
        lists = quotes("supported", _MOST, needed=True), quotes("unsupported", _MOST, needed=True)
        choices = (*self.labels, UNKNOWN) if self.unknown else tuple(self.labels)
        return Shape((text("reasoning"), *lists, labels("label", choices)), _contradiction)

    def system(self) -> str:
        """What the judge is told; what the second way tells is part of it, so that its version tells the two apart."""
        return super().system() if self._calls == 1 else f"{_EXTRACT}\n\n{_VERIFY}"

    def read(self, fields: Mapping[str, Any], reply: Reply) -> Verdict:
        """The share of supported claims; of an answer without a list, what the label is worth."""
        label, (good, bad) = fields["label"], _listed(fields)
        if label == UNKNOWN:
            raise Unjudged("judge_unknown")
        if label == _NOTHING:
            raise Unjudged("no_claims")
        if not good and not bad:
            return Verdict(self.values[label], label, fields["reasoning"]).noting(claims=0)
        return _shared(len(good), bad, fields["reasoning"])

    def judged(self, judge: Judge, texts: Mapping[str, str], tally: Tally) -> Verdict:
        """In one call, or in two."""
        if self._calls == 1:
            return super().judged(judge, texts, tally)
        stated = {name: texts[name] for name in ("question", "answer") if name in texts}
        listing = Shape((quotes("claims", _MOST, needed=True),))
        asked = ask(_EXTRACT, stated, judge.limit)
        claims = [claim for claim in judge.ask(asked.messages, listing, tally)[0]["claims"] if claim.strip()]  # fmt: skip
        if not claims:
            raise Unjudged("no_claims")
        return self._verified(judge, texts["documents"], claims[:_MOST], tally)

    def _verified(
        self, judge: Judge, documents: str, claims: Sequence[str], tally: Tally
    ) -> Verdict:
        numbered = "\n".join(f"{number}. {claim}" for number, claim in enumerate(claims, 1))
        asked = ask(_VERIFY, {"documents": documents, "claims": numbered}, judge.limit)
        answer, _ = judge.ask(asked.messages, _verdicts(len(claims)), tally)
        said = answer["verdicts"][: len(claims)]
        bad = [claim for claim, word in zip(claims, said, strict=True) if word == "no"]
        good = said.count("yes")
        if not good and not bad:
            raise Unjudged("judge_unknown")
        return _shared(good, bad, answer["reasoning"])


class Hallucination(Rubric):
    """Whether the answer makes things up: against its documents or reference where there are such, else against what is known.

    A risk: 1 is an answer that was made up, and less is better. Without documents and reference it is only as
    good as the judge's own knowledge.
    """

    name = "judge_hallucination"
    direction = "minimize"
    requires = frozenset({"output"})
    shows = ("question", "answer", "documents", "reference")
    criterion = (
        "Does the answer state as fact what is made up? Where documents or a reference are given, what contradicts them is made "
        "up, and so are names, numbers, quotations and sources that they do not hold. Else go by what you know for "
        "certain. Opinions, examples marked as such, and honest doubt are nothing made up."
    )
    labels = {  # noqa: RUF012 -- read only
        "none": (0.0, "nothing is made up"),
        "minor": (0.5, "a detail that does not matter is not backed"),
        "made_up": (1.0, "something that matters is made up or contradicts what is given"),
    }
    examples = (
        Example(
            {"question": "Who founded it?", "answer": "I could not find who founded it.", "documents": "Founded in 1950."},
            "It says that it does not know, which is honest.", "none", lists={"evidence": ["I could not find who founded it."]},
        ),
        Example(
            {"question": "When was it founded?", "answer": "In 1950, by Ada Quist.", "documents": "Founded in 1950."},
            "The year is given, the founder is not in the documents.", "made_up", lists={"evidence": ["by Ada Quist"]},
        ),
    )  # fmt: skip
    canaries = (
        {
            "question": "How high is the tower?",
            "answer": "The tower is 512 metres high, says Professor Lindqvist.",
            "documents": "The tower is 87 metres high.",
        },
    )


def _verdicts(number: int) -> Shape:
    """One word for each claim."""
    item = {"type": "string", "enum": ["yes", "no", UNKNOWN]}
    kind = {"type": "array", "items": item, "minItems": number, "maxItems": number}
    return Shape((text("reasoning"), ("verdicts", kind, True)))


def _listed(fields: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The claims that are supported, and those that are not; a blank text claims nothing."""
    good, bad = (
        [claim for claim in fields[name] if claim.strip()] for name in ("supported", "unsupported")
    )
    return good, bad


def _contradiction(fields: Mapping[str, Any]) -> str | None:
    """How the label contradicts the lists; where nothing is listed, it stands for itself."""
    label, (good, bad) = fields["label"], _listed(fields)
    impossible = {
        "faithful": bool(bad),
        "partly": bool(good) != bool(bad),
        "unfaithful": bool(good) and not bad,
        _NOTHING: bool(good or bad),
    }
    if not impossible.get(label, False):
        return None
    return f'the label {label!r} contradicts the lists: {len(good)} claims under "supported", {len(bad)} under "unsupported"'


def _shared(good: int, bad: Sequence[str], why: str) -> Verdict:
    """The verdict on so many supported claims and these that are not."""
    share = good / (good + len(bad))
    label = "faithful" if not bad else "partly" if good else "unfaithful"
    told = f"Unsupported: {'; '.join(bad)}" if bad else ""
    explanation = "\n".join(part for part in (why, told) if part) or None
    return Verdict(share, label, explanation).noting(claims=good + len(bad), unsupported=len(bad))
