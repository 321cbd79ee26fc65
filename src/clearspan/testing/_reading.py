"""Reading what clients send: JSON of unknown shape, multipart forms, the words of a prompt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, cast

Obj: TypeAlias = "dict[str, object]"
"""A JSON object."""


@dataclass(frozen=True)
class Upload:
    """One file of a multipart form."""

    filename: str
    content_type: str
    content: bytes


Form: TypeAlias = "dict[str, list[str | Upload]]"
"""The fields of a multipart form, in the order of arrival."""

# The keys under which prompts of every OpenAI endpoint keep text that a model reads.
_TEXT_KEYS = (
    "text",
    "value",
    "content",
    "output",
    "arguments",
    "function",
    "tool_calls",
    "refusal",
)


def obj(value: object) -> Obj:
    """The value if it is a JSON object, else an empty one."""
    return cast("Obj", value) if isinstance(value, dict) else {}


def array(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def string(value: object, default: str = "") -> str:
    """The value if it is a string, else the default."""
    return value if isinstance(value, str) else default


def integer(value: object, default: int) -> int:
    """The value as a whole number: JSON numbers, and digits as forms and queries send them."""
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    return default


def flag(value: object) -> bool:
    """Whether the value says yes, in JSON or as forms and queries write it."""
    return value is True or value in ("true", "True", "1")


def decode(body: bytes) -> object:
    """The body as JSON, or None where it is something else."""
    try:
        return cast("object", json.loads(body))
    except ValueError:
        return None


def words(text: str) -> int:
    """How many tokens this server takes a text for: its words between white space."""
    return len(text.split())


def texts(value: object) -> Iterator[str]:
    """Every piece of text in a prompt, whatever its nesting."""
    if isinstance(value, str):
        yield value
    for item in array(value):
        yield from texts(item)
    fields = obj(value)
    for key in _TEXT_KEYS:
        if key in fields:
            yield from texts(fields[key])


def prompt_tokens(*prompts: object) -> int:
    """Words of all texts in the prompts; every number of a tokenised prompt counts as one."""
    return sum(words(text) for text in texts(list(prompts))) + sum(map(_numbers, prompts))


def _numbers(prompt: object) -> int:
    total = 0
    for item in array(prompt):
        total += 1 if isinstance(item, int) else _numbers(item)
    return total


def echo(prompt: object) -> str:
    """What this server says on its own: the last user or tool message, or the plain prompt."""
    if isinstance(prompt, str):
        return f"You said: {prompt}"
    for item in reversed(array(prompt)):
        message = obj(item)
        said = " ".join(texts(item)).strip()
        if message.get("role") == "tool" or message.get("type") == "function_call_output":
            return f"The tool answered: {said}"
        if said and (isinstance(item, str) or message.get("role") == "user"):
            return f"You said: {said}"
    return "Nothing was said."


def pieces(text: str, chunks: Sequence[str] | int | None) -> list[str]:
    """The text in the pieces that a stream sends; they always join to the text."""
    if chunks is None:
        return re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text)
    if not isinstance(chunks, int):
        return list(chunks)
    size, rest = divmod(len(text), chunks)
    ends = [0]
    for index in range(chunks):
        ends.append(ends[-1] + size + (index < rest))
    return [text[start:end] for start, end in pairwise(ends) if end > start]


def limited(text: str, limit: int | None) -> tuple[str, bool]:
    """The text within a token limit, and whether it had to be cut."""
    parts = pieces(text, None)
    if limit is None or len(parts) <= limit:
        return text, False
    return "".join(parts[: max(limit, 0)]), True


def parse_form(content_type: str, body: bytes) -> Form:
    """The fields of a multipart body; an empty form for any other content type."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    form: Form = {}
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        return form
    for part in body.split(b"--" + boundary[1].encode("latin-1"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        headers = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', headers)
        if name is None:
            continue
        key = re.sub(r"\[\d*\]$", "", name[1])
        form.setdefault(key, []).append(_field(headers, content.removesuffix(b"\r\n")))
    return form


def _field(headers: str, content: bytes) -> str | Upload:
    filename = re.search(r'filename="([^"]*)"', headers)
    if filename is None:
        return content.decode("utf-8", "replace")
    kind = re.search(r"(?im)^content-type:\s*(\S+)", headers)
    return Upload(filename[1], kind[1] if kind else "application/octet-stream", content)


def form_body(form: Form) -> Obj:
    """The plain fields of a form in the shape a JSON body would have; files stay out."""
    body: Obj = {}
    for key, values in form.items():
        plain: list[object] = [value for value in values if isinstance(value, str)]
        if plain:
            body[key] = plain[0] if len(plain) == 1 else plain
    return body


def upload(form: Form, *names: str) -> Upload | None:
    """The first file under any of the names."""
    found = (value for name in names for value in form.get(name, ()))
    return next((value for value in found if isinstance(value, Upload)), None)


def merged(base: Mapping[str, object], extra: Mapping[str, object]) -> Obj:
    """Both together; the second wins."""
    return {**base, **extra}
