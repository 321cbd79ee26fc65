"""The OpenAI wire form: which endpoint lives where, also under Azure's paths."""

from __future__ import annotations

from clearspan.testing import (
    _openai_audio as audio,
    _openai_chat as chat,
    _openai_data as data,
    _openai_images as images,
    _openai_responses as responses,
    _openai_threads as threads,
)
from clearspan.testing._answers import Error
from clearspan.testing._openai_say import headers_of
from clearspan.testing._wire import Route, WireForm

# `type` and `code` that OpenAI sends with a status, where the script names none.
_FAULTS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


def error_body(error: Error) -> object:
    """The body of an error answer."""
    fallback = "server_error" if error.status >= 500 else "invalid_request_error"
    kind, code = _FAULTS.get(error.status, (fallback, None))
    return {
        "error": {
            "message": error.message,
            "type": error.type or kind,
            "param": error.param,
            "code": error.code or code,
        }
    }


_ROUTES = (
    Route("POST", "chat/completions", chat.CHAT),
    Route("POST", "completions", chat.COMPLETIONS),
    Route("POST", "responses", responses.CREATE),
    Route("POST", "responses/compact", responses.COMPACT),
    Route("GET", "responses/{id}", responses.RETRIEVE),
    Route("POST", "responses/{id}/cancel", responses.CANCEL),
    Route("POST", "embeddings", data.EMBEDDINGS),
    Route("POST", "images/generations", images.GENERATIONS),
    Route("POST", "images/edits", images.EDITS),
    Route("POST", "images/variations", images.VARIATIONS),
    Route("POST", "audio/speech", audio.SPEECH),
    Route("POST", "audio/transcriptions", audio.TRANSCRIPTIONS),
    Route("POST", "audio/translations", audio.TRANSLATIONS),
    Route("POST", "moderations", data.MODERATIONS),
    Route("POST", "decisions", data.DECISIONS),
    Route("POST", "batches", data.CREATE_BATCH),
    Route("GET", "batches/{id}", data.GET_KEPT),
    Route("POST", "files", data.CREATE_FILE),
    Route("GET", "files/{id}", data.GET_KEPT),
    Route("GET", "models", data.LIST_MODELS),
    Route("GET", "models/{id}", data.GET_MODEL),
    Route("POST", "assistants", threads.CREATE_ASSISTANT),
    Route("POST", "threads", threads.CREATE_THREAD),
    Route("GET", "threads/{thread}", threads.GET_THREAD),
    Route("POST", "threads/runs", threads.CREATE_RUN),
    Route("POST", "threads/{thread}/messages", threads.ADD_MESSAGE),
    Route("GET", "threads/{thread}/messages", threads.LIST_MESSAGES),
    Route("POST", "threads/{thread}/runs", threads.CREATE_RUN),
    Route("GET", "threads/{thread}/runs/{run}", threads.GET_RUN),
    Route("POST", "threads/{thread}/runs/{run}/submit_tool_outputs", threads.SUBMIT),
)

OPENAI = WireForm(
    name="openai",
    prefixes=(r"/v1/", r"/openai/v1/", r"/openai/deployments/(?P<deployment>[^/]+)/", r"/openai/"),
    routes=_ROUTES,
    error=error_body,
    headers=headers_of,
)
