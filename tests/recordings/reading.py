"""What the span of a recorded exchange must say, read from the raw JSON alone.

These rules follow the GenAI conventions and what the provider documents; none of the code under test is used. Where the
conventions leave a choice open, an expected value is a ``OneOf``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from . import said_chat, said_responses
from .exchange import Exchange
from .facts import Media, Said
from .hosts import provider_of
from .raw import (
    JsonMap,
    as_count,
    as_list,
    as_map,
    as_text,
    base64_size,
    delivered,
    maps,
    parsed,
)
from .requests import request_facts, tool_names
from .usage import usage_facts
from .values import ABSENT, OneOf, maybe

OPERATIONS = {
    "chat": "chat",
    "completions": "text_completion",
    "responses": "chat",
    "embeddings": "embeddings",
    "images": "generate_content",
    "moderations": "moderation",
}
_STATUS_ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}


@dataclass
class Reading:
    """Everything a span is compared on. ``inputs``/``outputs`` are ``None`` where messages are not compared."""

    name: str
    attributes: dict[str, object]
    failed: bool | None = False
    inputs: list[Said] | None = None
    outputs: list[Said] | None = None
    join_inputs: bool = False
    join_outputs: bool = False
    instructions: str | None = None
    tools: list[tuple[str, OneOf]] = field(default_factory=list)
    provider_runs: frozenset[str] = frozenset()


# ---- errors ---------------------------------------------------------------------------------------------------------


def code_or(code: object, otherwise: str) -> object:
    """``error.type``: the provider's code where it is a string, else the class of the exception.

    A code that came as a number may be taken (newer clients turn it into a string) or passed over.
    """
    if isinstance(code, str) and code:
        return code
    if isinstance(code, int) and not isinstance(code, bool):
        return OneOf(otherwise, str(code))
    return otherwise


def refusal_type(status: int, content: bytes) -> object:
    """``error.type`` of an answer with an error status."""
    known = _STATUS_ERRORS.get(status) or (
        "InternalServerError" if status >= 500 else "APIStatusError"
    )
    body = as_map(parsed(content)[1])
    error = as_map(body.get("error")) if body.get("error") is not None else body
    return code_or(error.get("code"), f"openai.{known}")


# ---- responses ------------------------------------------------------------------------------------------------------


def identity_facts(bodies: Sequence[JsonMap], provider: str) -> dict[str, object]:
    """Ids and names that the server gave; of a stream the first that are not empty, or a later other one.

    Tier and fingerprint are attributes of OpenAI's own flavour, so another provider's may be left out.
    """
    facts: dict[str, object] = {}
    for source, target in (
        ("id", "gen_ai.response.id"),
        ("model", "gen_ai.response.model"),
        ("service_tier", "openai.response.service_tier"),
        ("system_fingerprint", "openai.response.system_fingerprint"),
    ):
        given = list(dict.fromkeys(filter(None, (as_text(body.get(source)) for body in bodies))))
        if given:
            foreign = target.startswith("openai.") and provider != "openai"
            facts[target] = OneOf(*given, *([ABSENT] if foreign else []))
    return facts


def finish_facts(reasons: Sequence[object]) -> dict[str, object]:
    """``gen_ai.response.finish_reasons``, absent where nothing was generated."""
    return {"gen_ai.response.finish_reasons": list(reasons)} if reasons else {}


def chat_facts(
    reading: Reading, bodies: Sequence[JsonMap], choices: Sequence[JsonMap], *, broken: bool
) -> None:
    """Choices of a chat or of an older completion: why they ended, and what they say."""
    outputs = said_chat.chat_output(choices)
    reasons: list[object] = [said_chat.finish_of(choice) for choice in choices]
    if broken:
        reasons = [OneOf("error", reason) for reason in reasons]
        outputs = [Said(**{**vars(said), "finish": ("error", *said.finish)}) for said in outputs]
    reading.attributes.update(finish_facts(reasons))
    reading.outputs = outputs
    reading.attributes.update(
        usage_facts([body.get("usage") for body in bodies], [body.get("x_groq") for body in bodies])
    )


def response_facts(
    reading: Reading, response: JsonMap, items: Sequence[JsonMap], *, broken: bool
) -> None:
    """A Responses answer: status, what it says, usage, and an error that came without an exception.

    A status that the provider does not document may be left out, kept or taken for an ordinary end; it is no error.
    """
    ended = ("error",) if broken else said_responses.finishes(response)
    reading.attributes.update(finish_facts(ended))
    status = as_text(response.get("status"))
    if status and not ended and status not in ("queued", "in_progress"):
        reading.attributes["gen_ai.response.finish_reasons"] = maybe([status], ["stop"])
    finish = (*ended, "tool_call") if ended == ("stop",) else ended
    reading.outputs = said_responses.responses_output(items, finish)
    reading.provider_runs |= said_responses.provider_runs(items)
    if any(item.get("type") == "compaction" for item in items):
        reading.attributes["gen_ai.conversation.compacted"] = maybe(True)
    reading.attributes.update(usage_facts([response.get("usage")], []))
    error = as_map(response.get("error"))
    if any(error.values()) or response.get("status") == "failed":
        reading.failed = True
        reading.attributes["error.type"] = as_text(error.get("code")) or OneOf.anything()
    conversation = as_map(response.get("conversation")).get("id")
    if conversation and "gen_ai.conversation.id" not in reading.attributes:
        reading.attributes["gen_ai.conversation.id"] = maybe(conversation)


def refused(body: JsonMap, payload: JsonMap) -> bool:
    """Whether the client itself raises, for it was to unpack vectors and there are none."""
    return not body.get("data") and "encoding_format" not in payload


def embedding_facts(reading: Reading, body: JsonMap, payload: JsonMap) -> None:
    """Vectors: how long, which is what was asked for or what came (recordings cut long packed ones)."""
    first = next(iter(maps(body.get("data"))), {}).get("embedding")
    asked = as_count(payload.get("dimensions"))
    came = len(as_list(first)) or None
    if isinstance(first, str):
        size = base64_size(first)
        came = size // 4 if size else None
    known = [count for count in (asked, came) if count]
    if known:
        reading.attributes["gen_ai.embeddings.dimension.count"] = OneOf(*known)
    reading.attributes.update(usage_facts([body.get("usage")], []))
    for name in ("gen_ai.usage.output_tokens", "gen_ai.usage.input_tokens"):
        value = reading.attributes.get(name, ABSENT)
        total = as_count(as_map(body.get("usage")).get("total_tokens"))
        if name.endswith("output_tokens") or value is ABSENT:
            reading.attributes[name] = OneOf(ABSENT, value, *([total] if total is not None else []))


# ---- whole exchanges ------------------------------------------------------------------------------------------------


def _begin(exchange: Exchange) -> Reading:
    payload, endpoint = exchange.payload, exchange.endpoint
    operation, model = OPERATIONS[endpoint], as_text(payload.get("model"))
    parts = urlsplit(exchange.url)
    provider = provider_of(exchange.url)
    attributes: dict[str, object] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "server.address": parts.hostname or "",
        "server.port": parts.port or maybe(443 if parts.scheme == "https" else 80),
        **({"gen_ai.request.model": model} if model else {}),
        **request_facts(payload, endpoint, provider),
    }
    reading = Reading(f"{operation} {model}".strip(), attributes, tools=tool_names(payload))
    if endpoint == "chat":
        reading.inputs = said_chat.chat_input(payload)
    elif endpoint == "completions":
        reading.inputs, reading.join_inputs = said_chat.prompt_input(payload), True
    elif endpoint == "responses":
        reading.inputs = said_responses.responses_input(payload)
        reading.join_inputs = reading.join_outputs = True
        reading.provider_runs = said_responses.provider_runs(maps(payload.get("input")))
        reading.instructions = as_text(payload.get("instructions")) or None
    elif endpoint in ("images", "moderations"):
        reading.inputs, reading.join_inputs = asked_in(payload), True
    return reading


def asked_in(payload: JsonMap) -> list[Said]:
    """The text that a picture is made from, or that is judged, as what a user said; several texts as one."""
    source = payload.get("prompt") or payload.get("input")
    parts = as_list(source) or [source]
    text = "".join(as_text(part) or as_text(as_map(part).get("text")) for part in parts)
    pictures = [as_text(as_map(as_map(part).get("image_url")).get("url")) for part in parts]
    media = tuple(said_chat.data_or_address(url, "image") for url in pictures if url)
    return [Said("user", text, media=media)]


def pictures_of(body: JsonMap) -> list[Said]:
    """The pictures that were made, by address or content, as one message."""
    addresses = [as_text(entry.get("url")) for entry in maps(body.get("data"))]
    contents = [as_text(entry.get("b64_json")) for entry in maps(body.get("data"))]
    media = [
        said_chat.data_or_address(address, "image") if address else Media("blob", "image", content)
        for address, content in zip(addresses, contents, strict=True)
        if address or content
    ]
    return [Said("assistant", media=tuple(media))] if media else []


def _read_stream(reading: Reading, exchange: Exchange) -> None:
    chunks, error, garbled = delivered(exchange.content)
    broken = error is not None or garbled
    if chunks:
        reading.attributes["gen_ai.response.time_to_first_chunk"] = OneOf.anything()
    if broken:
        reading.failed = True
        code = as_map((error or {}).get("error")).get("code")
        reading.attributes["error.type"] = (
            "json.decoder.JSONDecodeError" if garbled else code_or(code, "openai.APIError")
        )
    if exchange.endpoint == "responses":
        _read_events(reading, chunks, broken=broken)
        return
    reading.attributes.update(identity_facts(chunks, _provider(reading)))
    chat_facts(reading, chunks, said_chat.merged(chunks), broken=broken)
    late = as_map((error or {}).get("usage"))
    for name, value in usage_facts([late], []).items():
        reading.attributes.setdefault(name, OneOf(ABSENT, value))


def _read_events(reading: Reading, events: Sequence[JsonMap], *, broken: bool) -> None:
    latest = said_responses.latest(events)
    ended = said_responses.terminal(events)
    reading.attributes.update(identity_facts([latest], _provider(reading)))
    items = said_responses.streamed_output(events)
    reported = [event for event in events if event.get("type") == "error"]
    cut = not ended and bool(items)
    response_facts(reading, ended, items, broken=broken or bool(reported) or cut)
    if not ended and not reading.outputs:
        # Whether generation began before anything was said is a matter of taste.
        reading.attributes["gen_ai.response.finish_reasons"] = maybe(["error"])
    if reported:
        reading.failed = True
        reading.attributes["error.type"] = as_text(reported[-1].get("code")) or OneOf.anything()


def _read_plain(reading: Reading, exchange: Exchange) -> None:
    valid, value = parsed(exchange.content)
    if not valid:
        if exchange.headers.get("content-type", "").split(";")[0].endswith("json"):
            reading.failed = True
            reading.attributes["error.type"] = "json.decoder.JSONDecodeError"
        return
    body = as_map(value)
    reading.attributes.update(identity_facts([body], _provider(reading)))
    if exchange.endpoint in ("chat", "completions"):
        chat_facts(reading, [body], maps(body.get("choices")), broken=False)
    elif exchange.endpoint == "responses":
        response_facts(reading, body, maps(body.get("output")), broken=False)
    elif exchange.endpoint == "embeddings":
        if refused(body, exchange.payload):
            reading.failed = True
            before = reading.attributes
            reading.attributes = {
                name: maybe(v) if ".response." in name else v for name, v in before.items()
            }
            reading.attributes["error.type"] = OneOf.anything()
            return
        embedding_facts(reading, body, exchange.payload)
    else:
        if exchange.endpoint == "images":
            reading.outputs, reading.join_outputs = pictures_of(body), True
        reading.attributes.update(usage_facts([body.get("usage")], []))
    if exchange.endpoint != "responses" and body.get("error"):
        reading.failed = None if body.get("choices") else True
        reading.attributes["error.type"] = code_or(as_map(body["error"]).get("code"), "_OTHER")


def _provider(reading: Reading) -> str:
    return as_text(reading.attributes["gen_ai.provider.name"])


def read(exchange: Exchange) -> Reading:
    """The whole reading of an exchange of one of the ``OPERATIONS``."""
    reading = _begin(exchange)
    if exchange.status >= 400:
        reading.failed = True
        reading.attributes["error.type"] = refusal_type(exchange.status, exchange.content)
    elif exchange.streams:
        _read_stream(reading, exchange)
    else:
        _read_plain(reading, exchange)
    return reading


def read_resumed(exchange: Exchange) -> Reading:
    """A stored response read again as a stream: nothing is generated, so nothing is counted."""
    chunks, _, _ = delivered(exchange.content)
    provider, latest = provider_of(exchange.url), said_responses.latest(chunks)
    parts = urlsplit(exchange.url)
    reasons = said_responses.finishes(latest)
    attributes: dict[str, object] = {
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.provider.name": provider,
        "gen_ai.request.stream": maybe(True),
        "openai.api.type": maybe("responses"),
        "gen_ai.response.time_to_first_chunk": OneOf.anything() if chunks else ABSENT,
        "server.address": parts.hostname or "",
        "server.port": parts.port or maybe(443 if parts.scheme == "https" else 80),
        **identity_facts([latest], provider),
        **finish_facts(reasons),
    }
    return Reading("fetch_response", attributes, failed="error" in reasons)
