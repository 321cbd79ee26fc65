"""`instrument` and `uninstrument`: by name, by provider, by client; undone by block or call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import registry
from tests.capture import vendor as vendors
from tests.capture.vendor import Vendor
from tests.runtime.support import Kept


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """A library that is found by itself, as one with an entry point is."""
    library = tmp_path / "library"
    library.mkdir()
    with vendors.importable(library) as made:
        monkeypatch.setitem(registry._added, (registry.PROVIDERS, made.name), made.provider)
        found = {registry.PROVIDERS: [made.name], registry.EXPORTERS: ["store"]}
        monkeypatch.setattr(registry, "names", lambda group: found.get(group, []))
        yield made


def create(vendor: Vendor) -> Any:
    return vars(vendor.load().Client)["create"]


def test_everything_found_is_patched_and_restored_at_shutdown(vendor: Vendor) -> None:
    raw = create(vendor)
    kept = Kept()
    with clearspan.init(exporters=[kept]):
        assert create(vendor) is not raw
        vendor.load().Client().create(model="m")
        (found,) = clearspan.status().providers
        assert (found.name, found.version, found.state) == (vendor.name, None, "patched")
        assert found.targets[f"{vendor.module}:Client.create"] == "patched"
    assert create(vendor) is raw
    assert [span.name for span in kept.spans] == ["chat m"]


def test_without_a_name_everything_found_is_patched(vendor: Vendor) -> None:
    raw = create(vendor)
    with clearspan.init(exporters=[Kept()]):
        clearspan.uninstrument()
        assert create(vendor) is raw
        clearspan.instrument()
        assert create(vendor) is not raw
    assert create(vendor) is raw


def test_waiting_libraries_say_so(vendor: Vendor) -> None:
    vendor.install("2.0")
    with clearspan.init(exporters=[Kept()]):
        (found,) = clearspan.status().providers
        assert (found.version, found.state) == ("2.0", "waiting")
        vendor.load()
        assert clearspan.status().providers[0].state == "patched"


def test_libraries_that_are_not_installed_say_so(vendor: Vendor) -> None:
    with clearspan.init(exporters=[Kept()]):
        assert clearspan.status().providers[0].state == "not installed"


def test_only_what_is_asked_for(vendor: Vendor) -> None:
    raw = create(vendor)
    with clearspan.init(exporters=[Kept()], providers=()):
        assert create(vendor) is raw
        assert clearspan.status().providers == ()
    with clearspan.init(exporters=[Kept()], providers=[vendor.name]):
        assert create(vendor) is not raw
    assert create(vendor) is raw


@pytest.mark.parametrize("way", ["name", "provider", "client", "derived client", "class"])
def test_by_name_provider_or_client_and_undone_by_the_block(way: str, vendor: Vendor) -> None:
    module = vendor.load()

    class Own(module.Client):  # type: ignore[misc, name-defined]
        pass

    targets = {
        "name": vendor.name, "provider": vendor.provider, "client": module.Client(), "derived client": Own(),
        "class": module.Client,
    }  # fmt: skip
    raw = create(vendor)
    kept = Kept()
    clearspan.init(exporters=[kept], providers=())
    with clearspan.instrument(targets[way]) as instrumentation:
        assert isinstance(instrumentation, clearspan.Instrumentation)
        module.Client().create(model="m")
    assert create(vendor) is raw
    module.Client().create(model="m")
    clearspan.flush()
    assert len(kept.spans) == 1


def test_undo_by_call_and_again(vendor: Vendor) -> None:
    raw = create(vendor)
    clearspan.init(exporters=[Kept()], providers=())
    instrumentation = clearspan.instrument(vendor.name)
    assert create(vendor) is not raw
    instrumentation.undo()
    instrumentation.undo()
    assert create(vendor) is raw


def test_undoing_one_leaves_the_others(vendor: Vendor) -> None:
    raw = create(vendor)
    clearspan.init(exporters=[Kept()])
    with clearspan.instrument(vendor.name):
        """It was patched already, by init."""
    assert create(vendor) is not raw
    clearspan.uninstrument()
    assert create(vendor) is raw
    clearspan.uninstrument()
    assert clearspan.status().running


def test_uninstrument_leaves_decorated_code_recorded(vendor: Vendor) -> None:
    kept = Kept()
    clearspan.init(exporters=[kept])
    clearspan.uninstrument()
    vendor.load().Client().create(model="m")
    with clearspan.span("x"):
        """Still recorded."""
    clearspan.flush()
    assert [span.name for span in kept.spans] == ["x"]


def test_it_starts_clearspan_where_it_is_not_running(vendor: Vendor, folder: Path) -> None:
    raw = create(vendor)
    clearspan.uninstrument()
    with clearspan.instrument(vendor.name):
        assert clearspan.status().running
        assert clearspan.status().destination.startswith("store")
        assert create(vendor) is not raw
    assert create(vendor) is raw
    assert clearspan.status().running


def test_what_is_not_known_is_an_error(vendor: Vendor) -> None:
    clearspan.init(exporters=[Kept()], providers=())
    for target in ("anthropc", object(), 3):
        with pytest.raises(clearspan.SettingError, match="no provider named"):
            clearspan.instrument(target)
    raw = create(vendor)
    with pytest.raises(clearspan.SettingError):
        clearspan.instrument(vendor.name, "anthropc")
    assert create(vendor) is raw, "all or nothing"
