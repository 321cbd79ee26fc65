"""PII: what a call's texts hold, where, and what an answer told that nobody had given."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.assess import outcome
from clearspan.assess.evaluator import missing, seated
from clearspan.assess.finding import Detector, Finding
from clearspan.core.shapes.span import Span
from clearspan.evaluators.pii import PII, engines
from clearspan.record import Invocation, Message, Timing
from clearspan.score import Score

MAIL, CARD = "ann@example.com", "4111111111111111"


def call(question: str = "", answer: str = "", **fields: Any) -> Invocation:
    def said(role: str, text: str) -> tuple[Message, ...]:
        return ({"role": role, "parts": [{"type": "text", "content": text}]},) if text else ()

    given: dict[str, Any] = {"input": said("user", question), "output": said("assistant", answer)}
    return Invocation("chat", Timing(0, 1), **{**given, **fields})


def judged(made: PII, subject: Invocation) -> Score:
    return outcome.scored(made.evaluate(subject), made)


def test_a_clean_call_passes() -> None:
    score = judged(PII(), call("What is 2 + 2?", "4, as of 2024-01-01."))
    assert (score.value, score.label, score.passed, score.explanation) == (0.0, "clean", True, None)
    assert score.metadata == {"entities": [], "counts": {}, "disclosed": {}}


def test_places_are_told_and_the_text_is_not() -> None:
    score = judged(PII(), call(f"I am {MAIL}", f"Card {CARD}, mail {MAIL}"))
    assert (score.name, score.value, score.label, score.passed) == ("pii", 1.0, "pii", False)
    assert (score.direction, score.kind, score.range) == ("minimize", "code", (0.0, 1.0))
    assert score.metadata["entities"] == [
        {
            "type": "EMAIL_ADDRESS",
            "start": 5,
            "end": 20,
            "message": 0,
            "offset": 5,
            "field": "input",
        },
        {
            "type": "CREDIT_CARD",
            "start": 5,
            "end": 21,
            "message": 0,
            "offset": 5,
            "field": "output",
        },
        {
            "type": "EMAIL_ADDRESS",
            "start": 28,
            "end": 43,
            "message": 0,
            "offset": 28,
            "field": "output",
        },
    ]
    assert score.metadata["counts"] == {"EMAIL_ADDRESS": 2, "CREDIT_CARD": 1}
    assert score.explanation == "1 CREDIT_CARD, 2 EMAIL_ADDRESS"
    said = json.dumps(dict(score.metadata)) + str(score.explanation)
    assert MAIL not in said
    assert CARD not in said


@pytest.mark.parametrize(
    ("question", "answer", "disclosed"),
    [
        (f"mail {MAIL}", f"it is {MAIL.upper()}", {}),
        ("card 4111-1111-1111-1111", f"your card {CARD}", {}),
        ("who is Ann?", f"Ann is {MAIL}, {CARD}", {"EMAIL_ADDRESS": 1, "CREDIT_CARD": 1}),
        (f"mail {MAIL}", "none", {}),
    ],
)
def test_what_the_answer_adds_is_a_disclosure(
    question: str, answer: str, disclosed: dict[str, int]
) -> None:
    assert judged(PII(), call(question, answer)).metadata["disclosed"] == disclosed


def test_without_an_input_nobody_knows_what_was_disclosed() -> None:
    score = judged(PII(), call("", MAIL))
    assert score.value == 1.0
    assert "disclosed" not in score.metadata


def test_arguments_of_tools_are_looked_through() -> None:
    parts = [
        {"type": "text", "content": "ok"},
        {"type": "tool_call", "name": "send", "arguments": {"to": MAIL}},
        {"type": "tool_call", "name": "log", "arguments": f"to {CARD}"},
        {"type": "tool_call", "name": "now"},
    ]
    output: Any = ({"role": "assistant", "parts": parts},)
    score = judged(PII(), call("send it", output=output))
    lines = json.dumps({"to": MAIL}) + f"\nto {CARD}\n"
    assert [(one["field"], lines[one["start"] : one["end"]]) for one in score.metadata["entities"]] == [
        ("tool_calls", MAIL),
        ("tool_calls", CARD),
    ]  # fmt: skip
    assert score.metadata["disclosed"] == {"EMAIL_ADDRESS": 1, "CREDIT_CARD": 1}


TALK: Any = (
    {
        "role": "system",
        "parts": [{"type": "text", "content": f"You are kind. Send bills to {MAIL}."}],
    },
    {"role": "user", "parts": [{"type": "text", "content": "Hello"}, {"type": "image"}]},
    {"role": "developer", "parts": [{"type": "text", "content": f"test with {CARD}"}]},
    {
        "role": "user",
        "parts": [
            {"type": "text", "content": "I am "},
            {"type": "text", "content": "bo@example.org"},
        ],
    },
)


def test_instructions_are_looked_through_when_asked_for() -> None:
    own: Any = ({"type": "text", "content": "see cy@example.net"},)
    subject = call(input=TALK, system=own, output_value=f"to {MAIL}")
    (mine, told) = judged(PII(), subject).metadata["entities"]
    assert subject.input_text[mine.pop("start") : mine.pop("end")] == "bo@example.org"
    assert mine == {"type": "EMAIL_ADDRESS", "message": 3, "offset": 5, "field": "input"}
    assert told == {"type": "EMAIL_ADDRESS", "start": 3, "end": 18, "field": "output"}
    assert judged(PII(), subject).metadata["disclosed"] == {}
    score = judged(PII(where=["system"]), subject)
    assert score.metadata["counts"] == {"EMAIL_ADDRESS": 2, "CREDIT_CARD": 1}
    assert {one["field"] for one in score.metadata["entities"]} == {"system"}


def test_instructions_alone_are_clean() -> None:
    score = judged(PII(), call(input=TALK[:1]))
    assert (score.value, score.label) == (0.0, "clean")


def test_places_of_all_messages_are_those_of_the_text() -> None:
    output: Any = tuple(message for message in TALK if message["role"] == "user")
    subject = call("x", output=output)
    (one,) = judged(PII(), subject).metadata["entities"]
    assert subject.output_text[one["start"] : one["end"]] == "bo@example.org"
    assert (one["message"], one["offset"]) == (1, 5)


def test_values_of_steps_are_texts_too() -> None:
    subject = call(input_value={"to": MAIL}, output_value=f"sent to {MAIL}")
    score = judged(PII(), subject)
    assert [one["field"] for one in score.metadata["entities"]] == ["input", "output"]
    assert score.metadata["disclosed"] == {}


def test_only_the_asked_fields_and_kinds_are_looked_through() -> None:
    subject = call(f"{MAIL} {CARD}", f"{MAIL} {CARD}")
    score = judged(PII(where=["output"], types=["CREDIT_CARD"]), subject)
    assert [(one["type"], one["field"]) for one in score.metadata["entities"]] == [("CREDIT_CARD", "output")]  # fmt: skip
    assert judged(PII(types=["DATE_TIME"]), call("on 2024-01-02")).value == 1.0


def test_many_findings_are_counted_and_some_are_placed() -> None:
    score = judged(PII(), call(f"{MAIL} " * 500))
    assert score.metadata["counts"] == {"EMAIL_ADDRESS": 500}
    assert len(score.metadata["entities"]) == 200


def test_it_is_a_detector_for_guards() -> None:
    made = PII(name="mine", threshold=0.9, sample_rate=0.5)
    assert isinstance(made, Detector)
    assert made.find(f"to {MAIL}.") == [Finding("EMAIL_ADDRESS", 3, 18)]
    assert (made.name, made.threshold, made.sample_rate, made.raw) == ("mine", 0.9, 0.5, True)
    assert PII(types=["CREDIT_CARD"]).reach < PII().reach == 320
    assert isinstance(seated(PII), PII)


def test_it_needs_an_input_or_an_output() -> None:
    assert missing(PII(), call()) == "input|output"
    assert missing(PII(), call("", "x")) is None
    assert missing(PII(), call("x")) is None


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"types": []}, "types"),
        ({"types": "EMAIL_ADDRESS"}, "types"),
        ({"types": ["NAME"]}, "NAME"),
        ({"where": ["answer"]}, "answer"),
        ({"where": "input"}, "where"),
        ({"engine": "magic"}, "engine"),
        ({"regions": "US"}, "regions"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PII(**options)


@pytest.mark.parametrize(
    ("engine", "module"), [("phonenumbers", "phonenumbers"), ("presidio", "presidio_analyzer")]
)
def test_a_missing_library_is_named(
    engine: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines.recognisers.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"clearspan\[pii\]"):
        PII(engine=engine, types=["EMAIL_ADDRESS", "PHONE_NUMBER"] if engine == "phonenumbers" else ["US_SSN"])  # fmt: skip


# -- engines, by stand-ins of the libraries' own shape -----------------------------------------------------


class _Match:
    def __init__(self, text: str, start: int, end: int) -> None:
        self.raw_string, self.start, self.end = text[start:end], start, end


class _Numbers:
    """Finds the rows of nine digits, in any region."""

    SUPPORTED_REGIONS = ("US", "GB")

    class Leniency:
        VALID = 1

    @staticmethod
    def PhoneNumberMatcher(text: str, region: str, leniency: int) -> list[_Match]:
        assert (region in ("US", "GB"), leniency) == (True, 1)
        places = [place for place in range(len(text)) if text[place : place + 9].isdigit()]
        return [_Match(text, place, place + 9) for place in places]


@pytest.fixture
def numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", _Numbers)


@pytest.mark.usefixtures("numbers")
def test_numbers_that_are_given_out_count_where_words_say_so() -> None:
    made = PII(engine="phonenumbers", types=["PHONE_NUMBER"])
    assert made.find("my number, 123456789") == [Finding("PHONE_NUMBER", 11, 20)]
    assert made.find("order 123456789") == []
    assert made.find("123456789") == []
    assert made.find("12345") == []


@pytest.mark.usefixtures("numbers")
def test_a_region_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="XX"):
        PII(engine="phonenumbers", regions=["XX"])


class _Pattern:
    """A recogniser of Presidio's: finds `word` as `type`, with a score."""

    supported_entities: tuple[str, ...] = ("CRYPTO",)
    word, score = "coin", 0.6
    validate_result: Callable[[str], bool] | None = None

    def analyze(self, text: str, entities: Any, artifacts: Any) -> list[Any]:
        assert artifacts is None
        start = text.find(self.word)
        made = SimpleNamespace(entity_type=entities[0], start=start, end=start + len(self.word), score=self.score)  # fmt: skip
        return [made] if start >= 0 else []


