from __future__ import annotations

from itertools import pairwise

import pytest

from clearspan.evaluators.toxicity.lexicon import lexicon
from clearspan.evaluators.toxicity.scan import REACH, scan


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.term.category, text[hit.start : hit.end]) for hit in scan(text)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("what a b!tch", [("insult", "b!tch")]),
        ("f*ck off", [("profanity", "f*ck")]),
        ("f**k, f***", [("profanity", "f**k"), ("profanity", "f***")]),
        ("5h1t and $hit", [("profanity", "5h1t"), ("profanity", "$hit")]),
        ("f u c k this", [("profanity", "f u c k")]),
        ("s.h.i.t", [("profanity", "s.h.i.t")]),
        ("biiiitch, fuuuuck", [("insult", "biiiitch"), ("profanity", "fuuuuck")]),
        ("fu\u200bck", [("profanity", "fu\u200bck")]),
        ("b\u00eftch", [("insult", "b\u00eftch")]),
        ("fu\u0441k you", [("profanity", "fu\u0441k")]),
        ("f\u03c5ck off", [("profanity", "f\u03c5ck")]),
        ("\uff46\uff55\uff43\uff4b you", [("profanity", "\uff46\uff55\uff43\uff4b")]),
        ("he's such a prick", [("insult", "a prick")]),
        ("clusterfuckery", [("profanity", "clusterfuckery")]),
        ("#WhiteTrash", [("insult", "WhiteTrash")]),
        ("@$$hole", [("profanity", "@$$hole")]),
        ("@asshole said", [("profanity", "asshole")]),
        ("bull-shit", [("profanity", "shit")]),
        ("shitted*", [("profanity", "shitted")]),
        ("I\u2019ll kill you!", [("threat", "I\u2019ll kill you")]),
        ("the bitch's dog", [("insult", "bitch's")]),
        ("you dumb ass", [("insult", "dumb ass")]),
    ],
)
def test_words_are_found_as_they_are_and_in_disguise(
    text: str, hits: list[tuple[str, str]]
) -> None:
    assert found(text) == hits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You are a wonderful person!",
        "Scunthorpe, shiitake and a cocktail in the cockpit",
        "an assassin's classic assets",
        "spicy food in Fukushima, a cocky peacock",
        "Ho ho ho, said Moby Dick",
        "**bold** and a*b*c, 5***, *x*",
        "a b c d e",
        "#ThisIsFine #one #Fine",
        "a chink in the armour",
        "q***",
        "Matsushitakes",
    ],
)
def test_innocent_words_are_not_found(text: str) -> None:
    assert found(text) == []


def test_findings_do_not_overlap_and_are_short() -> None:
    text = "white trash bitch " * 20 + "fuck" * 40
    hits = scan(text)
    assert len(hits) == 40
    assert all(one.end <= other.start for one, other in pairwise(hits))
    assert all(hit.end - hit.start <= REACH for hit in hits)


def test_words_take_their_endings() -> None:
    words = lexicon().words
    assert {"bitches", "bitching", "slutting", "raghead", "whoring"} <= set(words)
    assert words["fucking"].category == "profanity"
    assert all(0 < term.weight < 1 for term in words.values())


def test_the_heavier_meaning_of_a_word_counts() -> None:
    assert lexicon().words["stfu"].weight == 0.75


@pytest.mark.parametrize(
    "text",
    [
        "The cock crowed at dawn.",
        "A hen and a cock",
        "The farmer led her ass to the stable with the donkeys.",
        "A spastic bladder is treatable.",
        "Retarded ignition timing",
        "The bitch nursed her puppies.",
        "Negro spirituals are sung.",
        "Spic and span",
        "An idiot is the hero of the novel.",
        "Dykes protect Holland from floods.",
    ],
)
def test_words_of_two_meanings_weigh_little_where_the_innocent_one_is_meant(text: str) -> None:
    assert all(hit.term.weight <= 0.25 for hit in scan(text))


@pytest.mark.parametrize(
    "text", ["what a cock", "that bitch", "you retarded fool", "move your ass"]
)
def test_words_of_two_meanings_weigh_as_they_do_without_such_company(text: str) -> None:
    assert any(hit.term.weight > 0.5 for hit in scan(text))
