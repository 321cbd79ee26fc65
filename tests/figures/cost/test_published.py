"""Costs by published prices, against sums that were worked out by hand.

Each row holds what the provider's price page says (dollars for a million tokens) and the sum in full;
the code under test has no part in the right-hand sides. Calls are of 1 November 2026, noon UTC, and
of models whose prices have stood for long.
"""

from __future__ import annotations

from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.provider import Call
from clearspan.record import Outcome
from tests.figures.cost.kit import NOON, call, cost, priced

SHEET: list[tuple[str, dict[str, Any], float]] = [
    # gpt-4o-mini: 0.15 in, 0.60 out. 2,000 x 0.15 = 300; 500 x 0.60 = 300; of a million: 0.0006
    ("plain", {"model": "gpt-4o-mini-2024-07-18", "input": 2_000, "output": 500}, 0.0006),
    # gpt-4o: 2.50 in, 1.25 cached, 10.00 out.
    # 2,000 x 2.50 = 5,000; 8,000 x 1.25 = 10,000; 1,000 x 10 = 10,000: 0.025
    ("cached", {"model": "gpt-4o-2024-08-06", "input": 10_000, "cache_read": 8_000, "output": 1_000}, 0.025),
    # gpt-4.1: 2.00 in, 0.50 cached, 8.00 out.
    # 60,000 x 2 = 120,000; 40,000 x 0.50 = 20,000; 2,000 x 8 = 16,000: 0.156
    ("cached, large", {"model": "gpt-4.1", "input": 100_000, "cache_read": 40_000, "output": 2_000}, 0.156),
    # gpt-4.1-nano: 0.10 in, 0.40 out. A million of each: 0.50
    ("a million", {"model": "gpt-4.1-nano", "input": 1_000_000, "output": 1_000_000}, 0.5),
    # o3: 2.00 in, 8.00 out, reasoning as output. 5,000 x 2 = 10,000; 3,000 x 8 = 24,000: 0.034
    ("reasoning", {"model": "o3", "input": 5_000, "output": 3_000, "reasoning": 2_500}, 0.034),
    # o4-mini by batch, half of 1.10 and 4.40: 4,000 x 0.55 = 2,200; 1,000 x 2.20 = 2,200: 0.0044
    ("batch", {"model": "o4-mini", "tier": "batch", "input": 4_000, "output": 1_000}, 0.0044),
    # gpt-3.5-turbo by batch, half of 0.50 and 1.50: 20,000 x 0.25 = 5,000; 4,000 x 0.75 = 3,000: 0.008
    ("batch, old", {"model": "gpt-3.5-turbo", "tier": "batch", "input": 20_000, "output": 4_000}, 0.008),
    # gpt-4 by batch, half of 30 and 60: 1,000 x 15 = 15,000; 500 x 30 = 15,000: 0.03
    ("batch, dear", {"model": "gpt-4", "tier": "batch", "input": 1_000, "output": 500}, 0.03),
    # gpt-5, flex: 0.625 in, 0.0625 cached, 5.00 out.
    # 4,000 x 0.625 = 2,500; 4,000 x 0.0625 = 250; 2,000 x 5 = 10,000: 0.01275
    (
        "flex",
        {"model": "gpt-5", "tier": "flex", "input": 8_000, "cache_read": 4_000, "output": 2_000},
        0.01275,
    ),
    # gpt-5, priority: 2.50 in, 0.25 cached, 20.00 out.
    # 4,000 x 2.50 = 10,000; 4,000 x 0.25 = 1,000; 2,000 x 20 = 40,000: 0.051
    (
        "priority",
        {"model": "gpt-5", "tier": "priority", "input": 8_000, "cache_read": 4_000, "output": 2_000},
        0.051,
    ),
    # gpt-5-mini: 0.25 in, 2.00 out. 3,000 x 0.25 = 750; 700 x 2 = 1,400: 0.00215
    ("standard tier", {"model": "gpt-5-mini", "tier": "default", "input": 3_000, "output": 700}, 0.00215),
    # text-embedding-3-small: 0.02. 50,000 x 0.02 = 1,000: 0.001
    ("vectors", {"model": "text-embedding-3-small", "operation": "embeddings", "input": 50_000}, 0.001),
    # text-embedding-3-large: 0.13. 50,000 x 0.13 = 6,500: 0.0065
    ("vectors, large", {"model": "text-embedding-3-large", "operation": "embeddings", "input": 50_000}, 0.0065),
    # gpt-audio: text 2.50 in, 10 out; sound 32 in, 64 out.
    # 200 x 2.50 = 500; 800 x 32 = 25,600; 100 x 10 = 1,000; 500 x 64 = 32,000: 0.0591
    (
        "sound",
        {"model": "gpt-audio", "input": 1_000, "audio_input": 800, "output": 600, "audio_output": 500},
        0.0591,
    ),
    # gpt-4o-transcribe: text 2.50, sound 6.00, out 10.00.
    # 50 x 2.50 = 125; 1,250 x 6 = 7,500; 200 x 10 = 2,000: 0.009625
    (
        "transcript",
        {
            "model": "gpt-4o-transcribe",
            "operation": "generate_content",
            "input": 1_300,
            "audio_input": 1_250,
            "output": 200,
        },
        0.009625,
    ),
    # whisper-1: 0.006 a minute. 90 s = 1.5 minutes: 0.009
    ("by the minute", {"model": "whisper-1", "operation": "generate_content", "seconds": 90.0}, 0.009),
    # claude-sonnet-4-5 up to 200,000: 3.00 in, 0.30 read, 3.75 written, 15.00 out.
    # 10,000 x 3 = 30,000; 80,000 x 0.30 = 24,000; 10,000 x 3.75 = 37,500; 1,000 x 15 = 15,000: 0.1065
    (
        "cache written",
        {
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "input": 100_000,
            "cache_read": 80_000,
            "cache_write": 10_000,
            "output": 1_000,
        },
        0.1065,
    ),
    # The same beyond 200,000: 6.00 in, 0.60 read, 22.50 out.
    # 50,000 x 6 = 300,000; 200,000 x 0.60 = 120,000; 2,000 x 22.50 = 45,000: 0.465
    (
        "long, cached",
        {
            "provider": "anthropic",
            "model": "claude-sonnet-4-5",
            "input": 250_000,
            "cache_read": 200_000,
            "output": 2_000,
        },
        0.465,
    ),
    # gemini-2.5-pro up to 200,000: 1.25 in, 10.00 out. 200,000 x 1.25 = 250,000; 1,000 x 10 = 10,000: 0.26
    (
        "not yet long",
        {"provider": "gcp.gemini", "model": "gemini-2.5-pro", "input": 200_000, "output": 1_000},
        0.26,
    ),
    # Beyond: 2.50 in, 15.00 out. 300,000 x 2.50 = 750,000; 1,000 x 15 = 15,000: 0.765
    ("long", {"provider": "gcp.gemini", "model": "gemini-2.5-pro", "input": 300_000, "output": 1_000}, 0.765),
    # grok-4: 3.00 in, 0.75 cached, 15.00 out.
    # 2,000 x 3 = 6,000; 10,000 x 0.75 = 7,500; 400 x 15 = 6,000: 0.0195
    (
        "xAI",
        {"provider": "x_ai", "model": "grok-4", "input": 12_000, "cache_read": 10_000, "output": 400},
        0.0195,
    ),
    # llama-3.3-70b-versatile at Groq: 0.59 in, 0.79 out. 6,000 x 0.59 = 3,540; 900 x 0.79 = 711: 0.004251
    ("Groq", {"provider": "groq", "model": "llama-3.3-70b-versatile", "input": 6_000, "output": 900}, 0.004251),
    # deepseek-chat by day: 0.27 in, 0.07 cached, 1.10 out.
    # 6,000 x 0.27 = 1,620; 4,000 x 0.07 = 280; 2,000 x 1.10 = 2,200: 0.0041
    (
        "by day",
        {"provider": "deepseek", "model": "deepseek-chat", "input": 10_000, "cache_read": 4_000, "output": 2_000},
        0.0041,
    ),
    # And by night, from 16:30 UTC on, half of it: 0.00205
    (
        "by night",
        {
            "provider": "deepseek",
            "model": "deepseek-chat",
            "at": NOON.replace(hour=18),
            "input": 10_000,
            "cache_read": 4_000,
            "output": 2_000,
        },
        0.00205,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "dollars"), [row[1:] for row in SHEET], ids=[row[0] for row in SHEET]
)
def test_the_sum_is_that_of_the_sheet(given: dict[str, Any], dollars: float) -> None:
    found = cost(call(**given))
    assert found.total == dollars
    assert (found.currency, found.estimated) == ("USD", None)
    assert found.source is not None
    assert found.source.startswith("genai-prices ")


