"""What a wrapped method of a library does: begin a record, or note something for the one in progress."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from clearspan.capture import guarding, recording
from clearspan.capture.guarded_records import withholding
from clearspan.core import read
from clearspan.core.copying import Copier
from clearspan.core.fence import fenced
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Probe, Provider

__all__ = ["begin", "probing"]

_DEPTH = 16
_SETTING = 12  # arguments that are not the content are no deeper, but for a schema
_PLAIN = (bool, int, float, type(None))

# The call of which a phase is being timed: what the phase's function calls in turn is part of it.
_timed: contextvars.ContextVar[Draft | None] = contextvars.ContextVar(
    "clearspan_timed", default=None
)


def begin(
    provider: Provider,
    endpoint: Endpoint,
    instance: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> recording.Recording | None:
    """Snapshot a call of `endpoint` and start its record: all that happens before the vendor's own code."""
    given = Call(instance, args, kwargs)
    outer = recording.active()
    around = outer.draft if outer is not None and outer.owner is provider else None
    call = _named(endpoint, given) if args else given
    layer = endpoint.layer if isinstance(endpoint.layer, str) else endpoint.layer(call)
    if around is not None and around.layer == layer:
        if endpoint.inner is not None and type(given.kwargs) is dict:
            fenced("reader.inner", endpoint.inner, around, call, given.kwargs)
        return None
    if endpoint.wanted is not None and not endpoint.wanted(call):
        return None
    draft = _draft(provider, endpoint, call)
    draft.layer = layer
    if around is not None and guarding.withholds(around.endpoint):
        # What comes out is told further up, where guards have looked at it.
        draft.finish_with = withholding(provider.finish)
    started = recording.below(outer, draft, provider)
    if started is None:
        return None
    started.error_code = provider.error
    if around is not None and recording.is_inference(draft.operation):
        around.inference_calls += 1
    adjust = endpoint.adjust if type(given.kwargs) is dict else None
    if adjust is not None and (not endpoint.streams_only or "stream" in draft.params):
        started.hides = fenced("reader.adjust", adjust, draft, call, kwargs)
    if not draft.recording:
        return started  # unsampled: its points need the answer, nobody needs the request
    fenced("recording.snapshot", _keep, draft, endpoint, call)
    return started


def _named(endpoint: Endpoint, call: Call) -> Call:
    """The same call with its leading positional arguments under their names."""
    names = endpoint.positional
    if not names:
        return call
    rest = call.args[len(names) :]
    return Call(call.instance, rest, {**dict(zip(names, call.args, strict=False)), **call.kwargs})


def _draft(provider: Provider, endpoint: Endpoint, call: Call) -> Draft:
    operation = endpoint.operation
    draft = Draft(operation if isinstance(operation, str) else operation(call), kind=endpoint.kind)
    draft.endpoint = endpoint
    draft.provider, draft.server_address, draft.server_port = provider.server(call.instance)
    draft.model = read.text(endpoint.model(call))
    if endpoint.streaming(call):
        draft.params["stream"] = True
    if endpoint.extras:
        draft.extras.update(endpoint.extras)
    draft.finish_with = provider.finish
    return draft


def _keep(draft: Draft, endpoint: Endpoint, call: Call) -> None:
    """A copy of the arguments, until they are read."""
    copier = Copier()
    # Without content the arguments of a stream are kept all the same, where its tokens may have to be counted.
    deep = _DEPTH if draft.content or (draft.keeps and "stream" in draft.params) else 0
    other = min(deep, _SETTING)
    kwargs = dict(call.kwargs)
    for key, value in kwargs.items():
        if type(value) not in _PLAIN:
            kwargs[key] = copier.of(value, deep if key in endpoint.deep else other)
    draft.call = Call(call.instance, call.args, kwargs)
    draft.weight = copier.weight
    draft.lost += copier.cuts


def probing(provider: Provider, probe: Probe, live: Callable[[], bool]) -> Callable[..., Any]:
    """The wrapper of a probe's target."""

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not live():
            return wrapped(*args, **kwargs)
        probed = fenced("probe.begin", begin, Call(instance, args, kwargs))
        started = time.perf_counter()
        try:
            result = wrapped(*args, **kwargs)
        finally:
            took = time.perf_counter() - started
            if type(probed) is _Probed:
                fenced("probe.end", end, probed, took)
        if type(probed) is _Probed and probe.seen is not None:
            told = probed.draft is not None and probe.phase is not None
            fenced("reader.probe", probe.seen, probed.call, result, 0.0 if told else took)
        return result

    def begin(call: Call) -> _Probed:
        outer = recording.active()
        draft = outer.draft if outer is not None and outer.owner is provider else None
        if draft is not None and probe.read is not None:
            fenced("reader.probe", _note, draft, probe.read, call)
        timed = draft if probe.phase is not None and _timed.get() is not draft else None
        return _Probed(call, draft, timed, None if timed is None else _timed.set(timed))

    def end(probed: _Probed, took: float) -> None:
        if probed.timed is not None and probed.token is not None and probe.phase is not None:
            _timed.reset(probed.token)
            probed.timed.phase(probe.phase, took)

    return wrapper


class _Probed(NamedTuple):
    """A probed call that is going on: the draft it belongs to, and that whose phase it is."""

    call: Call
    draft: Draft | None
    timed: Draft | None
    token: contextvars.Token[Draft | None] | None


def _note(draft: Draft, reader: Callable[[Call], Mapping[str, Any]], call: Call) -> None:
    noted = reader(call)
    if noted:
        held = draft.transport or {}
        joined = {
            key: held[key] + value
            for key, value in noted.items()
            if type(value) is tuple and type(held.get(key)) is tuple
        }
        draft.transport = {**held, **noted, **joined}
        if "weight" in noted:  # of an answer, which takes the place of the one before
            draft.weight += noted["weight"] - held.get("weight", 0)
