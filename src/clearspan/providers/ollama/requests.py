"""What is asked of an Ollama server: options, messages, prompts, texts to embed.

The readers get the body of the request, a dictionary that the client made for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media, openai_common as common
from clearspan.providers.ollama.messages import message, messages
from clearspan.record import Message, Part

__all__ = ["chat", "embed", "generate"]

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")


def chat(draft: Draft, body: Any) -> None:
    """Parameters, messages and tools of a chat."""
    _sampling(draft, body)
    draft.input(messages(read.items(body, "messages")))
    draft.tools(common.tools(read.fields(body) or {}))


def generate(draft: Draft, body: Any) -> None:
    """Parameters, prompt and system instructions of a completion."""
    _sampling(draft, body)
    system = read.text(body, "system")
    if system is not None:
        draft.system(system)
    draft.input(_prompt(body))


def _prompt(body: Any) -> Iterator[Message]:
    """One message of the user; the text that the answer shall lead up to is a part of its own."""
    prompt, suffix = read.text(body, "prompt"), read.text(body, "suffix")
    parts: list[Part] = []
    if prompt is not None:
        parts.append({"type": "text", "content": prompt})
    if suffix is not None:
        parts.append({"type": "suffix", "content": suffix})
    parts.extend(media.blob(image, "image") for image in _texts(body, "images"))
    if parts:
        yield message("user", parts)


def embed(draft: Draft, body: Any) -> None:
    """The texts as the input value, how many they are, and the dimensions asked for."""
    source = read.get(body, "input")
    if source is None:
        source = read.get(body, "prompt")  # of the older of the two APIs
    draft.extra(sc.EMBEDDINGS_DIMENSION_COUNT, read.count(body, "dimensions"))
    texts = [source] if read.text(source) else read.items(source)
    draft.extra(sc.INPUT_COUNT, len(texts) or None)
    if texts:
        draft.value(given=source)


def _sampling(draft: Draft, body: Any) -> None:
    options = read.get(body, "options")
    draft.set(**{name: read.number(options, name) for name in _NUMBERS})
    stop = read.text(options, "stop")
    draft.set(
        max_tokens=read.whole(options, "num_predict"),
        top_k=read.whole(options, "top_k"),
        seed=read.whole(options, "seed"),
        stop_sequences=[stop] if stop else list(_texts(options, "stop")) or None,
        output_type=_output_type(read.get(body, "format")),
        reasoning_level=_reasoning(read.get(body, "think")),
    )


def _output_type(wanted: Any) -> str | None:
    """`json` for the word and for a schema."""
    return "json" if read.text(wanted) == "json" or read.fields(wanted) is not None else None


def _reasoning(think: Any) -> str | None:
    if type(think) is bool:
        return "true" if think else "false"
    return read.text(think)


def _texts(body: Any, name: str) -> Iterator[str]:
    return (text for item in read.items(body, name) if (text := read.text(item)))
