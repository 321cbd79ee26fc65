"""Runs of chunks that only bring text, by the short way and by the long one."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from pydantic import BaseModel, ConfigDict, create_model

from clearspan.core import fence
from clearspan.core.pieces import LONGEST
from clearspan.core.tape import Strip
from clearspan.draft import Draft
from clearspan.emit.content import ContentPolicy
from clearspan.formats import openai_chat, runs
from clearspan.formats.reading import read_chunks
from clearspan.pace import Pace
from clearspan.provider import Endpoint

Run = Callable[[Draft, Sequence[Any], int], int]
CALL = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": "{"}}
SCORES = {"content": [{"token": "a", "logprob": -0.5}]}
COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def body(*choices: Any, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "model": "gpt-4o-2024", "choices": list(choices), **more}


def choice(delta: Any, reason: str | None = None, index: Any = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": reason, **more}


def model(*choices: Any, **more: Any) -> Any:
    """A chunk as the client makes it, which validates nothing."""
    return ChatCompletionChunk.construct(**body(*choices, **more))


def text(said: str = "a", **more: Any) -> Any:
    return model(choice({"content": said}), **more)


def texts(many: int, **more: Any) -> list[Any]:
    return [text(f"{number} ", **more) for number in range(many)]


def without(item: Any, name: str) -> Any:
    """The same with a field that was never set."""
    del item.__dict__[name]
    return item


# -- classes of others -----------------------------------------------------------------------------------


class Delta(BaseModel):
    model_config = ConfigDict(extra="allow")
    content: Any = None
    role: str | None = None


class Choice(BaseModel):
    index: int = 0
    delta: Any = None
    finish_reason: str | None = None
    logprobs: Any = None


class Later(Choice):
    """The same, of another class."""


class Chunk(BaseModel):
    """With a single field that tells whose it is."""

    id: str | None = "chatcmpl-1"
    choices: Any = None
    usage: Any = None


class Nobodys(BaseModel):
    """With none."""

    choices: Any = None
    usage: Any = None


class Uncounted(BaseModel):
    """Without the field that a usage would be in."""

    id: str = "chatcmpl-1"
    choices: Any = None


class Asked(Chunk):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class Closer(ChatCompletionChunk):
    pass


class Thinking(ChoiceDelta):
    reasoning_content: str | None = None


def thought(said: str) -> Any:
    """A chunk whose delta is of a class of its own."""
    made = text()
    made.choices[0].delta = Thinking(content=said, reasoning_content="Hm.")
    return made


def other(said: str = "a", of: Any = Chunk, chosen: Any = Choice, **more: Any) -> Any:
    return of(choices=[chosen(delta=Delta(content=said))], **more)


# -- the short way, and how far it goes ------------------------------------------------------------------


@pytest.fixture(autouse=True)
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of the classes of other tests."""
    monkeypatch.setattr(runs, "_shapes", {})


def taken(items: Sequence[Any], start: int = 0) -> int:
    return runs.texts(Draft("chat"), items, start)


def test_texts_are_taken_together() -> None:
    draft = Draft("chat")
    assert runs.texts(draft, texts(5), 0) == 5
    assert [message["parts"] for message in draft.answers] == [
        [{"type": "text", "content": "0 1 2 3 4 "}]
    ]
    assert draft.pieces == 5


def test_a_run_begins_where_it_is_told_to() -> None:
    draft, items = Draft("chat"), texts(9)
    assert runs.texts(draft, items, 5) == 4
    assert draft.answers[0]["parts"] == [{"type": "text", "content": "5 6 7 8 "}]


@pytest.mark.parametrize("many", [0, 1, 3])
def test_few_are_left_to_the_long_way(many: int) -> None:
    items = texts(9)
    assert taken(items[:many]) == taken(items, 9 - many) == 0


