"""Values (rows F25 to F32): what a program passes is neither run, nor changed, nor kept whole, nor made up."""

from __future__ import annotations

import copy
import datetime
import decimal
import gc
import json
import math
import pathlib
import uuid
import weakref
from typing import Any

import pytest

import clearspan
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Json, Reply, ToolCall
from tests.faults.kit import ASKED, LINES, PIECES, TEXT, Line, line
from tests.providers.side import Side

every_line = pytest.mark.parametrize("how", LINES, ids=str)


def whole() -> Reply:
    return Reply(TEXT, chunks=PIECES)


def size(seen: Any) -> int:
    """How much text and how many bytes one call left in spans and events."""
    told = [*(span.attributes for span in seen.spans), *(event.attributes for event in seen.events)]
    return len(repr(told))


# -- F25 ----------------------------------------------------------------------------------------

asked_of: list[str] = []
_NEEDED = {"__class__", "__init__", "__new__", "__getattribute__", "__setattr__", "__dict__", "__doc__", "__slots__"}  # fmt: skip


def _hostile() -> type:
    def refusing(name: str) -> Any:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            asked_of.append(name)
            raise AssertionError(f"{name} was run")

        return refuse

    names = (
        "bool iter len next getitem contains eq ne lt gt hash repr str format bytes int float index complex call add "
        "enter exit getattr dir sizeof reduce reduce_ex copy deepcopy fspath length_hint reversed await aiter anext get"
    )
    body = {f"__{name}__": refusing(f"__{name}__") for name in names.split()}
    return type("Hostile", (), {**body, "lazy": property(refusing("property"))})


Hostile = _hostile()


class HostileList(list[Any]):
    """A container of a class of the program's: a lazy query, a data frame's row."""

    def __iter__(self) -> Any:
        asked_of.append("list.__iter__")
        raise AssertionError

    def __len__(self) -> int:
        asked_of.append("list.__len__")
        raise AssertionError

    def __bool__(self) -> bool:
        asked_of.append("list.__bool__")
        raise AssertionError


@pytest.mark.parametrize("kind", ["task", "tool", "model", "retrieval", "agent", "embedding"])
@pytest.mark.parametrize(
    "value", [Hostile, lambda: HostileList([1]), lambda: [Hostile()], lambda: {"a": Hostile()}]
)
def test_F25_no_code_of_the_programs_values_runs(kind: str, value: Any) -> None:
    made = value()

    @clearspan.observe(kind=kind)
    def work(given: Any, *more: Any, **named: Any) -> Any:
        return made

    @clearspan.observe(kind=kind)
    def stepping(given: Any) -> Any:
        yield made

    asked_of.clear()
    with captured() as seen:
        assert work(made, made, named=made) is made
        (only,) = list(stepping(made))
        assert only is made
        with clearspan.span("block", kind=kind, input=made, mark=made) as step:
            step.set(output=made, more=made)
        with clearspan.invocation("chat") as draft:
            draft.value(made, made)
            draft.extra("mark", made)
            draft.tool_call(name="look", arguments=made)
        assert len(seen.spans) == 4
    assert asked_of == []


@pytest.mark.parametrize("name", ["openai-chat", "ollama-chat"])
def test_F25_nor_do_lazy_arguments_of_a_client(name: str, server: ModelServer) -> None:
    """A generator of messages is read once, by the client, and tags of any class are not asked."""
    how = line(name)
    server.respond(whole())
    client = how.make(server, False)
    reads: list[int] = []

    class Text(str):
        __slots__ = ()

        def __len__(self) -> int:
            reads.append(1)
            return super().__len__()

    with clearspan.suppressed():
        how.ask(client, Text(ASKED))
    before = len(reads)
    reads.clear()
    with captured() as seen:
        how.ask(client, Text(ASKED))
        assert len(seen.spans) == 1
    assert len(reads) == before
    how.release(client)


# -- F26 ----------------------------------------------------------------------------------------

