from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from clearspan.assess.evaluator import missing
from clearspan.assess.outcome import scored
from clearspan.evaluators.faithfulness import FaithfulnessAlarm
from clearspan.score import Score
from tests.assess.calls import call

DOCUMENT = (
    "The Tay Bridge in Scotland opened on 1 June 1878. It was designed by Thomas Bouch, a Fellow of the"
    " Institution of Civil Engineers, and cost about 350,000 pounds; 600 men built it. It collapsed in December"
    " 1879, under King Edward VII's mother. J.R. Ewing of NASA saw 1,213,000 visitors. In 1995 came Zo\u00eb M\u00fcller."
)
QUESTION = "Who designed the bridge that Gilbert Roberts studied?"


def judged(answer: str, *, document: str = DOCUMENT, words: float | None = None) -> Score:
    judge = FaithfulnessAlarm(words=words)
    return scored(judge.evaluate(call(QUESTION, answer, documents=(document,))), judge)


@pytest.mark.parametrize(
    "answer",
    [
        "Thomas Bouch designed it.",
        "It was Bouch's bridge; the Scottish paid.",
        "Gilbert Roberts studied it.",
        "It opened on June 1st, 1878.",
        "It fell in 1879, in the 1870s, in the 19th century.",
        "Six hundred men built it.",
        "It cost 350 thousand, says King Edward 7.",
        "About 1.2 million came, in the '90s.",
        "Zoe Muller came.",
        "It was J. R. Ewing.",
        "It was T. Bouch.",
        "The ICE liked Bouch.",
        "Edward VII was there.",
        "Two things:\n1. Bouch\n2) Scotland",
        "Its designer was Bouch; both of the two bridges fell in Dec 1879.",
    ],
)
def test_what_the_sources_tell_raises_no_alarm(answer: str) -> None:
    score = judged(answer)
    assert (score.value, score.label, score.passed, score.explanation) == (
        0.0,
        "supported",
        True,
        None,
    )


@pytest.mark.parametrize(
    "left", ["[GITHUB_TOKEN]", "<EMAIL_ADDRESS>", "[secret]", "[email]", "[redaction failed]", "<PERSON_1>", "[12]"]
)  # fmt: skip
def test_what_stands_for_a_text_that_was_taken_out_is_no_claim(left: str) -> None:
    assert judged(f"Bouch designed it {left}.", words=0.01).value == 0.0
    assert judged(f"{left} it is.", words=0.01).skipped == "nothing_to_check"
    assert judged(f"Baker {left}.", words=0.01).explanation == "in no document: Baker"


def test_the_text_of_a_link_and_names_in_brackets_are_claims() -> None:
    assert judged("It was [Benjamin Baker].").explanation == "in no document: Benjamin, Baker"
    assert judged("It was [zeppelins](x).", words=0.01).explanation == "in no document: zeppelins"


@pytest.mark.parametrize(
    "answer",
    [
        "The document says Bouch designed it.",
        "According to the page, Bouch was working on it many times.",
        "The passage mentions Bouch, and so the source indicates he tried.",
    ],
)
def test_forms_of_common_words_and_words_about_the_documents_tell_nothing(answer: str) -> None:
    score = judged(answer, words=0.01)
    assert (score.value, score.explanation) == (0.0, None)


@pytest.mark.parametrize(
    ("answer", "kind", "named"),
    [
        ("Benjamin Baker designed it.", "name", "Benjamin, Baker"),
        ("It cost 200,000 pounds.", "number", "200,000"),
        ("It opened in 1887.", "number", "1887"),
        ("About 1.4 million came.", "number", "1.4 million"),
        ("It happened in the 1960s.", "number", "1960s"),
        ("It happened in the 17th century.", "number", "17th"),
        ("It opened on 1 December 1878.", "date", "1 December 1878"),
        ("Seventeen men built it.", "number", "Seventeen"),
        ("It was built by IBM.", "name", "IBM"),
        ("It was built under Edward IX.", "name", "IX"),
    ],
)
def test_what_no_source_tells_raises_it(answer: str, kind: str, named: str) -> None:
    score = judged(answer)
    assert score.value is not None
    assert score.value > 0
    assert (score.label, score.passed) == ("unsupported", False)
    assert set(score.metadata["unsupported"]) == {kind}
    assert score.explanation == f"in no document: {named}"


def test_the_value_is_the_share() -> None:
    score = judged("Thomas Bouch and Benjamin Baker met.")
    assert score.value == 0.5
    assert score.metadata == {"checked": 4, "unsupported": {"name": 2}}


def test_a_name_may_be_known_by_its_initials() -> None:
    told = "National Aeronautics and Space Administration saw it."
    assert judged(told).label == "supported"
    assert judged(told, document="Nobody saw it.").label == "unsupported"