MORE: dict[str, Callable[[], Any]] = {
    "role": lambda: model(choice({"role": "assistant", "content": "a"})),
    "empty text": lambda: text(""),
    "no text": lambda: model(choice({})),
    "a text in parts": lambda: model(choice({"content": [{"type": "text", "text": "a"}]})),
    "a tool call": lambda: model(choice({"content": "a", "tool_calls": [CALL]})),
    "no tool calls": lambda: model(choice({"content": "a", "tool_calls": []})),
    "an older call": lambda: model(choice({"function_call": {"name": "look", "arguments": "{}"}})),
    "refusal": lambda: model(choice({"content": "a", "refusal": "No."})),
    "sound": lambda: model(choice({"content": "a", "audio": {"data": "QUJD", "transcript": "b"}})),
    "reasoning": lambda: model(choice({"content": "a", "reasoning_content": "Hm."})),
    "no reasoning": lambda: model(choice({"content": "a", "reasoning_content": None})),
    "finish": lambda: model(choice({"content": "a"}, "stop")),
    "scores": lambda: model(choice({"content": "a"}, logprobs=SCORES)),
    "another choice": lambda: model(choice({"content": "a"}, index=1)),
    "a choice without index": lambda: model({"delta": {"content": "a"}}),
    "usage": lambda: text(usage=COUNTS),
    "usage alone": lambda: model(usage=COUNTS),
    "usage of groq": lambda: text(x_groq={"id": "r", "usage": COUNTS}),
    "times of cerebras": lambda: text(time_info={"queue_time": 0.5}),
    "two choices": lambda: model(choice({"content": "a"}), choice({"content": "b"}, index=1)),
    "two alike": lambda: model(choice({"content": "a"}), choice({"content": "b"})),
    "no choices": model,
    "choices that are none": lambda: ChatCompletionChunk.construct(**{**body(), "choices": None}),
    "a choice that is none": lambda: model(None),
    "a choice as a dictionary": lambda: Chunk(choices=[choice({"content": "a"})]),
    "no delta": lambda: model(choice(None)),
    "a delta that is a text": lambda: model(choice("a")),
    "a chunk that was never filled": lambda: ChatCompletionChunk.__new__(ChatCompletionChunk),
    "a chunk without a model": lambda: without(text(), "model"),
    "a chunk without choices": lambda: without(text(), "choices"),
    "a dictionary": lambda: body(choice({"content": "a"})),
    "a class that answers for itself": lambda: other(of=Asked),
    "a class without usage": lambda: other(of=Uncounted),
    "nothing": lambda: None,
    "something": object,
    "plain text": lambda: "a",
}
CHANGED: dict[str, Callable[[], Any]] = {
    "another id": lambda: text(id="chatcmpl-2"),
    "another model": lambda: text(model="gpt-4o-2025"),
    "another tier": lambda: text(service_tier="flex"),
    "another fingerprint": lambda: text(system_fingerprint="fp_2"),
    "no id": lambda: text(id=""),
    "another class": other,
    "another class without identity": lambda: other(of=Nobodys),
    "another class of choices": lambda: other(chosen=Later),
    "another class of deltas": lambda: thought("a"),
    "a class of its own": lambda: Closer.construct(**body(choice({"content": "a"}))),
}


@pytest.mark.parametrize("odd", [*MORE.values(), *CHANGED.values()], ids=[*MORE, *CHANGED])
def test_a_run_ends_before_what_tells_anything_else(odd: Callable[[], Any]) -> None:
    assert taken([*texts(5), odd(), *texts(5)]) == 5
    of_another_client = [*[other() for _ in range(5)], odd(), other(chosen=Later)]
    assert taken(of_another_client) == (6 if odd is CHANGED["another class"] else 5)


@pytest.mark.parametrize("odd", MORE.values(), ids=MORE)
def test_no_run_begins_with_what_tells_anything_else(odd: Callable[[], Any]) -> None:
    if odd is not MORE["a chunk without a model"]:  # which is a text, of nobody knows which model
        assert taken([odd(), *texts(5)]) == 0


@pytest.mark.parametrize("of", [Chunk, Nobodys])
def test_models_of_other_clients_are_known_too(of: Any) -> None:
    items = [other(f"{number}", of) for number in range(6)]
    assert taken(items) == 6
    assert taken([*items, of(choices=[Choice(delta=Delta(content="a", role="user"))])]) == 6
    assert taken([*items, of(choices=[Choice(delta=Delta.model_construct(said="a"))])]) == 6


def test_a_class_that_holds_others_than_before_is_looked_at_anew() -> None:
    first, second = ([other(chosen=chosen) for _ in range(5)] for chosen in (Choice, Later))
    assert [taken(items) for items in (first, second, first, second)] == [5] * 4
    assert taken([*first, *second]) == 5