POISON: dict[str, Any] = {
    "nan": math.nan, "inf": -math.inf, "none": None, "uuid": uuid.UUID(int=1), "bytes": b"\xff\x00", "huge": 2**9999,
    "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc), "set": {1, 2}, "surrogate": "\ud800x\udfff",
    "decimal": decimal.Decimal("NaN"), "path": pathlib.Path("/x"), "object": object(), "nul": "a\x00b", "type": int,
    "function": len, "exception": ValueError("x"), "mixed": [1, "a", None, 2.5], "keys": {1: "a", None: "b", (1, 2): "c"},
    "generator": (i for i in range(3)), "complex": 1j, "range": range(10**9), "memory": memoryview(b"x"), "ellipsis": ...,
}  # fmt: skip
cycle: list[Any] = []
POISON["cycle"] = cycle
cycle.append(cycle)
POISON["deep"] = json.loads("[" * 500 + "]" * 500)


def test_F26_a_value_that_cannot_be_told_costs_only_itself(tmp_path: Any) -> None:
    """Every kind among a hundred good ones, down to the store: all arrive, each with its other content."""
    from clearspan.exporters.store import StoreReader
    from tests.runtime.support import stored

    @clearspan.task(name="poisoned")
    def work(good: str, bad: Any) -> Any:
        return {"good": good, "bad": bad}

    @clearspan.task(name="good")
    def fine(number: int) -> int:
        return number

    store = tmp_path / "spans.db"
    clearspan.init(store=store, hardware="off", export_interval=0.1)
    try:
        for number, value in enumerate(POISON.values()):
            with clearspan.context(metadata={"bad": value}):
                work("kept", value)
            for each in range(4):
                fine(number * 4 + each)
        assert clearspan.flush(20)
        books = clearspan.status().accounts
        assert (books.created, books.pending, books.dropped) == (len(POISON) * 5, 0, {})
        assert clearspan.status().internal_errors == {}
    finally:
        clearspan.shutdown()
    spans = stored(store)
    poisoned = [span for span in spans if span.name == "poisoned"]
    assert (len(poisoned), len(spans)) == (len(POISON), len(POISON) * 5)
    assert all("kept" in repr(span.attributes) for span in poisoned)
    assert StoreReader(store) is not None


@pytest.mark.parametrize(
    "poison", [float("nan"), None, {"a": object}, "x" * 300, [[]], -1, True, 2**70]
)
@pytest.mark.parametrize("where", ["usage", "id", "model", "finish_reason", "created"])
def test_F26_odd_fields_of_an_answer_cost_only_themselves(
    poison: Any, where: str, server: ModelServer
) -> None:
    how = line("openai-chat")
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": TEXT},
        "finish_reason": "stop",
    }
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }
    wrong = "object" if isinstance(poison, dict) else poison
    (choice if where == "finish_reason" else body)[where] = wrong
    server.respond(Json(body))
    client = how.make(server, False)
    with captured() as seen:
        assert how.said(how.ask(client, ASKED)) == TEXT
        (span,) = seen.spans
    assert TEXT in span.attributes["gen_ai.output.messages"]
    assert span.attributes.get("gen_ai.usage.output_tokens", 1) >= 0
    how.release(client)


# -- F27 ----------------------------------------------------------------------------------------

TEXTS = {
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600", "right-to-left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "combining": "e\u0301 n\u0303 \u1100\u1161", "four-bytes": "\U00020000\U0001f9ff", "quotes": "\"\\\\u00e9\\n'",
    "controls": "\u202e\u2066tab\tline\n", "cjk": "\u6f22\u5b57\u304b\u306a",
}  # fmt: skip


