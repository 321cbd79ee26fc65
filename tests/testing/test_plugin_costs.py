"""What is said of a cost that is not known."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

import clearspan
from clearspan.record import Invocation, Timing, Usage

if TYPE_CHECKING:
    from clearspan.testing.plugin import Calls


class Seen:
    """As much of what was captured as the sum reads."""

    def __init__(self, *hosts: str | None) -> None:
        self.calls = [
            Invocation(
                "chat", Timing(0, 1), provider="openai", model="m", server_address=host,
                usage=Usage(input=1, output=1),
            )
            for host in hosts
        ]  # fmt: skip

    open_model_calls = 0


def said(*hosts: str | None) -> str:
    from clearspan.testing.plugin import Calls

    with pytest.raises(LookupError) as caught:
        _ = Calls(Seen(*hosts)).cost  # type: ignore[arg-type]  # all that it reads
    return str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.7"])
def test_a_local_server_has_no_published_price(host: str) -> None:
    assert said(host) == (
        "no price is known of m; a server on this machine or in a private network has no "
        "published price: give a table by @pytest.mark.clearspan(pricing={...})"
    )


@pytest.mark.parametrize("hosts", [("api.openai.com",), (None,), ("127.0.0.1", "api.openai.com")])
def test_the_list_is_asked_for_only_where_it_is_not_installed(
    hosts: tuple[str | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert said(*hosts).endswith("of m; install clearspan[cost], or give a table by @pytest.mark.clearspan(pricing={...})")  # fmt: skip
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert "install" not in said(*hosts)
    assert "of m; no list of prices tells what such a call costs: give a table" in said(*hosts)


@pytest.mark.clearspan(count_tokens="off")
def test_tokens_that_nobody_knows_are_not_for_want_of_a_table(llm: Calls) -> None:
    with clearspan.invocation("chat", provider="openai", model="m"):
        pass
    with pytest.raises(
        LookupError, match=r"no price is known of m; nobody told or counted the tokens$"
    ):
        _ = llm.cost