def test_classes_are_not_kept_for_ever() -> None:
    for number in range(2 * runs._MOST + 1):
        made = create_model(f"Chunk{number}", __base__=Chunk)
        assert taken([other(of=made) for _ in range(5)]) == 5
    assert 0 < len(runs._shapes) <= runs._MOST


@pytest.mark.parametrize("odd", MORE.values(), ids=MORE)
def test_a_first_chunk_that_is_odd_changes_nothing_for_those_after_it(
    odd: Callable[[], Any],
) -> None:
    taken([odd() for _ in range(4)])
    assert taken(texts(5)) == 5
    assert taken([*texts(5), *texts(5, model="gpt-4o-2025")]) == 5
    assert taken([other() for _ in range(5)]) == 5


# -- both ways -------------------------------------------------------------------------------------------


def read(strip: Strip, run: Run | None, longest: int, keeps: bool, provider: str) -> Draft:
    draft = Draft("chat")
    draft.provider, draft.keeps, draft.longest = provider, keeps, longest
    draft.endpoint = Endpoint("chat", (), openai_chat.request, openai_chat.response, openai_chat.chunk, run=run)  # fmt: skip
    draft.started_at = -1.0
    half = len(strip.items) // 2
    read_chunks(draft, Strip(strip.times[:half], strip.items[:half]))
    read_chunks(draft, Strip(strip.times[half:], strip.items[half:]))
    return draft


def numbers(pace: Pace) -> dict[str, Any]:
    found = {name: getattr(pace, name) for name in Pace.__slots__ if name != "gaps"}
    return {**found, "gaps": (pace.gaps.count, pace.gaps.largest, pace.gaps.values())}


def told(draft: Draft) -> dict[str, Any]:
    """All that is known of a stream in the end."""
    seen: dict[str, Any] = {
        "pieces": draft.pieces,
        "held": draft.held,
        "cut": draft.cut,
        "choices": draft.answers,
        "pace": numbers(draft.pace),
    }
    return {**seen, "record": draft.seal(ContentPolicy())}


def compared(
    items: Sequence[Any],
    times: Sequence[float] | None = None,
    longest: int = LONGEST,
    *,
    keeps: bool = True,
    provider: str = "openai",
) -> dict[str, Any]:
    """What both ways tell, which is the same."""
    at = list(times) if times is not None else [number * 0.25 for number in range(len(items))]
    strip = Strip(at, list(items))
    short, long = (told(read(strip, run, longest, keeps, provider)) for run in (runs.texts, None))
    assert short == long
    return short


def test_a_stream_as_it_usually_is() -> None:
    start, end = model(choice({"role": "assistant", "content": ""})), model(choice({}, "stop"))
    found = compared([start, *texts(20), end, model(usage=COUNTS)])
    record = found["record"]
    assert record.output_text == "".join(f"{number} " for number in range(20))
    assert (record.response_id, record.response_model) == ("chatcmpl-1", "gpt-4o-2024")
    assert (record.finish_reasons, record.usage.input, found["pieces"]) == (("stop",), 3, 20)
    assert (record.timing.chunks, record.timing.first_content) == (23, 1.25)


def test_texts_alone_tell_whose_they_are() -> None:
    record = compared(texts(20, system_fingerprint="fp_1", service_tier="flex"))["record"]
    assert (record.response_id, record.response_model) == ("chatcmpl-1", "gpt-4o-2024")
    assert dict(record.extras) == {
        "openai.response.service_tier": "flex",
        "openai.response.system_fingerprint": "fp_1",
    }


@pytest.mark.parametrize("name", ["id", "model", "service_tier", "system_fingerprint"])
def test_what_texts_say_of_themselves_last_is_what_stays(name: str) -> None:
    role = model(choice({"role": "assistant"}))
    items = [role, *texts(10, **{name: "a"}), *texts(10, **{name: "b"})]
    record = compared(items)["record"]
    assert "b" in (record.response_id, record.response_model, *record.extras.values())


@pytest.mark.parametrize("odd", [*MORE.values(), *CHANGED.values()], ids=[*MORE, *CHANGED])
@pytest.mark.parametrize("place", [0, 1, 6, 12])
def test_whatever_comes_between_is_read_alike(odd: Callable[[], Any], place: int) -> None:
    items = [model(choice({"role": "assistant"})), *texts(6), *texts(6)]
    compared([*items[:place], odd(), *items[place:]])


