"""Streams between guards: held as far as a match could reach, in order, and never a match let go."""

from __future__ import annotations

import random
import re
import threading
from typing import Any

import pytest

from clearspan.assess.guard import Guard, Warden, hold
from clearspan.assess.guard.lines import Line
from clearspan.core import fence
from clearspan.core.unseen import UNSEEN
from clearspan.provider import Slot
from clearspan.record import Invocation
from tests.assess.guard.kit import PATIENT, SAYS_SECRET, SECRET, Keys, Rude, Told, guard


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


def said(text: str, *channel: Any) -> tuple[Any, ...]:
    return (text, (0,), channel, "assistant")


def test_what_is_quiet_since_another_began_holds_nothing_back() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    assert run.feed(said("I think ", 0, "reasoning")) == []
    out = run.feed(said("long enough to be let go ", 0, "content"))
    assert out == [[said("I think ", 0, "reasoning")]]
    out = run.feed(said("and more of it", 0, "content"))
    assert [one[0][0] for one in out] == ["long enough to be let go "]
    sk = [text for one in (run.feed(said("sk-1 ", 0, "reasoning")), run.end()) for text in one]
    assert [one[0] if isinstance(one[0], str) else one[0][0] for one in sk] == ["and more of it", "<KEY> "]  # fmt: skip


def test_another_choice_has_to_come_far() -> None:
    run = Run(guard(Keys(), "output", "redact"))
    assert run.feed(said("hm", 0)) == []
    assert run.feed(said("12345678901", 1)) == []
    assert [one[0][0] for one in run.feed(said("2", 1))] == ["hm"]
    assert [one[0][0] for one in run.end()] == ["12345678901", "2"]


def test_a_guard_of_whole_answers_holds_what_is_quiet_as_well() -> None:
    run = Run(guard(Rude(), "output", window=None))
    assert run.feed(said("I think. ", 0, "reasoning")) == []
    assert run.feed(said("So it is. ", 0, "content")) == []
    assert len(run.end()) == 2


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "_MOST_HELD", 3)
    run = Run(guard(Keys(), "output", "redact"))
    released = [len(run.feed("a")) for _ in range(9)]
    assert sum(released) >= 5


class Hung(Keys):
    """Takes longer than anybody waits."""

    def __init__(self, free: threading.Event) -> None:
        super().__init__()
        self.free = free
        self.asked = 0

    def find(self, text: str) -> Any:
        self.asked += 1
        self.free.wait(PATIENT)
        return []


def test_a_stream_waits_twice_for_a_guard_that_hangs() -> None:
    free = threading.Event()
    hung = Hung(free)
    run = Run(Guard(hung, "output", "redact", deadline=0.01))
    assert run.all(["some words and more "] * 50) == "some words and more " * 50
    free.set()
    assert hung.asked == 2
    assert [(action, error) for _, _, action, error in run.told] == [("allow", "timeout")]


def test_one_that_only_warns_looks_seldom() -> None:
    class Counting(Keys):
        asked = 0

        def find(self, text: str) -> Any:
            self.asked += 1
            return super().find(text)

    counting = Counting()
    run = Run(guard(counting, "output", "warn"))
    for _ in range(1_000):
        assert len(run.feed("0123456789")) == 1
    assert run.feed(" sk-1 ")
    run.end()
    assert counting.asked <= 6
    assert run.told.actions == ["warn"]


@pytest.mark.parametrize("on_fail", ["warn", "redact"])
def test_what_nobody_waits_for_any_more_is_judged_where_it_went_on(on_fail: str) -> None:
    heard, actions = threading.Event(), list[str]()

    def hear(draft: Any, score: Any, action: str) -> None:
        actions.append(action)
        heard.set()

    run = Run(guard(Keys(), "output", on_fail))
    run.warden._told = hear
    run.feed("sk-1 was said")
    run.chain.leave()
    run.chain.leave()
    if on_fail == "warn":
        assert heard.wait(PATIENT)
        assert actions == ["warn"]
    else:
        assert actions == ["redact"]


def test_what_cannot_be_changed_is_not_let_go(lenient: None) -> None:
    def refuse(item: Any, path: Any, text: str) -> Any:
        raise ValueError("frozen")

    warden = Warden([guard(Keys(), "output", "redact")])
    case = warden.case("chat", None)
    assert case is not None
    chain = warden.streamed(case, read, refuse)
    assert warden.settle(chain.feed([SECRET])) == []
    assert warden.settle(chain.end()) == []
    assert chain.stop is not None
    assert chain.stop.error.score.error == "put_failed"
    fence.reset()


def test_an_element_that_cannot_be_seen() -> None:
    opened, shut = guard(Keys(), "output"), guard(Keys(), "output", fail_open=False)
    passing = Run(opened)
    assert passing.feed((UNSEEN, (0,), ("a",))) == [[(UNSEEN, (0,), ("a",))]]
    assert opened.counts == {"unseen": 1}
    stopped = Run(shut)
    assert stopped.feed((UNSEEN, (0,), ("a",)), SECRET)[1:] == []
    assert stopped.chain.stop is not None