@every_line
def test_F27_texts_come_back_as_they_went_in(how: Line, server: ModelServer, side: Side) -> None:
    client = how.make(server, side.asynchronous)
    for text in TEXTS.values():
        server.respond(Reply(text, chunks=[text[: len(text) // 2], text[len(text) // 2 :]]))
        with captured() as seen:
            side.do(how.ask(client, text))
            side.take(side.do(how.ask(client, text, stream=True)))
            for span in seen.spans:
                (asked,) = json.loads(span.attributes["gen_ai.input.messages"])
                (said,) = json.loads(span.attributes["gen_ai.output.messages"])
                assert "".join(part["content"] for part in asked["parts"]) == text
                assert "".join(part["content"] for part in said["parts"]) == text
    side.do(how.release(client))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_F27_a_cut_falls_between_code_points(text: str) -> None:
    @clearspan.task
    def echo(given: str) -> str:
        return given

    for limit in range(1_024, 1_030):
        with captured(content_limit=limit) as seen:
            echo(text * 200)
            (span,) = seen.spans
        for name, value in span.attributes.items():
            if isinstance(value, str):
                assert len(value.encode()) <= max(limit, 500), name
                assert "\ufffd" not in value


# -- F28 and F29 --------------------------------------------------------------------------------

CAP = 128 * 1024  # bytes of one attribute, by default
IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 200_000  # two megabytes of it, in each position


@pytest.mark.parametrize(
    "where", ["question", "tool-argument", "answer", "task", "error", "streamed"]
)
def test_F28_one_cap_for_everything(where: str, server: ModelServer) -> None:
    how = line("openai-chat")
    client = how.make(server, False)

    @clearspan.task
    def echo(given: Any) -> Any:
        if where == "error":
            raise ValueError(IMAGE)
        return given

    server.respond(whole())
    if where in ("answer", "streamed"):
        server.respond(Reply(IMAGE, chunks=64))
    if where == "tool-argument":
        server.respond(Reply(tool_calls=[ToolCall("look", {"image": IMAGE}, "c")]))
    with captured(content_target="both") as seen:
        if where in ("task", "error"):
            try:
                echo({"image": [IMAGE]})
            except ValueError:
                where = "raised"
        elif where == "question":
            parts = [
                {"type": "image_url", "image_url": {"url": IMAGE}},
                {"type": "text", "text": ASKED},
            ]
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])
        else:
            found = how.ask(client, ASKED, stream=where == "streamed")
            list(found) if where == "streamed" else None
        assert seen.spans
        assert size(seen) < 800_000
        for told in (*seen.spans, *seen.events):
            for name, value in told.attributes.items():
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                assert len(text.encode()) <= CAP, name
    assert where != "error"
    how.release(client)


looks_like_media = pytest.mark.parametrize(
    "text",
    ["data: [DONE]", "data:;base64", "say ;base64, twice", "data:image/png;base64", "data:image/png,raw%20text",
     "see data:text;base64 for it", "DATA: nothing", "data:image/png;base64,???", "x" * 30 + " data:image/;base64,"],
)  # fmt: skip


@looks_like_media
@every_line
def test_F29_what_only_looks_like_media_is_text(how: Line, text: str, server: ModelServer) -> None:
    server.respond(Reply(f"said {text}"))
    client = how.make(server, False)
    with captured() as seen:
        how.ask(client, text)
        (span,) = seen.spans
    (asked,) = json.loads(span.attributes["gen_ai.input.messages"])
    (said,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert {part["type"] for part in (*asked["parts"], *said["parts"])} == {"text"}
    assert "".join(part["content"] for part in asked["parts"]) == text
    assert "".join(part["content"] for part in said["parts"]) == f"said {text}"
    how.release(client)


@looks_like_media
def test_F29_what_only_looks_like_media_is_no_picture(text: str, server: ModelServer) -> None:
    """Where the picture of a message should be, it is an address like any other."""
    client = line("openai-chat").make(server, False)
    parts = [{"type": "image_url", "image_url": {"url": text}}]
    with captured() as seen:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": parts}])
        (span,) = seen.spans
    (asked,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert asked["parts"] == [{"type": "uri", "modality": "image", "uri": text}]
    client.close()


# -- F30 ----------------------------------------------------------------------------------------


def test_F30_what_the_caller_changes_afterwards_is_not_seen_and_nothing_of_it_is_changed(
    server: ModelServer, side: Side
) -> None:
    how = line("openai-chat")
    server.respond(whole())
    client = how.make(server, side.asynchronous)
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "first"}]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    given = {
        "model": "m",
        "messages": messages,
        "tools": tools,
        "metadata": {"k": "v"},
        "stop": ["x"],
    }
    before = copy.deepcopy(given)
    with captured() as seen:
        side.do(client.chat.completions.create(**given))
        assert given == before
        messages[0]["content"][0]["text"] = "changed"
        messages.append({"role": "user", "content": "appended"})
        tools.clear()
        given["stop"].append("later")  # type: ignore[attr-defined]
        side.do(
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "second"}]
            )
        )
        first, second = seen.spans
    assert "first" in first.attributes["gen_ai.input.messages"]
    for later in ("changed", "appended", "later"):
        assert later not in repr(first.attributes)
    assert "first" not in repr(second.attributes)
    assert "gen_ai.request.stop_sequences" not in second.attributes
    side.do(how.release(client))


