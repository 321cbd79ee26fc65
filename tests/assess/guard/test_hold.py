"""Streams between guards: held as far as a match could reach, in order, and never a match let go."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from clearspan.assess.guard import Guard, Warden
from clearspan.assess.guard.lines import Line
from clearspan.provider import Slot
from clearspan.record import Invocation
from tests.assess.guard.kit import SAYS_SECRET, SECRET, Keys, Rude, Told, guard


def read(item: Any) -> list[Slot]:
    """Elements of these tests: lists of slots' fields."""
    return [Slot(*one) if isinstance(one, tuple) else Slot(one, (at,), ("a",)) for at, one in enumerate(item)]  # fmt: skip


def put(item: Any, path: Any, text: str) -> Any:
    item[path[0]] = text
    return item


class Run:
    """A stream that goes through guards, an element at a time."""

    def __init__(self, *guards: Guard) -> None:
        self.told = Told()
        self.warden = Warden(guards, self.told)
        case = self.warden.case("chat", None)
        assert case is not None
        self.chain = self.warden.streamed(case, read, put)

    def feed(self, *texts: Any) -> list[Any]:
        return self.warden.settle(self.chain.feed(list(texts)))

    def end(self) -> list[Any]:
        return self.warden.settle(self.chain.end())

    def all(self, texts: list[str]) -> str:
        out = [item for text in texts for item in self.feed(text)]
        return "".join(one[0] for one in (*out, *([] if self.chain.stop else self.end())))


def test_no_more_is_held_than_a_match_could_reach() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    out = [len("".join(one[0] for one in run.feed("abcd"))) for _ in range(10)]
    assert out == [0, 0, 0, 4, 4, 4, 4, 4, 4, 4]
    assert run.end() == [["abcd"]] * 3
    assert run.told.actions == ["allow"]


def test_elements_without_text_keep_their_place() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    assert run.feed() == [[]]
    assert run.feed("held") == []
    assert run.feed() == []
    assert run.end() == [["held"], []]


@pytest.mark.parametrize("seed", range(30))
def test_however_it_is_cut_it_reads_as_if_it_were_whole(seed: int) -> None:
    dice = random.Random(seed)
    text = "".join(dice.choice(["sk-", "1", "23", "456789", " ", "word ", "sk", "-"]) for _ in range(60))  # fmt: skip
    pieces, at = list[str](), 0
    while at < len(text):
        step = dice.randint(1, 7)
        pieces.append(text[at : at + step])
        at += step
    run = Run(guard(Keys(), "output", "redact"))
    assert run.all(pieces) == re.sub(r"(?<!\w)sk-\d{1,9}", "<KEY>", text)
    blocking = Run(guard(Keys(), "output"))
    out = blocking.all(pieces)
    first = re.search(r"(?<!\w)sk-\d{1,9}", text)
    assert (blocking.chain.stop is not None) == (first is not None)
    assert text.startswith(out)
    assert len(out) <= (first.start() if first else len(text))


def test_channels_are_apart_and_their_ends_are_known() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    assert run.feed(("sk-", (0,), (0, "x"))) == []
    assert run.feed(("1", (0,), (1, "x"))) == []
    out = run.feed(("5.", (0,), (0, "x")), ("", (1,), (0,), "assistant", False, True))
    assert out == [["<KEY>"]]  # the other channel's text may still become something
    assert [one[0] for one in run.end()] == [("1", (0,), (1, "x")), "."]


def test_a_whole_text_is_looked_at_by_itself_after_what_was_held() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    assert run.feed(("sk-1", (0,), ("a",))) == []
    out = run.feed((f"{SECRET} whole", (0,), ("a",), "assistant", True))
    assert [one[0] for one in out] == ["<KEY>", "<KEY> whole"]


def test_guards_follow_one_another() -> None:
    run = Run(guard(Keys(), "output", "redact"), guard(Rude(), "output"))
    assert run.all(list(SAYS_SECRET)) == SAYS_SECRET.replace(SECRET, "<KEY>")
    assert run.told.actions == ["redact", "allow"]
    rude = Run(guard(Keys(), "output", "redact"), guard(Rude(), "output"))
    text = rude.all(list(f"Fine {SECRET} here. Now blast it. And more."))
    assert text == "Fine <KEY> here. "
    assert rude.chain.stop is not None
    assert rude.chain.stop.error.guard == "rude"
    assert rude.told.actions == ["redact", "block"]


def test_what_a_blocking_guard_let_go_passes_those_behind_it() -> None:
    run = Run(guard(Rude(), "output"), guard(Keys(), "output", "redact"))
    assert run.all(["Say sk-1 now. ", "Then blast. "]) == "Say <KEY> now. "
    assert run.told.actions == ["block", "redact"]


def test_without_places_sentences_are_held() -> None:
    run = Run(guard(Rude(), "output"))
    assert run.feed("All is well") == []
    assert run.feed(". So") == [["All is well"]]
    assert run.feed(" far. And") == [[". So"]]
    assert run.end() == [[" far. And"]]
    long = Run(guard(Rude(), "output", window=10))
    assert long.feed("no end") == []
    assert long.feed(" of it") == [["no end"], [" of it"]]


def test_a_whole_answer_can_be_held() -> None:
    class Json(Rude):
        def evaluate(self, call: Invocation) -> float:
            return 0.0 if call.output_text.endswith("}") else 1.0

    run = Run(guard(Json(), "output", window=None))
    assert [run.feed("{. "), run.feed("\n}")] == [[], []]
    assert run.end() == [["{. "], ["\n}"]]
    bad = Run(guard(Json(), "output", window=None))
    assert bad.feed("{") == []
    assert bad.end() == []
    assert bad.chain.stop is not None


def test_warnings_hold_nothing_back() -> None:
    run = Run(guard(Keys(), "output", "warn"), guard(Rude(), "output", "warn"))
    assert run.feed("sk-1 blast. ") == [["sk-1 blast. "]]
    assert run.end() == []
    assert run.told.actions == ["warn", "warn"]


def test_a_failing_evaluator_lets_the_stream_pass_or_ends_it() -> None:
    class Broken(Keys):
        def find(self, text: str) -> Any:
            raise LookupError

    run = Run(guard(Broken(), "output", "redact"))
    assert run.all(["text that ", "is long enough"]) == "text that is long enough"
    assert [(action, error) for _, _, action, error in run.told] == [("allow", "LookupError")]
    shut = Run(guard(Broken(), "output", "redact", fail_open=False))
    assert shut.all(["text that ", "is long enough"]) == ""
    assert shut.chain.stop is not None


def test_what_is_held_can_be_had_back() -> None:
    run = Run(guard(Keys(), "output", "redact"), guard(Keys(), "output", "redact"))
    assert run.feed("abcdefghijklm") == []
    assert run.feed("n") == []
    assert run.chain.rest() == [["abcdefghijklm"], ["n"]]
    assert run.chain.rest() == []


def test_a_line_forgets_what_was_judged() -> None:
    line = Line(4)
    for _ in range(100):
        line.add("0123456789")
        line.view(line.length)
        line.cut([], line.length)
    assert line.view(line.length) == ("6789", 996)
    assert line.sentence(5) == 1000
