"""Decorators: the application's own steps, recorded as calls of any provider are."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple, TypeVar, overload

from clearspan import semconv as sc
from clearspan.capture import inlet, recording
from clearspan.capture.parameters import Parameters
from clearspan.capture.steps import KINDS, check_kind, new_draft
from clearspan.capture.wrapper import Wrapper, kind_of
from clearspan.capture.yielded import Yielded
from clearspan.core import read
from clearspan.core.copying import Copier
from clearspan.core.fence import fenced
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint
from clearspan.record import Operation, Outcome

__all__ = ["Capture", "Decorator", "observe"]

F = TypeVar("F", bound=Callable[..., Any])
Capture = bool | Mapping[str, bool | Callable[[Any], Any]]
"""What of a function is kept: all, nothing, or `{"inputs": ..., "output": ...}`."""

_DEPTH = 16
_LIMITS = ("top_k", "k", "limit", "n_results")
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
    target that is not callable or a `capture` of another form.

    A class is returned as it is, with its `__call__` recorded, or all its public methods when it
    has no `__call__`. Of properties, the plain ones and the cached ones of `functools` are recorded; other descriptors
    are returned as they are.
    """
    check_kind(kind)
    _check_capture(capture)
    if target is None:
        return lambda given: _observed(given, kind, name, capture)
    return _observed(target, kind, name, capture)


def _check_capture(capture: object) -> None:
    """A misspelt name here would keep what was meant to be left out."""
    known = isinstance(capture, bool) or (
        isinstance(capture, Mapping)
        and set(capture) <= {"inputs", "output"}
        and all(isinstance(item, bool) or callable(item) for item in capture.values())
    )
    if not known:
        raise TypeError(
            "clearspan: capture must be True, False, or a mapping of 'inputs' and 'output' to True, "
            f"False or a function, not {capture!r}"
        )


