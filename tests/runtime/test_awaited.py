"""Libraries that nobody has imported yet: what knows them is loaded when they come."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan import registry
from clearspan.core import fence, installed
from clearspan.runtime.libraries import Awaited
from tests.capture import vendor as vendors
from tests.capture.vendor import Vendor
from tests.runtime.support import Kept


@pytest.fixture
def loaded() -> list[str]:
    """What was loaded of the shelf of providers."""
    return []


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: list[str]) -> Iterator[Vendor]:
    """A library that clearspan knows by itself, called as its package is."""
    library = tmp_path / "library"
    library.mkdir()
    with vendors.importable(library) as made:

        def load(group: str, name: str) -> Any:
            loaded.append(name)
            return made.provider

        found = {registry.PROVIDERS: [made.name], registry.EXPORTERS: ["store"]}
        monkeypatch.setattr(registry, "names", lambda group: found.get(group, []))
        monkeypatch.setattr(registry, "is_ours", lambda group, name: True)
        monkeypatch.setattr(registry, "load", load)
        yield made


def test_it_is_recorded_as_soon_as_it_comes(vendor: Vendor, loaded: list[str]) -> None:
    kept = Kept()
    with clearspan.init(exporters=[kept]):
        assert loaded == []
        vendor.load().Client().create(model="m")
        assert loaded == [vendor.name]
        clearspan.flush()
        assert [span.name for span in kept.spans] == ["chat m"]
        assert clearspan.status().providers[0].state == "patched"
    vendor.load().Client().create(model="m")
    assert len(kept.spans) == 1


def test_one_that_is_here_already_is_not_waited_for(vendor: Vendor, loaded: list[str]) -> None:
    vendor.load()
    with clearspan.init(exporters=[Kept()]):
        assert loaded == [vendor.name]
        assert clearspan.status().providers[0].state == "patched"


def test_who_asks_how_it_stands_has_it_loaded(vendor: Vendor, loaded: list[str]) -> None:
    vendor.install("2.0")
    with clearspan.init(exporters=[Kept()]):
        (found,) = clearspan.status().providers
        assert (found.name, found.version, found.state) == (vendor.name, "2.0", "waiting")
        assert not vendor.loaded
        assert clearspan.status().providers == (found,)
        assert loaded == [vendor.name] * 2  # which is loaded only once by Python
        vendor.load()
        assert clearspan.status().providers[0].state == "patched"


def test_after_the_end_nothing_waits(vendor: Vendor, loaded: list[str]) -> None:
    with clearspan.init(exporters=[Kept()]):
        pass
    vendor.load()
    assert loaded == []


def test_undone_and_done_again(vendor: Vendor, loaded: list[str]) -> None:
    kept = Kept()
    with clearspan.init(exporters=[kept]):
        clearspan.uninstrument()
        clearspan.instrument()
        client = vendor.load().Client()
        client.create(model="m")
        clearspan.uninstrument()
        client.create(model="m")
        clearspan.flush()
    assert (len(kept.spans), loaded) == (1, [vendor.name])


def test_the_log_names_what_could_be_imported(
    vendor: Vendor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {registry.PROVIDERS: [vendor.name, "clearspan_nowhere"]}
    monkeypatch.setattr(registry, "names", lambda group: found.get(group, []))
    with caplog.at_level(logging.INFO, "clearspan"), clearspan.init(exporters=[Kept()]):
        assert f"recording {vendor.name} to" in caplog.text


def test_one_that_is_too_old_says_so_when_it_comes(
    vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    vendor.install("0.1")
    with clearspan.init(exporters=[Kept()]):
        vendor.load()
        assert f"{vendor.name} is not recorded" in caplog.text
        assert clearspan.status().providers[0].note is not None


def test_what_cannot_be_loaded_is_no_matter_of_the_programs(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(group: str, name: str) -> Any:
        raise RuntimeError("broken")

    monkeypatch.delenv("CLEARSPAN_STRICT")
    monkeypatch.setattr(registry, "load", broken)
    fence.reset()
    with clearspan.init(exporters=[Kept()]):
        assert vendor.load().Client().create(model="m")["id"] == "r-1"
        assert clearspan.status().providers == ()
    assert fence.failures()["registry.provider"] >= 1
    fence.reset()


def test_one_that_came_between_is_patched_at_once(vendor: Vendor, loaded: list[str]) -> None:
    awaited = Awaited(vendor.name)
    vendor.load()
    awaited.install()
    assert loaded == [vendor.name]
    awaited.remove()
    awaited.remove()
    awaited.arrive()  # of which nothing is wanted any more
    assert awaited.patches is None


def test_what_clearspan_brings_is_known_by_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(value: str) -> EntryPoint:
        return EntryPoint("acme", value, registry.PROVIDERS)

    found: list[EntryPoint] = [entry("acme_clearspan:provider")]
    monkeypatch.setattr(installed, "entries", lambda group: found)
    assert not registry.is_ours(registry.PROVIDERS, "acme")
    found.append(entry("clearspan.providers.acme:provider"))
    assert registry.is_ours(registry.PROVIDERS, "acme")
    assert not registry.is_ours(registry.PROVIDERS, "other")
    monkeypatch.setitem(registry._added, (registry.PROVIDERS, "acme"), object())
    assert not registry.is_ours(registry.PROVIDERS, "acme")


def test_a_program_loads_what_knows_the_libraries_that_it_uses(tmp_path: Path) -> None:
    program = (
        "import sys, clearspan\n"
        "def known(): return sorted({name.split('.')[2] for name in sys.modules if name.startswith('clearspan.providers.')})\n"
        "clearspan.init(exporters=['console'], hardware='off')\n"
        "print(known(), 'wrapt' in sys.modules, 'clearspan.capture.patching' in sys.modules)\n"
        "import openai\n"
        "print(known(), openai.OpenAI.__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[:2] == ["[] False False", "['openai'] OpenAI"]


def test_the_providers_are_called_as_the_packages_are() -> None:
    for name in registry.names(registry.PROVIDERS):
        provider = importlib.import_module(f"clearspan.providers.{name}").provider
        assert {path.partition(".")[0].partition(":")[0] for end in provider.endpoints for path in end.targets} == {name}  # fmt: skip
