"""Recorded exchanges that report their usage, and what is counted where that report is taken away."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from clearspan.draft import Draft
from clearspan.figures.tokens import TokenCounter, files
from clearspan.figures.tokens.models import model
from clearspan.figures.tokens.vocabularies import Vocabularies, load
from clearspan.formats import openai_chat, openai_responses
from clearspan.provider import Call

from .exchange import Exchange, find, load as load_exchange
from .hosts import provider_of
from .raw import JsonMap, as_count, as_list, as_map, as_text, delivered, maps, parsed

ENCODINGS = ("o200k_base", "cl100k_base")
_READERS: dict[str, Any] = {"chat": openai_chat, "responses": openai_responses}


class Counted(NamedTuple):
    """What a provider reported of an exchange beside what is counted."""

    exchange: Exchange
    model: str
    reported: dict[str, int]
    counted: dict[str, int]
    source: str


def vocabularies(into: Path) -> Path | None:
    """A folder with the vocabulary files, copied from where they are; `None` where they are nowhere."""
    sources = [files.source(name) for name in ENCODINGS]
    wanted = [source.filename for source in sources if source is not None]
    for folder in _places():
        if wanted and all((folder / name).is_file() for name in wanted):
            for name in wanted:
                shutil.copyfile(folder / name, into / name)
            return into
    return None


def _places() -> Iterator[Path]:
    for variable in ("CLEARSPAN_TEST_TOKENIZERS", "TIKTOKEN_CACHE_DIR"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    yield from files.folders()
    installed = importlib.util.find_spec("litellm")  # brings them along; it is not imported
    for folder in (installed.submodule_search_locations or ()) if installed else ():
        yield Path(folder) / "litellm_core_utils" / "tokenizers"


def loaded() -> Vocabularies:
    """The vocabularies, in memory."""
    held = Vocabularies(load)
    for name in ENCODINGS:
        held.counter(name)
    held.settle(60)
    assert all(held.counter(name) for name in ENCODINGS)
    return held


def counted(figure: TokenCounter, endpoint: str) -> Iterator[Counted]:
    """Every exchange with one of OpenAI's models whose usage is known."""
    for path in find():
        exchange = load_exchange(path)
        bodies = _bodies(exchange)
        usage = next((found for body in reversed(bodies) if (found := _usage(body))), None)
        if exchange.endpoint != endpoint or exchange.status >= 400 or usage is None:
            continue
        draft = _draft(exchange, bodies)
        served = draft.response_model or draft.model
        if model(served).encoding is None:
            continue
        figure(draft)
        counts = dict(draft.counts)
        source = as_text(counts.pop("source", ""))
        yield Counted(exchange, served or "", _reported(usage), counts, source)


def _bodies(exchange: Exchange) -> list[JsonMap]:
    if exchange.streams:
        return delivered(exchange.content)[0]
    return [as_map(parsed(exchange.content)[1])]


def _usage(body: JsonMap) -> JsonMap:
    return as_map(body.get("usage")) or as_map(as_map(body.get("response")).get("usage"))


def _reported(usage: JsonMap) -> dict[str, int]:
    details = as_map(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
    names = {
        "input": ("prompt_tokens", "input_tokens"),
        "output": ("completion_tokens", "output_tokens"),
    }
    found = {
        name: next((as_count(usage[key]) for key in keys if key in usage), None)
        for name, keys in names.items()
    }
    hidden = as_count(details.get("reasoning_tokens")) or 0
    kept = {name: count for name, count in found.items() if count is not None}
    return {**kept, "output": kept.get("output", 0) - hidden}


def _draft(exchange: Exchange, bodies: list[JsonMap]) -> Draft:
    """The draft of the call as the readers leave it, but for the usage."""
    reader = _READERS[exchange.endpoint]
    draft = Draft("chat")
    draft.provider = provider_of(exchange.url)
    draft.model = as_text(exchange.payload.get("model"))
    draft.endpoint = SimpleNamespace(request=reader.request)
    draft.call = Call(None, (), exchange.payload)
    reader.request(draft, draft.call)
    for body in bodies:
        (reader.chunk if exchange.streams else reader.response)(draft, _silent(body))
    return draft


def _silent(body: JsonMap) -> JsonMap:
    inner = as_map(body.get("response"))
    kept = {name: value for name, value in body.items() if name not in ("usage", "x_groq")}
    if inner:
        kept["response"] = {name: value for name, value in inner.items() if name != "usage"}
    return kept


def bare(exchange: Exchange) -> bool:
    """Whether a chat has nothing but text: no tools, no pictures, no form for the answer."""
    payload = exchange.payload
    if any(payload.get(name) for name in ("tools", "functions", "response_format", "audio")):
        return False
    return all(
        message.get("role") not in ("tool", "function")
        and not message.get("tool_calls")
        and not message.get("function_call")
        and all(part.get("type") == "text" for part in maps(message.get("content")))
        for message in maps(as_list(payload.get("messages")))
    )
