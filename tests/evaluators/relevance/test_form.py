from __future__ import annotations

import pytest

from clearspan.evaluators.relevance.form import agreement

LIST = "1. Apples\n2. Pears\n3. Plums"
POEM = "The sea was calm\nThe moon was low\nThe wind was warm\nAnd still the snow"
CODE = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Name three fruits", LIST, 1.0),
        ("How are you?", LIST, -1.0),
        ("Name three fruits", "Apples and pears.", -0.5),
        ("Write a poem on the sea", POEM, 1.0),
        ("How do pumps work?", POEM, -1.0),
        ("Write a Python function that adds", CODE, 1.0),
        ("Draft a tweet", "Good morning! #coffee", 1.0),
        ("How are you?", "Fine, thank you.", 0.0),
        ("Write a poem as a list of five lines", "no", -1.0),
    ],
)
def test_the_form_that_was_asked_for(question: str, answer: str, expected: float) -> None:
    assert agreement(question, answer) == expected
