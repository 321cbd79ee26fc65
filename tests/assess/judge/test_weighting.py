from __future__ import annotations

import pytest

from clearspan.assess.judge.reply import Token
from clearspan.assess.judge.weighting import expected, probabilities, within

CHOICES = ("fully", "barely", "bad")


def tokens(*listed: str | tuple[str, dict[str, float]]) -> list[Token]:
    return [
        Token(entry, ((entry, 1.0),)) if isinstance(entry, str) else Token(entry[0], tuple(entry[1].items()))
        for entry in listed
    ]  # fmt: skip


def test_labels_have_the_probabilities_of_their_first_token() -> None:
    said = tokens('{"label": "', ("ful", {"ful": 0.6, "bar": 0.3, "x": 0.1}), 'ly"}')
    found = probabilities(said, "label", CHOICES, "fully")
    assert found == pytest.approx({"fully": 2 / 3, "barely": 1 / 3})


def test_quotes_and_spaces_may_belong_to_the_token() -> None:
    said = tokens('{"label":', (' "fully', {' "fully': 0.5, ' "barely"': 0.25, "other": 0.25}), '"}')  # fmt: skip
    found = probabilities(said, "label", CHOICES, "fully")
    assert found == pytest.approx({"fully": 2 / 3, "barely": 1 / 3})


def test_several_tokens_may_mean_one_label() -> None:
    said = tokens('{"score": ', ("4", {"4": 0.5, " 4": 0.25, "4,": 0.05, "5": 0.2}), "}")
    found = probabilities(said, "score", ("4", "5"), "4")
    assert found == pytest.approx({"4": 0.8, "5": 0.2})


@pytest.mark.parametrize(
    "before",
    [
        '{"label": "barely", "label": "',
        '{"reasoning": "It says {\\"label\\": \\"barely\\"} [", "label": "',
        '{"evidence": ["label", "\\"label\\": barely"], "label": "',
        '{"x": {"label": "barely"}, "y": [{"label": "barely"}], "label" :\n "',
        '{"z": "label", "bad \\xe2 escape": 1, "l\\u0061bel": "',
    ],
    ids=["repeated", "in a text", "in a list", "inner", "escaped"],
)
def test_the_field_is_the_verdicts_own_and_the_last_of_its_name(before: str) -> None:
    said = tokens(before, ("fully", {"fully": 0.7, "barely": 0.3}), '", "z": {"label": "bad"}}')
    found = probabilities(said, "label", CHOICES, "fully")
    assert found == pytest.approx({"fully": 0.7, "barely": 0.3})


def test_a_label_that_was_not_said_has_no_probabilities() -> None:
    said = tokens('{"label": "', ("fully", {"fully": 0.9, "barely": 0.1}), '"}')
    assert probabilities(said, "label", CHOICES, "barely") is None


def test_probabilities_by_which_another_label_was_likelier_are_none() -> None:
    said = tokens('{"label": "', ("fully", {"fully": 0.4, "barely": 0.6}), '"}')
    assert probabilities(said, "label", CHOICES, "fully") is None
    elsewhere = tokens('{"label": "', ("fully", {"barely": 0.9}), '"}')
    assert probabilities(elsewhere, "label", CHOICES, "fully") is None


@pytest.mark.parametrize(
    "said",
    [
        [],
        tokens("no field here"),
        tokens('{"label": "'),
        tokens('{"label": "', ("b", {"b": 1.0}), 'ad"'),  # two labels begin so
        tokens('{"label": "', ("fully", {"fully": 0.2, "x": 0.8}), '"'),
        tokens('{"label": "', ("fully", {}), '"'),
        tokens('{"label": "', ("", {"fully": 1.0}), ('"', {'"': 1.0})),
    ],
    ids=["none", "text", "cut", "ambiguous", "unlikely", "alone", "empty"],
)
def test_where_tokens_tell_nothing_nothing_is_told(said: list[Token]) -> None:
    assert probabilities(said, "label", CHOICES, "fully") is None


def test_the_tokens_of_a_verdict_are_those_that_it_is_made_of() -> None:
    likely = (("x", 1.0),)
    said = [
        Token(text, likely) for text in ('{"a":1}', ' Well {"', "b", '":2', '}", and', ' {"c":3}')
    ]
    kept = within(said, '{"b":2}')
    assert [token.text for token in kept] == ['{"', "b", '":2', "}"]
    assert [token.likeliest for token in kept] == [(), likely, likely, likely]


def test_tokens_that_end_within_a_character_are_read_by_their_bytes() -> None:
    data = "é".encode()
    said = [Token('{"b":"', ()), Token("\\xc3", (), data[:1]), Token("\\xa9", (), data[1:]), Token('"}', ())]  # fmt: skip
    assert within(said, '{"b":"é"}') == tuple(said)


@pytest.mark.parametrize("written", ["", '{"b":3}'])
def test_tokens_that_do_not_hold_the_verdict_are_left_out(written: str) -> None:
    assert within([Token('{"b":2}', ())], written) == ()


def test_the_expected_value_leaves_out_what_has_none() -> None:
    values = {"good": 1.0, "bad": 0.0}
    assert expected({"good": 0.6, "bad": 0.2, "unknown": 0.2}, values) == pytest.approx(0.75)
    assert expected({"unknown": 1.0}, values) is None
