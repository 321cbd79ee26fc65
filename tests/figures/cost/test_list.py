"""The package that published prices come from: there or not, loaded late, dated and remembered."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib import util
from importlib.metadata import version
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.core import fence
from clearspan.figures.cost import PriceBook, listing
from clearspan.figures.cost.rates import Rates
from tests.figures.cost.kit import NOON, call, cost, priced
from tests.support.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

genai_prices: Any = pytest.importorskip("genai_prices")
SOURCE = f"genai-prices {version('genai-prices')}"


# -- there, or not -----------------------------------------------------------------------------------------


def test_nothing_is_missing_where_the_package_is() -> None:
    assert PriceBook().missing is None


def test_without_the_package_there_is_no_cost_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    book = PriceBook()
    draft = call(input=1_000, output=100)
    book(draft)
    assert draft.cost is None
    assert book.missing is not None
    assert "pip install 'clearspan[cost]'" in book.missing


def test_own_prices_alone_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert PriceBook({"only": True}).missing is None
    assert cost(call(model="m", input=1, output=1), {"models": {"m": {"request": 1}}}).total == 1.0


def test_a_package_that_does_not_load_is_as_good_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = PriceBook()
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
    for _ in range(2):
        draft = call(input=1_000, output=100)
        book(draft)
        assert draft.cost is None
    assert book.missing is not None


def test_a_package_that_breaks_while_it_loads_is_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []

    def broken(name: str) -> Any:
        tried.append(name)
        raise RuntimeError(name)

    monkeypatch.setattr(listing, "load", broken)
    book = PriceBook()
    with pytest.raises(RuntimeError):
        book(call(input=1_000, output=100))
    draft = call(input=1_000, output=100)
    book(draft)
    assert draft.cost is None
    assert len(tried) == 1


# -- loaded late -------------------------------------------------------------------------------------------


def test_nothing_is_loaded_before_there_is_something_to_price() -> None:
    code = """
import sys
from clearspan.draft import Draft
from clearspan.figures.cost import PriceBook
book = PriceBook()
draft = Draft("chat")
draft.provider, draft.model, draft.server_address = "openai", "gpt-4o-mini", "api.openai.com"
book(draft)
assert "genai_prices" not in sys.modules and "pydantic" not in sys.modules
draft.usage(input=2_000, output=500)
book(draft)
assert "genai_prices" in sys.modules
print(draft.cost.total)
"""
    assert program(code).strip() == "0.0006"


def test_in_the_background_the_asking_thread_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    by: list[str] = []
    held = threading.Event()

    def load(name: str) -> Any:
        by.append(threading.current_thread().name)
        held.wait(10)
        return importlib.import_module(name)

    monkeypatch.setattr(listing, "load", load)
    book = PriceBook(background=True)
    early = [call(input=2_000, output=500) for _ in range(2)]
    for draft in early:
        book(draft)
        assert draft.cost is None
    loader = next(thread for thread in threading.enumerate() if thread.name == "clearspan-prices")
    held.set()
    loader.join(10)
    draft = call(input=2_000, output=500)
    book(draft)
    assert draft.cost is not None
    assert set(by) == {"clearspan-prices"}


def join_loaders() -> None:
    for thread in threading.enumerate():
        if thread.name == "clearspan-prices":
            thread.join(10)


def test_in_the_background_the_asking_thread_looks_through_no_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by: list[str] = []
    label = listing._label

    def labelled(snapshot: Any) -> Any:
        by.append(threading.current_thread().name)
        return label(snapshot)

    monkeypatch.setattr(listing, "_label", labelled)
    book = PriceBook(background=True)
    book(call(input=2_000, output=500))
    join_loaders()
    assert by == ["clearspan-prices"]
    assert _priced_by(book) == (0.0006, SOURCE)
    assert len(by) == 1


def test_in_the_background_newer_prices_of_the_host_are_read_while_the_older_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    snapshots = importlib.import_module("genai_prices.data_snapshot")
    book = PriceBook(background=True)
    book(call(input=2_000, output=500))
    join_loaders()
    by: list[str] = []
    held = threading.Event()
    label = listing._label

    def labelled(snapshot: Any) -> Any:
        by.append(threading.current_thread().name)
        held.wait(10)
        return label(snapshot)

    monkeypatch.setattr(listing, "_label", labelled)
    try:
        snapshots.set_custom_snapshot(fetched())
        assert _priced_by(book) == (0.0006, SOURCE)
        assert _priced_by(book) == (0.0006, SOURCE)
        held.set()
        join_loaders()
        assert _priced_by(book) == (0.018, f"{SOURCE}, updated")
        assert by == ["clearspan-prices"]  # once for each list
    finally:
        snapshots.set_custom_snapshot(None)
    _priced_by(book)
    join_loaders()
    assert _priced_by(book) == (0.0006, SOURCE)
    assert by == ["clearspan-prices"] * 2


def _priced_by(book: PriceBook) -> tuple[float, str | None]:
    draft = call(input=2_000, output=500)
    book(draft)
    assert draft.cost is not None
    return draft.cost.total, draft.cost.source


def test_a_host_that_takes_its_prices_back_leaves_nothing_to_load() -> None:
    code = """
