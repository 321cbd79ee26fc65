"""Guards around a pipeline: texts and conversations, one and several, at once and as they are iterated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.assess.finding import Finding
from clearspan.assess.guard import Blocked
from tests.assess.guard.kit import Keys, Rude, guard, guarded
from tests.providers.transformers import tiny

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = Callable[..., Any]

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pipeline: Any = pytest.importorskip("transformers.pipelines").pipeline

transformers.logging.set_verbosity_error()
FEW = {"max_new_tokens": 2, "do_sample": False}
FIRM = "I cannot say that."
CHAT = [{"role": "user", "content": "hello world"}]


class Words(Keys):
    """Finds a word that the tiny models know."""

    def find(self, text: str) -> list[Finding]:
        return [Finding("W", *match.span()) for match in re.finditer("hello", text)]


@pytest.fixture
def writer(llama: Any) -> Any:
    return pipeline("text-generation", model=llama, tokenizer=tiny.tokenizer(), device="cpu")


@pytest.fixture(scope="module")
def judge() -> Any:
    model, tokenizer = tiny.bert(), tiny.tokenizer("right")
    return pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")


def words(found: Any) -> list[str]:
    """Every text in a result."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, dict):
        return [text for name, value in found.items() if name != "role" for text in words(value)]
    return [text for item in found for text in words(item)] if isinstance(found, list) else []


@pytest.mark.parametrize("inputs", ["hello world", ["hello world", "one hello"], CHAT, [CHAT, CHAT]])  # fmt: skip
def test_what_goes_in_and_comes_out_is_redacted(capture: Capture, writer: Any, inputs: Any) -> None:
    before = repr(inputs)
    with capture() as seen, guarded(guard(Words(), "output", "redact")) as told:
        out = writer(inputs, return_full_text=True, **FEW)
    assert seen.open_calls == 0
    conversing = "role" in before
    assert (
        "hello" in "".join(words(out))
    ) == conversing  # the conversation's own messages are the program's
    with capture(), guarded(guard(Words(), "input", "redact")) as asked:
        out = writer(inputs, return_full_text=True, **FEW)
    assert "hello" not in "".join(words(out))
    assert asked.actions == ["redact"]
    assert len(told.actions) == len(out)
    assert repr(inputs) == before


@pytest.mark.parametrize("inputs", ["hello world", ["hello world", "one hello"], CHAT, [CHAT, CHAT]])  # fmt: skip
def test_a_canned_reply_has_the_form_of_an_answer(capture: Capture, writer: Any, inputs: Any) -> None:  # fmt: skip
    own = writer(inputs, **FEW)
    with capture(), guarded(guard(Words(), "input", reply=FIRM)):
        out = writer(inputs, **FEW)
    assert _shape(out) == _shape(own)
    assert FIRM in words(out)
    with capture(), guarded(guard(Words(), "input")), pytest.raises(Blocked):
        writer(inputs, **FEW)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(item) for item in value] if isinstance(value, list) else type(value)


def test_guards_that_find_nothing_change_nothing(capture: Capture, writer: Any) -> None:
    for inputs in ("one two", ["one", "two"], [{"role": "user", "content": "one"}]):
        bare = writer(inputs, **FEW)
        with capture(), guarded(guard(Keys(), on_fail="redact"), guard(Rude())):
            assert writer(inputs, **FEW) == bare


def test_lazy_results_are_guarded_one_by_one(capture: Capture, writer: Any) -> None:
    def texts() -> Any:
        yield from ("one", "hello world", "two")

    options = {"return_full_text": True, **FEW}
    bare = [words(one) for one in writer(texts(), **options)]
    with capture() as seen, guarded(guard(Words(), "output", "redact")):
        redacted = [words(one) for one in writer(texts(), **options)]
    assert seen.open_calls == 0
    assert redacted == [[text.replace("hello", "<W>") for text in one] for one in bare]
    got: list[Any] = []
    with capture(), guarded(guard(Words(), "output")), pytest.raises(Blocked):
        got.extend(writer(texts(), **options))
    assert len(got) == 1
    with capture(), guarded(guard(Words(), "output", reply=FIRM)):
        said = [words(one) for one in writer(texts(), **options)]
    assert said == [bare[0], [FIRM], bare[2]]


