"""The figure: which calls are counted, with what, and what becomes of the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from clearspan.draft import Draft
from clearspan.figures.tokens import conversation
from clearspan.figures.tokens.conversation import Count, Unknown
from clearspan.figures.tokens.estimate import estimate
from clearspan.figures.tokens.models import Model, model
from clearspan.figures.tokens.request import asked
from clearspan.figures.tokens.vocabularies import Vocabularies
from clearspan.record import Operation, Outcome
from clearspan.semconv import HTTP_STATUS

__all__ = ["TokenCounter"]

_SPEAKING: Final = (Operation.CHAT, Operation.TEXT_COMPLETION, Operation.GENERATE_CONTENT)
_COUNTED: Final = (*_SPEAKING, Operation.EMBEDDINGS)
_REFUSED = 400
_UNSENT: Final = (
    "connecttimeout",
    "connectiontimeout",
    "pooltimeout",
)  # of httpx, aiohttp, requests
_DIRECTIONS: Final = frozenset(("input", "output"))
_CERTAINTY: Final = ("reported", "counted", "estimated")


class TokenCounter:
    """Puts counts into a draft whose usage was not reported, marked by their source.

    What was reported stays. `source` becomes `counted` where the model's own vocabulary counted,
    `estimated` where any part had to be estimated: with a vocabulary of OpenAI's that is not loaded
    (yet), for models of other vendors, for tools and for the form of an answer. What nobody can
    tell stays absent: unseen reasoning, sound, documents, pictures of unknown size, what the provider
    added or the caller lost.
    """

    def __init__(self, vocabularies: Vocabularies | None = None) -> None:
        self._vocabularies = vocabularies or Vocabularies()

    def due(self, draft: Draft) -> bool:
        """Whether something is missing that may be counted; a long text takes its time."""
        return _lacking(draft) and _due(draft, _source(draft))

    def __call__(self, draft: Draft) -> None:
        """Count what is missing."""
        if not self.due(draft):
            return
        source = _source(draft)
        known = model(source.response_model or source.model)
        counter = self._vocabularies.counter(known.encoding)
        encode = counter or partial(estimate, encoding=known.encoding)
        found: dict[str, Count] = {}
        if "input" not in draft.counts:
            _try(found, "input", lambda: _input(source, encode, known))
        if "output" not in draft.counts and draft.operation != Operation.EMBEDDINGS:
            _try(found, "output", lambda: _output(draft, source, encode, known))
        if found:
            _tell(draft, found, exact=counter is not None)


def _tell(draft: Draft, found: Mapping[str, Count], *, exact: bool) -> None:
    """Each direction by its own source, and the call by the less certain of the two."""
    sources = dict.fromkeys(draft.counts.keys() & _DIRECTIONS, "reported")
    for name, count in found.items():
        sources[name] = "counted" if exact and count.exact else "estimated"
    least = max(sources.values(), key=_CERTAINTY.index)
    draft.usage(source=least, **{name: count.tokens for name, count in found.items()})
    draft.usage(**{f"{name}_source": said for name, said in sources.items() if said != least})


def _source(draft: Draft) -> Draft:
    """The draft that knows the call: that of the client inside a decorated function."""
    return draft if draft.endpoint is not None or draft.inner is None else draft.inner


def _lacking(draft: Draft) -> bool:
    counts = draft.counts
    return "input" not in counts or (
        "output" not in counts and draft.operation != Operation.EMBEDDINGS
    )


def _try(found: dict[str, Count], name: str, count: Callable[[], Count | None]) -> None:
    try:
        counted = count()
    except Unknown:
        return
    if counted is not None:
        found[name] = counted


def _due(draft: Draft, source: Draft) -> bool:
    """Whether it is a call of which a model elsewhere read something, and all of it is known here."""
    if draft.operation not in _COUNTED or source.endpoint is None or source.kind != "client":
        return False
    if not draft.recording or draft.lost or source.lost or draft.inference_calls or source.unsent:
        return False
    status = source.extras.get(HTTP_STATUS)
    if isinstance(status, int) and status >= _REFUSED:
        return False
    if source.operation == Operation.GENERATE_CONTENT and not _written(source):
        return False
    failed = Outcome.FAILED in (draft.outcome, source.outcome)
    return not failed or bool(source.pace.chunks) or _timed_out(source)


def _timed_out(source: Draft) -> bool:
    """Whether the request was sent and the answer did not come in time, by the exceptions' names."""
    error = source.error
    said = f"{error.type} {error.exception} {error.cause}".lower() if error is not None else ""
    return "timeout" in said and not any(name in said for name in _UNSENT)


def _written(source: Draft) -> bool:
    """Whether text was made out of text: pictures and speech are not paid for by their prompt's tokens."""
    said = [part.get("type", "") for answer in source.answers for part in answer.get("parts", ())]
    read = [
        part.get("type", "")
        for message in source.input_messages
        for part in message.get("parts", ())
    ]
    return bool(said) and set(said) <= {"text", "reasoning"} and set(read) <= {"text"}


def _input(source: Draft, encode: Callable[[str], int], known: Model) -> Count | None:
    request = asked(source)
    if request is None:
        return None
    if source.operation == Operation.EMBEDDINGS:
        return conversation.embedded(request, encode, known) if request.value is not None else None
    if not request.messages and not request.system:
        return None
    rule = conversation.prompted if source.operation == Operation.CHAT else conversation.told
    return rule(request, encode, known)


def _output(
    draft: Draft, source: Draft, encode: Callable[[str], int], known: Model
) -> Count | None:
    if not source.keeps or source.cut:
        return None
    answers = draft.answers
    kinds = {part.get("type", "") for answer in answers for part in answer.get("parts", ())}
    if not kinds or _hidden(source, known, kinds):
        return None
    stopped = len(answers) == 1 and answers[0].get("finish_reason") == "stop"
    return conversation.answered(
        answers, encode, known, ended=stopped and (known.ends or _end_counts(source))
    )


def _hidden(source: Draft, known: Model, kinds: set[str]) -> bool:
    """Whether the model thought without showing it. An open model's servers show it, OpenAI sums it up."""
    if not known.hides or source.params.get("reasoning_level") == "none":
        return False
    return known.encoding != "o200k_harmony" or "reasoning" not in kinds


def _end_counts(source: Draft) -> bool:
    """Whether tools were offered, or it was the Responses API, which takes an `input`."""
    given = source.call.kwargs if source.call is not None else {}
    return any(given.get(name) for name in ("tools", "functions", "input"))
