"""Judges over HTTP, against scripted servers: what is sent, and what comes of every kind of answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.assess.judge import client as module
from clearspan.assess.judge.client import Judge
from clearspan.assess.judge.failure import JudgeFailure, Unjudged
from clearspan.assess.judge.schema import verdict
from clearspan.assess.judge.tally import Tally
from clearspan.core import known
from clearspan.testing import Error, Hang, Json, ModelServer, Raw, Reply, Request
from tests.assess.judge.kit import verdict as written

SHAPE = verdict(("good", "bad"))
ASKED = [{"role": "system", "content": "rules"}, {"role": "user", "content": "judge"}]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts are noted, not waited for."""
    waited: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=waited.append)
    monkeypatch.setattr(module, "time", clock)
    return waited


def label(judge: Judge, tally: Tally | None = None) -> str:
    return str(judge.ask(ASKED, SHAPE, tally or Tally())[0]["label"])


def failure(judge: Judge) -> JudgeFailure:
    with pytest.raises(JudgeFailure) as raised:
        label(judge)
    return raised.value


def bodies(server: ModelServer) -> list[dict[str, Any]]:
    return [request.json for request in server.requests]  # type: ignore[misc]


def openai(server: ModelServer, **options: Any) -> Judge:
    return Judge(server.url, model="m", **options)


def test_an_openai_server_is_asked_with_a_strict_schema(server: ModelServer) -> None:
    server.script(Reply(written("bad")))
    tally = Tally()
    judge = openai(server, api_key="k", price=(1.0, 10.0), extra={"think": False}, headers={"x-a": "b"})  # fmt: skip
    assert label(judge, tally) == "bad"
    (request,) = server.requests
    body: Any = request.json
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer k"
    assert request.headers["x-clearspan-judging"] == "1"
    assert request.headers["x-a"] == "b"
    assert body["messages"] == ASKED
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"] == SHAPE.json()
    assert {name: body[name] for name in ("temperature", "seed", "logprobs", "top_logprobs", "think")} == {
        "temperature": 0.0, "seed": 0, "logprobs": True, "top_logprobs": 5, "think": False,
    }  # fmt: skip
    assert tally.calls == 1
    assert tally.input is not None
    assert tally.output is not None
    assert tally.usd == pytest.approx((tally.input + 10 * tally.output) / 1e6)


def test_only_what_is_configured_is_sent(server: ModelServer) -> None:
    server.script(Reply(written("good")))
    assert label(openai(server, temperature=None, seed=None, top_logprobs=0)) == "good"
    assert set(bodies(server)[0]) == {"model", "messages", "response_format"}
    assert "authorization" not in server.requests[0].headers


def test_an_ollama_server_is_asked_by_its_own_endpoint(server: ModelServer) -> None:
    server.script(Reply(written("bad")))
    judge = Judge(
        f"ollama:{server.origin}#qwen3:4b",
        max_tokens=300,
        extra={"options": {"num_ctx": 8_192}, "think": False},
    )
    tally = Tally()
    assert label(judge, tally) == "bad"
    (request,) = server.requests
    body: Any = request.json
    assert request.path == "/api/chat"
    assert body["format"] == SHAPE.json()
    assert body["stream"] is False
    assert body["options"] == {"temperature": 0.0, "seed": 0, "num_predict": 300, "num_ctx": 8_192}
    assert (tally.input, tally.output) == (2, 6)
    assert tally.told()["judge_response_model"] == "qwen3:4b"


def test_ollama_is_asked_plainly_where_nothing_is_configured(server: ModelServer) -> None:
    server.script(Reply(written("bad")))
    judge = Judge(f"ollama:{server.origin}#m", temperature=None, seed=None, top_logprobs=0)
    assert label(judge) == "bad"
    assert set(bodies(server)[0]) == {"model", "messages", "stream", "format"}