import sys
from datetime import datetime, timezone
from genai_prices import data_snapshot as snapshots
fetched = snapshots.DataSnapshot(providers=[], from_auto_update=True, timestamp=datetime.now(timezone.utc))
snapshots.set_custom_snapshot(fetched)
from tests.figures.cost.kit import call
from clearspan.figures.cost import PriceBook
assert "genai_prices.data" not in sys.modules
PriceBook()(call(input=1, output=1))
print("genai_prices.data" in sys.modules)
"""
    assert program(code).strip() == "True"


def test_a_failure_in_the_background_is_counted_and_stays_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)

    def broken(name: str) -> Any:
        raise RuntimeError(name)

    monkeypatch.setattr(listing, "load", broken)
    before = fence.failures().get("prices.load", 0)
    book = PriceBook(background=True)
    book(call(input=1, output=1))
    join_loaders()
    assert fence.failures()["prices.load"] == before + 1


def test_a_forked_child_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    book = PriceBook()
    with monkeypatch.context() as patch:
        patch.setattr(listing, "load", _fails)
        with pytest.raises(RuntimeError):
            book(call(input=1, output=1))
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    draft = call(input=1, output=1)
    book(draft)
    assert draft.cost is not None


def _fails(name: str) -> Any:
    raise RuntimeError(name)


# -- its date ----------------------------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[date | None], None]:
    """Have the package be installed at a date of the test's choosing."""

    def at(day: date | None) -> None:
        monkeypatch.setattr(listing, "_installed", lambda: day)

    return at


def test_the_list_is_as_old_as_the_last_change_in_it(installed: Any) -> None:
    starts = {
        change.constraint.start_date
        for provider in genai_prices.data_snapshot.get_snapshot().providers
        for model in provider.models
        for change in (
            *(model.prices if isinstance(model.prices, list) else ()),
            *(model.price_variants or ()),
        )
        if hasattr(change.constraint, "start_date")
    }
    first, last = min(starts), max(starts)
    installed(last)
    found = cost(call(input=1, output=1))
    assert (found.priced_on, found.source) == (last.isoformat(), SOURCE)
    installed(
        max(day for day in starts if day < last)
    )  # what was only announced then does not count
    assert (
        cost(call(input=1, output=1)).priced_on
        == max(day for day in starts if day < last).isoformat()
    )
    installed(first.replace(year=first.year - 1))  # files dated anyhow, as reproducible builds do
    assert cost(call(input=1, output=1)).priced_on is None
    installed(None)
    assert cost(call(input=1, output=1)).priced_on is None


def test_the_day_of_installing_is_that_of_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "data.py"
    file.touch()
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    monkeypatch.setattr(util, "find_spec", lambda name: SimpleNamespace(origin=str(file)))
    assert listing._installed() == NOON.date()
    file.unlink()
    assert listing._installed() is None


def fetched() -> Any:
    """Prices as a host may have put them in the place of the package's."""
    snapshots = importlib.import_module("genai_prices.data_snapshot")
    types = importlib.import_module("genai_prices.types")
    provider = types.Provider(
        id="openai", name="OpenAI", api_pattern="",
        models=[types.ModelInfo(
            id="gpt-4o-mini", match=types.ClauseEquals(equals="gpt-4o-mini"),
            prices=types.ModelPrice(input_mtok=Decimal(7), output_mtok=Decimal(8)),
        )],
    )  # fmt: skip
    return snapshots.DataSnapshot(
        providers=[provider],
        from_auto_update=True,
        timestamp=datetime(2026, 11, 20, tzinfo=timezone.utc),
    )