def test_tasks_that_write_otherwise(capture: Capture, t5: Any, judge: Any) -> None:
    with capture(), guarded(guard(Words(), "input", "redact")) as told:
        assert judge("hello world")[0]["label"]
        assert judge({"text": "hello", "text_pair": "one"})
    assert told.actions == ["redact", "redact"]
    with capture(), guarded(guard(Words(), "input", reply=FIRM)), pytest.raises(Blocked):
        judge("hello world")
    for task, field in (("summarization", "summary_text"), ("translation", "translation_text"), ("text2text-generation", "generated_text")):  # fmt: skip
        if task not in transformers.pipelines.SUPPORTED_TASKS:
            continue
        made = pipeline(task, model=t5, tokenizer=tiny.tokenizer("right"), device="cpu")
        with capture(), guarded(guard(Words(), "input", reply=FIRM)):
            assert made("hello") == [{field: FIRM}]
            assert made(["hello", "one"]) == [{field: FIRM}] * 2


def streamers(tokenizer: Any) -> list[Any]:
    class Kept(transformers.TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            self.kept = [*getattr(self, "kept", []), text]

    return [Kept(tokenizer), transformers.TextIteratorStreamer(tokenizer)]


def test_a_streamer_is_given_what_no_guard_has_seen(capture: Capture, writer: Any) -> None:
    for streamer in streamers(writer.tokenizer):
        opened, shut = guard(Words(), "output"), guard(Words(), "output", fail_open=False)
        with capture(), guarded(shut), pytest.raises(Blocked, match="unseen"):
            writer("one two", streamer=streamer, **FEW)
        assert not getattr(streamer, "kept", [])
        assert getattr(streamer, "text_queue", None) is None or streamer.text_queue.empty()
        with capture(), guarded(opened):
            assert writer("one two", streamer=streamer, **FEW)
        assert opened.counts["unseen"] == 1
        asked = guard(Words(), "input", fail_open=False)
        with capture(), guarded(asked):
            assert writer("one two", streamer=streamer, **FEW)
        shut = guard(Words(), "output", fail_open=False, reply=FIRM)
        with capture(), guarded(shut):
            assert words(writer("one two", streamer=streamer, **FEW)) == [FIRM]


def test_only_the_bad_one_of_several_is_replaced(capture: Capture, writer: Any, t5: Any) -> None:
    options = {"return_full_text": True, **FEW}
    bare = [words(one) for one in writer(["one", "hello world", "two"], **options)]
    with capture(), guarded(guard(Words(), "output", reply=FIRM)) as told:
        out = writer(["one", "hello world", "two"], **options)
    assert [words(one) for one in out] == [bare[0], [FIRM], bare[2]]
    assert told.actions == ["allow", "block", "allow"]
    with capture(), guarded(guard(Words(), "output")), pytest.raises(Blocked):
        writer(["one", "hello world", "two"], **options)
    chats = [[{"role": "user", "content": "one"}], [{"role": "user", "content": "two"}]]
    with capture(), guarded(guard(Always(), "output", reply=FIRM)):
        out = writer(chats, **FEW)
    assert [one[0]["generated_text"] for one in out] == [[*chat, {"role": "assistant", "content": FIRM}] for chat in chats]  # fmt: skip


class Always(Rude):
    """Lets nothing pass."""

    def evaluate(self, call: Any) -> float:
        return 1.0


def test_the_cells_of_a_table_are_looked_at() -> None:
    from clearspan.core.unseen import UNSEEN
    from clearspan.providers.transformers.speech import SPEECH

    table = {"name": ["a"], "city": ["b"]}
    said = ["q", "a", "b", "name", "city"]
    assert [slot.text for slot in SPEECH.asked({"inputs": {"table": table, "query": "q"}})] == said
    assert [slot.text for slot in SPEECH.asked({"table": table, "query": "q"})] == said
    assert [slot.text for slot in SPEECH.asked({"table": object()})] == [UNSEEN]
