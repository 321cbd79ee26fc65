"""A call inside a guarded one: what is kept from the program further up is not told further down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearspan.capture import guarding
from clearspan.provider import Endpoint
from clearspan.testing import captured
from tests.assess.guard.kit import SECRET, Keys, guard, passing, telemetry
from tests.capture import vendor as vendors
from tests.capture.test_guarding import SOURCE, SPEECH
from tests.capture.vendor import Vendor


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Vendor]:
    """A library whose `outer` is guarded, and calls `create`, which is not: it has no texts."""
    with vendors.importable(tmp_path, SOURCE) as made:
        old, home = made.provider.endpoints[0], f"{made.name}.client:Client."
        outer = Endpoint("chat", (home + "outer",), old.request, old.response, positional=("prompt",), speech=SPEECH, layer="outer")  # fmt: skip
        inner = Endpoint("chat", (home + "create",), old.request, old.response, old.chunk, positional=("prompt",), layer="inner")  # fmt: skip
        yield replace(made, provider=made.changed(endpoints=(outer, inner), probes=()))


def asked(vendor: Vendor, *guards: Any, finish: Any = None) -> Any:
    provider = replace(vendor.provider, finish=finish)
    with captured(providers=[provider], guards=guards, content_target="both") as seen:
        client = vendor.load().Client()
        passing(lambda: client.outer(f"say {SECRET}"))
        outputs = [span.attributes.get("gen_ai.output.messages", "") for span in seen.spans]
        return outputs, telemetry(seen)


@pytest.mark.parametrize("action", ["block", "redact"])
def test_the_call_inside_tells_nothing_of_its_answer(vendor: Vendor, action: str) -> None:
    (inner, outer), _ = asked(vendor, guard(Keys(), "output", action))
    assert inner == ""
    assert ("<KEY>" in outer) == (action == "redact")
    assert SECRET not in outer


@pytest.mark.parametrize("given", [(), ("output", "warn")])
def test_where_nothing_is_kept_from_the_program_it_tells_all(vendor: Vendor, given: Any) -> None:
    guards = [guard(Keys(), *given)] if given else []
    outputs, _ = asked(vendor, *guards)
    assert len(outputs) == 2
    assert all(SECRET in said for said in outputs)


def test_a_provider_finishes_its_calls_all_the_same(vendor: Vendor) -> None:
    finished: list[Any] = []
    asked(vendor, guard(Keys(), "output", "redact"), finish=finished.append)
    assert len(finished) == 2


def test_without_guards_nothing_is_withheld(vendor: Vendor) -> None:
    assert not guarding.withholds(vendor.provider.endpoints[0])