def test_prices_that_the_host_had_fetched_are_used_at_once_and_say_so() -> None:
    snapshots = importlib.import_module("genai_prices.data_snapshot")
    book = PriceBook()
    before = call(input=1_000_000, output=0)
    book(before)
    try:
        snapshots.set_custom_snapshot(fetched())
        after = call(input=1_000_000, output=0)
        book(after)
    finally:
        snapshots.set_custom_snapshot(None)
    assert before.cost is not None
    assert after.cost is not None
    assert (before.cost.total, after.cost.total) == (0.15, 7.0)
    assert (after.cost.priced_on, after.cost.source) == ("2026-11-20", f"{SOURCE}, updated")


# -- what it remembers -------------------------------------------------------------------------------------


def test_what_was_looked_up_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_REMEMBERED", 3)
    asked: list[str] = []

    class Snapshot:
        providers: tuple[Any, ...] = ()
        from_auto_update = True
        timestamp = NOON

        def find_provider_model(self, model: str, *_: Any) -> Any:
            asked.append(model)
            raise LookupError(model)

    snapshot = Snapshot()
    library = SimpleNamespace(get_snapshot=lambda: snapshot)
    monkeypatch.setattr(listing, "load", lambda name: library)
    book = PriceBook()
    for name in ("a", "b", "c", "a", "d", "a", "b"):
        book(call(model=name, input=1, output=1))
    assert asked == ["a", "b", "c", "d", "b"]  # `b` had to make room, `a` was in use


# -- prices that change, and those that do not -------------------------------------------------------------


def prices(**told: Any) -> Any:
    return importlib.import_module("genai_prices.types").ModelPrice(**told)


def stepped(base: int, start: int, beyond: int) -> Any:
    types = importlib.import_module("genai_prices.types")
    return types.TieredPrices(base=Decimal(base), tiers=[types.Tier(start, Decimal(beyond))])


def dated(*changes: tuple[date | None, Any]) -> list[Any]:
    types = importlib.import_module("genai_prices.types")
    return [
        types.ConditionalPrice(
            None if day is None else types.StartDateConstraint(start_date=day), prices=told
        )
        for day, told in changes
    ]


PLAIN = {"input_mtok": Decimal(1), "output_mtok": Decimal(2)}


