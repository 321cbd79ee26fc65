"""Decorators: the application's own steps, recorded as calls of any provider are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from clearspan import semconv as sc
from clearspan.capture import inlet, recording
from clearspan.capture.steps import KINDS, check_kind, new_draft
from clearspan.capture.wrapper import Wrapper, kind_of
from clearspan.core import read
from clearspan.core.fence import fenced
from clearspan.core.observe import Recording
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint
from clearspan.record import Operation

__all__ = ["Capture", "Decorator", "observe"]

F = TypeVar("F", bound=Callable[..., Any])
Capture = bool | Mapping[str, bool | Callable[[Any], Any]]
"""What of a function is kept: all, nothing, or `{"inputs": ..., "output": ...}`."""

_DEPTH = 6
_MAX_ITEMS = 1_000
_QUERY_NAMES = ("query", "question", "text", "q", "search", "prompt")


@overload
def observe(target: F, /) -> F: ...
@overload
def observe(
    *, kind: str = "task", name: str | None = None, capture: Capture = True
) -> Callable[[F], F]: ...
def observe(
    target: Any = None, /, *, kind: str = "task", name: str | None = None, capture: Capture = True
) -> Any:
    """Record every call of a function of any kind, or of a class's methods.

    `kind` is one of workflow, agent, task, tool, retrieval, model, embedding; `name` replaces the
    function's own. `capture` turns arguments and result off, or takes `{"inputs": ..., "output":
    ...}` where each is a flag or a function that answers what shall be kept. Arguments are captured
    by name, `self` and `cls` never. Raises `ValueError` for an unknown kind, `TypeError` for a
    target that is not callable.

    A class is returned as it is, with its `__call__` recorded, or all its public methods when it
    has no `__call__`.
    """
    check_kind(kind)
    if target is None:
        return lambda given: _observed(given, kind, name, capture)
    return _observed(target, kind, name, capture)


def _observed(target: Any, kind: str, name: str | None, capture: Capture) -> Any:
    if isinstance(target, property):
        getter = _observed(target.fget, kind, name, capture) if target.fget is not None else None
        return property(getter, target.fset, target.fdel, target.__doc__)
    if inspect.isclass(target):
        return _observed_class(target, kind, name, capture)
    inner = getattr(target, "__func__", target)
    if not callable(inner):
        raise TypeError(
            f"clearspan: cannot observe {type(target).__name__}: it is not a function, method or class"
        )
    endpoint = _endpoint(inner, kind, capture)
    drive = kind_of(inner)
    # A retrieval's name is its data source, which only the developer can tell.
    label = None if kind == "retrieval" else _label(inner)

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if inlet.current() is None:
            return wrapped(*args, **kwargs)

        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recording | None:
            draft = new_draft(kind, name or label)
            return fenced("recording.begin", _begin, draft, endpoint, Call(instance, args, kwargs))

        return drive(wrapped, args, kwargs, begin)

    return Wrapper(target, wrapper)


def _observed_class(cls: type, kind: str, name: str | None, capture: Capture) -> type:
    own = vars(cls)
    names = (
        ["__call__"] if "__call__" in own else [item for item in own if not item.startswith("_")]
    )
    for item in names:
        method = own[item]
        if inspect.isfunction(method) or isinstance(method, (classmethod, staticmethod)):
            setattr(cls, item, _observed(method, kind, name, capture))
    return cls


def _label(function: Callable[..., Any]) -> str:
    qualname: str = getattr(function, "__qualname__", None) or type(function).__qualname__
    return qualname.rpartition("<locals>.")[2]


def _begin(draft: Draft, endpoint: Endpoint, call: Call) -> Recording | None:
    draft.endpoint = endpoint
    draft.finish_with = _join
    model = call.kwargs.get("model") if draft.kind == "client" else None
    draft.model = model if isinstance(model, str) and model else None
    draft.extras.update(endpoint.extras)
    started = recording.start(draft)
    if started is not None and draft.content:
        weight = [0]
        args = tuple([read.snapshot(item, _DEPTH, weight) for item in call.args])
        kwargs = {key: read.snapshot(value, _DEPTH, weight) for key, value in call.kwargs.items()}
        draft.call = Call(call.instance, args, kwargs)
        draft.weight = weight[0]
    return started


def _endpoint(function: Callable[..., Any], kind: str, capture: Capture) -> Endpoint:
    """Describe a decorated function as providers describe theirs, so that nothing is written twice."""
    inputs = capture if isinstance(capture, bool) else capture.get("inputs", True)
    output = capture if isinstance(capture, bool) else capture.get("output", True)
    operation = KINDS[kind][0]

    def request(draft: Draft, call: Call) -> None:
        if inputs is not False:
            named = _by_name(function, call)
            kept = inputs(named) if callable(inputs) else named
            draft.value(given=_query(kept) if operation is Operation.RETRIEVAL else kept)

    def response(draft: Draft, value: Any) -> None:
        if output is not False:
            kept = output(value) if callable(output) else value
            draft.value(made=_documents(kept) if operation is Operation.RETRIEVAL else kept)

    def chunk(draft: Draft, item: Any) -> None:
        draft.pieces += 1
        if output is not False and draft.content:
            if draft.output_value is None:
                draft.output_value = _Pieces()
            if len(draft.output_value) < _MAX_ITEMS:
                draft.output_value.append(item)

    module = getattr(function, "__module__", None)
    full = f"{module}.{_label(function)}" if module else _label(function)
    extras = {sc.CODE_FUNCTION_NAME: full}
    return Endpoint(operation, (), request, response, chunk, stepped=True, extras=extras)


class _Pieces(list[Any]):
    """What a generator gave, one by one, until the end tells whether it is a text."""


def _join(draft: Draft) -> None:
    made = draft.output_value
    if isinstance(made, _Pieces):
        draft.output_value = (
            "".join(made) if all(isinstance(item, str) for item in made) else list(made)
        )


def _by_name(function: Callable[..., Any], call: Call) -> dict[str, Any]:
    """The arguments under their parameters' names; `self` and `cls` are not among them."""
    signature = inspect.signature(function)
    args = call.args
    if call.instance is not None and next(iter(signature.parameters), None) in ("self", "cls"):
        args = (None, *args)
        bound = signature.bind_partial(*args, **call.kwargs).arguments
        bound.pop(next(iter(signature.parameters)))
    else:
        bound = signature.bind_partial(*args, **call.kwargs).arguments
    found: dict[str, Any] = {}
    for name, value in bound.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        else:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def _query(arguments: Any) -> Any:
    """The text that is searched for, where it can be told apart from the other arguments."""
    if not isinstance(arguments, dict):
        return arguments
    texts = {name: value for name, value in arguments.items() if isinstance(value, str)}
    for name in _QUERY_NAMES:
        if name in texts:
            return texts[name]
    return next(iter(texts.values())) if len(texts) == 1 else arguments


def _documents(made: Any) -> Any:
    """Documents in the conventions' form: objects, with `content` for plain texts."""
    if not isinstance(made, (list, tuple)):
        return made
    documents: list[Any] = []
    for item in made:
        known = read.fields(item)
        if isinstance(item, str):
            documents.append({"content": item})
        elif known is not None and "page_content" in known:
            documents.append(
                {
                    **{key: value for key, value in known.items() if key != "page_content"},
                    "content": known["page_content"],
                }
            )
        else:
            documents.append(item)
    return documents


class Decorator:
    """`observe` of one kind: `@clearspan.tool`, bare or called."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.__doc__ = f"Record every call as a step of kind `{kind}`; see `clearspan.observe`."

    @overload
    def __call__(self, target: F, /) -> F: ...
    @overload
    def __call__(
        self, /, *, name: str | None = None, capture: Capture = True
    ) -> Callable[[F], F]: ...
    def __call__(
        self, target: Any = None, /, *, name: str | None = None, capture: Capture = True
    ) -> Any:
        """Decorate `target`, or answer the decorator; see `clearspan.observe`."""
        decorate = observe(kind=self._kind, name=name, capture=capture)
        return decorate if target is None else decorate(target)
