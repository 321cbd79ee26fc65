"""The OpenAI wire form: which endpoint lives where, also under Azure's paths."""

from __future__ import annotations

from clearspan.testing._answers import Error
from clearspan.testing._openai_audio import ROUTES as AUDIO
from clearspan.testing._openai_chat import ROUTES as CHAT
from clearspan.testing._openai_data import ROUTES as DATA
from clearspan.testing._openai_images import ROUTES as IMAGES
from clearspan.testing._openai_responses import ROUTES as RESPONSES
from clearspan.testing._openai_say import headers_of
from clearspan.testing._openai_threads import ROUTES as THREADS
from clearspan.testing._wire import WireForm

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


OPENAI = WireForm(
    name="openai",
    prefixes=(r"/v1/", r"/openai/v1/", r"/openai/deployments/(?P<deployment>[^/]+)/", r"/openai/"),
    routes=(*CHAT, *RESPONSES, *DATA, *IMAGES, *AUDIO, *THREADS),
    error=error_body,
    headers=headers_of,
)