def listed(told: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[PriceBook, list[datetime]]:
    """A book over a list with these prices of a model alone, and when they were asked for."""
    types = importlib.import_module("genai_prices.types")
    asked: list[datetime] = []

    class Model(types.ModelInfo):  # type: ignore[misc,name-defined]
        def get_prices(self, when: datetime, context: Any = None) -> Any:
            asked.append(when)
            return super().get_prices(when, context)

    model = Model(id="m", match=types.ClauseEquals(equals="m"), prices=told)
    whose = types.Provider(id="openai", name="OpenAI", api_pattern="", models=[model])
    snapshot = fetched()
    snapshot.providers = [whose]
    library = SimpleNamespace(get_snapshot=lambda: snapshot)
    monkeypatch.setattr(listing, "load", lambda name: library)
    return PriceBook(), asked


def total(book: PriceBook, at: datetime = NOON, **counts: Any) -> float | None:
    draft = call(model="m", at=at, **counts)
    book(draft)
    return draft.cost.total if draft.cost is not None else None


def test_prices_that_always_hold_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    book, asked = listed(prices(**PLAIN, requests_kcount=Decimal(500)), monkeypatch)
    read: list[int] = []
    reader = listing._read

    def noted(told: Any, tokens: int) -> Any:
        read.append(tokens)
        return reader(told, tokens)

    monkeypatch.setattr(listing, "_read", noted)
    assert total(book, input=1_000_000, output=1_000_000) == 3.5
    assert total(book, input=2_000_000, output=0) == 2.5
    assert total(book, datetime(2020, 1, 1, tzinfo=timezone.utc), input=1_000_000, output=0) == 1.5
    assert (read, asked) == ([0], [])


def test_prices_by_the_number_of_tokens_are_worked_out_for_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = prices(input_mtok=stepped(1, 200_000, 3), output_mtok=Decimal(2))
    book, asked = listed(told, monkeypatch)
    assert total(book, input=100_000, output=0) == 0.1
    assert total(book, input=300_000, output=0) == 0.9
    assert total(book, input=200_000, output=0) == 0.2
    assert len(asked) == 3


def test_prices_that_change_with_time_are_worked_out_for_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = {**PLAIN, "input_mtok": Decimal(5)}
    told = dated((None, prices(**PLAIN)), (NOON.date(), prices(**later)))
    book, asked = listed(told, monkeypatch)
    before = datetime(2026, 10, 1, tzinfo=timezone.utc)
    assert total(book, before, input=1_000_000, output=0) == 1.0
    assert total(book, NOON, input=1_000_000, output=0) == 5.0
    assert total(book, before, input=1_000_000, output=0) == 1.0
    assert asked == [before, NOON, before]


def test_a_model_without_prices_costs_nobody_knows_what(monkeypatch: pytest.MonkeyPatch) -> None:
    book, _ = listed([], monkeypatch)
    assert total(book, input=1_000_000, output=0) is None


def test_a_model_that_is_paid_by_what_nobody_counts_has_no_rates_however_steady(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book, asked = listed(prices(**PLAIN, input_mchars=Decimal(1)), monkeypatch)
    assert total(book, input=1_000_000, output=0) is None
    assert len(asked) == 1


def test_rates_that_always_hold() -> None:
    told = prices(**PLAIN, requests_kcount=Decimal(500), input_audio_mtok=None)
    assert listing._steady(told) == Rates(
        input=Decimal(1), output=Decimal(2), request=Decimal("0.5")
    )
    assert listing._steady(prices()) == Rates()


@pytest.mark.parametrize("name", [*listing._KEYS.values()])
def test_a_single_price_that_has_steps_makes_the_rates_depend(name: str) -> None:
    assert listing._steady(prices(**{**PLAIN, name: stepped(1, 9, 2)})) is None
    assert listing._steady(prices(**{**PLAIN, name: Decimal(1)})) is not None


def test_a_list_of_changes_makes_the_rates_depend() -> None:
    assert listing._steady(dated((None, prices(**PLAIN)))) is None


def test_a_model_is_its_provider_s_own_or_borrowed() -> None:
    snapshot = genai_prices.data_snapshot.get_snapshot()
    own = listing._find(snapshot, "openai", "gpt-4o-mini")
    borrowed = listing._find(snapshot, "azure", "gpt-4o-2024-08-06")
    assert own is not None
    assert borrowed is not None
    assert (own.provider.id, own.model.id, own.own) == ("openai", "gpt-4o-mini", True)
    assert (borrowed.provider.id, borrowed.own) == ("azure", False)
    assert own.steady == listing._read(own.model.get_prices(NOON), 0)
    assert listing._find(snapshot, "openai", "no-such-model") is None
    assert listing._find(snapshot, "nobody", "gpt-4o-mini") is None


def test_what_is_steady_costs_at_any_time_what_the_package_says() -> None:
    snapshot = genai_prices.data_snapshot.get_snapshot()
    steady = 0
    for provider in snapshot.providers:
        for model in provider.models:
            found = listing._find(snapshot, provider.id, model.id)
            if found is None or found.steady is None:
                continue
            steady += 1
            for year, tokens in ((2023, 0), (2026, 10_000_000), (2031, 250_000)):
                when = datetime(year, 3, 4, 5, tzinfo=timezone.utc)
                assert found.steady == listing._read(found.model.get_prices(when), tokens)
    assert steady > 100


# -- its sums, and ours ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "ours"),
    [
        ("openai", "openai"),
        ("anthropic", "anthropic"),
        ("google", "gcp.gemini"),
        ("x-ai", "x_ai"),
        ("groq", "groq"),
    ],
)
def test_the_sums_are_those_of_the_package(provider: str, ours: str) -> None:
    snapshot = genai_prices.data_snapshot.get_snapshot()
    models = next(each for each in snapshot.providers if each.id == provider).models
    compared = 0
    for model in models:
        for tokens in (100_000, 300_000):
            counts: dict[str, Any] = {
                "input": tokens,
                "cache_read": 40_000,
                "cache_write": 10_000,
                "output": 700,
            }
            usage = genai_prices.Usage(
                input_tokens=tokens,
                cache_read_tokens=40_000,
                cache_write_tokens=10_000,
                output_tokens=700,
            )
            found = priced(call(ours, model.id, **counts))
            if found is not None:
                theirs = genai_prices.calc_price(
                    usage, model.id, provider_id=provider, genai_request_timestamp=NOON
                )
                assert found.total == float(theirs.total_price), model.id
                assert found.input == float(theirs.input_price), model.id
                assert found.output == float(theirs.output_price), model.id
                compared += 1
    assert compared > len(models)
