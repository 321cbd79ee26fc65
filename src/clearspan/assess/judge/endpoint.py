"""A judge's server: asked with what was configured, and less where it refuses, which is remembered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from clearspan.assess.judge import transport
from clearspan.assess.judge.dialect import Dialect, Form
from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.prompt import Messages
from clearspan.assess.judge.reply import Knobs, Reply
from clearspan.assess.judge.schema import Shape
from clearspan.core import known

__all__ = ["Endpoint"]

_FORMS: tuple[Form, ...] = ("bounded", "strict", "json", "none")
_WRONG = (400, 415, 422, 501)
"""The statuses by which servers refuse a parameter; 500 too, where the message names one."""

_NAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bounds", ("maxlength", "maxitems", "minitems")),
    ("logprobs", ("logprob",)),
    ("temperature", ("temperature",)),
    ("seed", ("'seed'", '"seed"', "`seed`", "seed ", " seed")),
    ("completion", ("max_completion_tokens",)),
    ("max_tokens", ("max_tokens", "num_predict")),
    (
        "form",
        ("response_format", "json_schema", "json_object", "json mode", "structured output", "schema",
         "grammar", "samplers", "chatrequest.format", "'format'", "`format`", '"format"'),
    ),
)  # fmt: skip
"""What a refusal may name, and what is left out then; the first that is found."""

_HOPELESS = ("context length", "context window", "context size", "too long", "exceed", "maximum context")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Way:
    """How a server is asked: what it has not refused yet."""

    form: Form = "bounded"
    dropped: frozenset[str] = frozenset()

    def knobs(self, wanted: Knobs) -> Knobs:
        return Knobs(
            temperature=None if "temperature" in self.dropped else wanted.temperature,
            seed=None if "seed" in self.dropped else wanted.seed,
            max_tokens=None if "max_tokens" in self.dropped else wanted.max_tokens,
            top_logprobs=0 if "logprobs" in self.dropped else wanted.top_logprobs,
        )

    def without(self, what: str) -> _Way:
        if what == "bounds":
            return dataclasses.replace(self, form="strict") if self.form == "bounded" else self
        if what == "form":
            following = _FORMS.index(self.form) + 1
            return dataclasses.replace(self, form=_FORMS[min(following, len(_FORMS) - 1)])
        return dataclasses.replace(self, dropped=self.dropped | {what})


_KNOBS = frozenset({"temperature", "seed", "max_tokens", "logprobs"})


class Endpoint:
    """A server at `address` that speaks `dialect` and runs `model`; may be used from any thread.

    `extra` are further fields of each request's body. Parameters that the server refuses are left out
    from then on, a JSON schema that it refuses gives way to any JSON, and that to a plain question.
    """

    def __init__(
        self,
        dialect: Dialect,
        address: str,
        model: str,
        *,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self._dialect = dialect
        self._url = address.rstrip("/") + dialect.path
        self._key = api_key
        self._headers = dict(headers or {})
        self._extra = dict(extra or {})
        known.note_key(api_key)
        known.note_headers(self._headers)
        known.note_address(self._url)
        self._way = _Way()

    @property
    def refused(self) -> frozenset[str]:
        """What this server does not take: `temperature`, `seed`, `max_tokens`, `logprobs`, `schema`, `json`."""
        form = {"json": {"schema"}, "none": {"schema", "json"}}.get(self._way.form, set[str]())
        return (self._way.dropped - {"completion"}) | form

    def ask(self, messages: Messages, shape: Shape, knobs: Knobs, timeout: float) -> Reply:
        """The server's answer. Raises `JudgeFailure`."""
        way = self._way
        while True:  # each refusal takes something away, and what was not sent cannot be refused
            try:
                reply = self._once(way, messages, shape, knobs, timeout)
            except JudgeFailure as failure:
                named = _named(failure, way, knobs)
                if named is None:
                    if failure.status not in _WRONG or _hopeless(failure):
                        raise
                    return self._by_trial(way, failure, messages, shape, knobs, timeout)
                way = named
            else:
                self._remember(way)
                return reply

    def _by_trial(
        self, way: _Way, failure: JudgeFailure, messages: Messages, shape: Shape, knobs: Knobs, timeout: float
    ) -> Reply:  # fmt: skip
        """The server refused and did not say what: ever less is sent; only what helped is remembered."""
        for less in _lesser(way):
            try:
                reply = self._once(less, messages, shape, knobs, timeout)
            except JudgeFailure as again:
                if again.status not in _WRONG:
                    raise
            else:
                self._remember(less)
                return reply
        # whatever it is, asking so often each time is no use: after a few of these it is left alone
        raise JudgeFailure(failure.type, str(failure), status=failure.status, worn=True)

    def _once(
        self, way: _Way, messages: Messages, shape: Shape, knobs: Knobs, timeout: float
    ) -> Reply:
        body = self._dialect.body(self.model, messages, shape, way.knobs(knobs), way.form)
        if "completion" in way.dropped and "max_tokens" in body:
            body["max_completion_tokens"] = body.pop("max_tokens")
        sent = _joined(body, self._extra)
        answered = transport.post(
            self._url, sent, api_key=self._key, headers=self._headers, timeout=timeout
        )
        return self._dialect.reply(answered)

    def _remember(self, way: _Way) -> None:
        least = max(_FORMS.index(self._way.form), _FORMS.index(way.form))
        self._way = _Way(_FORMS[least], self._way.dropped | way.dropped)


def _joined(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with what was configured beside it; of Ollama's `options`, both."""
    joined = {**body, **extra}
    if "options" in body and isinstance(extra.get("options"), Mapping):
        joined["options"] = {**body["options"], **extra["options"]}
    return joined


def _lesser(way: _Way) -> Iterator[_Way]:
    yield dataclasses.replace(way, dropped=way.dropped | _KNOBS)
    for form in _FORMS[_FORMS.index(way.form) + 1 :]:
        yield _Way(form, way.dropped | _KNOBS)


def _hopeless(failure: JudgeFailure) -> bool:
    said = str(failure).lower()
    return any(word in said for word in _HOPELESS)


def _named(failure: JudgeFailure, way: _Way, knobs: Knobs) -> _Way | None:
    """Without what the refusal names, where that was sent."""
    if failure.status not in (*_WRONG, 500) or _hopeless(failure):
        return None
    said, sent = str(failure).lower(), way.knobs(knobs)
    for what, words in _NAMED:
        if any(word in said for word in words) and _was_sent(what, way, sent):
            return way.without(what)
    return None


def _was_sent(what: str, way: _Way, sent: Knobs) -> bool:
    if what == "bounds":
        return way.form == "bounded"
    if what == "form":
        return way.form != "none"
    if what == "completion":
        return sent.max_tokens is not None and "completion" not in way.dropped
    if what == "logprobs":
        return bool(sent.top_logprobs)
    return getattr(sent, what) is not None
