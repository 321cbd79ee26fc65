"""What a request said, to know again what a server only repeats."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from clearspan import said
from clearspan.draft import Draft


def test_the_texts_of_a_request_are_found_wherever_they_are() -> None:
    draft: Any = Draft("chat")
    draft.input("one")
    draft.call = SimpleNamespace(
        args=("two",), kwargs={"model": "m", "messages": [{"role": "user", "content": ["three", 4]}]}
    )  # fmt: skip
    draft.inner = Draft("chat")
    draft.inner.call = SimpleNamespace(args=(), kwargs={"input": "five"})
    found = said.texts(draft)
    assert found is not None
    assert set(found) == {"one", "two", "three", "five"}


def test_where_it_was_let_go_nobody_knows() -> None:
    draft: Any = Draft("chat")
    draft.lost, draft.endpoint = 1, object()
    assert said.texts(draft) is None


def test_a_request_that_holds_itself_has_an_end() -> None:
    draft: Any = Draft("chat")
    around: list[Any] = ["text"]
    around += [around, around]
    draft.call = SimpleNamespace(args=(around,), kwargs={})
    found = said.texts(draft)
    assert found is not None
    assert "text" in set(found)
