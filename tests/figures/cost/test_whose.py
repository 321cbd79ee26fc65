"""By which names a model is looked up."""

from __future__ import annotations

import pytest

from clearspan.draft import Draft
from clearspan.figures.cost.whose import Asked, asked, names_of
from tests.figures.cost.kit import call


@pytest.mark.parametrize(
    ("answered", "wanted", "names"),
    [
        ("gpt-4o-2024", "gpt-4o", ("gpt-4o-2024", "gpt-4o")),
        ("gpt-4o", "gpt-4o", ("gpt-4o",)),
        ("gpt-4o", None, ("gpt-4o",)),
        ("gpt-4o", "", ("gpt-4o",)),
        (None, "gpt-4o", ("gpt-4o",)),
        ("", "gpt-4o", ("gpt-4o",)),
        (None, None, ()),
        ("", "", ()),
        (None, "", ()),
    ],
)
def test_the_name_that_answered_comes_first(
    answered: str | None, wanted: str | None, names: tuple[str, ...]
) -> None:
    draft = Draft("chat")
    draft.response_model, draft.model = answered, wanted
    assert names_of(draft) == names


@pytest.mark.parametrize("host", ["api.openai.com", "API.OpenAI.com", "api.openai.com."])
def test_an_address_is_the_same_however_it_is_written(host: str) -> None:
    assert asked(call(host=host)) == Asked("openai", ("gpt-4o-mini",))
