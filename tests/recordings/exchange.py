"""Recorded exchanges: finding and loading them, and the call of the client that made each."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .raw import JsonMap, as_list, as_map, as_text

ENDPOINTS = (
    "chat",
    "completions",
    "responses",
    "embeddings",
    "images",
    "moderations",
    "assistants",
)
_DEFAULT = Path(__file__).parents[3] / "shared" / "recordings"

# The last words of a path, and the method of the client that posts there.
_METHODS = {
    "/chat/completions": "chat.completions.create",
    "/completions": "completions.create",
    "/responses": "responses.create",
    "/responses/compact": "responses.compact",
    "/embeddings": "embeddings.create",
    "/images/generations": "images.generate",
    "/moderations": "moderations.create",
}


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its response."""

    path: Path
    record: JsonMap = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def endpoint(self) -> str:
        return as_text(self.record.get("endpoint"))

    @property
    def url(self) -> str:
        return as_text(as_map(self.record.get("request")).get("url"))

    @property
    def verb(self) -> str:
        return as_text(as_map(self.record.get("request")).get("method")).upper()

    @property
    def payload(self) -> JsonMap:
        return as_map(as_map(self.record.get("request")).get("json"))

    @property
    def response(self) -> JsonMap:
        return as_map(self.record.get("response"))

    @property
    def status(self) -> int:
        status = self.response.get("status")
        return status if isinstance(status, int) else 0

    @property
    def headers(self) -> dict[str, str]:
        return {
            name.lower(): as_text(value)
            for name, value in as_map(self.response.get("headers")).items()
        }

    @cached_property
    def content(self) -> bytes:
        """The body as it came over the wire."""
        response = self.response
        if "sse_lines" in response:
            return "\n".join(map(as_text, as_list(response["sse_lines"]))).encode()
        if "ndjson_lines" in response:
            return ("\n".join(map(as_text, as_list(response["ndjson_lines"]))) + "\n").encode()
        if "body" in response:
            return json.dumps(response["body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
        if "base64" in response:
            return base64.b64decode(as_text(response["base64"]))
        return as_text(response.get("text")).encode()

    @property
    def streams(self) -> bool:
        """Whether the caller asked for a stream."""
        asked = parse_qs(urlsplit(self.url).query).get("stream", [""])[0]
        return self.payload.get("stream") is True or asked == "true"


def folder() -> Path:
    """Where the recordings lie: ``CLEARSPAN_RECORDINGS``, or a folder beside the project."""
    return Path(os.environ.get("CLEARSPAN_RECORDINGS") or _DEFAULT)


def find() -> list[Path]:
    """The files of the wire forms replayed here, in a stable order; none where the folder is absent."""
    found = (path for path in folder().glob("*/*.json") if path.name.split("-")[0] in ENDPOINTS)
    return sorted(path for path in found if not path.name.startswith("ollama-"))


def load(path: Path) -> Exchange:
    """Read one recording."""
    return Exchange(path, as_map(json.loads(path.read_text("utf-8"))))


# ---- the call -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A method of the client, and what to construct and pass so that it sends the recorded request."""

    method: str
    azure: bool
    options: dict[str, Any]
    arguments: dict[str, Any]


def plan(exchange: Exchange) -> Call | None:
    """The call that made the recorded request; ``None`` for requests that are not a model's work."""
    parts = urlsplit(exchange.url)
    found = (
        _retrieval(exchange, parts.path)
        or _run(exchange, parts.path)
        or _posting(exchange, parts.path)
    )
    if found is None:
        return None
    method, base, arguments = found
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    query.pop("stream", None)
    root = f"{parts.scheme}://{parts.netloc}"
    endpoint, azure, deployment = base.partition("/openai/deployments/")
    if azure:
        options = {
            "azure_endpoint": root + endpoint,
            "azure_deployment": deployment,
            "api_version": query.pop("api-version", "2024-02-01"),
        }
    else:
        options = {"base_url": root + base}
    if query:
        arguments["extra_query"] = query
    return Call(method, bool(azure), options, arguments)


def _posting(exchange: Exchange, path: str) -> tuple[str, str, dict[str, Any]] | None:
    if exchange.verb != "POST":
        return None
    matching = [suffix for suffix in _METHODS if path.endswith(suffix)]
    if not matching:
        return None
    suffix = max(matching, key=len)
    return _METHODS[suffix], path.removesuffix(suffix), dict(exchange.payload)


def _retrieval(exchange: Exchange, path: str) -> tuple[str, str, dict[str, Any]] | None:
    base, found, identity = path.partition("/responses/")
    if exchange.verb != "GET" or not found or not exchange.streams:
        return None
    return "responses.retrieve", base, {"response_id": identity, "stream": True}


def _run(exchange: Exchange, path: str) -> tuple[str, str, dict[str, Any]] | None:
    base, found, rest = path.partition("/threads/")
    if exchange.verb != "POST" or not found or not rest.endswith("/runs"):
        return None
    return (
        "beta.threads.runs.create",
        base,
        {"thread_id": rest.removesuffix("/runs"), **exchange.payload},
    )