STARTS: list[dict[str, Any]] = [
    {}, {"id": "chatcmpl-2"}, {"model": "gpt-4o-2025"}, {"service_tier": "flex"}, {"system_fingerprint": "fp_1"},
]  # fmt: skip
words = st.lists(st.sampled_from(("a", " Rome", "ü\n", "x" * 30)), min_size=1, max_size=9)
rows = st.builds(
    lambda said, whose: [text(word, **whose) for word in said], words, st.sampled_from(STARTS)
)
others = st.builds(
    lambda said, chosen: [other(word, chosen=chosen) for word in said],
    words,
    st.sampled_from((Choice, Later)),
)
odds = st.sampled_from([*MORE.values(), *CHANGED.values()]).map(lambda made: [made()])
mixtures = st.lists(st.one_of(rows, rows, odds, others), max_size=7)
pauses = st.sampled_from((0.0, 0.0, 0.0002, 0.001, 0.0011, 0.5))


@given(mixtures, st.data(), st.sampled_from((LONGEST, 50, 1)), st.booleans(), st.sampled_from(("openai", "groq")))  # fmt: skip
@settings(max_examples=300)
def test_any_mixture_of_chunks_is_read_alike(
    mixture: list[list[Any]], data: st.DataObject, longest: int, keeps: bool, provider: str
) -> None:
    items = [item for row in mixture for item in row]
    waited = data.draw(st.lists(pauses, min_size=len(items), max_size=len(items)))
    compared(items, list(accumulate(waited)), longest, keeps=keeps, provider=provider)


def test_a_text_that_is_too_long_is_cut_at_the_same_place() -> None:
    found = compared([model(choice({"role": "assistant"})), *texts(20)], longest=15)
    assert found["cut"]
    (message,) = found["choices"]
    assert message["parts"] == [{"type": "text", "content": "0 1 2 3 4 5 6 7…[35 more]"}]


def test_what_is_not_kept_counts_as_content_all_the_same() -> None:
    found = compared([model(choice({"role": "assistant"})), *texts(20)], keeps=False)
    assert (found["pieces"], found["pace"]["contents"], found["held"]) == (20, 20, 0)
    assert [message["parts"] for message in found["choices"]] == [[]]


# -- how chunks are handed to either ---------------------------------------------------------------------


def test_what_the_short_way_does_not_take_is_read_one_by_one() -> None:
    asked, read_alone = list[int](), list[Any]()

    def run(draft: Draft, items: Sequence[Any], start: int) -> int:
        asked.append(start)
        draft.texts(list(items[start : start + 2]))
        return 2 if start == 1 else 0

    def chunk(draft: Draft, item: Any) -> None:
        read_alone.append(item)

    draft = Draft("chat")
    draft.endpoint = Endpoint("chat", (), openai_chat.request, openai_chat.response, chunk, run=run)
    read_chunks(draft, Strip([1.0, 2.0, 3.0, 5.0], ["a", "b", "c", "d"]))
    assert (asked, read_alone) == ([0, 1, 3], ["a", "d"])
    assert (draft.pace.chunks, draft.pace.contents, draft.pace.last_content) == (4, 2, 3.0)
    assert draft.pace.gaps.values() == ((1.0, 2), (2.0, 1))


def test_a_short_way_that_fails_leaves_all_to_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARSPAN_STRICT", raising=False)
    counts: collections.Counter[str] = collections.Counter()
    monkeypatch.setattr(fence, "_counts", counts)

    def broken(draft: Draft, items: Sequence[Any], start: int) -> int:
        raise RuntimeError

    items = texts(5)
    draft = read(Strip([1.0] * 5, items), broken, LONGEST, keeps=True, provider="openai")
    assert draft.answers[0]["parts"] == [{"type": "text", "content": "0 1 2 3 4 "}]
    assert counts == {"reader.run": 5}


@pytest.mark.parametrize("stepped", [True, False])
def test_chunks_that_nothing_reads_have_their_times(stepped: bool) -> None:
    draft = Draft("chat")
    draft.endpoint = Endpoint("chat", (), openai_chat.request, openai_chat.response, stepped=stepped)  # fmt: skip
    read_chunks(draft, Strip([1.0, 2.0], texts(2)))
    assert (draft.pieces, draft.pace.chunks, draft.pace.contents) == (0, 0 if stepped else 2, 0)