def refuses(*words: str, say: str = "Unsupported parameter: '{}'", status: int = 400) -> Any:
    """A server that takes none of the parameters whose name or value holds one of these words."""

    def answer(request: Request) -> Any:
        body: Any = request.json
        sent = str({name: value for name, value in body.items() if name != "messages"})
        word = next((word for word in words if word in sent), None)
        return Reply(written("good")) if word is None else Error(status, say.replace("{}", word))

    return answer


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["temperature"], {"temperature"}),
        (["seed"], {"seed"}),
        (["logprobs"], {"logprobs"}),
        (["max_tokens"], {"max_tokens"}),
        (["maxLength"], set()),
        (["json_schema"], {"schema"}),
        (["response_format"], {"schema", "json"}),
        (["temperature", "seed", "logprobs", "json_schema"], {"temperature", "seed", "logprobs", "schema"}),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_a_server_refuses_is_left_out_and_remembered(
    server: ModelServer, words: list[str], refused: set[str]
) -> None:
    server.respond(refuses(*words))
    judge = openai(server, max_tokens=100)
    assert label(judge) == "good"
    assert judge.refused == refused
    before = len(server.requests)
    assert before > 1
    assert label(judge) == "good"
    assert len(server.requests) == before + 1


def test_max_tokens_goes_by_its_newer_name_where_a_server_wants_that(server: ModelServer) -> None:
    def answer(request: Request) -> Any:
        body: Any = request.json
        if "max_tokens" in body:
            return Error(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        return Reply(written("good"))

    server.respond(answer)
    judge = openai(server, max_tokens=100)
    assert label(judge) == "good"
    assert bodies(server)[-1]["max_completion_tokens"] == 100
    assert judge.refused == set()


def test_a_refusal_that_names_nothing_is_found_out_by_trial(server: ModelServer) -> None:
    server.respond(refuses("json_schema", say="Bad request."))
    judge = openai(server)
    assert label(judge) == "good"
    assert judge.refused == {"schema", "temperature", "seed", "logprobs", "max_tokens"}
    assert bodies(server)[-1]["response_format"] == {"type": "json_object"}


def test_a_refusal_for_another_reason_ends_it_and_nothing_is_forgotten(server: ModelServer) -> None:
    server.respond(Error(400, "No such thing."))
    judge = openai(server)
    assert [failure(judge).type for _ in range(5)] == ["judge_status_400"] * 5
    assert judge.refused == set()
    with pytest.raises(Unjudged, match="judge_unavailable"):
        label(judge)


def test_a_server_that_breaks_during_trials_is_told(server: ModelServer) -> None:
    server.script(Error(400, "Bad request."))
    server.respond(Error(401, "Wrong key."))
    assert failure(openai(server)).type == "judge_status_401"


def test_a_refusal_of_what_was_not_sent_is_no_reason_to_go_on(server: ModelServer) -> None:
    server.respond(Error(500, "The temperature of the machine is too high."))
    judge = openai(server, temperature=None)
    assert failure(judge).type == "judge_status_500"
    assert len(server.requests) == 2  # asked again, as after any such error


def test_a_prompt_that_is_too_long_is_not_sent_again(server: ModelServer) -> None:
    server.respond(Error(400, "This exceeds the maximum context length; lower max_tokens."))
    assert failure(openai(server, max_tokens=10)).type == "judge_status_400"
    assert len(server.requests) == 1


def test_a_server_that_refuses_for_ever_is_given_up(server: ModelServer) -> None:
    server.respond(Error(400, "response_format: schema, temperature, seed, logprobs, max_tokens"))
    judge = openai(server, max_tokens=10)
    assert failure(judge).type == "judge_status_400"
    assert len(server.requests) < 20


def test_malformed_answers_are_asked_for_once_more(server: ModelServer) -> None:
    server.script(Reply('{"reasoning": "cut o'), Reply(f"Sorry! {written('bad')}"))
    tally = Tally()
    assert label(openai(server), tally) == "bad"
    again = bodies(server)[1]["messages"]
    assert again[:2] == ASKED
    assert again[2] == {"role": "assistant", "content": '{"reasoning": "cut o'}
    assert "no whole JSON object" in again[3]["content"]
    assert (tally.calls, tally.repaired) == (2, 1)


def test_an_answer_that_stays_malformed_is_an_error(server: ModelServer) -> None:
    server.respond(Reply("I would rather not say."))
    assert failure(openai(server)).type == "judge_parse"
    assert len(server.requests) == 2


def test_a_dead_port_is_told_and_then_left_alone() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    judge = Judge(f"http://127.0.0.1:{port}/v1", model="m")
    assert {failure(judge).type for _ in range(5)} == {"judge_unreachable"}
    with pytest.raises(Unjudged, match="judge_unavailable"):
        label(judge)


@pytest.mark.parametrize(
    "answer",
    [Hang(20), Raw(body=[b"{", b"}"] * 50, delay=0.3), Raw(body=[b"{"] * 3, delay=1.5)],
    ids=["silent", "slow", "stalled"],
)
def test_a_slow_server_is_given_up(server: ModelServer, answer: Any) -> None:
    server.respond(answer)
    assert failure(openai(server, timeout=0.4)).type == "judge_timeout"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_is_asked_once_more(
    server: ModelServer, status: int, hurried: list[float]
) -> None:
    server.script(Error(status), Reply(written("good")))
    assert label(openai(server)) == "good"
    assert hurried == [0.5]
    server.respond(Error(status))
    assert failure(openai(server)).type == f"judge_status_{status}"


def test_a_server_says_when_to_come_back(server: ModelServer, hurried: list[float]) -> None:
    server.script(Error(429, headers={"retry-after": "2"}), Reply(written("good")))
    judge = openai(server)
    assert label(judge) == "good"
    assert hurried == [2.0]
    server.script(Error(429, headers={"retry-after": "600"}))
    assert failure(judge).type == "judge_status_429"
    with pytest.raises(Unjudged, match="judge_unavailable"):
        label(judge)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("nan", None),
        ("soon", None),
        ("-3", 0.0),
        ("Fri, 01 Nov 2024 08:00:00 +0000", 0.0),
        ("1e99", 3_600.0),
    ],
)
def test_when_to_come_back_may_be_nonsense(
    server: ModelServer, header: str, expected: float | None
) -> None:
    server.respond(Error(418, headers={"retry-after": header}))
    assert failure(openai(server)).retry_after == expected


