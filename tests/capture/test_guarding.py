"""Guards below the recording: every call shape, with and without a record, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import clearspan
from clearspan.assess.guard import Blocked, Warden, warden as home
from clearspan.capture import guarding, recording, wardens
from clearspan.core import fence
from clearspan.formats.speech import named, put
from clearspan.provider import Call, Endpoint, Slot, Speech, Unfit
from clearspan.testing import captured
from tests.assess.guard.kit import SECRET, Keys, Told, guard, guarded
from tests.capture import vendor as vendors
from tests.capture.vendor import Vendor

SOURCE = """
class Client:
    closed = 0

    def create(self, prompt="", *, stream=False, **more):
        self.got = prompt
        if stream:
            return self._pieces(prompt)
        return {"id": "r-1", "text": prompt}

    def _pieces(self, prompt):
        try:
            for word in prompt.split(" "):
                if word == "fail":
                    raise LookupError("broke off")
                yield word + " "
        finally:
            self.closed += 1

    async def acreate(self, prompt="", *, stream=False):
        self.got = prompt
        if stream:
            return self._apieces(prompt)
        return {"id": "r-2", "text": prompt}

    async def _apieces(self, prompt):
        try:
            for word in prompt.split(" "):
                if word == "fail":
                    raise LookupError("broke off")
                yield word + " "
        finally:
            self.closed += 1

    def hidden(self, prompt=""):
        return self.acreate(prompt)

    def outer(self, prompt=""):
        return self.create(prompt)