class _Mail(_Pattern):
    supported_entities = ("EMAIL_ADDRESS",)
    word = "mail-of-ann"


class _Suffixes:
    def __init__(self, *, suffix_list_urls: Any, cache_dir: Any) -> None:
        assert (suffix_list_urls, cache_dir) == ((), None)

    def __call__(self, found: str) -> Any:
        return SimpleNamespace(fqdn=found if "." in found else "")


@pytest.fixture
def presidio(monkeypatch: pytest.MonkeyPatch, numbers: None) -> Any:
    shelf: Any = type("shelf", (), {"_Pattern": _Pattern, "_Mail": _Mail, "other": 3})
    shelf.__all__ = ["_Pattern", "_Mail", "other"]
    library = type("library", (), {"PatternRecognizer": _Pattern})
    monkeypatch.setitem(sys.modules, "presidio_analyzer", library)
    monkeypatch.setitem(sys.modules, "presidio_analyzer.predefined_recognizers", shelf)
    monkeypatch.setitem(sys.modules, "tldextract", type("tld", (), {"TLDExtract": _Suffixes}))
    engines.recognisers.cache_clear()
    yield
    engines.recognisers.cache_clear()


@pytest.mark.usefixtures("presidio")
def test_recognisers_add_to_what_is_found() -> None:
    made = PII(engine="presidio", types=["CRYPTO", "EMAIL_ADDRESS", "PHONE_NUMBER"])
    assert made.find(f"a coin, {MAIL}, mail-of-ann") == [
        Finding("CRYPTO", 2, 6),
        Finding("EMAIL_ADDRESS", 8, 23),
        Finding("EMAIL_ADDRESS", 25, 36),
    ]
    assert PII(engine="presidio", types=["CRYPTO"], minimum=0.7).find("a coin") == []
    assert PII(engine="presidio", types=["CRYPTO"]).reach == engines.REACH