@pytest.mark.parametrize(
    ("answer", "type_"),
    [
        (Raw(body=b"<html>"), "judge_response"),
        (Json({"choices": []}), "judge_response"),
        (Json([]), "judge_response"),
        (Raw(body=b"x" * 16_100_000), "judge_response"),
        (Raw(302, {"location": "http://example.invalid/"}), "judge_status_302"),
        (Raw(404, body=b"nothing here"), "judge_status_404"),
        (Reply(refusal="I cannot judge that."), "judge_refused"),
    ],
    ids=["html", "empty", "list", "huge", "redirect", "missing", "refused"],
)
def test_what_is_no_answer_is_told(server: ModelServer, answer: Any, type_: str) -> None:
    server.respond(answer)
    assert failure(openai(server)).type == type_


def test_a_key_that_a_server_repeats_is_not_told(server: ModelServer) -> None:
    server.respond(Error(401, "Incorrect API key provided: sk-secret."))
    raised = failure(openai(server, api_key="sk-secret"))
    assert (raised.type, str(raised)) == ("judge_status_401", "Incorrect API key provided: ....")


@pytest.mark.parametrize("key", ["abcdefghijklmnopqrstuvwx", "a1b2c3d4e5f6g"])
def test_a_judges_key_is_known_whatever_it_looks_like(server: ModelServer, key: str) -> None:
    openai(server, api_key=key)
    assert known.within(f"wrong key: {key}.")


def test_ollama_errors_are_told_in_its_words(server: ModelServer) -> None:
    server.respond(Error(404, "model 'm' not found"))
    raised = failure(Judge(f"ollama:{server.origin}#m"))
    assert raised.type == "judge_status_404"
    assert "model 'm' not found" in str(raised)


@pytest.mark.parametrize(("takes", "refused"), [("json", {"schema"}), (None, {"schema", "json"})])
def test_ollama_is_asked_for_any_json_where_it_takes_no_schema(
    server: ModelServer, takes: str | None, refused: set[str]
) -> None:
    def answer(request: Request) -> Any:
        body: Any = request.json
        wrong = (
            "json: cannot unmarshal object into Go struct field ChatRequest.format of type string"
        )
        return Reply(written("good")) if body.get("format") == takes else Error(400, wrong)

    server.respond(answer)
    judge = Judge(f"ollama:{server.origin}#m")
    assert label(judge) == "good"
    assert judge.refused == refused


