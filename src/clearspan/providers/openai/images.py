"""Images: a prompt (and pictures) in, pictures out."""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.formats import media, openai_common as common
from clearspan.formats.openai_usage import usage
from clearspan.provider import Call
from clearspan.record import Message

__all__ = ["chunk", "request", "response"]

_COMPLETED = ("image_generation.completed", "image_edit.completed")


def request(draft: Draft, call: Call) -> None:
    """Prompt, uploads by their name, and how many pictures are wanted."""
    given = common.arguments(call)
    n = read.whole(given, "n")
    draft.set(output_type="image", choice_count=n if n != 1 else None)
    draft.extra(
        sc.RESPONSE_FORMAT, read.text(given, "response_format") or read.text(given, "output_format")
    )
    uploads = _uploads(given.get("image"))
    draft.extra(sc.INPUT_COUNT, len(uploads) or None)
    parts: list[Any] = [media.upload(item, "image") for item in uploads]
    prompt = read.text(given, "prompt")
    if prompt:
        parts.insert(0, {"type": "text", "content": prompt})
    message: Message = {"role": "user", "parts": parts}
    draft.input(message if parts else [])


def _uploads(image: Any) -> list[Any]:
    """A list of pictures, or one (which may be a tuple of name and content)."""
    if type(image) is list:
        return image  # pyright: ignore[reportUnknownVariableType]
    absent = image is None or type(image).__name__ in ("NotGiven", "Omit")
    return [] if absent else [image]


def response(draft: Draft, body: Any) -> None:
    """Pictures by address or data; this API gives no finish reason."""
    draft.finish_reasons = []
    usage(draft, read.get(body, "usage"))
    pictures = read.items(body, "data")
    draft.extra(sc.OUTPUT_COUNT, len(pictures) or None)
    for index, picture in enumerate(pictures):
        _picture(draft, picture, read.text(body, "output_format"), index)
    common.failure(draft, read.get(body, "error"))


def _picture(draft: Draft, source: Any, kind: str | None, index: int) -> None:
    data, url = read.text(source, "b64_json"), read.text(source, "url")
    if data:
        part: dict[str, Any] = dict(media.blob(data, "image", f"image/{kind}" if kind else None))
    elif url:
        part = dict(media.address(url, "image"))
    else:
        return
    revised = read.text(source, "revised_prompt")
    if revised:
        part["revised_prompt"] = revised
    draft.part(part, index)


def chunk(draft: Draft, event: Any) -> None:
    """An event of a stream: previews count as content and are not kept, the finished picture is."""
    draft.finish_reasons = []
    kind = read.text(event, "type") or ""
    if kind in _COMPLETED:
        usage(draft, read.get(event, "usage"))
        _picture(draft, event, read.text(event, "output_format"), 0)
    elif kind.endswith(".partial_image"):
        draft.pieces += 1
    elif kind == "error":
        common.failure(draft, read.get(event, "error"))
