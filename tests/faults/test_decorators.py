"""Errors, signatures, decorators, copying (rows F33 to F40): a decorated function is the function."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import enum
import functools
import inspect
import logging
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

import clearspan
from clearspan.capture import inlet
from clearspan.core import fence
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Error, Reply
from tests.faults.kit import ASKED, LINES, PIECES, ROOT, TEXT, Line, line, lines, of_the_test
from tests.providers.side import Side

CHATS = lines("openai-chat", "ollama-chat", "hub-chat")
every_line = pytest.mark.parametrize("how", LINES, ids=str)
every_chat = pytest.mark.parametrize("how", CHATS, ids=str)


def whole() -> Reply:
    return Reply(TEXT, chunks=PIECES)


# -- F33 ----------------------------------------------------------------------------------------


@every_line
@pytest.mark.parametrize("part", ["open", "attach", "detach", "chunks", "close"])
def test_F33_whatever_part_of_ours_fails_the_program_gets_its_answer(
    how: Line,
    part: str,
    server: ModelServer,
    side: Side,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Any,
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")
    said = TEXT + " " + "No more, no less. " * 4
    server.respond(
        Reply(said, chunks=tuple(said))
    )  # so many that some are handed on before its end
    client = how.make(server, side.asynchronous)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("our own fault, with a secret in it")

    with captured(), caplog.at_level(logging.WARNING, "clearspan"):
        listener: Any = inlet.current()
        monkeypatch.setattr(listener, part, broken)
        for _ in range(3):
            assert how.said(side.do(how.ask(client, ASKED))) == said
            chunks = side.take(side.do(how.ask(client, ASKED, stream=True)))
            assert "".join(map(how.delta, chunks)) == said
        monkeypatch.undo()
    told = [
        record.getMessage() for record in of_the_test(caplog) if record.levelno >= logging.WARNING
    ]
    assert sum(fence.failures().values()) > 0
    assert len(told) == len(set(told)) <= len(fence.failures())  # each place once, not each time
    assert not any("secret" in text for text in told)
    side.do(how.release(client))
    fence.reset()


# -- F34 ----------------------------------------------------------------------------------------


def test_F33_at_the_end_of_the_stack_the_exception_is_the_programs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def chain(decorate: Any) -> list[type[BaseException]]:
        @decorate
        def deeper() -> None:
            deeper()

        with pytest.raises(RecursionError) as caught:
            deeper()
        found: list[type[BaseException]] = []
        error: BaseException | None = caught.value
        while error is not None:
            found.append(type(error))
            error = error.__cause__ or error.__context__
        return found

    with captured() as seen:
        assert chain(clearspan.task) == chain(lambda function: function)
        assert seen.open_calls == 0
    assert set(fence.failures()) <= {"recursion"}
    assert of_the_test(caplog) == []


@every_chat
def test_F34_a_call_that_fails_ends_itself_and_nobody_else(
    how: Line, server: ModelServer, side: Side
) -> None:
    server.script(Error(400, "No.", "no_such_thing"))
    server.respond(whole())
    client = how.make(server, side.asynchronous)
    with captured() as seen:
        with clearspan.invocation("grandparent"), clearspan.invocation("parent"):
            with pytest.raises(Exception, match="No"):
                side.do(how.ask(client, ASKED))
            assert seen.open_calls == 2
            assert how.said(side.do(how.ask(client, ASKED))) == TEXT
        failed, fine, *around = seen.spans  # as they ended
        spans = {span.name: span for span in around}
    assert list(spans) == ["parent", "grandparent"]
    assert (failed.status, fine.status) == ("ERROR", "UNSET")
    assert failed.parent_id == fine.parent_id == spans["parent"].span_id
    assert [spans[name].status for name in ("parent", "grandparent")] == ["UNSET", "UNSET"]
    side.do(how.release(client))


def test_F34_a_model_call_ends_by_itself_although_the_client_within_it_failed(
    server: ModelServer,
) -> None:
    """The two are one record, so it might well end with the first of them."""
    server.script(Error(400, "No.", "no_such_thing"))
    how = line("openai-chat")
    client = how.make(server, False)

    @clearspan.observe(kind="model")
    def answered() -> str:
        with pytest.raises(Exception, match="No"):
            how.ask(client, ASKED)
        assert (seen.open_calls, seen.spans) == (1, [])
        return "something else"

    with captured() as seen:
        assert answered() == "something else"
        assert [span.status for span in seen.spans] == ["UNSET"]
    how.release(client)


# -- F35 ----------------------------------------------------------------------------------------


def signed(
    a: int, /, b: str = "b", *rest: float, c: bool, d: list[str] | None = None, **more: object
) -> dict[str, int]:
    """What it does."""
    return {b: a}


signed.__kwdefaults__ = {"d": None}
signed.custom = ["kept"]  # type: ignore[attr-defined]

LOOKS: dict[str, Any] = {
    "signature": inspect.signature, "hints": typing.get_type_hints, "spec": inspect.getfullargspec,
    "kwdefaults": lambda f: f.__kwdefaults__, "defaults": lambda f: f.__defaults__, "doc": lambda f: f.__doc__,
    "name": lambda f: (f.__name__, f.__qualname__, f.__module__), "code": lambda f: f.__code__,
    "custom": lambda f: f.custom, "source": inspect.getsource, "annotations": lambda f: f.__annotations__,
    "routine": lambda f: (inspect.isfunction(f), inspect.isroutine(f), callable(f), inspect.isgeneratorfunction(f)),
    "globals": lambda f: f.__globals__ is globals(), "partial": lambda f: inspect.signature(functools.partial(f, 1)),
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_F35_a_decorated_function_looks_as_it_did(look: Any) -> None:
    for decorated in (
        clearspan.task(signed),
        clearspan.tool(clearspan.task(signed)),
        clearspan.context(user="u")(signed),
    ):
        assert look(decorated) == look(signed)
        assert inspect.unwrap(decorated) is signed


def test_F35_other_decorators_find_what_they_look_for() -> None:
    import pydantic

    @functools.singledispatch
    @clearspan.task
    def shown(value: object) -> str:
        return "object"

    @shown.register
    @clearspan.task
    def _(value: int) -> str:
        return "int"

    @clearspan.task
    @pydantic.validate_call
    def checked(number: int, *, name: str = "x") -> tuple[int, str]:
        return number, name

    @pydantic.validate_call
    @clearspan.task
    def checked_outside(number: int) -> int:
        return number

    @clearspan.task
    @functools.lru_cache
    def cached(number: int) -> list[int]:
        return [number]

    with captured():
        assert (shown(1), shown("x")) == ("int", "object")
        assert checked("3") == (3, "x")  # type: ignore[arg-type]
        assert checked_outside("4") == 4  # type: ignore[arg-type]
        with pytest.raises(pydantic.ValidationError):
            checked("three")  # type: ignore[arg-type]
        assert cached(1) is cached(1)
        assert cached.cache_info().hits == 1


# -- F36 ----------------------------------------------------------------------------------------

_TYPED = """
from collections.abc import AsyncIterator, Iterator
from typing_extensions import assert_type
import clearspan