# -- F31 ----------------------------------------------------------------------------------------


class Payload(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


@every_line
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_F31_a_call_leaves_no_circles_and_holds_nothing(
    how: Line, stream: bool, server: ModelServer
) -> None:
    server.respond(whole())
    client = how.make(server, False)

    def circles() -> list[str]:
        """Types of what only the collector could free after a call."""
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            found = how.ask(client, ASKED, stream=stream)
            list(found) if stream else None
            del found
            gc.collect()
            return sorted(
                type(item).__module__ for item in gc.garbage if "clearspan" in type(item).__module__
            )
        finally:
            gc.set_debug(0)
            gc.garbage.clear()

    def asked() -> Any:
        text = Payload(ASKED)
        found = how.ask(client, text, stream=stream)
        list(found) if stream else None
        return weakref.ref(text)

    raw = asked()
    gc.collect()
    kept = raw() is not None  # by the client itself
    with captured() as seen:
        how.ask(client, ASKED)  # what is made once is made
        known = asked()
        assert circles() == []
        assert len(seen.spans) == 3
        assert kept or known() is None
    how.release(client)


# -- F32 ----------------------------------------------------------------------------------------


@every_line
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_F32_nothing_is_told_that_was_not_said(
    how: Line, stream: bool, server: ModelServer, side: Side
) -> None:
    server.respond(whole())
    client = how.make(server, side.asynchronous)
    with captured() as seen:
        found = side.do(how.ask(client, ASKED, stream=stream))
        side.take(found) if stream else None
        (span,) = seen.spans
    told = {
        name.removeprefix("gen_ai.request.")
        for name in span.attributes
        if name.startswith("gen_ai.request.")
    }
    model = {"model"} if how.library != "huggingface_hub" else set()
    assert told <= model | ({"stream"} if stream else set())
    assert ("model" in told) == bool(model)
    side.do(how.release(client))


@pytest.mark.parametrize(
    "given", [{"temperature": 0}, {"temperature": None}, {"top_p": 1.0}, {"n": 1}, {"seed": 0}]
)
def test_F32_what_was_said_is_told_as_it_was_said(
    given: dict[str, Any], server: ModelServer
) -> None:
    how = line("openai-chat")
    server.respond(whole())
    client = how.make(server, False)
    with captured() as seen:
        how.ask(client, ASKED, **given)
        (span,) = seen.spans
    ((name, value),) = given.items()
    found = {
        k.removeprefix("gen_ai.request."): v
        for k, v in span.attributes.items()
        if "gen_ai.request." in k
    }
    expected = {} if value is None or name == "n" else {name: value}
    assert {k: v for k, v in found.items() if k not in ("model", "choice.count")} == expected
    how.release(client)
