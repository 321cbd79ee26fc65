"""Canaries: texts that stand nowhere else, and the search for them in everything that a program left behind."""

from __future__ import annotations

import base64
import gzip
import re
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from clearspan.testing import Error, Json, Raw, Reply, Request, StreamError, ToolCall

__all__ = [
    "CONTENT",
    "KEYS",
    "PICTURES",
    "dumped",
    "found",
    "made",
    "server_that_repeats",
    "verdict",
]

CONTENT = (
    "prompt", "system", "output", "reasoning", "earlier_argument", "tool_result", "called_argument", "picture_url", "file_name",
    "extra_body", "metadata", "user", "stop", "variable", "document", "reference", "step_argument", "step_result",
    "exception", "cause", "comment",
)  # fmt: skip
"""What is said: nowhere in the modes `off` and `metadata`, nowhere as it was where it is redacted."""
PICTURES = ("picture", "sound")
"""What is no text: kept wherever content is."""
KEYS = (
    "key", "plain_key", "organization", "project", "url_password", "url_secret", "default_header", "query_secret",
    "extra_header", "bearer", "extra_query", "azure_key", "azure_token", "ollama_key", "hub_key", "key_in_prompt",
    "named_secret", "otlp_header", "otlp_password", "otlp_secret", "judge_key", "judge_password", "env_key",
)  # fmt: skip
"""What opens something: nowhere, whatever the mode."""


def made(*, addresses: bool) -> dict[str, str]:
    """A canary of each kind. Those of content may look like mail addresses, so that rules have something to find."""
    end = "@secret.example" if addresses else "secretexample"
    found = {name: f"canary{secrets.token_hex(6)}{end}" for name in (*CONTENT, *PICTURES)}
    found |= {name: f"k3y{secrets.token_hex(12)}" for name in KEYS}
    return found | {
        name: f"sk-proj-{secrets.token_hex(20)}" for name in ("key", "key_in_prompt", "judge_key")
    }


def _spellings(canary: str) -> Iterable[bytes]:
    """The canary as it stands, in an address, in hexadecimal, and in base64 at any place."""
    plain = canary.encode()
    yield plain
    yield quote(canary, safe="").encode()
    yield plain.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + plain)
        # What neighbours have a part in is left out: they may be anything.
        yield whole[4 if before else 0 : -4]


def found(canaries: Mapping[str, str], places: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Where each of the canaries was found; those that were not are left out."""
    whose = {spelling: name for name, canary in canaries.items() for spelling in _spellings(canary)}
    looked_for = re.compile(b"|".join(map(re.escape, whose)))
    hits: dict[str, set[str]] = {}
    for place, held in places.items():
        for match in set(looked_for.findall(held)):
            hits.setdefault(whose[match], set()).add(place)
    return hits


def dumped(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` as it lies there; of databases what stands in them, too, compressed or not."""
    held: dict[str, bytes] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        held[str(path.relative_to(folder))] = raw = path.read_bytes()
        if raw.startswith(b"SQLite format 3"):
            held[f"{path.name}, row by row"] = _rows(path)
    return held


def _rows(path: Path) -> bytes:
    cells: list[bytes] = []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                cells += [
                    _unpacked(cell if isinstance(cell, bytes) else str(cell).encode())
                    for cell in row
                ]
    return b"\n".join(cells)


def _unpacked(cell: bytes) -> bytes:
    for unpack in (gzip.decompress, zlib.decompress):
        try:
            return unpack(cell)
        except (OSError, zlib.error, EOFError):
            continue
    return cell


def server_that_repeats(said: Mapping[str, str]) -> object:
    """What a model server answers: canaries, and in errors all that it was sent, keys first."""

    def answer(request: Request) -> object:
        body = request.json if isinstance(request.json, dict) else {}
        model = str(body.get("model", ""))
        sent = {
            "authorization": request.headers.get("authorization", ""),
            "api-key": request.headers.get("api-key", ""),
        }
        told = " ".join(value.removeprefix("Bearer ") for value in sent.values() if value)
        if model == "judge":
            return verdict(body, said)
        if model in ("bad-request", "bad-200"):
            text = said["prompt"]
            error = {
                "message": f"cannot {text} with {told}",
                "type": text,
                "code": text,
                "param": text,
            }
            return Json({"error": error}, status=200 if model == "bad-200" else 400)
        if model == "bad-key":
            return Error(401, f"Incorrect API key provided: {told}", "invalid_api_key")
        if model == "bad-text":
            return Raw(500, {"x-should-retry": "false"}, f"cannot {said['prompt']} {told}".encode())
        if model == "bad-stream":
            return StreamError(
                Reply(said["output"]),
                message=f"cannot {said['prompt']} {told}",
                code=said["prompt"],
            )
        if not request.path.endswith(("/chat/completions", "/api/chat", "/responses")):
            return None
        if model == "m-tools":
            return Reply(tool_calls=[ToolCall("look", {"where": said["called_argument"]})])
        return Reply(
            said["output"], reasoning=said["reasoning"] if "/chat" in request.path else None
        )

    return answer


def verdict(body: Mapping[str, object], said: Mapping[str, str]) -> object:
    """A judge's verdict that says the canary in whatever text was asked for."""
    import json

    form = body.get("response_format")
    schema = form["json_schema"]["schema"] if isinstance(form, dict) else {}
    filled: dict[str, object] = {}
    for name, kind in schema.get("properties", {}).items():
        if "enum" in kind:
            filled[name] = kind["enum"][0]
        else:
            filled[name] = {"string": said["prompt"], "integer": kind.get("minimum", 1), "array": []}.get(kind.get("type"), 1)  # fmt: skip
    return Reply(json.dumps(filled))
