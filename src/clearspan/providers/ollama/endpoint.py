"""The one place that every call of an Ollama client goes through, and what each path stands for.

All public methods end in `_request`, also the bound ones that a module took by
`from ollama import chat` before clearspan was there: they look it up when they are called. What
goes by is the body as it is sent, whatever form the arguments had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint
from clearspan.providers.ollama import answers, decisions, requests
from clearspan.providers.ollama.speech import SPEECH
from clearspan.record import Operation

__all__ = ["ENDPOINT"]


class _Path(NamedTuple):
    """How the calls of one path are read."""

    operation: Operation
    request: Callable[[Draft, Any], None]
    response: Callable[[Draft, Any], None]


_PATHS: Mapping[str, _Path] = {
    "/api/chat": _Path(Operation.CHAT, requests.chat, answers.chat),
    "/api/generate": _Path(Operation.TEXT_COMPLETION, requests.generate, answers.generate),
    "/api/embed": _Path(Operation.EMBEDDINGS, requests.embed, answers.embed),
    "/api/embeddings": _Path(Operation.EMBEDDINGS, requests.embed, answers.embed),
    "/v1/systemone": _Path(Operation.DECISION, decisions.request, decisions.response),
}
# The answers of one operation look alike, whatever the path.
_ANSWERS: Mapping[str, Callable[[Draft, Any], None]] = {
    str(path.operation): path.response for path in _PATHS.values()
}


def _path(call: Call) -> _Path | None:
    path = call.kwargs.get("path")
    return _PATHS.get(path) if type(path) is str else None


def _wanted(call: Call) -> bool:
    """Pulling, listing and the like run no model."""
    return _path(call) is not None


def _operation(call: Call) -> str:
    path = _path(call)
    return str(path.operation) if path is not None else ""


def _model(call: Call) -> Any:
    return read.get(call.kwargs.get("json"), "model")


def _request(draft: Draft, call: Call) -> None:
    path = _path(call)
    if path is not None:
        path.request(draft, call.kwargs.get("json"))


def _response(draft: Draft, body: Any) -> None:
    _ANSWERS[draft.operation](draft, body)


ENDPOINT = Endpoint(
    operation=_operation,
    targets=("ollama._client:Client._request", "ollama._client:AsyncClient._request"),
    request=_request,
    response=_response,
    chunk=_response,
    model=_model,
    wanted=_wanted,
    deep=("json",),
    lazy=True,
    positional=("cls", "method", "path"),
    speech=SPEECH,
)
