from __future__ import annotations

from typing import Any

import pytest

from clearspan import registry
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.registered import Broken, registered


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a plug-in on the shelf."""

    def put(plugin: Any) -> None:
        monkeypatch.setitem(registry._added, (registry.EVALUATORS, "acme_polite"), plugin)

    return put


def polite(call: Any) -> bool:
    return "please" in call.output_text


class Strict(Evaluator):
    def __init__(self, level: int, **options: Any) -> None:
        super().__init__(**options)
        self.limit = level


class Fails(Evaluator):
    def __init__(self) -> None:
        raise OSError("its file is gone")


def test_it_is_called_as_it_was_asked_for(shelf: Any) -> None:
    shelf(polite)
    made = registered("acme_polite")
    assert made.name == "acme_polite"
    assert not isinstance(made, Broken)


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        (5, "what is registered is no evaluator, but a int"),
        (dict, "what is registered is no evaluator, but a type"),
        (Fails, "OSError: its file is gone"),
    ],
)
def test_what_is_none_is_broken(shelf: Any, plugin: Any, why: str) -> None:
    shelf(plugin)
    made = registered("acme_polite")
    assert isinstance(made, Broken)
    assert (made.name, made.why) == ("acme_polite", why)
    told = made.evaluate(None)
    assert (told.error, told.explanation) == ("broken", why)


def test_what_cannot_be_loaded_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(group: str, name: str) -> Any:
        raise ModuleNotFoundError("No module named 'acme'")

    monkeypatch.setattr(registry, "load", load)
    made = registered("acme_polite")
    assert isinstance(made, Broken)
    assert made.why == "ModuleNotFoundError: No module named 'acme'"


def test_what_needs_options_is_no_name_alone(shelf: Any) -> None:
    shelf(Strict)
    with pytest.raises(ValueError, match="'acme_polite' cannot be had by its name alone"):
        registered("acme_polite")
    with pytest.raises(registry.NotFound, match="did you mean 'acme_polite'"):
        registered("acme_polit")
