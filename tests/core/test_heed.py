"""Telling an operation what happens to it: whatever it does, the call goes its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Any, NoReturn

import pytest

from clearspan.core import fence, heed
from clearspan.record import Outcome


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: failures of ours are held back."""
    monkeypatch.delenv("CLEARSPAN_STRICT")


class Notes:
    """A recording that notes what it is told, and answers as it was made to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.told: list[tuple[Any, ...]] = []

    def attach(self) -> object:
        self.told.append(("attach",))
        return self.answer

    def detach(self, token: object) -> None:
        self.told.append(("detach", token))

    def returned(self, value: Any) -> Any:
        self.told.append(("returned", value))
        return self.answer

    def chunk(self, item: Any) -> bool | None:
        self.told.append(("chunk", item))
        answer: bool | None = self.answer
        return answer

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        self.told.append(("ended", outcome, error))


class Broken:
    """A recording in which everything fails."""

    def attach(self) -> object:
        fail()

    def detach(self, token: object) -> None:
        fail()

    def returned(self, value: Any) -> Any:
        fail()

    def chunk(self, item: Any) -> bool | None:
        fail()

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        fail()


def fail(*_: object) -> NoReturn:
    raise RuntimeError("broken")


def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Notes:
    return Notes((args, kwargs))


def test_a_recording_hears_all_and_its_answers_are_heeded() -> None:
    begun = heed.begun(begin, (1,), {"a": 2})
    assert isinstance(begun, Notes)
    assert begun.answer == ((1,), {"a": 2})
    notes, error = Notes(answer=True), ValueError("theirs")
    heed.detach(notes, heed.attach(notes))
    assert heed.noted(notes, "piece")
    heed.broke(notes, error)
    heed.ended(notes, Outcome.COMPLETED)
    assert notes.told == [
        ("attach",), ("detach", True), ("chunk", "piece"), ("ended", Outcome.FAILED, error), ("ended", Outcome.COMPLETED, None),
    ]  # fmt: skip


def test_only_true_keeps_an_element_from_the_program() -> None:
    assert [heed.noted(Notes(answer), "piece") for answer in (None, False, 1, "yes")] == [False] * 4


def letters() -> Generator[str]:
    yield "a"


def test_what_the_program_gets_is_its_own_or_drives_the_same_kind() -> None:
    own, driver = letters(), letters()
    assert heed.returned(Notes(driver), own) is driver
    for nonsense in (None, iter("a"), "own"):
        assert heed.returned(Notes(nonsense), own) is own
    assert heed.returned(Notes("another text"), "text") == "text"


CALLS: list[tuple[str, Callable[[Any], object], object]] = [
    ("recording.chunk", lambda broken: heed.noted(broken, "piece"), False),
    ("recording.ended", lambda broken: heed.ended(broken, Outcome.COMPLETED), None),
    ("recording.ended", lambda broken: heed.broke(broken, ValueError()), None),
    ("recording.detach", lambda broken: heed.detach(broken, object()), None),
    ("recording.begin", lambda broken: heed.begun(fail, (), {}), None),
]


@pytest.mark.parametrize(("site", "tell", "answer"), CALLS)
def test_F33_what_fails_is_counted_and_left_out_of_account(
    site: str, tell: Callable[[Any], object], answer: object, lenient: None
) -> None:
    assert tell(Broken()) == answer
    assert fence.failures() == {site: 1}


def test_F33_an_answer_that_cannot_be_followed_is_the_end(lenient: None) -> None:
    class Lost(Notes):
        def returned(self, value: Any) -> Any:
            fail()

    notes = Lost()
    assert heed.returned(notes, "answer") == "answer"
    assert notes.told == [("ended", Outcome.COMPLETED, None)]
    assert fence.failures() == {"recording.returned": 1}


def test_F25_classes_are_not_compared_in_the_hosts_way() -> None:
    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise RuntimeError("models only")

        __hash__ = type.__hash__

    class Model(metaclass=Meta):
        """One of the program's own."""

    for driver in (Model(), letters()):
        value = Model()
        assert heed.returned(Notes(driver), value) is value


def test_what_could_not_be_made_active_is_not_taken_back(lenient: None) -> None:
    token = heed.attach(Broken())
    assert fence.failures() == {"recording.attach": 1}
    notes = Notes()
    heed.detach(notes, token)
    heed.detach(None, object())
    assert notes.told == []
    heed.detach(notes, None)  # an answer like any other
    assert notes.told == [("detach", None)]


class Block:
    """A block of the program's whose end is told of."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, frames: TracebackType | None) -> None:  # fmt: skip
        assert error is not None
        heed.broke(Broken(), error)


def test_the_programs_exception_has_none_of_ours_about_it(lenient: None) -> None:
    with pytest.raises(ValueError, match="theirs") as caught, Block():
        raise ValueError("theirs")
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


class Cancelled(BaseException):
    """As trio's."""


def exceptions() -> Iterator[tuple[BaseException, Outcome]]:
    yield GeneratorExit(), Outcome.CLOSED
    yield asyncio.CancelledError(), Outcome.CANCELLED
    yield Cancelled(), Outcome.CANCELLED
    yield type("Cancelled", (Exception,), {})("only its name"), Outcome.FAILED
    yield KeyboardInterrupt(), Outcome.FAILED
    yield ValueError(), Outcome.FAILED


@pytest.mark.parametrize(("error", "outcome"), list(exceptions()), ids=repr)
def test_how_an_operation_ended_that_an_exception_left(
    error: BaseException, outcome: Outcome
) -> None:
    notes = Notes()
    heed.broke(notes, error)
    assert notes.told == [("ended", outcome, error)]


class Overflowing(Broken):
    """A recording for which there is no room left on the stack."""

    def attach(self) -> object:
        raise RecursionError

    def detach(self, token: object) -> None:
        raise RecursionError

    def returned(self, value: Any) -> Any:
        raise RecursionError

    def chunk(self, item: Any) -> bool | None:
        raise RecursionError

    def ended(self, outcome: Outcome, error: BaseException | None = None) -> None:
        raise RecursionError


def test_at_the_end_of_the_stack_each_step_is_left_out_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
        raise RecursionError

    full = Overflowing()
    assert heed.begun(begin, (), {}) is None
    token = heed.attach(full)
    heed.detach(full, token)
    heed.detach(full, None)
    assert heed.returned(full, 7) == 7
    assert heed.noted(full, "piece") is False
    heed.broke(full, ValueError())
    heed.ended(full, Outcome.COMPLETED)
    assert fence.failures() == {"recursion": 7}
    assert caplog.messages == []
