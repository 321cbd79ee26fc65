"""What is kept of a request beside its content, and of an error's type."""

from __future__ import annotations

import pytest

from clearspan.emit import redact
from clearspan.emit.content import ContentPolicy
from clearspan.record import ErrorInfo

KEY = "sk-proj-0123456789abcdefghij"


@pytest.mark.parametrize(
    ("mode", "stops"),
    [
        ("off", None),
        ("metadata", None),
        ("redacted", ["[email]", "END"]),
        ("full", ["ann@example.org", "END"]),
    ],
)
def test_texts_at_which_a_model_stops_are_content(mode: str, stops: list[str] | None) -> None:
    policy = ContentPolicy(mode, redactors=redact.resolve((), mode))
    given = {"temperature": 0.5, "stop_sequences": ["ann@example.org", "END"], "stream": True}
    kept = policy.params(given)
    assert kept.pop("stop_sequences", None) == stops
    assert kept == {"temperature": 0.5, "stream": True}
    assert given["stop_sequences"] == ["ann@example.org", "END"]


@pytest.mark.parametrize("mode", ["off", "metadata", "redacted", "full"])
def test_keys_are_taken_out_of_all_that_is_asked_for_and_told(mode: str) -> None:
    policy = ContentPolicy(mode)
    kept = policy.params({"conversation_id": f"for {KEY}", "encoding_formats": [KEY, "float"]})
    assert kept == {"conversation_id": "for [secret]", "encoding_formats": ["[secret]", "float"]}
    assert policy.labels({"openai.request.service_tier": KEY, "app.note": KEY, "gen_ai.n": 3}) == {
        "openai.request.service_tier": "[secret]", "app.note": "[secret]", "gen_ai.n": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "rate_limit_exceeded",
        "DeploymentNotFound",
        "429",
        "invalid-api-key",
        "server.error:busy",
        "E10042",
        "openai.BadRequestError",
    ],
)
def test_a_code_is_the_type_of_an_error(code: str) -> None:
    for mode in ("off", "full"):
        assert ContentPolicy(mode).error(ErrorInfo(code, None, None, "builtins.X")).type == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "what Ann asked",
        "ann@example.org",
        "id1234567",
        "x" * 65,
        "0123456789abcdef",
        "naïve",
        "a\nb",
    ],
)
def test_a_text_in_a_codes_place_is_none(text: str) -> None:
    for mode in ("off", "full"):
        policy = ContentPolicy(mode)
        assert policy.error(ErrorInfo(text, None, None, "acme.Failed")).type == "acme.Failed"
        assert policy.error(ErrorInfo(text)).type == "_OTHER"
    # The name of a class is one, however it is spelt.
    assert policy.error(ErrorInfo(text, None, None, text)).type == text


def test_functions_of_the_applications_own_may_take_long() -> None:
    assert not ContentPolicy("redacted", redactors=redact.resolve(("card",), "redacted")).slow
    assert ContentPolicy("off", redactors=redact.resolve((str.upper,), "off")).slow
