"""Decoding the wire, finding the call, and replaying it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from . import raw
from .by_hand import CHAT, delta, made
from .exchange import Exchange, plan
from .replay import pieces, run_async, run_sync

STREAMED: raw.JsonMap = {"model": "m", "messages": [], "stream": True}


def test_an_event_needs_its_blank_line_and_comments_are_passed_over() -> None:
    wire = b": note\r\n data: no\n\nevent: x\r\ndata: one\rdata:two\n\n\n: note\n\ndata: cut off\n"
    assert list(raw.events(wire)) == ["one\ntwo"]


@pytest.mark.parametrize("wire", [b"event: ping\n\n", b"id: 4\n\n", b"id: 4\n\n: note\n\n"])
def test_an_event_without_data_is_one_to_the_client(wire: bytes) -> None:
    exchange = Exchange(Path("made/by-hand.json"), {"endpoint": "chat"})
    exchange.record["request"] = {"method": "POST", "url": CHAT, "json": STREAMED}
    text = wire.decode()
    exchange.record["response"] = {"status": 200, "headers": {}, "text": text}
    call = plan(exchange)
    assert call is not None
    error = run_sync(call, exchange).error
    assert error is not None
    assert error[0] == "json.decoder.JSONDecodeError"
    assert raw.delivered(wire) == ([], None, True)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b": 2}\n\n', ([{"a": 1}], None, False)),
        (
            b'data: {"a": 1}\n\ndata: {"error": {"code": "x"}}\n\n',
            ([{"a": 1}], {"error": {"code": "x"}}, False),
        ),
        (b'data: {"a": 1}\n\ndata: {"a"\n\n', ([{"a": 1}], None, True)),
    ],
)
def test_a_stream_is_read_to_its_end_its_error_or_its_fault(
    stream: bytes, expected: object
) -> None:
    assert raw.delivered(stream) == expected


def test_counts_are_whole_numbers_only() -> None:
    values = [3, 3.0, 0, 3.5, -1, True, "3", None, [3]]
    assert [raw.as_count(value) for value in values] == [
        3,
        3,
        0,
        None,
        None,
        None,
        None,
        None,
        None,
    ]


def test_pieces_are_odd_and_complete() -> None:
    content = "naïve 🦜 and more".encode() * 200
    cut = list(pieces(content))
    assert b"".join(cut) == content
    assert len({len(piece) for piece in cut}) > 4
    with pytest.raises(UnicodeDecodeError):
        [piece.decode() for piece in cut]


@pytest.mark.parametrize(
    ("url", "method", "options"),
    [
        (
            "https://api.mistral.ai/v1/embeddings",
            "embeddings.create",
            {"base_url": "https://api.mistral.ai/v1"},
        ),
        (
            "http://localhost:8080/completions",
            "completions.create",
            {"base_url": "http://localhost:8080"},
        ),
        (
            "https://r.openai.azure.com/openai/deployments/d-1/chat/completions?api-version=2024-06-01",
            "chat.completions.create",
            {
                "azure_endpoint": "https://r.openai.azure.com",
                "azure_deployment": "d-1",
                "api_version": "2024-06-01",
            },
        ),
    ],
)
def test_the_call_is_found_from_the_address(url: str, method: str, options: object) -> None:
    call = plan(made({"model": "m"}, url=url))
    assert call is not None
    assert (call.method, call.options) == (method, options)


def test_a_listing_is_no_call() -> None:
    assert plan(made({}, url="https://api.openai.com/v1/files")) is None


def test_what_a_client_does_not_know_goes_out_all_the_same() -> None:
    payload = {
        "model": "m",
        "messages": [{"role": "user", "content": "é"}],
        "top_k": 4,
        "temperature": None,
    }
    exchange = made(
        payload, stream=[delta(content="日"), delta(finish="stop", content="本"), "[DONE]"]
    )
    exchange.payload["stream"] = True
    call = plan(exchange)
    assert call is not None
    outcome = run_sync(call, exchange)
    assert outcome.returned == "Stream"
    assert len(outcome.objects) == 2
    assert outcome.wires[0].matches(exchange)
    relaxed = asyncio.run(run_async(call, exchange))
    assert (relaxed.objects, relaxed.error) == (outcome.objects, None)


def test_an_error_is_an_outcome() -> None:
    exchange = made(
        {"model": "m", "messages": []}, body={"error": {"message": "no", "code": "bad"}}, status=400
    )
    call = plan(exchange)
    assert call is not None
    error = run_sync(call, exchange).error
    assert error is not None
    assert (error[0], error[2], error[3]) == ("openai.BadRequestError", 400, "bad")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"sse_lines": ["data: 1", "", ""]}, b"data: 1\n\n"),
        ({"ndjson_lines": ["{}", "[]"]}, b"{}\n[]\n"),
        ({"body": {"a": "é"}}, '{"a": "é"}'.encode()),
        ({"text": "no"}, b"no"),
        ({"base64": "AAEC"}, b"\x00\x01\x02"),
    ],
)
def test_every_way_a_body_is_kept(response: dict[str, object], expected: bytes) -> None:
    assert Exchange(Path("made/by-hand.json"), {"response": response}).content == expected
