"""The Draft: the one mutable thing. Adapters fill it; `seal(policy)` makes it an Invocation.

A draft has one writer at a time: the caller's thread until the operation ends, then whoever
completes it. Pieces of text are kept in lists and joined once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clearspan import said
from clearspan.choice import Said, messages_of, text_of
from clearspan.core import jsonfast
from clearspan.core.fence import fenced
from clearspan.core.held import held
from clearspan.core.tape import Tape
from clearspan.pace import Pace, streamed, unpaced
from clearspan.policy import Policy
from clearspan.record import (
    CallContext,
    Confidence,
    Cost,
    ErrorInfo,
    HardwareUse,
    Invocation,
    Message,
    Outcome,
    Part,
    Timing,
    TokenScore,
    TraceRef,
    Usage,
)
from clearspan.response import ResponseRef, nowhere
from clearspan.semconv import LOGPROBS

__all__ = ["Draft"]


class Draft(Said):
    """Everything that is known of one operation so far.

    Names, models and numbers are plain attributes that adapters set; content goes through
    methods, which do nothing where content is not wanted, so adapters need no `if`. `keeps` says
    that an answer is put together although it will not be told: its tokens may have to be counted.
    `wants` names what the application asked of adapters beside that (`usage`, `confidence`, `cost`);
    `devices` are the accelerators that the model is on, as its library numbers them; `unsent`: a guard kept the call from it.
    `received` is what an upstream process said of it; `started_at` is when it began, by the monotonic clock (seconds); `tape` is where chunks wait, once there are some.
    """

    __slots__ = (
        "__weakref__", "_tools", "_usage", "agent", "call", "confidence", "content", "context",
        "cost", "devices", "end_ns", "endpoint", "error", "extras", "finish_reasons", "finish_with", "hardware",
        "hint", "inference_calls", "inner", "input_messages", "input_value", "kind", "layer", "lost",
        "model", "name", "operation", "outcome", "output_value", "_pace", "params", "place", "provider", "received",
        "recording", "ref", "response_id", "response_model", "result", "scored", "scores", "sealed", "server_address",
        "server_port", "span", "start_ns", "started_at", "system_parts", "tape", "tool_calls", "transport", "wants",
        "unsent", "weight",
    )  # fmt: skip

    def __init__(self, operation: str, *, kind: str = "client") -> None:
        super().__init__()
        self.operation = str(operation)
        self.kind = kind
        self.name: str | None = None
        self.provider: str | None = None
        self.server_address: str | None = None
        self.server_port: int | None = None
        self.model: str | None = None
        self.params: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.content = True
        self.wants: frozenset[str] = frozenset()
        self.devices: tuple[int, ...] = ()
        self.scores: dict[int, list[TokenScore]] | None = None
        self.scored = 0
        self.confidence: Confidence | None = None
        self.hardware: HardwareUse | None = None
        self.cost: Cost | None = None
        self.input_messages: list[Message] = []
        self.system_parts: list[Part] = []
        self.input_value: Any = None
        self.output_value: Any = None
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.finish_reasons: list[str] | None = None
        self.outcome: Outcome | None = None
        self.error: ErrorInfo | None = None
        self.context: CallContext | None = None
        self.received: Mapping[str, str] | None = None
        self.place: Callable[[], TraceRef | None] = nowhere
        self.span: Any = None
        self.endpoint: Any = None
        self.call: Any = None
        self.result: Any = None
        self.hint: str | None = None
        self.layer = ""
        self.ref: ResponseRef | None = None
        self.inner: Draft | None = None
        self.recording = True
        self.finish_with: Callable[[Draft], None] | None = None
        self.transport: dict[str, Any] | None = None
        self.weight = self.lost = 0
        self.start_ns = self.end_ns = 0
        self.started_at = 0.0
        self._pace: Pace | None = None
        self.tape: Tape | None = None
        self.agent: Draft | None = None
        self.inference_calls = self.tool_calls = 0
        self.sealed = self.unsent = False
        self._tools: list[Mapping[str, Any]] | None = None
        self._usage: dict[str, Any] | None = None

    @property
    def trace(self) -> TraceRef | None:
        """Where it stands in its trace: worked out when somebody asks, and mostly that is no caller of a model."""
        return fenced("draft.place", self.place)

    @trace.setter
    def trace(self, known: TraceRef | None) -> None:
        self.place = lambda: known

    # -- what goes in ------------------------------------------------------------------------

    def set(self, **params: Any) -> None:
        """Request parameters under neutral names (`temperature`, `max_tokens`); `None` is absent."""
        for name, value in params.items():
            if value is not None:
                self.params[name] = value

    def extra(self, name: str, value: Any) -> None:
        """An attribute under its full name; `None` and empty values are absent.

        What is no scalar or list of scalars is kept as JSON text.
        """
        cls = type(value)
        if cls is float:
            value = value if value - value == 0 else None  # only what is finite is a number
        elif value is not None and cls not in _AS_IT_IS:
            value = jsonfast.attribute(value)
        if value is not None and value not in _EMPTY:
            self.extras[name] = value

    def input(self, messages: str | Message | Iterable[str | Message]) -> None:
        """What the model is asked: a text, a message, or several, in the conventions' JSON form.

        `{"role": ..., "content": "text"}` will do as well; what is no message is left out.
        """
        if self.content:
            self.input_messages.extend(messages_of(messages))

    def system(self, text: str) -> None:
        """System instructions that the API takes apart from the messages."""
        if self.content and (said := text_of(text)):
            self.system_parts.append({"type": "text", "content": said})

    def tools(self, definitions: Iterable[Mapping[str, Any]]) -> None:
        """The tools that the model may call, in the conventions' form."""
        if self.content:
            self._tools = self._tools or []
            self._tools.extend(definitions)

    def value(self, given: Any = None, made: Any = None) -> None:
        """Input and output of an operation that has no messages."""
        if self.content:
            self.input_value = given if given is not None else self.input_value
            self.output_value = made if made is not None else self.output_value

    # -- what comes out ----------------------------------------------------------------------

    def logprobs(self, tokens: Iterable[TokenScore], choice: int = 0) -> None:
        """Tokens of the answer with their log probabilities; their text is content, the numbers are not."""
        kept = tokens if self.content else (score._replace(token="") for score in tokens)
        if self.scored < 0:
            return
        self.scores = self.scores or {}
        row = self.scores.setdefault(choice, [])
        before = len(row)
        row.extend(kept)
        self.scored += len(row) - before
        if self.scored > _SCORES:  # of a part of them, every figure would be another one
            self.scored = -1
            self.scores = None

    @property
    def counts(self) -> Mapping[str, Any]:
        """The token counts so far, by the names of `Usage`."""
        return self._usage or {}

    @property
    def streamed(self) -> int | None:
        """How many tokens the reader of a stream saw come; a model in the process has steps instead."""
        kinds = {str(kind) for kind in self._choices.kinds()}
        if self.lost or (self.inner or self).kind == "internal":
            return None
        return streamed(self.counts, kinds if self.keeps else None, self.extras, self.provider)

    @property
    def held(self) -> int:
        """About how many bytes the draft itself keeps alive, beside the vendor's objects."""
        found = 0 if self._answers is None else self._answers.room.taken
        if self.scored > 0:
            found += _SCORE * self.scored
        usual = 0 if self.endpoint is None else len(self.endpoint.extras)
        if self.input_messages or self.system_parts or self._tools or len(self.extras) > usual:
            found += held([self.input_messages, self.system_parts, self._tools, self.extras])
        if self.input_value is not None or self.output_value is not None:
            found += held([self.input_value, self.output_value])
        return found

    def lighten(self) -> None:
        """Let all content go, and the vendor's objects; the numbers stay."""
        self.content = self.keeps = False
        self.call = self.result = self.input_value = self.output_value = None
        self.input_messages, self.system_parts, self._tools, self.scores = [], [], None, None
        self._choices.empty()
        if self.transport is not None:
            self.transport.pop("http_response", None)
        if self.context is not None:
            self.context = dataclasses.replace(self.context, variables={}, documents=(), references=())  # fmt: skip

    def forget_output(self) -> None:
        """Drop what was put together so far: a final event holds the whole answer."""
        self._choices.clear()
        self.scores, self.scored = None, 0

    def usage(self, **counts: int | str | None) -> None:
        """Token counts under the names of `Usage`; the last known value of each wins.

        What is no count (no whole number, negative, beyond 64 bits) is not known.
        """
        for name, value in counts.items():
            if value is not None and _is_told(name, value):
                self._usage = self._usage or {}
                self._usage[name] = value

    def fail(self, error_type: str, message: str | None = None) -> None:
        """The operation failed without raising, or a reader knows a better error type."""
        if self.error is None:
            self.error = ErrorInfo(error_type, message)
        self.outcome = Outcome.FAILED

    @property
    def pace(self) -> Pace:
        """When the pieces of its answer came: asked for when it has begun.

        :meta private:
        """
        if self._pace is None:
            self._pace = Pace(self.started_at)
        return self._pace

    def shared(self) -> None:
        """See to it that nothing is made by whoever asks first: from now on two threads may.

        :meta private:
        """
        _ = self.pace, self._choices

    @property
    def unread(self) -> Tape:
        """Chunks that came.

        :meta private:
        """
        if self.tape is None:
            self.tape = Tape()
        return self.tape

    def stamp(self, at: float, *, content: bool) -> None:
        """A chunk arrived at `at` (monotonic seconds), with content or without."""
        self.pace.stamp(at, content=content)

    def phase(self, name: str, seconds: float | None) -> None:
        """So much of the work went into `name` (`load`, `prefill`, `decode`, ...); adds up."""
        self.pace.phase(name, seconds)

    def absorb(self, inner: Draft) -> None:
        """Take over what an inner draft of the same inference knows; what is known here wins.

        So a decorated function around a patched client gives one record, with the usage once.
        """
        for name in _ABSORBED:
            if not getattr(self, name):
                setattr(self, name, getattr(inner, name))
        self.params = {**inner.params, **self.params}
        self.extras = {**inner.extras, **self.extras}
        self._usage = {**inner.counts, **self.counts}
        self._answers = self._answers if self._choices else inner._answers
        self._tools = self._tools or inner._tools
        self.scores, self.scored = (self.scores, self.scored) if self.scores else (inner.scores, inner.scored)  # fmt: skip
        if inner._pace is not None:
            self.pace.absorb(inner._pace)
        if inner.input_messages or inner._choices:
            self.input_value = self.output_value = None  # the messages say it better

    # -- the end -----------------------------------------------------------------------------

    def seal(self, policy: Policy) -> Invocation:
        """Make the record: join, clean, truncate, once. The draft is not used afterwards."""
        self.sealed = True
        outcome = self.outcome or Outcome.COMPLETED
        raw = self._finish_reasons(outcome)
        self._seal_logprobs(policy)
        given = policy.messages(self.input_messages)
        made = policy.messages(self._output(outcome))
        system = policy.messages(self.system_parts)
        tools = policy.tools(self._tools or ())
        values = policy.value(self.input_value), policy.value(self.output_value)
        content = zip(_CONTENT, (given, made, system, tools, *values), strict=True)
        return Invocation(
            operation=self.operation,
            timing=self._timing(),
            trace=self.trace,
            kind=self.kind,
            name=policy.name(self.name),
            provider=self.provider,
            server_address=self.server_address,
            server_port=self.server_port,
            model=policy.name(self.model),
            params=policy.params(self.params),
            input=tuple(given.value),
            output=tuple(made.value),
            system=tuple(system.value),
            tools=tuple(tools.value),
            input_value=values[0].value,
            output_value=values[1].value,
            response_id=policy.name(self.response_id),
            response_model=policy.name(self.response_model),
            finish_reasons=tuple(map(policy.name, raw)),
            usage=Usage(**self.counts),
            outcome=outcome,
            error=None
            if self.error is None
            else policy.error(self.error, lambda: said.texts(self)),
            context=policy.context(self.context) if self.context is not None else _NO_CONTEXT,
            extras=policy.labels(self.extras),
            inference_calls=self.inference_calls,
            tool_calls=self.tool_calls,
            confidence=self.confidence,
            hardware=self.hardware,
            cost=self.cost,
            encoded={name: clean.encoded for name, clean in content if clean.encoded is not None},
        )

    def _timing(self) -> Timing:
        pace = self._pace
        if pace is None:
            return unpaced(self.start_ns, self.end_ns)
        return pace.timing(self.start_ns, self.end_ns, self.streamed if pace.contents else None)

    def _seal_logprobs(self, policy: Policy) -> None:
        if self.scores and self.content:
            kept = policy.tokens([self.scores[index] for index in sorted(self.scores)])
            if kept.value is not None:
                self.extras[LOGPROBS] = kept.encoded or jsonfast.dumps(kept.value)

    def _finish_reasons(self, outcome: Outcome) -> tuple[str, ...]:
        if self.finish_reasons is not None:
            return tuple(self.finish_reasons)
        reasons = self._choices.reasons()
        if not self._reason_due(outcome) and not any(reasons):
            return ()  # nobody knows how it would have ended
        return tuple(reason or "error" for reason in reasons)

    def _reason_due(self, outcome: Outcome) -> bool:
        """Whether a missing finish reason means that something went wrong, as the convention has it.

        Not so when the consumer left early, nor in a block where the application tells what it likes.
        """
        return outcome is Outcome.FAILED or (
            outcome is Outcome.COMPLETED and self.endpoint is not None
        )

    def _output(self, outcome: Outcome) -> list[Message]:
        if not self.content:
            return []
        due = self._reason_due(outcome) and self.finish_reasons is None
        return self._choices.told("error" if due else None)


def _is_told(name: str, value: Any) -> bool:
    if name in _SOURCES:
        return isinstance(value, str)
    return name in _COUNTS and type(value) is int and 0 <= value < _TOO_MANY


_AS_IT_IS = (str, int, bool)
_SOURCES = frozenset(("source", "input_source", "output_source"))
_COUNTS = frozenset(field.name for field in dataclasses.fields(Usage)) - _SOURCES
_NO_CONTEXT = CallContext()
_CONTENT = ("input", "output", "system", "tools", "input_value", "output_value")
_ABSORBED = (
    "provider", "server_address", "server_port", "model", "response_id", "response_model",
    "finish_reasons", "input_messages", "system_parts", "transport",
)  # fmt: skip
_EMPTY: tuple[Any, ...] = ("", [], ())
_SCORES, _SCORE, _TOO_MANY = 100_000, 200, 2**63
