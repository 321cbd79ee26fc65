"""Blocks: a step of the application's own, or a model call of a client that is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from clearspan.capture import recording
from clearspan.core import read
from clearspan.core.fence import fenced
from clearspan.core.observe import outcome_of
from clearspan.draft import Draft
from clearspan.record import Operation, Outcome

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
    draft.name = name
    return draft


def _say(draft: Draft, given: Any, made: Any, attributes: Mapping[str, Any]) -> None:
    """Tell `draft` what a step was given and made, and attributes under their full names."""
    if draft.content:
        draft.value(read.plain(given), read.plain(made))
    for name, value in attributes.items():
        draft.extra(name, value)


class _Block:
    """Opens a record on entering, ends it on leaving, and passes every exception on.

    Each time it is entered, also inside itself, makes a record of its own; but one object is for one
    task at a time.
    """

    def __init__(self, make: Callable[[], Draft]) -> None:
        self.draft = make()
        self._make = make
        self._again = False
        self._entered: list[tuple[Draft, recording.Recording | None, Any]] = []

    def __enter__(self) -> Any:
        if self._again:
            self.draft = self._make()
        self._again = True
        started = fenced("recording.begin", recording.start, self.draft)
        if started is None:
            self.draft.content = False  # nobody will read it, so nothing need be kept
        self._entered.append((self.draft, started, started and started.attach()))
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        _, started, token = self._entered.pop()
        if self._entered:
            self.draft = self._entered[-1][0]
        if started is not None:
            started.detach(token)
            started.ended(Outcome.COMPLETED if error is None else outcome_of(error), error)

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(
        self, kind: object, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, frames)


class Step(_Block):
    """A step while it is open; what `with clearspan.span(...) as step` gives."""

    def set(self, *, input: Any = None, output: Any = None, **attributes: Any) -> None:  # noqa: A002 -- public contract
        """Say what the step was given and made; any other keyword becomes an attribute.

        Values that are no scalars or lists of them are kept as JSON text. `None` is absent.
        """
        fenced("step.set", _say, self.draft, input, output, attributes)


class _Invocation(_Block):
    def __enter__(self) -> Draft:
        super().__enter__()
        return self.draft

    async def __aenter__(self) -> Draft:
        return self.__enter__()


def span(name: str, *, kind: str = "task", **attributes: Any) -> Step:
    """A block that is recorded as a step: `with clearspan.span("rank", kind="task") as step`.

    Sync or async; `attributes` are set at once. Raises `ValueError` for an unknown kind.
    """
    check_kind(kind)
    given, made = attributes.pop("input", None), attributes.pop("output", None)

    def make() -> Draft:
        draft = new_draft(kind, name)
        fenced("step.set", _say, draft, given, made, attributes)
        return draft

    return Step(make)


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
        draft = Draft(operation, kind=kind)
        draft.provider, draft.model = provider, model
        draft.server_address, draft.server_port = server, port
        return draft

    return _Invocation(make)