def test_the_sheet_is_of_many_models() -> None:
    assert len({row[1]["model"] for row in SHEET}) >= 12


def test_the_parts_are_told() -> None:
    # claude-sonnet-4-5 as above: what was read and written is part of the input
    found = cost(
        call(
            "anthropic",
            "claude-sonnet-4-5",
            input=100_000,
            cache_read=80_000,
            cache_write=10_000,
            output=1_000,
        )
    )
    assert (found.input, found.output) == (0.0915, 0.015)
    assert (found.cache_read, found.cache_write) == (0.024, 0.0375)


def test_what_does_not_apply_is_absent() -> None:
    found = cost(call(model="text-embedding-3-small", operation="embeddings", input=50_000))
    assert (found.input, found.output, found.cache_read, found.cache_write) == (
        0.001,
        None,
        None,
        None,
    )


# -- which model, and whose --------------------------------------------------------------------------------


def test_the_model_that_answered_counts() -> None:
    draft = call(model="my-deployment", input=1_000_000, output=0)
    draft.response_model = "gpt-4o-mini-2024-07-18"  # 0.15
    found = cost(draft)
    assert (found.total, found.estimated) == (0.15, None)


def test_the_model_that_was_asked_for_is_a_guess_where_another_answered() -> None:
    draft = call(model="gpt-4o-mini", input=1_000_000, output=0)
    draft.response_model = "a-model-of-next-year"
    found = cost(draft)
    assert (found.total, found.estimated) == (0.15, True)