@clearspan.task
def plain(a: int, *, b: str = "") -> list[int]: return [a]
@clearspan.tool(name="x")
async def later(a: int) -> str: return str(a)
@clearspan.agent()
def steps(a: int) -> Iterator[int]: yield a
@clearspan.observe(kind="model")
async def asteps(a: int) -> AsyncIterator[bytes]: yield b""
class Home:
    @clearspan.task
    def method(self, a: int) -> float: return 0.5
    @classmethod
    @clearspan.task
    def made(cls, a: int) -> "Home": return cls()
    @staticmethod
    @clearspan.task
    def static(a: int) -> bytes: return b""
async def check(home: Home) -> None:
    assert_type(plain(1, b="x"), list[int])
    assert_type(await later(1), str)
    assert_type(steps(1), Iterator[int])
    assert_type(asteps(1), AsyncIterator[bytes])
    assert_type(home.method(1), float)
    assert_type(Home.made(1), Home)
    assert_type(Home.static(1), bytes)
"""


def test_F36_checkers_see_the_types_that_were_there(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(_TYPED)
    wrong.write_text(_TYPED + "plain('x')\nplain(1, 2)\nplain(1, c=3)\nHome().method()\n")
    lines_: dict[str, list[str]] = {}
    for path in (right, wrong):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "c"), str(path)],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        lines_[path.stem] = [
            row for row in done.stdout.splitlines() if path.name in row and "error" in row
        ]
    assert lines_["right"] == []
    assert {int(row.split(":")[1]) for row in lines_["wrong"]} == {31, 32, 33, 34}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python keeps no overloads there")
@pytest.mark.parametrize("decorate", [clearspan.observe, type(clearspan.task).__call__])
def test_F36_the_type_that_is_given_is_the_one_that_is_answered(decorate: Any) -> None:
    """What checkers go by, for where none is installed."""
    bare, called = map(typing.get_type_hints, typing.get_overloads(decorate))
    given = bare["target"]
    assert isinstance(given, typing.TypeVar)
    assert bare["return"] is given
    assert called["return"] == Callable[[given], given]


# -- F37 ----------------------------------------------------------------------------------------


def _conversation(log: list[Any]) -> Any:
    """A coroutine-style generator that answers to everything."""
    got = "begun"
    try:
        while True:
            try:
                got = yield got
                if got == "return":
                    return {"returned": log}
            except LookupError as error:
                log.append(type(error))
                got = "thrown"
    finally:
        log.append("left")


def _handing_on(made: Any) -> Any:
    yield from made


async def _aconversation(log: list[Any]) -> Any:
    got = "begun"
    try:
        while True:
            try:
                got = yield got
                if got == "return":
                    return
            except LookupError as error:
                log.append(type(error))
                got = "thrown"
    finally:
        log.append("left")


def test_F37_generators_are_generators_and_forward_everything() -> None:
    def transcript(make: Any) -> list[Any]:
        log: list[Any] = []
        made = make(log)
        said = [inspect.isgeneratorfunction(make), type(made), inspect.getgeneratorstate(made)]
        said += [made.send(None), made.send(1), made.throw(LookupError()), next(made)]
        try:
            made.send("return")
        except StopIteration as stop:
            said.append(stop.value)
        closed = make(log)
        next(closed)
        closed.close()
        outer = _handing_on(make(log))
        said += [next(outer), outer.send(2), inspect.getgeneratorstate(closed), log[:]]
        with pytest.raises(TypeError):
            make(log).send("too early")
        return said

    async def atranscript(make: Any) -> list[Any]:
        log: list[Any] = []
        made = make(log)
        said = [inspect.isasyncgenfunction(make), type(made)]
        said += [await made.asend(None), await made.asend(1), await made.athrow(LookupError())]
        said.append([item async for item in made if await _stopped(made)])
        await made.aclose()
        return [*said, log]

    async def _stopped(made: Any) -> bool:
        with pytest.raises(StopAsyncIteration):
            await made.asend("return")
        return True

    with captured() as seen:
        assert transcript(clearspan.task(_conversation)) == transcript(_conversation)
        assert asyncio.run(atranscript(clearspan.task(_aconversation))) == asyncio.run(
            atranscript(_aconversation)
        )
    assert seen.open_calls == 0


# -- F38 ----------------------------------------------------------------------------------------


class Talks(Protocol):
    @clearspan.task
    def protocol(self, given: str) -> str:
        return f"protocol {given}"


class Base(Talks):
    @clearspan.task
    @classmethod
    def above(cls, given: str) -> str:
        return f"{cls.__name__} {given}"

    @classmethod
    @clearspan.task
    def below(cls, given: str) -> str:
        return f"{cls.__name__} {given}"

    @clearspan.task
    @staticmethod
    def static_above(given: str) -> str:
        return given

    @staticmethod
    @clearspan.task
    def static_below(given: str) -> str:
        return given

    @property
    @clearspan.task
    def read(self) -> str:
        return type(self).__name__

    @clearspan.task
    def method(self, given: str) -> str:
        return f"{type(self).__name__} {given}"


class Derived(Base):
    def method(self, given: str) -> str:
        return "derived " + super().method(given)


@dataclasses.dataclass(frozen=True)
class Data(Base):
    number: int = 1


class Kinds(enum.Enum):
    ONE = 1

    @clearspan.task
    def method(self, given: str) -> str:
        return f"{self.name} {given}"


@pytest.mark.parametrize("home", [Base, Derived, Data, Kinds.ONE], ids=str)
def test_F38_every_kind_of_method_in_both_orders_without_self(home: Any) -> None:
    one = home if isinstance(home, Kinds) else home()
    secret = repr(one) if isinstance(one, Data) else f"<{type(one).__module__}"
    with captured() as seen:
        assert one.method("x").endswith("x")
        if isinstance(one, Base):
            cls: Any = type(one)
            assert cls.above("x") == cls.below("x") == one.above("x") == f"{cls.__name__} x"
            assert cls.static_above("x") == cls.static_below("x") == one.static_above("x") == "x"
            assert (one.read, one.protocol("x")) == (cls.__name__, "protocol x")
            assert Base.method(one, "x") == f"{cls.__name__} x"
            assert Base.method is Base.method
            assert vars(Data)["number"] == 1
        assert secret not in repr([span.attributes for span in seen.spans])
    assert seen.open_calls == 0


# -- F39 ----------------------------------------------------------------------------------------


class Agent:
    """Holds a client and a method of it, as agents do."""

    def __init__(self, client: Any, method: Any) -> None:
        self.client, self.method = client, method

    @clearspan.task
    def act(self) -> str:
        return "acted"


def _method(how: Line, client: Any) -> Any:
    return {"openai": lambda: client.chat.completions.create, "ollama": lambda: client.chat}.get(
        how.library, lambda: client.chat_completion
    )()


@every_chat
@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # half-copied clients
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_F39_copies_are_as_without_us_and_their_calls_are_recorded_once(
    how: Line, make: Any, server: ModelServer, side: Side
) -> None:
    server.respond(whole())

    def outcome(value: Any) -> Any:
        try:
            return make(value), None
        except Exception as error:  # noqa: BLE001 -- what cannot be copied says so in the same words
            return None, (type(error), str(error))

    client = how.make(server, side.asynchronous)
    raw = [outcome(each)[1] for each in (client, _method(how, client), Agent(client, None))]
    with captured() as seen:
        made = [outcome(each) for each in (client, _method(how, client), Agent(client, None))]
        assert [error for _, error in made] == raw
        assert Agent(None, None).act() == make(Agent(None, None)).act() == "acted"
        acted = make(Agent(None, None).act)
        assert acted() == "acted"
        before = len(seen.spans)
        copied, _ = made[0]
        if copied is not None:
            assert how.said(side.do(how.ask(copied, ASKED))) == TEXT
            assert len(seen.spans) == before + 1
    side.do(how.release(client))


def test_F39_methods_and_functions_pickle_by_name() -> None:
    with captured():
        for function in (Base.method, Base.static_below, signed):
            assert pickle.loads(pickle.dumps(function)) is function
        bound = pickle.loads(pickle.dumps(Base().method))
        assert bound("x") == "Base x"
        assert pickle.loads(pickle.dumps(Data(7))).number == 7


# -- F40 ----------------------------------------------------------------------------------------


def _endless(depth: int = 0) -> int:
    return _endless(depth + 1) + 1


def _circle() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    first.__context__, second.__context__ = second, first
    first.args, second.args = ("first", second), ("second", first)
    raise first


def _crowded() -> None:
    """Five deep there are 37,449 of it."""
    error = ValueError()
    error.args = ("leaf", *[error] * 8)
    raise error


def _executed() -> None:
    exec(compile("def f():\n  raise ValueError('made')\nf()", "<no file>", "exec"), {})


def _unsayable() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

        __repr__ = __str__

    raise Silent


def _group() -> None:
    errors: list[Exception] = [ValueError(str(number)) for number in range(2000)]
    kind = getattr(__builtins__, "ExceptionGroup", None) if not isinstance(__builtins__, dict) else __builtins__.get("ExceptionGroup")  # fmt: skip
    raise kind("many", errors) if kind is not None else errors[0]


@pytest.mark.parametrize("fail", [_endless, _circle, _crowded, _executed, _unsayable, _group])
@pytest.mark.parametrize("kind", ["plain", "async", "generator"])
def test_F40_errors_of_every_form_are_told_and_pass(
    fail: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT")  # what cannot say what it is, fails in our hands as well

    async def later() -> None:
        fail()

    def stepping() -> Iterator[None]:
        yield fail()

    def run(decorate: Any) -> None:
        if kind == "async":
            decorate(later)().send(None)  # no loop has to make sense of it
        elif kind == "generator":
            list(decorate(stepping)())
        else:
            decorate(fail)()

    with pytest.raises(BaseException) as raw:
        run(lambda function: function)
    with captured() as seen, pytest.raises(BaseException) as made:
        run(clearspan.task)
    assert type(made.value).__name__ == type(raw.value).__name__
    (span,) = seen.spans
    assert span.status == "ERROR"
    assert span.attributes["error.type"]
    (told,) = span.exceptions
    assert ("exception.message" in told) is (fail is not _unsayable)
    assert len(repr(told)) < 40_000
    assert line("openai-chat") is not None
    fence.reset()
