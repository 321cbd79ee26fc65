"""Rows F70 and F71, field by field: names, ids, codes, keys of containers, pieces."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

import clearspan
from clearspan.core import known
from clearspan.testing import Captured, Json, ModelServer, Request, captured

KEY = "sk-proj-" + "a1b2c3d4" * 5
MAIL = "canary.person@secret.example"
WORD = "CANARYword"
MODES = ["off", "metadata", "redacted", "full"]


def _told(seen: Captured) -> str:
    spans = [(s.name, s.status, s.error, dict(s.attributes), s.exceptions) for s in seen.spans]
    events = [(event.name, event.body, dict(event.attributes)) for event in seen.events]
    assert spans
    return repr((spans, events, seen.metrics))


def _answer(**more: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return Json({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more})  # fmt: skip


def _ask(server: ModelServer, key: str = "unused", **more: Any) -> None:
    asked: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": WORD}],
        **more,
    }
    client = openai.OpenAI(base_url=server.url, api_key=key, max_retries=0)
    with client, contextlib.suppress(openai.OpenAIError):
        client.chat.completions.create(**asked)


FIELDS: dict[str, Callable[[str], tuple[Json, dict[str, Any]]]] = {
    "answering model": lambda said: (_answer(model=said), {}),
    "id": lambda said: (_answer(id=said), {}),
    "model": lambda said: (_answer(), {"model": said}),
    "tier": lambda said: (_answer(service_tier=said, system_fingerprint=said), {"service_tier": said}),
    "role": lambda said: (_answer(), {"messages": [{"role": said, "content": "x"}]}),
    "part": lambda said: (_answer(), {"messages": [{"role": "user", "content": [{"type": said}]}]}),
    "tool id": lambda said: (_answer(), {"messages": [{"role": "tool", "tool_call_id": said, "content": "x"}]}),
    "tool": lambda said: (_answer(), {"tools": [{"type": "function", "function": {"name": said}}]}),
    "reason": lambda said: (
        _answer(choices=[{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": said}]), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("field", FIELDS)
def test_F70_a_key_in_any_field_is_told_nowhere(mode: str, field: str) -> None:
    answer, asked = FIELDS[field](KEY)
    with ModelServer() as server, captured(content=mode) as seen:
        server.respond(answer)
        _ask(server, KEY, **asked)
    assert KEY not in _told(seen)


@pytest.mark.parametrize("field", FIELDS)
def test_F71_personal_data_in_any_field_is_redacted(field: str) -> None:
    answer, asked = FIELDS[field](MAIL)
    with ModelServer() as server, captured(content="redacted") as seen:
        server.respond(answer)
        _ask(server, **asked)
    assert MAIL not in _told(seen)


def _echo(request: Request) -> Json:
    said = f"no: {json.dumps(dict(request.headers.items()))} {request.path}"
    return Json({"error": {"message": said, "code": "bad"}}, status=401)


HELD = "zq37Kp2mN9xT4vB8"


class _Signing(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["x-gw"] = HELD
        yield request


CLIENTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "letters": ({"api_key": "canary-key-of-the-program"}, {}, "canary-key-of-the-program"),
    "short": ({"api_key": "aB3dE5fG7hJ9"}, {}, "aB3dE5fG7hJ9"),
    "callable": ({"api_key": lambda: HELD}, {}, HELD),
    "extra header": ({}, {"extra_headers": {"x-my-own": HELD}}, HELD),
    "scheme": ({}, {"extra_headers": {"Authorization": f"Token {HELD}"}}, HELD),
    "http headers": ({"http_client": lambda: httpx.Client(headers={"x-gw": HELD})}, {}, HELD),
    "http cookies": ({"http_client": lambda: httpx.Client(cookies={"sid": HELD})}, {}, HELD),
    "http auth": ({"http_client": lambda: httpx.Client(auth=_Signing())}, {}, HELD),
}


@pytest.mark.parametrize("how", CLIENTS)
def test_F70_a_key_is_told_nowhere_however_it_reaches_the_client(how: str) -> None:
    given, asked, key = CLIENTS[how]
    if "http_client" in given:
        given = {"http_client": given["http_client"]()}
    with ModelServer() as server, captured(content="full") as seen:
        server.respond(_echo)
        whole = {"api_key": "unused", "base_url": server.url, "max_retries": 0, **given}
        with openai.OpenAI(**whole) as client, pytest.raises(openai.AuthenticationError, match=key):
            client.chat.completions.create(model="m", messages=[], **asked)
    assert key not in _told(seen)
    assert "[secret]" in str(seen.spans[0].error)


def test_F70_keys_of_many_tenants_are_known_again_when_they_are_used_again() -> None:
    keys = [f"tenantkey{number:04}abcdef" for number in range(1_100)]
    with ModelServer() as server, captured(content="full") as seen:
        server.respond(lambda request: Json({"error": {"message": f"who is {request.headers['authorization'][7:]} ?", "code": "bad"}}, status=401))  # fmt: skip
        _ask(server, keys[0])
        assert keys[0] not in _told(seen)  # it is recorded by now
        for key in keys[1:]:
            known.note_key(key)
        assert not known.within(keys[0])
        _ask(server, keys[0])
    assert [span.error for span in seen.spans] == [seen.spans[0].error] * 2
    assert keys[0] not in _told(seen)


def test_F70_what_exceptions_quote_of_requests_is_told_without_its_keys() -> None:
    quoted = (
        f"GET https://h/?key={HELD}&token={HELD}&sig={HELD} {{'Authorization': 'Token {HELD}', "
        f"'Cookie': 'theme=dark; session={HELD}', 'x-my-auth': '{HELD}'}} for order 4711"
    )

    @clearspan.task
    def call() -> None:
        raise RuntimeError(quoted)

    with captured(content="full") as seen, contextlib.suppress(RuntimeError):
        call()
    assert HELD not in _told(seen)
    assert "for order 4711" in str(seen.spans[0].error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [400, 200])
def test_F71_a_code_that_repeats_the_prompt_is_no_code(mode: str, status: int) -> None:
    with ModelServer() as server, captured(content=mode) as seen:
        server.respond(
            Json({"error": {"message": "bad", "code": WORD, "type": WORD}}, status=status)
        )
        _ask(server)
    assert WORD not in repr(seen.metrics)
    assert seen.spans[0].attributes.get("error.type") != WORD
    if mode in ("off", "metadata"):
        assert WORD not in _told(seen)


@pytest.mark.parametrize(
    "asked", [{"role": WORD, "content": "x"}, {"role": "user", "content": [{"type": WORD}]}]
)
def test_F71_outlines_name_known_roles_and_kinds_only(asked: dict[str, Any]) -> None:
    with ModelServer() as server, captured(content="metadata") as seen:
        server.respond(_answer())
        _ask(server, messages=[asked])
    assert WORD not in _told(seen)
    assert "_OTHER" in str(seen.spans[0].attributes["gen_ai.input.messages"])


@pytest.mark.parametrize("secret", [KEY, MAIL])
def test_F71_pieces_do_not_tell_what_the_whole_must_not(secret: str) -> None:
    pieces = [secret[:6], secret[6:12], secret[12:]]
    scores: dict[str, Any] = {
        "content": [
            {"token": piece, "logprob": -0.1, "bytes": None, "top_logprobs": []} for piece in pieces
        ]
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": secret},
        "logprobs": scores,
        "finish_reason": "stop",
    }

    @clearspan.task
    def pieced() -> Any:
        yield from (KEY[:9], KEY[9:], None)

    with ModelServer() as server, captured(content="redacted") as seen:
        server.respond(_answer(choices=[choice]))
        _ask(server, logprobs=True)
        list(pieced())
    told = _told(seen)
    for piece in (*pieces, KEY[9:]):
        assert piece not in told
    assert "clearspan.confidence.logprob.mean" in told


def test_F70_values_under_names_of_secrets_are_told_of_no_type() -> None:
    @clearspan.tool
    def tool(**given: Any) -> int:
        return len(given)

    with captured(content="full") as seen:
        tool(
            password=["hunter2x"], secret="hunter2x", token="hunter2x", refresh_token="hunter2x", pin_password=471147,
            api_key={"v": "hunter2x"}, pwd="hunter2x", privateKey="hunter2x", cookie="hunter2x", max_tokens=4096, has_password=True,
        )  # fmt: skip
    told = str(seen.spans[0].attributes["gen_ai.tool.call.arguments"])
    assert "hunter2x" not in told
    assert "471147" not in told
    assert json.loads(told)["max_tokens"] == 4096


def test_F72_a_redactor_of_ones_own_is_asked_about_names_too() -> None:
    @clearspan.tool
    def tool(given: Any, **more: Any) -> Any:
        return given

    def own(text: str) -> str:
        return text.replace(WORD, "gone")

    with captured(redact=[own]) as seen:
        named = {WORD: WORD}
        with clearspan.context(metadata=named, variant=named, variables=named):
            tool({WORD: 1}, **{WORD: 1})
    assert WORD not in _told(seen)
    assert "gone" in _told(seen)


def test_F72_an_answer_of_a_class_of_its_own_is_told_as_it_is() -> None:
    class Odd(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> str:
            return WORD

    @clearspan.tool
    def tool(given: Any) -> None: ...

    with captured(redact=[lambda text: Odd("ok")]) as seen, clearspan.context(session="s"):
        tool({"a": "b"})
    assert WORD not in _told(seen)
