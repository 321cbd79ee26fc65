from __future__ import annotations

import pytest

from clearspan.evaluators.correctness.comparing import agreement

CAPITAL = "What is the capital of France?"


@pytest.mark.parametrize(
    ("question", "reference", "answer"),
    [
        (CAPITAL, "Paris", "paris"),
        (CAPITAL, "Paris", "It's Paris, of course."),
        (CAPITAL, "The capital of France is Paris.", "Paris"),
        ("Who was it?", "Barack Obama", "Obama"),
        ("Who was it?", "Barack Obama", "President Barack H. Obama"),
        ("Who was it?", "J. S. Bach", "Mr. J.S. Bach"),
        ("Who sings?", "Robert Plant", "Rob Plant"),
        ("How many?", "42", "forty-two"),
        ("How many?", "1,000", "about 1000 people"),
        ("How tall?", "8.85 km", "8.848 kilometres"),
        ("How long does it take?", "20 - 30 days", "24 days"),
        ("When?", "7 April 2016", "2016-04-07"),
        ("When?", "7 April 2016", "in 2016"),
        ("When?", "1789", "in the 18th century"),
        ("When?", "19th century", "It was built in 1850."),
        ("When?", "the 1950s", "in 1955"),
        ("Which war?", "World War II", "World War 2"),
        ("Which office?", "NHS", "the National Health Service"),
        ("Which office?", "National Health Service", "NHS"),
        ("Who?", "Zo\u00c3\u00ab", "Zoe"),
        ("Which letter?", "A", "A"),
        ("Is it?", "yes", "Yes, it is."),
        ("Where?", "\u5317\u4eac", "\u5317\u4eac"),
        ("Who?", "Mozart", "Mozzart"),
        ("Which flower?", "sunflower", "sunflowers"),
        ("What kind?", "freezing drizzle", "drizzle that is freezing"),
    ],
)
def test_right_answers_in_other_words(question: str, reference: str, answer: str) -> None:
    assert agreement(answer, reference, question) >= 0.5


@pytest.mark.parametrize(
    ("question", "reference", "answer"),
    [
        (CAPITAL, "Paris", "Lyon"),
        (CAPITAL, "The capital of France is Paris.", "The capital of France is Lyon."),
        (CAPITAL, "Paris", "It is not Paris."),
        ("Who was it?", "Barack Obama", "Michelle Obama"),
        ("How many?", "42", "43"),
        ("How many?", "42 people", "many people"),
        ("When?", "7 April 2016", "8 April 2016"),
        ("When?", "7 April 2016", "on the 7th"),
        ("When?", "1789", "in the 17th century"),
        ("When?", "19th century", "It was built in 1750."),
        ("When?", "the 1950s", "in 1967"),
        ("How long does it take?", "20 - 30 days", "35 days"),
        ("", "Water boils at 100 degrees Celsius here.", "Water boils at 90 degrees Celsius here."),
        ("Which letter?", "A", "B"),
        ("Is it?", "no", "yes"),
        ("Who?", "Mozart", ""),
        ("Who?", "", "Mozart"),
        ("Who?", "\u00c3\u00a1\u0416", "nobody"),
        ("Who wrote it?", "Mark Twain of Hannibal", "Charles Dickens of Portsmouth"),
    ],
)
def test_wrong_answers(question: str, reference: str, answer: str) -> None:
    assert agreement(answer, reference, question) < 0.5


def test_a_missing_figure_takes_less_than_a_wrong_one() -> None:
    reference = "The old stone bridge has 12 arches of granite"
    left_out = agreement("The old stone bridge has arches of granite", reference)
    wrong = agreement("The old stone bridge has 14 arches of granite", reference)
    right = agreement("The old stone bridge has twelve arches of granite", reference)
    assert wrong < left_out < right == 1.0


def test_a_figure_does_not_carry_a_reference_with_more_to_say() -> None:
    reference = "Three wooden ships left the harbour"
    assert agreement("three", reference) < agreement("three ships left the harbour", reference)
    assert agreement("three horses", reference) < 0.5


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("5 degrees", "-5 degrees"),
        ("$3", "€3"),
        ("5 miles", "5 km"),
        ("18 years", "18 days"),
        ("It decreases blood pressure", "It increases blood pressure"),
        ("left", "right"),
        ("Elizabeth I", "Elizabeth II"),
    ],
)
def test_another_sign_unit_or_direction_is_wrong(reference: str, answer: str) -> None:
    assert agreement(answer, reference, "Which?") < 0.5


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("0.5", "1/2"),
        ("25 percent", "0.25"),
        ("1.5 million", "1 500 000"),
        ("1000000", "1e6"),
        ("12", "a dozen"),
        ("120 minutes", "2 hours"),
        ("8.85 km", "8850 m"),
        ("3 billion dollars", "$3bn"),
        ("30 °C", "30 degrees celsius"),
        ("United States", "the U.S."),
        ("gray", "grey"),
        ("colored centers", "coloured centres"),
        ("steamship", "steam ship"),
        ("J. R. Tolkien", "John Ronald Tolkien"),
    ],
)
def test_the_same_in_another_form(reference: str, answer: str) -> None:
    assert agreement(answer, reference, "What is it?") >= 0.5


def test_a_word_that_is_part_of_another_or_misspelt_counts_nearly() -> None:
    assert agreement("a photographic studio", "photograph studio", "What?") >= 0.5
    assert agreement("Tchaikovski wrote it", "Tchaikovsky", "Who?") >= 0.5
    assert agreement("Tchernobyl wrote it", "Tchaikovsky", "Who?") < 0.5