"""


def _texts(answer: Any) -> Iterator[Slot]:
    if isinstance(answer, dict):
        yield Slot(answer["text"], ("text",))


def _chunk(item: Any) -> Iterator[Slot]:
    yield Slot(item, (), ("text",))


def _reply(call: Call, text: str, answer: Any) -> Any:
    return {"id": "canned", "text": text}


def _pieces(call: Call, text: str, seen: Any) -> Any:
    return [f"{len(seen)}:", text]


SPEECH = Speech(named("prompt"), put, _texts, _chunk, _reply, _pieces, once=("prompt",))


@pytest.fixture(autouse=True)
def crew_goes() -> Iterator[None]:
    """Let the threads go after each test."""
    yield
    home._crew.close()


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Vendor]:
    with vendors.importable(tmp_path, SOURCE) as made:
        yield with_speech(made, SPEECH)


def with_speech(vendor: Vendor, speech: Speech | None, **more: Any) -> Vendor:
    targets = tuple(
        f"{vendor.name}.client:Client.{method}"
        for method in ("create", "acreate", "hidden", "outer")
    )
    old = vendor.provider.endpoints[0]
    endpoint = Endpoint("chat", targets, old.request, old.response, old.chunk, positional=("prompt",), speech=speech, **more)  # fmt: skip
    return replace(vendor, provider=vendor.changed(endpoints=(endpoint,), probes=()))


def every(client: Any, prompt: Any) -> list[Any]:
    """What each kind of call answers."""

    async def read() -> list[Any]:
        streamed = [item async for item in await client.acreate(prompt, stream=True)]
        return [(await client.acreate(prompt))["text"], "".join(streamed).rstrip()]

    streamed = "".join(client.create(prompt=prompt, stream=True)).rstrip()
    return [client.create(prompt)["text"], streamed, *asyncio.run(read())]


@pytest.mark.parametrize("phase", ["input", "output"])
@pytest.mark.parametrize("recorded", [True, False])
def test_every_shape_is_guarded_recorded_or_not(vendor: Vendor, phase: str, recorded: bool) -> None:  # fmt: skip
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen, guarded(guard(Keys(), phase, "redact")) as told:  # fmt: skip
        client = module.Client()
        if recorded:
            found = every(client, f"say {SECRET} now")
        else:
            with clearspan.suppressed():
                found = every(client, f"say {SECRET} now")
    assert found == ["say <KEY> now"] * 4
    assert len(seen.spans) == (4 if recorded else 0)
    assert all((draft is not None) == recorded for draft, *_ in told)
    assert told.actions == ["redact"] * 4
    assert SECRET not in client.got or phase == "output"


@pytest.mark.parametrize("phase", ["input", "output"])
def test_canned_replies_of_every_shape(vendor: Vendor, phase: str) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), phase, reply="No.")):
        client = module.Client()
        whole, streamed, awhole, astreamed = every(client, f"{SECRET} is it, and no more of it")
        assert inspect.isgenerator(client.create(SECRET, stream=True))
        assert inspect.isasyncgen(asyncio.run(client.acreate(SECRET, stream=True)))
    assert (whole, awhole) == ("No.", "No.")
    assert (streamed, astreamed) == ("0:No.", "0:No.")


def test_where_no_reply_can_be_made_it_is_blocked(vendor: Vendor) -> None:
    vendor = with_speech(vendor, replace(SPEECH, reply=None, pieces=None))
    client = vendor.load().Client
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), reply="No.")):
        for stream in (False, True):
            with pytest.raises(Blocked):
                client().create(SECRET, stream=stream)
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "output", reply="No.")):
        pieces = client().create(SECRET, stream=True)
        with pytest.raises(Blocked):
            list(pieces)


def test_what_says_nothing_of_its_texts_is_not_guarded(vendor: Vendor) -> None:
    vendor = with_speech(vendor, None)
    with captured(providers=[vendor.provider]), guarded(guard(Keys())) as told:
        assert vendor.load().Client().create(SECRET)["text"] == SECRET
    assert told == []


def test_a_stream_made_at_once(vendor: Vendor) -> None:
    made = with_speech(vendor, replace(SPEECH, streamed=lambda call, text: iter([text])))
    module = made.load()
    with captured(providers=[made.provider]), guarded(guard(Keys(), reply="No.")):
        assert list(module.Client().create(SECRET, stream=True)) == ["No."]


def test_whatever_is_attached_to(vendor: Vendor) -> None:
    class Stream:
        def __init__(self) -> None:
            self.items: Any = iter(["sk-1", " and more of it"])
            self.closed = 0

        def close(self) -> None:
            self.closed += 1

    def attach(result: Any, tap: Any) -> bool:
        if not isinstance(result, Stream):
            return False
        result.items = tap.relay(result.items)
        tap.closing(result, "close")
        tap.watch(result)
        tap.result(result)
        return True

    made = with_speech(vendor, replace(SPEECH, attach=attach, pieces=None))
    module = made.load()
    stream = Stream()
    module.Client.outer = lambda self, prompt="": stream if prompt == "stream" else {"text": prompt}
    with captured(providers=[made.provider]), guarded(guard(Keys(), "output", reply="No.")):
        client = module.Client()
        assert client.outer("stream") is stream
        with pytest.raises(Blocked):
            list(stream.items)
        assert stream.closed == 1
        assert client.outer("fine") == {"text": "fine"}
        assert client.outer(SECRET) == {"id": "canned", "text": "No."}


def test_a_stream_of_a_client_that_says_no_way_into_it_is_looked_at_whole(vendor: Vendor) -> None:
    class Pieces(dict[str, str]):
        """Says of itself that it streams, and is the whole answer."""

    made = with_speech(vendor, replace(SPEECH, attach=None))
    module = made.load()
    module.Client.create = lambda self, prompt="", stream=False: Pieces(text=prompt)
    with captured(providers=[made.provider]), guarded(guard(Keys(), "output", "redact")):
        assert module.Client().create(SECRET, stream=True) == {"text": "<KEY>"}


def test_the_callers_arguments_stay_as_they_are(vendor: Vendor) -> None:
    module = vendor.load()
    given = [{"content": SECRET}, ({"content": SECRET},)]
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "input", "redact")):
        client = module.Client()
        client.create(given)
        assert client.got == [{"content": "<KEY>"}, ({"content": "<KEY>"},)]
        client.create(prompt=iter(["a", SECRET]))
        assert client.got == ["a", "<KEY>"]
        asyncio.run(client.acreate(iter(["a"])))
        assert client.got == ["a"]
        same = ["nothing"]
        client.create(same)
        assert client.got is same
        with pytest.raises(TypeError):
            client.acreate(SECRET, wrong=1)
    assert given == [{"content": SECRET}, ({"content": SECRET},)]


def test_objects_are_copied_on_the_way(vendor: Vendor) -> None:
    from pydantic import BaseModel

    class Message(BaseModel):
        content: str

    module = vendor.load()
    given = Message(content=SECRET)
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "input", "redact")):
        client = module.Client()
        client.create([given])
    assert (client.got[0], given.content) == (Message(content="<KEY>"), SECRET)


def test_calls_inside_a_guarded_call_are_part_of_it(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "input", "warn")) as told:
        client = module.Client()
        client.outer(SECRET)
        assert told.actions == ["warn"]
        assert asyncio.run(client.hidden(SECRET))["text"] == SECRET
        assert told.actions == ["warn"] * 2


def test_a_guards_own_calls_are_not_guarded(vendor: Vendor) -> None:
    module = vendor.load()
    client = module.Client()

    def asks(call: Any) -> bool:
        return bool(client.create(SECRET)["text"] == SECRET)

    with captured(providers=[vendor.provider]), guarded(guard(asks, "input")) as told:
        assert client.create("hello")["text"] == "hello"

        async def ask() -> Any:
            return await client.acreate("hello")

        assert asyncio.run(ask())["text"] == "hello"
    assert told.actions == ["allow", "allow"]


def test_an_asynchronous_evaluator_may_ask_as_well(vendor: Vendor) -> None:
    module = vendor.load()
    client = module.Client()

    async def asks(call: Any) -> bool:
        return bool((await client.acreate(SECRET))["text"] == SECRET)

    with captured(providers=[vendor.provider]), guarded(guard(asks, "input")) as told:
        client.create("hello")
    assert told.actions == ["allow"]


@pytest.mark.parametrize("stop", ["close", "drop", "error"])
def test_streams_end_as_they_do_without_guards(vendor: Vendor, stop: str) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]) as seen, guarded(guard(Keys(), "output", "redact")) as told:  # fmt: skip
        client = module.Client()
        stream = client.create("one two three four five fail", stream=True)
        if stop == "error":
            got: list[str] = []
            with pytest.raises(LookupError) as caught:
                got.extend(stream)
            assert "".join(got) == "one two three four five "
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__ is False
        else:
            next(stream)
            if stop == "close":
                stream.close()
            del stream
            gc.collect()
        assert client.closed == 1
        (span,) = seen.spans
    outcome = span.attributes.get("clearspan.outcome", span.status)
    assert outcome == {"close": "closed", "drop": "abandoned", "error": "ERROR"}[stop]
    assert told.actions == ["allow"]


@pytest.mark.parametrize("stop", ["close", "drop", "error", "loop"])
def test_asynchronous_streams_too(vendor: Vendor, stop: str, caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    module = vendor.load()
    client = module.Client()

    async def go() -> list[str]:
        got: list[str] = []
        stream = await client.acreate("one two three four five fail", stream=True)
        if stop == "error":
            while True:
                try:
                    got.append(await anext(stream))
                except LookupError:
                    return got
        got.append(await anext(stream))
        if stop == "close":
            await stream.aclose()
        elif stop == "drop":
            del stream
            gc.collect()
            await asyncio.sleep(0.01)
        else:
            held.append(stream)
        return got

    held: list[Any] = []
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "output", "redact")):
        got = asyncio.run(go())
    assert "".join(got) == ("one two three four five " if stop == "error" else "one ")
    assert client.closed == 1
    assert not caplog.records


def test_an_error_after_what_may_not_be_said_is_a_block(vendor: Vendor) -> None:
    module = vendor.load()
    client = module.Client()

    async def read() -> list[Any]:
        return [item async for item in await client.acreate(f"{SECRET} fail", stream=True)]

    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "output")):
        with pytest.raises(Blocked):
            list(client.create(f"{SECRET} fail", stream=True))
        with pytest.raises(Blocked):
            asyncio.run(read())


def test_a_coroutine_that_is_never_awaited_warns_once(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]), guarded(guard(Keys())), warnings.catch_warnings(record=True) as warned:  # fmt: skip
        warnings.simplefilter("always")
        client = module.Client()
        client.acreate("x")
        gc.collect()
    assert [str(one.message) for one in warned] == ["coroutine 'Client.acreate' was never awaited"]


def test_nothing_of_a_call_is_kept(vendor: Vendor) -> None:
    module = vendor.load()
    with captured(providers=[vendor.provider]), guarded(guard(Keys())):
        client = module.Client()
        with clearspan.suppressed():
            client.create("one")
            list(client.create("one two three", stream=True))
        kept = weakref.ref(client)
        del client
        assert kept() is None


def test_failures_of_ours_let_the_call_pass(vendor: Vendor, lenient: None) -> None:
    def broken(*given: Any) -> Any:
        raise LookupError

    async def abroken(*given: Any) -> Any:
        raise LookupError

    module = vendor.load()
    fence.reset()
    with captured(providers=[vendor.provider]):
        client = module.Client()
        for name in ("case", "settle", "asettle"):
            warden: Any = Warden([guard(Keys())])
            setattr(warden, name, abroken if name == "asettle" else broken)
            guarding.lend(warden)
            if name == "asettle":
                assert asyncio.run(client.acreate(SECRET))["text"] == SECRET
                assert asyncio.run(_read(client)) == f"{SECRET} is all "
            else:
                assert client.create(SECRET)["text"] == SECRET
                assert "".join(client.create(f"{SECRET} is all", stream=True)) == f"{SECRET} is all "  # fmt: skip
            guarding.give_back(warden)
    assert {"guard.open", "guard.settle", "guard.stream"} <= set(fence.failures())
    fence.reset()


async def _read(client: Any) -> str:
    return "".join([item async for item in await client.acreate(f"{SECRET} is all", stream=True)])


def test_readers_and_makers_that_fail(vendor: Vendor, lenient: None) -> None:
    def broken(*given: Any) -> Any:
        raise LookupError

    made = with_speech(vendor, Speech(broken, put, broken, broken, broken, broken))
    module = made.load()
    fence.reset()
    with captured(providers=[made.provider]), guarded(guard(Keys())):
        assert module.Client().create(SECRET)["text"] == SECRET
        assert list(module.Client().create(SECRET, stream=True)) == [f"{SECRET} "]
    made = with_speech(vendor, replace(SPEECH, reply=broken, pieces=broken))
    with captured(providers=[made.provider]), guarded(guard(Keys(), reply="No.")):
        for stream in (False, True):
            with pytest.raises(Blocked):
                module.Client().create(SECRET, stream=stream)
    assert {"guard.asked", "guard.answered", "guard.chunk", "guard.reply"} <= set(fence.failures())
    fence.reset()


def test_a_listener_that_fails_is_no_trouble(vendor: Vendor, lenient: None) -> None:
    def told(*given: Any) -> None:
        raise LookupError

    warden = Warden([guard(Keys(), on_fail="redact")], told)
    guarding.lend(warden)
    with captured(providers=[vendor.provider]):
        assert vendor.load().Client().create(SECRET)["text"] == "<KEY>"
    guarding.give_back(warden)
    assert fence.failures()["guard.told"] == 2
    fence.reset()


def test_who_guards(vendor: Vendor) -> None:
    own, lent = Warden([]), Warden([guard(Keys())])
    assert guarding.current() is None
    guarding.use(own)
    guarding.lend(lent)
    assert guarding.current() is lent
    guarding.lend(None)
    assert guarding.current() is None
    guarding.give_back(lent)
    assert guarding.current() is None
    guarding.give_back(None)
    guarding.give_back(lent)
    assert guarding.current() is own
    guarding.use(None)
    assert guarding.current() is None


def test_evaluators_are_let_go_once_each(vendor: Vendor) -> None:
    class Closed(Keys):
        times = 0

        def close(self) -> None:
            self.times += 1

    evaluator = Closed()
    warden = Warden([guard(evaluator, "input", "redact"), guard(evaluator, "output", "redact")])
    guarding.lend(warden)
    warden.close()
    assert evaluator.times == 1
    with captured(providers=[vendor.provider]):  # late calls pass them all the same
        assert vendor.load().Client().create(SECRET)["text"] == "<KEY>"
    guarding.give_back(warden)


def test_only_guards_are_taken() -> None:
    with pytest.raises(ValueError, match="is no guard"):
        Warden([Keys()])


def test_without_a_listener_for_records_guards_stand_all_the_same(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from clearspan.capture import inlet

    module = vendor.load()
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), on_fail="redact")) as told:
        monkeypatch.setattr(inlet.place, "current", None)
        assert module.Client().create(SECRET)["text"] == "<KEY>"
    assert recording.active() is None
    assert [draft for draft, *_ in told] == [None, None]
    assert isinstance(told, Told)


def test_nobody_has_to_listen(vendor: Vendor) -> None:
    warden = Warden([guard(Keys(), on_fail="redact")])
    guarding.lend(warden)
    with captured(providers=[vendor.provider]):
        # Where the program's own guards are lent, nobody is told of these.
        assert guarding.current() is not None
        assert vendor.load().Client().create(SECRET)["text"] == "<KEY>"
    guarding.give_back(warden)


def test_functions_without_a_name_and_without_a_coroutine() -> None:
    class Call:
        def __call__(self, prompt: str = "") -> Any:
            async def answer() -> dict[str, str]:
                return {"text": prompt}

            return asyncio.ensure_future(answer())

    provider: Any = vendors.write
    endpoint = Endpoint("chat", (), lambda *_: None, lambda *_: None, positional=("prompt",), speech=SPEECH)  # fmt: skip

    class Acme:
        name = "acme"

    async def ask() -> Any:
        made = guarding.around(Call(), Acme(), endpoint, None, waits=False)  # type: ignore[arg-type]  # as much of it as is needed
        return await made(SECRET)

    del provider
    with guarded(guard(Keys(), "output", "redact")):
        assert asyncio.run(ask()) == {"text": "<KEY>"}


def shut(phase: str = "both", **options: Any) -> Any:
    return guard(Keys(), phase, fail_open=False, **options)


def test_failures_of_ours_let_nothing_pass_a_guard_that_does_not_fail_open(vendor: Vendor, lenient: None) -> None:  # fmt: skip
    def broken(*given: Any) -> Any:
        raise LookupError

    async def abroken(*given: Any) -> Any:
        raise LookupError

    module = vendor.load()
    with captured(providers=[vendor.provider]), warnings.catch_warnings():
        warnings.simplefilter("error")
        client = module.Client()
        for name in ("case", "settle", "asettle"):
            for phase in ("input", "output"):
                made = shut(phase)
                warden: Any = Warden([made])
                setattr(warden, name, abroken if name == "asettle" else broken)
                guarding.lend(warden)
                calls: list[Any] = [lambda: client.create("x"), lambda: list(client.create("x", stream=True))]  # fmt: skip
                if name == "asettle":
                    calls = [lambda: asyncio.run(client.acreate("x")), lambda: asyncio.run(_read(client))]  # fmt: skip
                for call in calls if (name, phase) != ("case", "output") else ():
                    with pytest.raises(Blocked, match="internal, and it does not fail open"):
                        call()
                guarding.give_back(warden)
                assert made.counts["error"] == (0 if (name, phase) == ("case", "output") else 2)
        gc.collect()
    fence.reset()


@pytest.mark.parametrize("part", ["asked", "answered", "chunk", "attach"])
def test_readers_that_fail_let_nothing_pass_it_either(vendor: Vendor, lenient: None, part: str) -> None:  # fmt: skip
    def broken(*given: Any) -> Any:
        raise LookupError

    parts: dict[str, Any] = {part: broken}
    made = with_speech(vendor, replace(SPEECH, **parts))
    module = made.load()
    phase = "input" if part == "asked" else "output"
    if part == "attach":
        module.Client.create = lambda self, prompt="", stream=False: Stream()
    with captured(providers=[made.provider]), guarded(shut(phase)):
        with pytest.raises(Blocked, match="does not fail open"):
            list(module.Client().create("x", stream=part in ("chunk", "attach")))
    with captured(providers=[made.provider]), guarded(guard(Keys(), phase)):
        assert module.Client().create("x", stream=part in ("chunk", "attach"))
    fence.reset()


class Stream:
    """A stream of a class of its own."""


def test_what_cannot_be_changed_is_not_sent_or_shown(vendor: Vendor, lenient: None) -> None:
    class Fixed:
        __slots__ = ("content",)

        def __init__(self, content: str) -> None:
            object.__setattr__(self, "content", content)

        def __setattr__(self, name: str, value: Any) -> None:
            raise TypeError("fixed")

        def __copy__(self) -> Any:
            return self

    def asked(kwargs: Any) -> Iterator[Slot]:
        yield Slot(kwargs["prompt"].content, ("prompt", "content"))

    def refuse(*given: Any) -> Any:
        raise ValueError("fixed")

    made = with_speech(vendor, replace(SPEECH, asked=asked))
    module = made.load()
    with captured(providers=[made.provider]), guarded(guard(Keys(), "input", "redact")) as told:
        for call in (module.Client().create, lambda prompt: asyncio.run(module.Client().acreate(prompt))):  # fmt: skip
            with pytest.raises(Blocked, match="put_failed"):
                call(Fixed(SECRET))
    assert told.actions == ["redact", "block"] * 2
    made = with_speech(vendor, replace(SPEECH, put=refuse))
    with captured(providers=[made.provider]), guarded(guard(Keys(), "output", "redact")):
        for stream in (False, True):
            with pytest.raises(Blocked, match="put_failed"):
                list(module.Client().create(SECRET, stream=stream))
    fence.reset()


def test_messages_of_any_make_are_changed_in_copies(vendor: Vendor) -> None:
    import dataclasses
    from collections import UserDict
    from types import MappingProxyType

    from pydantic import BaseModel, ConfigDict

    class Frozen(BaseModel):
        model_config = ConfigDict(frozen=True)
        content: str

    @dataclasses.dataclass(frozen=True)
    class Plain:
        content: str

    class Text(str):
        __slots__ = ()

    module = vendor.load()
    given: list[Any] = [
        Frozen(content=SECRET), Plain(SECRET), UserDict(content=SECRET), MappingProxyType({"content": SECRET}),
        {"content": Text(SECRET)},
    ]  # fmt: skip
    with captured(providers=[vendor.provider]), guarded(guard(Keys(), "input", "redact")):
        client = module.Client()
        client.create(given)
        said = [dict(one) if isinstance(one, Mapping) else vars(one) for one in client.got]
        assert said == [{"content": "<KEY>"}] * 5
        client.create(Text(SECRET))
        assert client.got == "<KEY>"
    assert given[0].content == given[1].content == given[2]["content"] == SECRET


def test_a_coroutine_that_is_blocked_warns_of_nothing(vendor: Vendor) -> None:
    class Later:
        def __call__(self, prompt: str = "") -> Any:
            return asyncio.ensure_future(asyncio.sleep(0, {"text": prompt}))

    endpoint = Endpoint("chat", (), lambda *_: None, lambda *_: None, positional=("prompt",), speech=SPEECH)  # fmt: skip

    class Acme:
        name = "acme"

    async def ask() -> Any:
        return await guarding.around(Later(), Acme(), endpoint, None, waits=False)(SECRET)  # type: ignore[arg-type]  # as above

    with guarded(guard(Keys(), "input")), pytest.raises(Blocked):
        asyncio.run(ask())


def test_a_forked_child_may_change_who_guards() -> None:
    with wardens.place._lock:
        wardens.renew()
        guarding.lend(None)
        guarding.give_back(None)
    assert guarding.current() is None


def test_who_listens_is_told_which_model_was_asked(vendor: Vendor) -> None:
    heard: list[Any] = []
    warden = Warden([guard(Keys(), "input", "warn")], lambda draft, score, action: heard.append(score.target))  # fmt: skip
    guarding.lend(warden)
    with captured(providers=[vendor.provider]), clearspan.suppressed():
        vendor.load().Client().create(SECRET, model="m-1")
    guarding.give_back(warden)
    assert [(target.operation, target.provider, target.model) for target in heard] == [("chat", vendor.provider.name, "m-1")]  # fmt: skip


def test_an_answer_that_also_goes_where_nobody_looks_is_not_asked_for(vendor: Vendor) -> None:
    made = with_speech(vendor, replace(SPEECH, elsewhere=lambda call: "aside" in call.kwargs.get("prompt", "")))  # fmt: skip
    module = made.load()
    for active, aside in ((guard(Keys(), "output", fail_open=False), Blocked), (guard(Keys(), "output"), None)):  # fmt: skip
        with captured(providers=[made.provider]), guarded(active) as told:
            client = module.Client()
            assert client.create(prompt="fine") == {"id": "r-1", "text": "fine"}
            if aside is None:
                assert client.create(prompt="aside") == {"id": "r-1", "text": "aside"}
            else:
                with pytest.raises(aside):
                    client.create(prompt="aside")
                assert client.got == "fine"
        assert told.actions == ["allow", "block" if aside else "allow"]


def test_of_answers_that_stand_for_themselves_only_the_bad_one_is_replaced(vendor: Vendor) -> None:
    def apart(call: Call, result: Any) -> Any:
        return [call] * len(result) if isinstance(result, list) else None

    made = with_speech(vendor, replace(SPEECH, apart=apart))
    module = made.load()
    module.Client.create = lambda self, prompt="": [{"text": prompt}, {"text": "fine"}] if prompt == SECRET else {"text": prompt}  # fmt: skip
    with captured(providers=[made.provider]), guarded(guard(Keys(), "output", reply="No.")):
        client = module.Client()
        assert [answer["text"] for answer in client.create(SECRET)] == ["No.", "fine"]
        assert client.create("one") == {"text": "one"}


def test_what_the_client_could_not_read_is_not_put_in(vendor: Vendor) -> None:
    def puts(call: Call) -> Any:
        def refuses(item: Any, path: Any, text: str) -> Any:
            raise Unfit

        return refuses if call.kwargs.get("prompt", "").startswith("typed") else None

    made = with_speech(vendor, replace(SPEECH, puts=puts))
    module = made.load()
    with captured(providers=[made.provider]), guarded(guard(Keys(), "output", "redact")):
        client = module.Client()
        assert client.create(prompt=SECRET) == {"id": "r-1", "text": "<KEY>"}
        with pytest.raises(Blocked):
            client.create(prompt=f"typed {SECRET}")
        with pytest.raises(Blocked):
            list(client.create(prompt=f"typed {SECRET} and more", stream=True))
        assert list(client.create(prompt="typed as well", stream=True)) == [
            "typed ",
            "as ",
            "well ",
        ]
