from __future__ import annotations

import pytest

from clearspan.assess.judge.reply import Token
from clearspan.assess.judge.weighting import expected, probabilities

CHOICES = ("fully", "barely", "bad")


def tokens(*listed: str | tuple[str, dict[str, float]]) -> list[Token]:
    return [
        Token(entry, ((entry, 1.0),)) if isinstance(entry, str) else Token(entry[0], tuple(entry[1].items()))
        for entry in listed
    ]  # fmt: skip


def test_labels_have_the_probabilities_of_their_first_token() -> None:
    said = tokens('{"label": "', ("ful", {"ful": 0.6, "bar": 0.3, "x": 0.1}), 'ly"}')
    assert probabilities(said, "label", CHOICES) == pytest.approx({"fully": 2 / 3, "barely": 1 / 3})


def test_quotes_and_spaces_may_belong_to_the_token() -> None:
    said = tokens('{"label":', (' "fully', {' "fully': 0.5, ' "barely"': 0.25, "other": 0.25}), '"}')  # fmt: skip
    assert probabilities(said, "label", CHOICES) == pytest.approx({"fully": 2 / 3, "barely": 1 / 3})


def test_several_tokens_may_mean_one_label() -> None:
    said = tokens('"score": ', ("4", {"4": 0.5, " 4": 0.25, "4,": 0.05, "5": 0.2}), "}")
    assert probabilities(said, "score", ("4", "5")) == pytest.approx({"4": 0.8, "5": 0.2})


def test_the_last_field_of_that_name_counts() -> None:
    said = tokens('"label": "', "barely", '" "label": "', ("fully", {"fully": 1.0}), '"')
    assert probabilities(said, "label", CHOICES) == {"fully": 1.0}


@pytest.mark.parametrize(
    "said",
    [
        [],
        tokens("no field here"),
        tokens('"label": "'),
        tokens('"label": "', ("b", {"b": 1.0}), 'ad"'),  # two labels begin so
        tokens('"label": "', ("fully", {"fully": 0.2, "x": 0.8}), '"'),
        tokens('"label": "', ("fully", {}), '"'),
        tokens('"label": "', ("", {"fully": 1.0}), ('"', {'"': 1.0})),
    ],
    ids=["none", "text", "cut", "ambiguous", "unlikely", "alone", "empty"],
)
def test_where_tokens_tell_nothing_nothing_is_told(said: list[Token]) -> None:
    assert probabilities(said, "label", CHOICES) is None


def test_the_expected_value_leaves_out_what_has_none() -> None:
    values = {"good": 1.0, "bad": 0.0}
    assert expected({"good": 0.6, "bad": 0.2, "unknown": 0.2}, values) == pytest.approx(0.75)
    assert expected({"unknown": 1.0}, values) is None