def test_azure_borrows_the_prices_of_openai() -> None:
    found = cost(call("azure.ai.openai", "gpt-4o-2024-08-06", input=1_000_000, output=0))  # 2.50
    assert (found.total, found.estimated) == (2.5, True)
    assert (
        priced(call("azure.ai.openai", "gpt-4o-2024-08-06", tier="priority", input=9, output=9))
        is None
    )


def test_what_openrouter_chose_is_not_known() -> None:
    found = cost(call("openrouter", "openai/gpt-4o", input=1_000_000, output=0))  # 2.50
    assert (found.total, found.estimated) == (2.5, True)


def test_a_regional_address_may_cost_more() -> None:
    found = cost(call(host="eu.api.openai.com", input=1_000_000, output=0))
    assert (found.total, found.estimated) == (0.15, True)


@pytest.mark.parametrize(
    ("provider", "host"),
    [
        ("openai", "localhost"),
        ("openai", "127.0.0.1"),
        ("openai", "[::1]"),
        ("openai", "192.168.1.20"),
        ("openai", "gpu-server"),
        ("openai", "models.internal"),
        ("openai", "llm.example.com"),
        ("openai", "notopenai.com"),
        ("openai", None),
        ("ollama", "127.0.0.1"),
        ("ollama", "ollama.com"),
        ("groq", "127.0.0.1"),
        ("azure.ai.openai", "localhost"),
        ("moonshot_ai", "api.moonshot.cn"),
        ("hugging_face", "router.huggingface.co"),
        ("hugging_face", None),
        ("who", "who.example.com"),
        (None, "api.openai.com"),
    ],
)
def test_nobodys_list_holds_for_a_server_of_ones_own(
    provider: str | None, host: str | None
) -> None:
    assert priced(call(provider, "gpt-4o-mini", host=host, input=1_000, output=100)) is None


