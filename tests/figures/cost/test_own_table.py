"""Prices of one's own: what a table may say, what is said of one that is wrong, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.figures.cost import PriceBook, PricingError
from clearspan.record import HardwareUse, Outcome
from tests.figures.cost.kit import call, cost, priced

if TYPE_CHECKING:
    from pathlib import Path

    from clearspan.draft import Draft

MILLION = 1_000_000


def table(**fields: Any) -> dict[str, Any]:
    return {"currency": "EUR", "priced_on": "2026-11-01", **fields}


def model(**fields: Any) -> dict[str, Any]:
    return table(models={"my-model": {"input": 1.5, "output": 6, **fields}})


# -- what a table says -------------------------------------------------------------------------------------


def test_a_table_names_its_currency_its_date_and_itself() -> None:
    # 1,000 x 1.50 + 500 x 6.00 = 4,500
    found = cost(call(model="my-model", input=1_000, output=500), model())
    assert (found.total, found.input, found.output) == (0.0045, 0.0015, 0.003)
    assert (found.currency, found.priced_on, found.source) == ("EUR", "2026-11-01", "own prices")
    assert found.estimated is None


def test_a_table_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(model()), encoding="utf-8")
    for given in (path, str(path)):
        found = cost(call(model="my-model", input=MILLION, output=0), given)
        assert (found.total, found.source) == (1.5, "prices.json")


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "prices.json").write_text(json.dumps(model()), encoding="utf-8")
    assert cost(call(model="my-model", input=MILLION, output=0), "~/prices.json").total == 1.5


def test_all_fields_together() -> None:
    given = model(
        cache_read=0.5, cache_write=2, audio_input=20, audio_output=40, image_input=3, image_output=30,
        reasoning=7, request=0.01,
    )  # fmt: skip
    counts: dict[str, Any] = {
        "input": 700_000, "cache_read": 100_000, "cache_write": 100_000, "audio_input": 100_000,
        "image_input": 200_000,
        "output": 500_000, "audio_output": 100_000, "image_output": 100_000, "reasoning": 100_000,
    }  # fmt: skip
    found = cost(call(model="my-model", **counts), given)
    # 0.2 x 1.5 + 0.1 x 0.5 + 0.1 x 2 + 0.1 x 20 + 0.2 x 3 = 3.15; 0.2 x 6 + 0.1 x (40 + 30 + 7) = 8.90
    assert (found.input, found.output, found.total) == (3.15, 8.9, 12.06)
    assert (found.cache_read, found.cache_write) == (0.05, 0.2)
    assert found.estimated is True  # cached tokens may have been sound


def test_decimal_prices_and_dates_as_python_has_them() -> None:
    given = {
        "priced_on": date(2026, 11, 1),
        "models": {"m": {"input": Decimal("0.1"), "output": 0}},
    }
    found = cost(call(model="m", input=3 * MILLION, output=1), given)
    assert (found.total, found.currency, found.priced_on) == (0.3, "USD", "2026-11-01")


def test_a_table_need_not_have_a_date() -> None:
    assert (
        cost(
            call(model="m", input=1, output=1), {"models": {"m": {"input": 1, "output": 1}}}
        ).priced_on
        is None
    )


def test_calls_and_hours_may_be_all_that_is_paid() -> None:
    assert (
        cost(call(model="m", input=5, output=5), {"models": {"m": {"request": 0.25}}}).total == 0.25
    )
    assert cost(call(model="m"), {"models": {"m": {"request": 0.25}}}).total == 0.25
    sound = {"models": {"m": {"audio_hour": 0.36}}}
    assert cost(call(model="m", seconds=10.0), sound).total == 0.001
    assert priced(call(model="m"), sound) is None


def test_a_model_of_text_and_sound_may_have_been_given_no_sound() -> None:
    given = {"models": {"m": {"input": 1, "output": 1, "audio_hour": 3.6}}}
    assert cost(call(model="m", input=MILLION, output=0), given).total == 1.0
    # 999,995 of text at 1.00 a million, and a second of 3.60 an hour
    assert (
        cost(call(model="m", input=MILLION, audio_input=5, output=0, seconds=1.0), given).total
        == 1.000995
    )
    assert priced(call(model="m", input=MILLION, audio_input=5, output=0), given) is None


def test_a_side_without_a_price_is_not_free() -> None:
    given = {"models": {"m": {"input": 1}}}
    assert cost(call(model="m", input=MILLION), given).total == 1.0
    assert priced(call(model="m", input=MILLION, output=5), given) is None


@pytest.mark.parametrize(
    "fields", [{"cache_read": 1}, {"tiers": {"flex": {"input": 1, "output": 1}}}]
)
def test_a_price_of_something_else_does_not_make_tokens_free(fields: dict[str, Any]) -> None:
    assert priced(call(model="m", input=MILLION, output=MILLION), {"models": {"m": fields}}) is None


def test_a_refused_call_is_not_paid_by_an_own_table_either() -> None:
    draft = call(model="m")
    draft.outcome = Outcome.FAILED
    assert priced(draft, {"models": {"m": {"request": 0.25}}}) is None


# -- which entry -------------------------------------------------------------------------------------------


def test_the_exact_name_beats_the_longest_pattern_beats_the_shorter() -> None:
    prices = {"*": 1, "my-*": 2, "my-model-*": 3, "my-model-7b": 4}
    given = {"models": {name: {"input": price, "output": 0} for name, price in prices.items()}}

    def price(name: str) -> float:
        return cost(call(model=name, input=MILLION, output=0), given).total

    assert [price(name) for name in ("my-model-7b", "MY-MODEL-70b", "my-pet", "another")] == [
        4.0,
        3.0,
        2.0,
        1.0,
    ]


def test_a_name_is_no_regular_expression() -> None:
    given = {"models": {"m.1+": {"input": 1, "output": 0}}, "only": True}
    assert priced(call(model="mx1+", input=1, output=1), given) is None
    assert priced(call(model="m.1+", input=1, output=1), given) is not None


def test_an_entry_may_be_of_one_provider() -> None:
    given = {
        "models": {
            "llama": {"input": 1, "output": 0, "provider": "groq"},
            "lla*": {"input": 2, "output": 0},
        }
    }
    assert cost(call("groq", "llama", input=MILLION, output=0), given).total == 1.0
    assert cost(call("cerebras", "llama", input=MILLION, output=0), given).total == 2.0


def test_the_alias_that_was_asked_for_may_be_in_the_table() -> None:
    draft = call(model="my-model", input=MILLION, output=0)
    draft.response_model = "another"
    assert cost(draft, model()).total == 1.5


def test_own_prices_hold_for_own_servers() -> None:
    assert (
        cost(call(model="my-model", host="127.0.0.1", input=MILLION, output=0), model()).total
        == 1.5
    )
    assert cost(call(None, "my-model", host=None, input=MILLION, output=0), model()).total == 1.5


def test_published_prices_fill_the_gaps_unless_only_own_ones_are_wanted() -> None:
    assert cost(call(input=MILLION, output=0), model()).total == 0.15
    assert priced(call(input=MILLION, output=0), {**model(), "only": True}) is None


# -- steps and tiers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "euros"),
    [(200_000, 0.3), (200_001, 0.600003), (1_000_000, 3.0), (1_000_001, 9.000009)],
)
def test_a_step_holds_for_all_tokens_of_a_longer_call(tokens: int, euros: float) -> None:
    given = model(above={"1000000": {"input": 9}, "200000": {"input": 3}})
    assert cost(call(model="my-model", input=tokens, output=0), given).total == euros


@pytest.mark.parametrize(
    ("tier", "euros", "estimated"),
    [
        (None, 1.5, None), ("default", 1.5, None), ("standard", 1.5, None),
        ("flex", 0.75, None),
        ("priority", 4.0, None),
        ("another", 1.5, True),
    ],
)  # fmt: skip
def test_tiers(tier: str | None, euros: float, estimated: bool | None) -> None:
    given = model(tiers={"flex": 0.5, "priority": {"input": 4}})
    found = cost(call(model="my-model", tier=tier, input=MILLION, output=0), given)
    assert (found.total, found.estimated) == (euros, estimated)


def test_a_multiple_is_of_every_price() -> None:
    given = model(request=0.25, tiers={"flex": 0.5})
    # half of 1.50 + 6.00 + 0.25
    assert (
        cost(call(model="my-model", tier="flex", input=MILLION, output=MILLION), given).total
        == 3.875
    )


# -- hours of accelerators ---------------------------------------------------------------------------------

HOUR = 3_600 * 10**9


def local(device: str | None = "cuda:0", hours: float = 1.0, **more: Any) -> Draft:
    """A call of a model in the process."""
    draft = call("hugging_face", "gpt2", host=None, **more)
    draft.kind = "internal"
    draft.end_ns = draft.start_ns + int(hours * HOUR)
    draft.extra("clearspan.model.device", device)
    return draft


def test_an_hour_of_a_local_model() -> None:
    draft = local(hours=0.5)
    draft.hardware = HardwareUse(devices=("GPU-1", "GPU-2"), attribution="exclusive")
    found = cost(draft, table(gpu_hour=2.5))
    assert (found.total, found.input, found.output, found.estimated) == (2.5, None, None, None)
    assert (found.currency, found.priced_on, found.source) == ("EUR", "2026-11-01", "own prices")


def test_devices_by_name() -> None:
    prices = {"NVIDIA H200": 3.9, "NVIDIA *": 2, "*": 1}
    draft = local()
    draft.hardware = HardwareUse(
        devices=("NVIDIA H200", "NVIDIA A10", "AMD 7"), attribution="exclusive"
    )
    assert cost(draft, table(gpu_hour=prices)).total == 6.9


def test_a_device_without_a_price_leaves_the_cost_unknown() -> None:
    draft = local()
    draft.hardware = HardwareUse(devices=("NVIDIA H200", "AMD 7"), attribution="exclusive")
    assert priced(draft, table(gpu_hour={"NVIDIA H200": 3.9})) is None
    assert priced(local(), table(gpu_hour={"NVIDIA H200": 3.9})) is None


@pytest.mark.parametrize(
    ("devices", "hardware", "euros"),
    [
        ((), None, 2.5),
        ((0, 1), None, 5.0),
        ((0, 1), HardwareUse(), 5.0),
        ((), HardwareUse(devices=("a", "b"), attribution="shared"), 5.0),
        ((), HardwareUse(devices=("a",)), 2.5),
    ],
)
def test_devices_that_were_guessed_or_shared_make_an_estimate(
    devices: tuple[int, ...], hardware: HardwareUse | None, euros: float
) -> None:
    draft = local()
    draft.devices, draft.hardware = devices, hardware
    found = cost(draft, table(gpu_hour=2.5))
    assert (found.total, found.estimated) == (euros, True)


def test_the_processor_is_no_accelerator() -> None:
    assert priced(local(device="cpu"), table(gpu_hour=2.5)) is None


def test_a_refused_call_of_a_local_model_took_no_hours() -> None:
    refused, broken = local(), local(input=3, output=1, source="counted")
    refused.outcome = broken.outcome = Outcome.FAILED
    assert priced(refused, table(gpu_hour=2.5)) is None
    assert cost(broken, table(gpu_hour=2.5)).total == 2.5


@pytest.mark.parametrize("operation", ["invoke_agent", "invoke_workflow", "task"])
def test_a_step_of_the_program_is_no_model(operation: str) -> None:
    draft = local()
    draft.operation = operation
    assert priced(draft, table(gpu_hour=2.5)) is None


@pytest.mark.parametrize(
    ("provider", "host", "dollars"),
    [
        ("ollama", "127.0.0.1", 3.6), ("ollama", "localhost", 3.6), ("ollama", "[::1]", 3.6),
        ("ollama", "192.168.1.5", None), ("ollama", "ollama.com", None), ("ollama", None, None),
        ("openai", "127.0.0.1", None), ("hugging_face", "127.0.0.1", 3.6),
    ],
)  # fmt: skip
def test_an_ollama_on_this_machine(provider: str, host: str | None, dollars: float | None) -> None:
    draft = call(provider, "llama3", host=host, input=10, output=10)
    draft.end_ns = draft.start_ns + HOUR
    found = priced(draft, {"gpu_hour": 3.6})
    assert (found and found.total) == dollars


def test_a_clock_that_ran_backwards_charges_nothing() -> None:
    assert cost(local(hours=-1.0), {"gpu_hour": 2.5}).total == 0.0


def test_calls_that_share_a_device_pay_for_their_shares_by_what_it_is_called() -> None:
    draft = local()
    draft.hardware = HardwareUse(
        devices=("GPU-1", "GPU-2"),
        models=("NVIDIA H200", "NVIDIA H200"),
        attribution="shared",
        share=0.25,
    )
    found = cost(draft, table(gpu_hour={"NVIDIA H200": 3.0, "*": 1.0}))
    assert (found.total, found.estimated) == (1.5, True)  # 2 devices x 1 h x 3.00 x a quarter


def test_each_device_is_charged_by_its_own_share() -> None:
    draft = local()
    draft.hardware = HardwareUse(
        devices=("dear", "cheap"), attribution="shared", share=0.55, shares=(0.1, 1.0)
    )
    found = cost(draft, table(gpu_hour={"dear": 10.0, "cheap": 1.0}))
    assert (found.total, found.estimated) == (pytest.approx(2.0), True)


def test_a_price_of_the_model_goes_before_that_of_the_hour() -> None:
    given = {"models": {"gpt2": {"input": 1, "output": 1}}, "gpu_hour": 2.5}
    assert cost(local(input=MILLION, output=MILLION), given).total == 2.0


# -- tables that are wrong ---------------------------------------------------------------------------------

WRONG: list[tuple[Any, str]] = [
    ({"modles": {}}, "unknown field 'modles'; did you mean 'models'?"),
    ({"zzz": 1}, "unknown field 'zzz' (known are: currency, priced_on, models, gpu_hour, only)"),
    (
        {"currency": "euro"},
        "currency must be a code of ISO 4217 such as 'USD' or 'EUR', not 'euro'",
    ),
    ({"currency": 3}, "not 3"),
    ({"priced_on": "November"}, "priced_on must be a date such as '2026-11-01', not 'November'"),
    ({"only": "yes"}, "only must be true or false, not 'yes'"),
    ({"models": []}, "models: must be a mapping (a JSON object), not []"),
    ({"models": {"m": 3}}, "model 'm': must be a mapping (a JSON object), not 3"),
    ({"models": {"m": {"inptu": 3}}}, "model 'm': unknown field 'inptu'; did you mean 'input'?"),
    (
        {"models": {"m": {"input": -1}}},
        "model 'm': input: a price must be a number of at least 0, not -1",
    ),
    ({"models": {"m": {"input": "1"}}}, "a price must be a number of at least 0, not '1'"),
    ({"models": {"m": {"input": True}}}, "not True"),
    ({"models": {"m": {"input": None}}}, "not None"),
    ({"models": {"m": {"input": float("nan")}}}, "not nan"),
    ({"models": {"m": {"input": float("inf")}}}, "not inf"),
    ({"models": {"m": {"input": 10**12}}}, "a price must be a number"),
    ({"models": {"m": {"provider": 1}}}, "provider must be a name such as 'openai', not 1"),
    ({"models": {"m": {"above": 3}}}, "model 'm': above: must be a mapping"),
    (
        {"models": {"m": {"above": {"many": {}}}}},
        "'many' is no number of input tokens, such as '200000'",
    ),
    (
        {"models": {"m": {"above": {"5": {"inputs": 1}}}}},
        "above 5: unknown field 'inputs'; did you mean 'input'?",
    ),
    ({"models": {"m": {"tiers": {"flex": -1}}}}, "tiers: flex: a price must be a number"),
    ({"models": {"m": {"tiers": {"flex": {"x": 1}}}}}, "tiers: flex: unknown field 'x'"),
    ({"models": {"m": {}}}, """model 'm': has no price; write {"input": 0, "output": 0} for one"""),
    ({"models": {"m": {"provider": "openai", "tiers": {}, "above": {}}}}, "'m': has no price"),
    (
        {},
        'has no price; give models, such as {"models": {"my-model": {"input": 1.5, "output": 6}}}',
    ),
    ({"currency": "EUR", "priced_on": "2026-11-01"}, "has no price; give models"),
    ({"models": {}, "gpu_hour": {}}, "or leave pricing out for published prices"),
    ({"gpu_hour": -1}, "gpu_hour: a price must be a number of at least 0, not -1"),
    ({"gpu_hour": {"NVIDIA H200": "dear"}}, "gpu_hour: NVIDIA H200: a price must be a number"),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_what_is_wrong_is_named_with_its_remedy(given: Mapping[str, Any], said: str) -> None:
    with pytest.raises(PricingError) as caught:
        PriceBook(given)
    assert str(caught.value).startswith("the price table: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        PricingError, match=r"prices\.json: No such file.*give .*the path of a JSON file"
    ):
        PriceBook(tmp_path / "prices.json")


@pytest.mark.parametrize("given", [5, [], ["prices.json"], 1.5, True])
def test_what_is_neither_a_table_nor_a_path(given: Any) -> None:
    with pytest.raises(PricingError) as caught:
        PriceBook(given)
    assert str(caught.value) == (
        "must be a price table (a mapping), the path of a JSON file with one, or 'off', "
        f"not {given!r}"
    )


def test_a_path_of_somebody_who_is_not_there() -> None:
    with pytest.raises(PricingError, match=r"~nobody-of-that-name/p\.json: .*JSON file"):
        PriceBook("~nobody-of-that-name/p.json")


def test_own_prices_alone_may_be_none_at_all() -> None:
    """What a provider says that it charged is told all the same."""
    assert priced(call(input=MILLION, output=0), {"only": True}) is None


@pytest.mark.parametrize("content", [b"models: {}", b"\xff\xfe", b"", b"[" * 100_000])
def test_a_file_that_is_no_json(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prices.json"
    path.write_bytes(content)
    with pytest.raises(PricingError, match=r"prices\.json: is no JSON file .*an object such as {"):
        PriceBook(path)


def test_a_wrong_table_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(PricingError, match=r"prices\.json: must be a mapping"):
        PriceBook(path)
