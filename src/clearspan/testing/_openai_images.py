"""Image endpoints of the OpenAI wire form: generations, edits, variations, and their streams."""

from __future__ import annotations

import base64
import struct
import zlib

from clearspan.testing._answers import Answer, Json, Sse
from clearspan.testing._reading import Obj, integer, prompt_tokens, string
from clearspan.testing._wire import Call, Endpoint, Route, dump

_IMAGE_TOKENS = 16
_MODELS_WITH_URLS = ("dall-e",)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def picture(seed: str) -> bytes:
    """A valid PNG file of one pixel, coloured by the seed."""
    colour = zlib.crc32(seed.encode()).to_bytes(4, "big")[:3]
    size = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + colour)
    chunks = _chunk(b"IHDR", size) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _encoded(call: Call, index: int) -> str:
    seed = f"{string(call.body.get('prompt'))}/{index}"
    return base64.b64encode(picture(seed)).decode()


def _usage(call: Call, images: int) -> Obj:
    asked, made = prompt_tokens(call.body.get("prompt")), images * _IMAGE_TOKENS
    shown = _IMAGE_TOKENS * sum(len(call.form.get(name, ())) for name in ("image", "mask"))
    return {
        "input_tokens": asked + shown,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": shown},
        "output_tokens": made,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
        "total_tokens": asked + shown + made,
    }


def _look(call: Call, size: str) -> Obj:
    return {
        "background": _chosen(call, "background", "opaque"),
        "output_format": string(call.body.get("output_format"), "png"),
        "quality": _chosen(call, "quality", "high"),
        "size": _chosen(call, "size", size),
    }


def _chosen(call: Call, name: str, default: str) -> str:
    asked = string(call.body.get(name), "auto")
    return default if asked == "auto" else asked


def _by_url(call: Call) -> bool:
    model = string(call.body.get("model"), "dall-e-2")
    default = "url" if model.startswith(_MODELS_WITH_URLS) else "b64_json"
    return string(call.body.get("response_format"), default) == "url"


def _make(call: Call) -> Answer:
    if call.streaming:
        return Sse(_stream_lines(call))
    count = max(integer(call.body.get("n"), 1), 1)
    data = [_image(call, index) for index in range(count)]
    body: Obj = {"created": call.state.now(), "data": data}
    if not string(call.body.get("model"), "dall-e-2").startswith(_MODELS_WITH_URLS):
        body |= {**_look(call, "1024x1024"), "usage": _usage(call, count)}
    return Json(body)


def _image(call: Call, index: int) -> Obj:
    if _by_url(call):
        # A name that can never be resolved: there is nothing to be fetched from a stand-in.
        image: Obj = {"url": f"https://images.invalid/{call.state.new_id('img_')}.png"}
    else:
        image = {"b64_json": _encoded(call, index)}
    if string(call.body.get("model")) == "dall-e-3":
        image["revised_prompt"] = f"Exactly this: {string(call.body.get('prompt'))}"
    return image


def _stream_lines(call: Call) -> list[str]:
    kind = "image_edit" if call.request.path.endswith("edits") else "image_generation"
    look = {"created_at": call.state.now(), **_look(call, "1024x1024")}
    lines: list[str] = []
    for index in range(integer(call.body.get("partial_images"), 0)):
        name = f"{kind}.partial_image"
        part = {"b64_json": _encoded(call, index + 1), "partial_image_index": index}
        lines += [f"event: {name}", f"data: {dump({'type': name, **part, **look})}", ""]
    name = f"{kind}.completed"
    done = {"b64_json": _encoded(call, 0), **look, "usage": _usage(call, 1)}
    return [*lines, f"event: {name}", f"data: {dump({'type': name, **done})}", ""]


ROUTES = (
    Route("POST", "images/generations", Endpoint(_make, required=("prompt",))),
    Route("POST", "images/edits", Endpoint(_make, required=("prompt",))),
    Route("POST", "images/variations", Endpoint(_make)),
)