def test_models_in_the_process_have_no_list() -> None:
    draft = call(input=1_000, output=100)
    draft.kind = "internal"
    assert priced(draft) is None


def test_what_an_application_records_by_hand_is_believed() -> None:
    draft = call(host=None, input=1_000_000, output=0)
    draft.endpoint = None
    assert cost(draft).total == 0.15


@pytest.mark.parametrize(
    ("model", "answered", "provider", "host", "dollars"),
    [
        # Llama-3.3-70B-Instruct at Groq: 0.59 in
        (
            "meta-llama/Llama-3.3-70B-Instruct:groq",
            "llama-3.3-70b",
            None,
            "router.huggingface.co",
            0.59,
        ),
        ("meta-llama/Llama-3.3-70B-Instruct", None, "groq", "router.huggingface.co", 0.59),
        ("llama-3.3-70b-versatile", None, "groq", "api.groq.com", 0.59),
        ("meta-llama/Llama-3.3-70B-Instruct", None, "hf-inference", "router.huggingface.co", None),
        (
            "meta-llama/Llama-3.3-70B-Instruct:groq",
            None,
            None,
            "x.endpoints.huggingface.cloud",
            None,
        ),
    ],
)
def test_hugging_face_bills_what_its_providers_ask(
    model: str, answered: str | None, provider: str | None, host: str, dollars: float | None
) -> None:
    draft = call("hugging_face", model, host=host, input=1_000_000, output=0)
    draft.response_model = answered
    draft.extra("clearspan.huggingface.inference_provider", provider)
    found = priced(draft)
    assert (found and found.total) == dollars


@pytest.mark.parametrize("model", ["a-model-of-next-year", None])
def test_an_unknown_model_has_no_cost(model: str | None) -> None:
    assert priced(call(model=model, input=1_000, output=100)) is None


# -- tiers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["flex", "batch"])
def test_half_is_the_rule_where_the_list_has_no_price_of_its_own(tier: str) -> None:
    # gpt-4-turbo-preview's kin gpt-4-32k: 60 in, of which half
    found = cost(call(model="gpt-4-32k", tier=tier, input=1_000, output=0))
    assert (found.total, found.estimated) == (0.03, True)


@pytest.mark.parametrize("tier", ["priority", "scale", "a tier of next year"])
def test_other_tiers_are_not_guessed(tier: str) -> None:
    assert priced(call(model="gpt-4-32k", tier=tier, input=1_000, output=0)) is None


def test_the_tier_that_was_asked_for_may_not_have_been_given() -> None:
    draft = call(model="gpt-5", input=8_000, cache_read=4_000, output=2_000)
    draft.extra("openai.request.service_tier", "flex")
    found = cost(draft)
    assert (found.total, found.estimated) == (0.01275, True)


# -- what is known, and what is not ------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [{"input": 1_000}, {"output": 1_000}, {}])
def test_half_of_the_tokens_is_no_cost(counts: dict[str, Any]) -> None:
    assert priced(call(**counts)) is None


@pytest.mark.parametrize("source", ["counted", "estimated"])
def test_tokens_that_nobody_reported_make_an_estimate(source: str) -> None:
    found = cost(call(input=2_000, output=500, source=source))
    assert (found.total, found.estimated) == (0.0006, True)


def test_a_refused_call_costs_nothing_that_is_told() -> None:
    draft = call(input=2_000, source="counted")
    draft.outcome = Outcome.FAILED
    assert priced(draft) is None
    draft = call(model="text-embedding-3-small", operation="embeddings", input=9, source="counted")
    draft.outcome = Outcome.FAILED
    assert priced(draft) is None


def asking(**given: Any) -> Draft:
    draft = call(input=2_000, output=500)
    draft.call = Call(None, (), given)
    return draft


@pytest.mark.parametrize(
    "given", [{"web_search_options": {}}, {"extra_body": {"search_parameters": {"mode": "on"}}}]
)
def test_searches_are_billed_beside_the_tokens(given: dict[str, Any]) -> None:
    assert cost(asking(**given)).estimated
    around = call(input=2_000, output=500)
    around.inner = asking(**given)
    assert cost(around).estimated
    assert not cost(asking(web_search_options=None, extra_body={"user": "u"})).estimated
    assert cost(call(model="gpt-4o-search-preview", input=2_000, output=500)).estimated