def test_countries_and_their_people() -> None:
    assert judged("The Dutch came.", document="It is in the Netherlands.").label == "supported"


def test_dates_in_figures() -> None:
    document = "Opened 1878-06-01."
    assert judged("It opened in June.", document=document).label == "supported"
    assert judged("It opened in July.", document=document).label == "unsupported"


def test_figures_may_be_rounded_but_years_may_not() -> None:
    document = "There are 1996 seats, 3.14 km, and 2,049,000 trees."
    assert judged("About 2.05 million trees, 3.1 km.", document=document).label == "supported"
    assert judged("2000 seats", document=document).label == "unsupported"
    assert judged("two thousand seats", document=document).label == "supported"
    assert judged("two hundred seats", document=document).label == "unsupported"
    assert judged("0.0 km", document=document).label == "unsupported"


def test_specific_words_count_where_most_of_them_are_strange() -> None:
    answer = "a notorious smuggler of cigarettes"
    assert judged(answer).skipped == "nothing_to_check"
    score = judged(answer, words=0.5)
    assert score.value == 1.0
    assert score.metadata == {"checked": 3, "unsupported": {"word": 3}}
    assert judged("Bouch made 350 thousand", words=0.1).label == "supported"
    assert judged("designed, and collapsed", words=0.5).skipped == "nothing_to_check"
    assert judged("The bridge collapsed; engineers designed cigarettes", words=0.5).skipped == "nothing_to_check"  # fmt: skip


def test_many_unsupported_items_are_counted_not_all_named() -> None:
    score = judged(" ".join(str(number) for number in range(50_000, 50_500, 25)))
    assert score.explanation is not None
    assert score.explanation.endswith("50225 and 10 more")


def test_nothing_to_check_is_no_number() -> None:
    score = judged("I cannot tell.")
    assert (score.value, score.skipped) == (None, "nothing_to_check")


def test_it_needs_documents() -> None:
    assert missing(FaithfulnessAlarm(), call("Who?", "Bouch")) == "context"


@pytest.mark.parametrize("words", [0, -1.0, 1.5])
def test_a_share_that_cannot_be(words: float) -> None:
    with pytest.raises(ValueError, match="words must be more than 0"):
        FaithfulnessAlarm(words=words)


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ("Finished in 1889.", "It was ready in '89."),
        ("It drew 6.9 million visitors.", "Nearly seven million came."),
        ("It is 330 m high.", "It is taller than 300 m."),
        ("It is 330 m high.", "It is below 350 m."),
        ("It is 97 m long.", "It is about 100 m long."),
        ("It costs 1.500,50 Euro.", "It costs 1,500.50 euros."),
        ("The train leaves at 14:30.", "It leaves at 2:30 pm."),
        ("Born on 7 November 1867.", "Her date of birth is 11/7/1867."),
        ("It came in the 1990s.", "It came in the 90s."),
        ("It came in 1995.", "It came in the '90s."),
    ],
)
def test_numbers_in_other_words(document: str, answer: str) -> None:
    assert judged(answer, document=document).label == "supported"


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ("Finished in 1889.", "It was ready in '88."),
        ("It is 330 m high.", "It is taller than 340 m."),
        ("Born on 7 November 1867.", "Her date of birth is 12/7/1867."),
        ("Version 4.1 came.", "The address is 10.0.0.1."),
    ],
)
def test_other_numbers(document: str, answer: str) -> None:
    assert judged(answer, document=document).label == "unsupported"


def test_a_retelling_in_plain_words_is_no_invention() -> None:
    told = "The structure was completed in 1878 and remained standing until 1879."
    assert judged(told, words=0.1).label == "supported"


_LETTERS = "abcXYZ \u00e9\u0416\u0301\u0438\u0439\u01529'\u2019-.,!?:()[]/%$\n"


@given(st.lists(st.text(_LETTERS, min_size=1, max_size=40), min_size=1, max_size=6), st.data())
def test_a_sentence_of_the_document_never_alarms(parts: list[str], data: st.DataObject) -> None:
    sentences = [f"{part}." for part in parts]
    sentence = data.draw(st.sampled_from(sentences))
    score = judged(sentence, document="\n".join(sentences), words=0.1)
    assert score.label != "unsupported"


def test_words_with_stress_marks_are_whole_names() -> None:
    document = "Anna (Russian: \u0410\u0301\u043d\u043d\u0430) plays."
    assert judged("\u0410\u0301\u043d\u043d\u0430 plays", document=document).label == "supported"


def test_documents_that_are_too_long_to_look_at_are_skipped() -> None:
    score = judged("In 1878.", document="word " * 60_000)
    assert (score.value, score.skipped) == (None, "documents_too_long")