def test_no_answer_without_a_message_is_an_ollama_answer(server: ModelServer) -> None:
    server.respond(Json({"message": None}))
    assert failure(Judge(f"ollama:{server.origin}#m")).type == "judge_response"


def test_over_its_budget_a_judge_is_not_asked(server: ModelServer) -> None:
    server.respond(Reply(written("good"), usage=False))
    judge = openai(server, tokens_per_day=5)  # nobody counts, so that it is estimated
    assert label(judge) == "good"
    with pytest.raises(Unjudged, match="budget") as refusal:
        label(judge)
    assert refusal.value.details == {"limit": "tokens_per_day"}
    assert len(server.requests) == 1


def test_a_server_may_say_what_it_charges(server: ModelServer) -> None:
    charged = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25}
    server.respond(Reply(written("good"), usage=charged))
    tally = Tally()
    judge = openai(server, usd_per_day=0.5, price=(1e6, 1e6))
    label(judge, tally)
    label(judge, tally)
    assert tally.usd == 0.5
    with pytest.raises(Unjudged, match="budget"):
        label(judge)


@pytest.mark.parametrize("cost", [True, "free", -1, 1e300])
def test_a_charge_that_is_none_is_not_believed(server: ModelServer, cost: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": -5, "cost": cost}
    server.respond(Reply(written("good"), usage=usage))
    tally = Tally()
    label(openai(server), tally)
    assert (tally.usd, tally.input, tally.output) == (None, 10, None)


def test_prices_that_somebody_knows_hold_where_none_are_given(server: ModelServer) -> None:
    asked: list[str] = []
    module.price_by(lambda model, usage: asked.append(model) or 0.125)
    try:
        server.respond(Reply(written("good"), model="m-2026-01-01"))
        tally = Tally()
        label(openai(server), tally)
    finally:
        module.price_by(None)
    assert tally.usd == 0.125
    assert asked == ["m-2026-01-01"]


def test_a_cap_in_dollars_that_cannot_hold_is_told_once(
    server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.respond(Reply(written("good")))
    judge = openai(server, usd_per_day=1.0)
    for _ in range(2):
        label(judge)
    assert [record.message for record in caplog.records if "usd_per_day" in record.message] == [
        "clearspan: nobody knows what judge m costs: usd_per_day cannot hold; say price=(input, output)"
    ]


def test_many_threads_may_ask_one_judge(server: ModelServer) -> None:
    server.respond(Reply(written("good")))
    judge = openai(server, concurrency=2)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(label(judge))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == ["good"] * 8


def test_probabilities_of_tokens_come_along(server: ModelServer) -> None:
    server.script(Reply(chunks=['{"label": "', "good", '"}'], logprobs=[-0.1, -0.5, -0.1]))
    reply = openai(server).ask(ASKED, SHAPE, Tally())[1]
    assert [token.text for token in reply.tokens] == ['{"label": "', "good", '"}']
    assert reply.tokens[1].likeliest[0] == ("good", pytest.approx(0.6065, abs=1e-3))
    assert len(reply.tokens[1].likeliest) == 5


def test_probabilities_that_are_none_are_left_out(server: ModelServer) -> None:
    wrong = written("good")
    content = [
        {
            "token": wrong,
            "bytes": ["?"],
            "top_logprobs": [{"token": "y"}, 5, {"token": "z", "logprob": 3.0}],
        },
        7,
    ]
    message = {"content": wrong}
    server.respond(Json({"choices": [{"message": message, "logprobs": {"content": content}}]}))
    reply = openai(server).ask(ASKED, SHAPE, Tally())[1]
    assert [(token.text, token.likeliest) for token in reply.tokens] == [(wrong, (("z", 1.0),))]


def test_a_judge_that_is_left_alone_takes_nothing_of_the_minute(server: ModelServer) -> None:
    server.script(Error(429, headers={"retry-after": "600"}))
    judge = openai(server, calls_per_minute=12)
    assert failure(judge).type == "judge_status_429"
    for _ in range(3):
        with pytest.raises(Unjudged, match="judge_unavailable"):
            label(judge)
