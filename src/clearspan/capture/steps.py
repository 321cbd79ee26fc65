"""Blocks: a step of the application's own, or a model call of a client that is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from clearspan.capture import inlet, recording
from clearspan.capture.told import new_told, word
from clearspan.core import heed, read
from clearspan.core.fence import fenced
from clearspan.draft import Draft
from clearspan.record import OTHER, Operation, Outcome

__all__ = ["KINDS", "Step", "check_kind", "invocation", "new_draft", "span"]

KINDS: dict[str, tuple[Operation, str]] = {
    "workflow": (Operation.INVOKE_WORKFLOW, "internal"),
    "agent": (Operation.INVOKE_AGENT, "internal"),
    "task": (Operation.TASK, "internal"),
    "tool": (Operation.EXECUTE_TOOL, "internal"),
    "retrieval": (Operation.RETRIEVAL, "client"),
    "model": (Operation.CHAT, "client"),
    "embedding": (Operation.EMBEDDINGS, "client"),
}
"""The kinds of steps: the operation each is, and whether it leaves the process (`client`)."""


def check_kind(kind: str) -> None:
    """Raise `ValueError` for a kind that does not exist."""
    if kind not in KINDS:
        raise ValueError(f"clearspan: unknown kind {kind!r}; use one of {', '.join(KINDS)}")


def new_draft(kind: str, name: str | None) -> Draft:
    """A draft of the given kind."""
    operation, side = KINDS[kind]
    draft = Draft(operation, kind=side)
    draft.name = fenced("step.name", word, name)
    return draft


def _say(draft: Draft, given: Any, made: Any, attributes: Mapping[str, Any]) -> None:
    """Tell `draft` what a step was given and made, and attributes under their full names."""
    if draft.content:
        draft.value(read.plain(given), read.plain(made))
    for name, value in attributes.items():
        draft.extra(name, value)


class _Deaf:
    """Stands for a draft that could not be made: it takes everything, and keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self


class _Block:
    """Opens a record on entering, ends it on leaving, and passes every exception on.

    Each time it is entered, also inside itself, makes a record of its own; but one object is for one
    task at a time.
    """

    def __init__(self, make: Callable[[], Draft]) -> None:
        self.draft: Any = fenced("step.make", make) or _Deaf()
        self._make = make
        self._again = False
        self._entered: list[tuple[Draft, recording.Recording | None, Any]] = []

    def __enter__(self) -> Any:
        before = len(self._entered)
        fenced("step.enter", self._enter)
        if len(self._entered) == before:
            self._entered.append((self.draft, None, None))
        return self

    def _enter(self) -> None:
        if self._again:
            self.draft = self._make()
        self._again = True
        started = None
        try:
            if inlet.current() is not None and not self._deaf():
                self._before()
                started = recording.start(self.draft)
        finally:
            if started is None:
                self.draft.content = False  # nobody will read it, so nothing need be kept
        if started is not None:
            self._begun()
        token = None if started is None else heed.attach(started)
        self._entered.append((self.draft, started, token))

    def _deaf(self) -> bool:
        return type(self.draft) is _Deaf

    def _before(self) -> None:
        """Tell the draft, just before its recording is begun, what the sampler shall see."""

    def _begun(self) -> None:
        """Tell it, when that is known to be wanted, what it was given."""

    def __exit__(
        self, kind: object, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if not self._entered:
            return  # left already
        _, started, token = self._entered.pop()
        if self._entered:
            self.draft = self._entered[-1][0]
        if started is None:
            return
        heed.detach(started, token)
        if error is None:
            heed.ended(started, Outcome.COMPLETED)
        else:
            heed.broke(started, error)

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(
        self, kind: object, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, frames)


class Step(_Block):
    """A step while it is open; what `with clearspan.span(...) as step` gives."""

    def __init__(self, make: Callable[[], Draft], given: Mapping[str, Any]) -> None:
        super().__init__(make)
        self._given = dict(given)
        self._values = self._given.pop("input", None), self._given.pop("output", None)

    def _before(self) -> None:
        said = self.draft.extras
        rest = {name: value for name, value in self._given.items() if name not in said}
        fenced("step.set", _say, self.draft, None, None, rest)

    def _begun(self) -> None:
        draft, (given, made) = self.draft, self._values
        given = given if draft.input_value is None else None
        made = made if draft.output_value is None else None
        fenced("step.set", _say, draft, given, made, {})

    def set(self, *, input: Any = None, output: Any = None, **attributes: Any) -> None:  # noqa: A002 -- public contract
        """Say what the step was given and made; any other keyword becomes an attribute.

        Values that are no scalars or lists of them are kept as JSON text. `None` is absent.
        """
        fenced("step.set", _say, self.draft, input, output, attributes)


class _Invocation(_Block):
    def __enter__(self) -> Draft:
        super().__enter__()
        draft: Draft = self.draft
        return draft

    async def __aenter__(self) -> Draft:
        return self.__enter__()


def span(name: str, *, kind: str = "task", **attributes: Any) -> Step:
    """A block that is recorded as a step: `with clearspan.span("rank", kind="task") as step`.

    Sync or async; `attributes` are set at once. Raises `ValueError` for an unknown kind.
    """
    check_kind(kind)
    return Step(lambda: new_draft(kind, name), attributes)


def invocation(
    operation: str, *, provider: str | None = None, model: str | None = None, server: str | None = None,
    port: int | None = None, kind: str = "client",
) -> _Invocation:  # fmt: skip
    """A block that records a call of a client that clearspan does not know.

    `operation` is a value of `gen_ai.operation.name`, `provider` one of `gen_ai.provider.name`. The
    block gives a `Draft` to be told what was asked and answered: `draft.input(messages)`,
    `draft.text(piece)`, `draft.usage(input=12, output=40)`, `draft.finish("stop")`. Raises
    `ValueError` for a kind other than `client` and `internal`.
    """
    if kind not in ("client", "internal"):
        raise ValueError(f"clearspan: kind must be 'client' or 'internal', not {kind!r}")

    def make() -> Draft:
        known = fenced("draft.operation", word, operation)
        return new_told(
            known or OTHER,
            kind,
            provider=provider,
            model=model,
            server_address=server,
            server_port=port,
        )

    return _Invocation(make)
