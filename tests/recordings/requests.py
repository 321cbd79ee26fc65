"""What a raw request asks for."""

from __future__ import annotations

from .raw import JsonMap, as_list, as_map, as_number, as_text, maps
from .values import OneOf, maybe

NAMES = (
    "gen_ai.conversation.id",
    "gen_ai.output.type",
    "gen_ai.prompt.name",
    "gen_ai.prompt.version",
    "gen_ai.request.choice.count",
    "gen_ai.request.encoding_formats",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.max_tokens",
    "gen_ai.request.presence_penalty",
    "gen_ai.request.previous_response.id",
    "gen_ai.request.reasoning.level",
    "gen_ai.request.seed",
    "gen_ai.request.stop_sequences",
    "gen_ai.request.stream",
    "gen_ai.request.temperature",
    "gen_ai.request.top_k",
    "gen_ai.request.top_p",
    "openai.api.type",
    "openai.request.service_tier",
)
_NUMBERS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
}
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
# Parameters of other vendors than OpenAI: good to read, no error to leave out.
_FOREIGN = {"top_k": "gen_ai.request.top_k", "random_seed": "gen_ai.request.seed"}


def request_facts(payload: JsonMap, endpoint: str, provider: str) -> dict[str, object]:
    """Every parameter of a request that the conventions name; ``null`` counts as not given."""
    facts: dict[str, object] = {}
    for source, target in _NUMBERS.items():
        value = as_number(payload.get(source))
        if value is not None:
            facts[target] = value
    for source, target in _FOREIGN.items():
        value = as_number(payload.get(source))
        if value is not None:
            facts.setdefault(target, maybe(value))
    limits = [
        value for value in (as_number(payload.get(name)) for name in _LIMITS) if value is not None
    ]
    if limits:
        facts["gen_ai.request.max_tokens"] = limits[0]
    count = as_number(payload.get("n"))
    if count is not None and count != 1:
        facts["gen_ai.request.choice.count"] = count
    if payload.get("stream") is True:
        facts["gen_ai.request.stream"] = True
    facts.update(_lists(payload, endpoint))
    facts.update(_words(payload, endpoint, provider))
    return facts


def _lists(payload: JsonMap, endpoint: str) -> dict[str, object]:
    facts: dict[str, object] = {}
    stop = payload.get("stop")
    sequences = (
        [stop]
        if isinstance(stop, str)
        else [item for item in as_list(stop) if isinstance(item, str)]
    )
    if sequences:
        facts["gen_ai.request.stop_sequences"] = sequences
    encoding = as_text(payload.get("encoding_format"))
    if encoding and endpoint == "embeddings":
        facts["gen_ai.request.encoding_formats"] = [encoding]
    return facts


def _words(payload: JsonMap, endpoint: str, provider: str) -> dict[str, object]:
    facts: dict[str, object] = {**_level(payload, endpoint), **_output_type(payload, endpoint)}
    api = {"chat": "chat_completions", "responses": "responses"}.get(endpoint)
    if api:
        facts["openai.api.type"] = api if provider == "openai" else maybe(api)
    tier = as_text(payload.get("service_tier"))
    if tier and tier != "auto":
        facts["openai.request.service_tier"] = tier if provider == "openai" else maybe(tier)
    previous = as_text(payload.get("previous_response_id"))
    if previous:
        facts["gen_ai.request.previous_response.id"] = previous
    template = as_map(payload.get("prompt"))
    for source, target in (("id", "gen_ai.prompt.name"), ("version", "gen_ai.prompt.version")):
        if as_text(template.get(source)):
            facts[target] = maybe(template[source])
    conversation = payload.get("conversation")
    identity = as_text(conversation) or as_text(as_map(conversation).get("id"))
    if identity:
        facts["gen_ai.conversation.id"] = identity
    return facts


def _level(payload: JsonMap, endpoint: str) -> dict[str, object]:
    """How much reasoning was asked for, in the provider's word. Chat's ``reasoning`` object is another vendor's."""
    plain = as_text(payload.get("reasoning_effort"))
    nested = as_text(as_map(payload.get("reasoning")).get("effort"))
    if plain:
        return {"gen_ai.request.reasoning.level": plain}
    if nested:
        return {
            "gen_ai.request.reasoning.level": nested if endpoint == "responses" else maybe(nested)
        }
    return {}


def _output_type(payload: JsonMap, endpoint: str) -> dict[str, object]:
    """JSON where it is asked for; plain text, sound and pictures may be told or not."""
    if endpoint == "images":
        return {"gen_ai.output.type": maybe("image")}
    chosen = payload.get("response_format")
    if endpoint == "responses":
        chosen = as_map(payload.get("text")).get("format")
    kind = as_text(as_map(chosen).get("type"))
    if kind in ("json_object", "json_schema"):
        return {"gen_ai.output.type": "json"}
    if "audio" in as_list(payload.get("modalities")):
        return {"gen_ai.output.type": maybe("speech", "text")}
    return {"gen_ai.output.type": maybe("text")} if kind == "text" else {}


def tool_names(payload: JsonMap) -> list[tuple[str, OneOf]]:
    """Type and name of each tool on offer.

    A tool of the provider that has no name is called by its type; a remote server may be called by its label.
    """
    found: list[tuple[str, OneOf]] = []
    for tool in maps(payload.get("tools")):
        kind = as_text(tool.get("type")) or "function"
        inner = as_map(tool.get(kind))
        name = as_text(inner.get("name")) or as_text(tool.get("name"))
        label = as_text(tool.get("server_label"))
        found.append((kind, OneOf(name) if name else OneOf(kind, label or kind)))
    older = [as_text(function.get("name")) for function in maps(payload.get("functions"))]
    return found + [("function", OneOf(name)) for name in older]