def test_a_failure_that_came_with_usage_was_billed() -> None:
    draft = call(input=2_000, output=500)
    draft.outcome = Outcome.FAILED
    assert cost(draft).total == 0.0006


def test_a_stream_that_broke_off_is_billed_for_what_it_said() -> None:
    draft = call(input=2_000, output=500, source="estimated")
    draft.outcome = Outcome.FAILED
    assert cost(draft).estimated is True


@pytest.mark.parametrize("operation", ["fetch_response", "create_batch", "execute_tool", "task"])
def test_what_was_paid_elsewhere_is_not_paid_twice(operation: str) -> None:
    assert priced(call(operation=operation, input=1_000, output=100)) is None


def test_a_call_with_calls_below_it_leaves_the_cost_to_them() -> None:
    draft = call(input=1_000, output=100)
    draft.inference_calls = 1
    assert priced(draft) is None


def test_a_cost_that_is_known_stays() -> None:
    draft = call(input=1_000, output=100)
    draft.cost = known = cost(call(input=1, output=1))
    assert priced(draft) is known


def test_sound_without_a_price_of_its_own_is_not_priced_as_text() -> None:
    assert priced(call(input=1_000, audio_input=900, output=10)) is None
    assert priced(call(input=1_000, output=10, audio_output=9)) is None
    assert cost(call(input=2_000, audio_input=0, output=500, audio_output=0)).total == 0.0006


@pytest.mark.parametrize("seconds", [None, float("nan"), float("inf"), -1.0])
def test_sound_of_unknown_length_has_no_cost(seconds: float | None) -> None:
    assert priced(call(model="whisper-1", operation="generate_content", seconds=seconds)) is None


def test_a_model_that_is_paid_by_what_nobody_counts_has_no_cost() -> None:
    assert priced(call(model="tts-1", operation="generate_content", input=10, output=10)) is None


def test_a_list_without_any_price_is_no_free_lunch() -> None:
    assert (
        priced(call(model="omni-moderation-latest", operation="moderation", input=0, output=0))
        is None
    )


def test_tools_of_the_provider_are_paid_beside_the_tokens() -> None:
    draft = call(input=2_000, output=500)
    draft.extra("openai.api.type", "responses")
    draft.text("found it")
    assert cost(draft).estimated is None
    draft = call(input=2_000, output=500)
    draft.extra("openai.api.type", "responses")
    draft.part({"type": "server_tool_call", "name": "web_search"})
    assert cost(draft).estimated is True


# -- odd counts --------------------------------------------------------------------------------------------


def test_more_cached_than_given_is_cut_and_marked() -> None:
    found = cost(call(model="gpt-4o", input=1_000, cache_read=5_000, cache_write=7, output=0))
    assert (found.total, found.estimated) == (0.00125, True)  # 1,000 x 1.25


def test_cached_sound_may_be_cached_text() -> None:
    # gpt-realtime: 4.00 in, 0.40 cached, sound 32. 100 are cached, 900 sound: 40 + 28,800: 0.02884
    found = cost(call(model="gpt-realtime", input=1_000, cache_read=100, audio_input=900, output=0))
    assert (found.total, found.estimated) == (0.02884, True)


def test_cached_pictures_cost_as_text_does_where_pictures_do() -> None:
    # gpt-4o: 500 x 2.50 + 500 x 1.25 = 1,875
    found = cost(call(model="gpt-4o", input=1_000, cache_read=500, image_input=500, output=0))
    assert (found.total, found.estimated) == (0.001875, None)


def test_nothing_is_nothing() -> None:
    found = cost(call(input=0, output=0))
    assert (found.total, found.input, found.output) == (0.0, None, None)


def test_the_largest_count_there_is() -> None:
    most = 2**63 - 1  # 9,223,372,036,854,775,807 x 0.15 / 1,000,000
    assert cost(call(input=most, output=0)).total == 1_383_505_805_528.2163
