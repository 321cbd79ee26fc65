"""Pictures, sound and files in messages, as parts of the GenAI conventions.

Nothing is fetched, opened or decoded: data that came inline stays the text that it was.
"""

from __future__ import annotations

import io
import pathlib
import re
from typing import Any

from clearspan.core import read
from clearspan.record import Part

__all__ = ["address", "blob", "data", "file", "part", "sound", "upload"]

# The head of a data URL must be exactly this, and base64 must follow: prose that merely begins
# with "data:" is no picture.
_DATA_URL = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+\"-]*)*;base64,(?=[A-Za-z0-9+/_=-]|$)", re.ASCII
)
_HEAD = 512
_SOUND = {"mp3": "audio/mpeg", "pcm16": "audio/pcm"}
_KINDS = ("image", "audio", "video")
_PATHS = (
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)
_FILES = (io.BufferedReader, io.BufferedRandom, io.FileIO)


def address(url: str, modality: str | None = None) -> Part:
    """A part for a URL: a blob when it carries its data, else a reference."""
    found = _DATA_URL.match(url, 0, _HEAD)
    if found is None:
        return {"type": "uri", "modality": modality or "document", "uri": url}
    return blob(url[found.end() :], modality, found[1])


def blob(content: str, modality: str | None = None, mime_type: str | None = None) -> Part:
    """A part for base64 text."""
    part: Part = {"type": "blob", "modality": modality or _modality(mime_type), "content": content}
    if mime_type:
        part["mime_type"] = mime_type
    return part


def data(content: str, modality: str | None = None) -> Part:
    """A part for a field that holds a data URL, an address, or bare base64."""
    if content.startswith(("data:", "http://", "https://")):
        return address(content, modality)
    return blob(content, modality)


def sound(content: str, format: str | None = None) -> Part:  # noqa: A002 -- the API's name
    """A part for base64 sound of a named format."""
    return blob(content, "audio", _SOUND.get(format, f"audio/{format}") if format else None)


def file(file_id: str, modality: str | None = None) -> Part:
    """A part for a file that was uploaded to the provider before."""
    return {"type": "file", "modality": modality or "document", "file_id": file_id}


def upload(value: Any, modality: str) -> dict[str, Any]:
    """A part that says of an upload what is known without reading it: name and size in bytes."""
    part: dict[str, Any] = {"type": "upload", "modality": modality}
    name: Any = None
    content = value
    if type(value) is tuple and len(value) > 1:
        name, content = value[:2]
    if type(content) in _PATHS:
        name = name or content.name
    elif type(content) in _FILES:
        name = name or pathlib.PurePath(str(content.name)).name
    elif type(content) in (bytes, bytearray):
        part["size"] = len(content)
    if read.text(name):
        part["name"] = read.text(name)
    return part


def _modality(mime_type: str | None) -> str:
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in _KINDS else "document"


def part(source: Any) -> Part | None:
    """A content part of any of OpenAI's APIs that is a picture, sound or file; else `None`."""
    kind = read.text(source, "type") or ""
    reader = _READERS.get(kind)
    return reader(source) if reader is not None else None


def _picture(source: Any) -> Part | None:
    kind = read.text(source, "type") or ""
    modality = "video" if kind == "video_url" else "image"
    url = read.text(source, kind) or read.text(source, kind, "url")
    return address(url, modality) if url else None


def _input_image(source: Any) -> Part | None:
    url = read.text(source, "image_url") or read.text(source, "image_url", "url")
    if url:
        return address(url, "image")
    file_id = read.text(source, "file_id")
    return file(file_id, "image") if file_id else None


def _input_audio(source: Any) -> Part | None:
    held = read.get(source, "input_audio")
    content = read.text(held, "data")
    return sound(content, read.text(held, "format")) if content else None


def _input_file(source: Any) -> Part | None:
    held = read.get(source, "file")
    found = _file(source if read.fields(held) is None else held)
    name = read.text(source, "filename") or read.text(held, "filename")
    if found is not None and name:
        found["name"] = name
    return found


def _file(held: Any) -> Part | None:
    file_id = read.text(held, "file_id")
    if file_id:
        return file(file_id)
    url = read.text(held, "file_url")
    if url:
        return address(url)
    content = read.text(held, "file_data")
    return data(content) if content else None


_READERS = {
    "image_url": _picture,
    "video_url": _picture,
    "input_image": _input_image,
    "image_file": lambda source: _input_image(
        {"file_id": read.text(source, "image_file", "file_id")}
    ),
    "input_audio": _input_audio,
    "file": _input_file,
    "input_file": _input_file,
    "computer_screenshot": _input_image,
}