@pytest.mark.usefixtures("presidio")
def test_a_type_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match=r"DREAM.*CRYPTO"):
        PII(engine="presidio", types=["DREAM"])


@pytest.mark.usefixtures("presidio")
def test_no_recogniser_asks_the_network_for_suffixes() -> None:
    mail = next(one for one in engines.recognisers() if isinstance(one, _Mail))
    assert mail.validate_result is not None
    assert mail.validate_result("a.b")
    assert not mail.validate_result("ab")


def test_findings_of_several_do_not_overlap() -> None:
    first: engines.Find = lambda text: [Span("a", 0, 4)]  # noqa: E731
    then: engines.Find = lambda text: [Span("b", 2, 6), Span("c", 4, 5)]  # noqa: E731
    assert engines.together([first, then], "text") == [Span("a", 0, 4), Span("c", 4, 5)]


# -- the libraries themselves ------------------------------------------------------------------------------


def test_phonenumbers_itself() -> None:
    pytest.importorskip("phonenumbers", reason="phonenumbers is not installed")
    made = PII(engine="phonenumbers", types=["PHONE_NUMBER"])
    text = "call +44 20 8366 1177 or, by phone, 6502530000; order 6502530000"
    assert [text[one.start : one.end] for one in made.find(text)] == ["+44 20 8366 1177", "6502530000"]  # fmt: skip


def test_presidio_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("presidio_analyzer", reason="presidio-analyzer is not installed")
    import socket

    monkeypatch.setattr(socket.socket, "connect", None)
    made = PII(engine="presidio", types=[*PII.TYPES, "CRYPTO"])
    text = f"{MAIL} sent 1 coin to 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ from https://example.com/x"
    assert [(one.type, text[one.start : one.end]) for one in made.find(text)] == [
        ("EMAIL_ADDRESS", MAIL),
        ("CRYPTO", "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ"),
        ("URL", "https://example.com/x"),
    ]
