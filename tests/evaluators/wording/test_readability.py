"""The formulas by hand, and syllables by the dictionary."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.outcome import scored
from clearspan.evaluators.wording import Readability
from clearspan.evaluators.wording.readability import Counts, counts, syllables
from clearspan.score import Score
from tests.assess.calls import call

# As dictionaries divide them.
SYLLABLES = {
    1: """
        the cat walked loved makes eyes school through thought large place time come were
        here there asked played worked called used stopped tired times names notes guide
        guess queue a I you your they their our what which friend friends
    """,
    2: """
        people little table water nation patience special social region lion giant quiet
        being seeing create diet science wanted needed started required boxes houses
        changes wishes places sizes tables apples people's million onion question action
        section fluid ruin dual language equal moment basic engine before someone
        something sometimes therefore business knowledge college image system simple also
        over after under away into only about any many very city body money heated neon
        client ancient
    """,
    3: """
        idea area radio created creating beautiful family family's important several
        expected languages services resources various serious previous religious religion
        period potential commercial usual quality everyone every different average imagine
        example possible computer energy theory video museum dialogue efficient audience
    """,
    4: """
        usually actually education information situation material industrial society
        variety anxiety reality development environment experience ability technology
        community activity geography
    """,
    5: """
        university opportunity experiences
    """,
}

EASY = "The cat sat on the mat. It was a big cat. The cat saw a dog. The dog ran to the cat, and the cat ran up a tree. The dog sat down by the tree and did not go home."
HARD = (
    "Notwithstanding considerable methodological heterogeneity, contemporary epidemiological investigations of the"
    " population demonstrate that socioeconomic determinants significantly influence cardiovascular mortality, and"
    " that the interpretation of observational associations necessitates extraordinary circumspection by"
    " those who are responsible for the implementation of interventions."
)


def judged(text: str, made: Readability | None = None) -> Score:
    made = made or Readability()
    return scored(made.evaluate(call(answer=text)), made)


def test_syllables() -> None:
    wrong = {
        word: (syllables(word), count)
        for count, words in SYLLABLES.items()
        for word in words.split()
        if syllables(word) != count
    }
    assert wrong == {}


def test_the_formulas_by_hand() -> None:
    counted = Counts(words=100, sentences=5, syllables=150, letters=450)
    assert counted.ease == pytest.approx(206.835 - 1.015 * 20 - 84.6 * 1.5)
    assert counted.grade == pytest.approx(0.39 * 20 + 11.8 * 1.5 - 15.59)
    assert counted.coleman_liau == pytest.approx(0.0588 * 450 - 0.296 * 5 - 15.8)


def test_what_is_counted() -> None:
    text = "The little table. It's 42 `code` large!\n```\nnot this\n```\n- no more"
    assert counts(text) == Counts(words=7, sentences=3, syllables=9, letters=28)


def test_easy_and_hard() -> None:
    easy, hard = judged(EASY), judged(HARD)
    assert (easy.label, hard.label) == ("easy", "very_hard")
    assert easy.value is not None
    assert hard.value is not None
    assert easy.value > 90
    assert hard.value < 0
    assert (easy.passed, easy.direction) == (None, "neutral")
    assert easy.metadata["grade"] < 3
    assert hard.metadata["grade"] > 16


def test_bounds() -> None:
    assert judged(EASY, Readability(min_ease=60, max_grade=8)).passed is True
    assert judged(HARD, Readability(min_ease=60)).passed is False
    assert judged(HARD, Readability(max_grade=12)).passed is False


def test_other_languages_and_short_answers_are_skipped() -> None:
    assert judged("Short.").skipped == "shorter than 30 words"
    german = "Das ist der Weg, den wir nicht gehen, und das ist auch nicht gut für die Stadt. " * 3
    assert judged(german).skipped == "the formulas are for English"
    assert judged("xyzzy " * 40).skipped == "the formulas are for English"


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=15))
def test_every_word_has_a_syllable_and_not_more_than_letters(word: str) -> None:
    assert 1 <= syllables(word) <= max(2, len(word))