def _observed(target: Any, kind: str, name: str | None, capture: Capture) -> Any:
    if type(target) is property:
        getter = _observed(target.fget, kind, name, capture) if target.fget is not None else None
        return property(getter, target.fset, target.fdel, target.__doc__)
    if type(target) is functools.cached_property:
        return functools.cached_property(_observed(target.func, kind, name, capture))
    if inspect.isclass(target):
        return _observed_class(target, kind, name, capture)
    inner = getattr(target, "__func__", target)
    if not callable(inner):
        if hasattr(type(target), "__get__"):
            return target  # of a kind that we do not know: made anew it might do something else
        raise TypeError(
            f"clearspan: cannot observe {type(target).__name__}: it is not a function, method or class"
        )
    kept = _kept(kind, capture)
    endpoint, finish, drive = _endpoint(inner, kept, kind), _joined(kept), kind_of(inner)
    # A retrieval's name is its data source, which only the developer can tell.
    label = None if kind == "retrieval" else _label(inner)

    def start(
        instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> recording.Recording | None:
        draft = new_draft(kind, name or label)
        draft.endpoint, draft.finish_with = endpoint, finish
        if draft.kind == "client":
            draft.model = read.text(kwargs.get("model"))
        draft.extras.update(endpoint.extras)
        opened = recording.begin(draft)
        if opened is None:
            return None
        if not kept.parameters.learnt:
            fenced("capture.parameters", kept.parameters.learn, inner)
        started = _Decorated(draft, opened, kept)
        fenced("capture.inputs", started.keep, Call(instance, args, kwargs))
        return started

    def wrapper(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if inlet.place.current is None:
            return wrapped(*args, **kwargs)
        return drive(wrapped, args, kwargs, functools.partial(start, instance))

    return Wrapper(target, wrapper)


def _observed_class(cls: type, kind: str, name: str | None, capture: Capture) -> type:
    own = vars(cls)
    names = (
        ["__call__"] if "__call__" in own else [item for item in own if not item.startswith("_")]
    )
    for item in names:
        method = own[item]
        # By its type, which no wrapper can pretend to be: what is recorded already is left alone.
        if type(method) in (FunctionType, classmethod, staticmethod) and not _recorded(method):
            setattr(cls, item, _observed(method, kind, name, capture))
    return cls


def _recorded(method: Any) -> bool:
    """Whether there is a decorator of ours below `classmethod` or `staticmethod`."""
    return type(getattr(method, "__func__", None)) is Wrapper


def _label(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    qualname: str = getattr(function, "__qualname__", None) or type(function).__qualname__
    return qualname.rpartition("<locals>.")[2]


def _full_name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    module = getattr(function, "__module__", None)
    return f"{module}.{_label(function)}" if module else _label(function)


class _Kept(NamedTuple):
    """What of a decorated function's arguments and result is kept. The function itself is not: see `Parameters`."""

    parameters: Parameters
    inputs: bool | Callable[[Any], Any]
    output: bool | Callable[[Any], Any]
    documents: bool


def _kept(kind: str, capture: Capture) -> _Kept:
    named = {"inputs": capture, "output": capture} if isinstance(capture, bool) else capture
    return _Kept(
        Parameters(),
        named.get("inputs", True),
        named.get("output", True),
        KINDS[kind][0] is Operation.RETRIEVAL,
    )


class _Decorated(recording.Recording):
    """A recording of host code: its values are the host's to change at once, so they are copied."""

    __slots__ = ("kept",)

    def __init__(self, draft: Draft, opened: inlet.Inlet, kept: _Kept) -> None:
        super().__init__(draft, opened)
        self.kept = kept

    def _copier(self) -> Copier:
        # Among documents a text is one; the name of an object's type is none.
        return Copier(bare=not self.kept.documents)

    def keep(self, call: Call) -> None:
        """Keep the arguments until they are read: a copy, or what the host's function makes of them."""
        kept, draft, copier = self.kept, self.draft, self._copier()
        if not draft.content or kept.inputs is False:
            return
        if callable(kept.inputs):
            made = kept.inputs(kept.parameters.named(call))
            made = _query(made) if kept.documents else made
            draft.value(given=copier.of(made, _DEPTH))
        else:
            args = tuple([copier.of(item, _DEPTH) for item in call.args])
            kwargs = {key: copier.of(value, _DEPTH) for key, value in call.kwargs.items()}
            # That there was an instance is all that is asked of it; it may be what holds this call.
            draft.call = Call(None if call.instance is None else True, args, kwargs)
        draft.weight += copier.weight
        draft.lost += copier.cuts

    def result(self, value: Any) -> None:
        fenced("capture.output", self._take, value)
        self._remember()
        self.ended(Outcome.COMPLETED)

    def _take(self, value: Any) -> None:
        draft, output, copier = self.draft, self.kept.output, self._copier()
        if draft.operation == Operation.CHAT:
            draft.response_id = read.text(value, "id")
        if draft.operation == Operation.EMBEDDINGS and not callable(output):
            _measure(draft, value)  # vectors say nothing to anybody, and are large
        elif draft.content and output is not False:
            made = output(value) if callable(output) else value
            draft.result = copier.of(made, _DEPTH)
            draft.weight += copier.weight
            draft.lost += copier.cuts

    def chunk(self, item: Any) -> None:
        if self.kept.output is True and self.draft.content:
            copier = self._copier()
            item = fenced("capture.output", copier.of, item, _DEPTH)
            self.draft.lost += copier.cuts
        elif not callable(self.kept.output) and self.draft.operation != Operation.CHAT:
            item = None  # nobody reads it
        super().chunk(item)


def _measure(draft: Draft, vectors: Any) -> None:
    """How many vectors there are, and how long."""
    rows = read.items(vectors)
    row = rows if rows and type(rows[0]) is float else read.items(rows[0]) if rows else []
    if row:
        draft.extra(sc.OUTPUT_COUNT, 1 if row is rows else len(rows))
        draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, len(row))


def _endpoint(function: Any, kept: _Kept, kind: str) -> Endpoint:
    """Describe a decorated function as providers describe theirs, so that nothing is written twice."""
    parameters, documents, taken = kept.parameters, kept.documents, kept.output is not False

    def request(draft: Draft, call: Call) -> None:
        given = parameters.named(call)
        draft.value(given=_query(given) if documents else given)
        if documents:
            draft.set(
                retrieval_top_k=next(
                    (read.count(given, name) for name in _LIMITS if name in given), None
                )
            )

    def response(draft: Draft, value: Any) -> None:
        draft.value(made=_documents(value) if documents else value)

    def chunk(draft: Draft, item: Any) -> None:
        draft.pieces += 1
        if taken and draft.content:
            if draft.output_value is None:
                draft.output_value = Yielded(draft.longest)
            draft.output_value.take(item)

    extras = {sc.CODE_FUNCTION_NAME: _full_name(function)}
    told = getattr(function, "__doc__", None) if kind == "tool" else None
    if isinstance(told, str) and told.strip():
        extras[sc.TOOL_DESCRIPTION] = " ".join(told.strip().partition("\n\n")[0].split())
    return Endpoint(KINDS[kind][0], (), request, response, chunk, stepped=True, extras=extras)


def _joined(kept: _Kept) -> Callable[[Draft], None]:
    """Puts together what a generator gave, when it has given all."""
    output, documents = kept.output, kept.documents

    def finish(draft: Draft) -> None:
        pieces, draft.output_value = draft.output_value, None
        if type(pieces) is not Yielded:
            draft.output_value = pieces
            return
        made: Any = pieces.made()
        if callable(output):
            made = output(made)
        draft.output_value = _documents(made) if documents else made

    return finish


def _query(arguments: Any) -> Any:
    """The text that is searched for, where it can be told apart from the other arguments."""
    if not issubclass(type(arguments), dict):
        return arguments
    texts = {name: value for name, value in dict.items(arguments) if issubclass(type(value), str)}
    for name in _QUERY_NAMES:
        if name in texts:
            return texts[name]
    return next(iter(texts.values())) if len(texts) == 1 else arguments


def _documents(made: Any) -> Any:
    """Documents in the conventions' form: objects, with `content` for plain texts."""
    if not issubclass(type(made), (list, tuple)):
        return made
    documents: list[Any] = []
    for item in read.items(made):
        known = read.fields(item)
        if issubclass(type(item), str):
            documents.append({"content": item})
        elif known is not None and dict.__contains__(known, "page_content"):
            rest = {key: value for key, value in dict.items(known) if key != "page_content"}
            documents.append({**rest, "content": dict.__getitem__(known, "page_content")})
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
