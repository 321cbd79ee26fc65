"""The readers of the client's own endpoints, over values that no server would send twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clearspan.draft import Draft
from clearspan.providers.openai import assistants, audio, images, others
from clearspan.providers.openai.raw import body
from clearspan.providers.openai.streams import follow
from clearspan.record import Outcome
from tests.formats.kit import answered, called, parts, record, streamed

ODD: tuple[Any, ...] = (
    "text",
    None,
    7,
    {},
    [],
    {"data": None, "results": 7, "answers": "x", "usage": "much"},
)


def given(reader: Any, *args: Any, **arguments: Any) -> Any:
    return record(called(reader, *args, **arguments))


# -- pictures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ([b"12", b"3"], [{"size": 2}, {"size": 1}]),
        (("a.png", b"12"), [{"name": "a.png", "size": 2}]),
        (b"", [{"size": 0}]),
        ([], []),
        (None, []),
        (type("NotGiven", (), {"__bool__": lambda self: False})(), []),
    ],
)
def test_uploaded_pictures(image: Any, expected: list[Any]) -> None:
    found = given(images.request, image=image)
    assert found.extras.get("clearspan.request.input_count") == (len(expected) or None)
    said = [part for message in found.input for part in message["parts"]]
    assert said == [{"type": "upload", "modality": "image", **part} for part in expected]


def test_a_list_of_uploads_is_not_looked_through_when_it_is_something_else() -> None:
    class Pictures:
        def __len__(self) -> int:
            raise AssertionError("counted")

    assert given(images.request, image=Pictures()).extras["clearspan.request.input_count"] == 1


def test_pictures_without_data_are_counted_only() -> None:
    found = record(answered(images.response, {"data": [{"revised_prompt": "a cat"}, None]}))
    assert (found.output, found.extras["clearspan.response.output_count"]) == ((), 2)


def test_streamed_pictures() -> None:
    draft = Draft("generate_content")
    images.chunk(draft, {"type": "image_edit.partial_image", "b64_json": "AAAA"})
    assert draft.pieces == 1
    found = record(
        streamed(
            images.chunk,
            [
                {"type": "image_edit.partial_image", "b64_json": "AAAA"},
                {"type": "image_edit.completed", "b64_json": "iVBO", "output_format": "png"},
                {"type": "from.the.future"},
                "text",
            ],
        )
    )
    assert parts(found) == [
        {"type": "blob", "modality": "image", "content": "iVBO", "mime_type": "image/png"}
    ]
    assert found.finish_reasons == ()
    assert "finish_reason" not in found.output[0]
    failed = record(
        streamed(images.chunk, [{"type": "error", "error": {"code": "moderation_blocked"}}])
    )
    assert failed.error is not None
    assert (failed.outcome, failed.error.type) == (Outcome.FAILED, "moderation_blocked")


# -- sound -----------------------------------------------------------------------------------


def test_requests_for_transcriptions_that_say_little() -> None:
    assert given(audio.transcription_request).input == ()
    found = given(audio.transcription_request, prompt="Names", temperature=0.5)
    assert found.input[0]["parts"] == [{"type": "text", "content": "Names"}]
    assert found.params["temperature"] == 0.5


def test_streamed_transcriptions() -> None:
    events = [
        {"type": "transcript.text.delta", "delta": "Hel"},
        {"type": "transcript.text.segment", "text": "Hel"},
        {"type": "transcript.text.done", "usage": {"type": "duration", "seconds": 2.5}},
        "text",
    ]
    found = record(streamed(audio.transcription_chunk, events))
    assert parts(found) == [{"type": "text", "content": "Hel"}]
    assert found.extras["clearspan.usage.audio_seconds"] == 2.5
    failed = record(
        streamed(audio.transcription_chunk, [{"type": "error", "error": {"code": "bad_audio"}}])
    )
    assert failed.error is not None
    assert failed.error.type == "bad_audio"


def test_instructions_of_speech() -> None:
    found = given(audio.speech_request, input="Hello.", instructions="Slowly.")
    assert list(found.system) == [{"type": "text", "content": "Slowly."}]


# -- judging, deciding, batches ------------------------------------------------------------------


@pytest.mark.parametrize("source", ODD)
@pytest.mark.parametrize(
    "reader",
    [
        images.response, images.chunk, audio.transcription_chunk, audio.speech_response, audio.speech_chunk,
        others.moderation_response, others.decision_response, others.batch_response, assistants.response, assistants.chunk,
    ],
)  # fmt: skip
def test_broken_answers_are_no_fault(reader: Any, source: Any) -> None:
    found = record(answered(reader, source))
    assert (found.outcome, found.output) == (Outcome.COMPLETED, ())


@pytest.mark.parametrize("source", [None, "", [], 7])
def test_nothing_to_judge_or_decide(source: Any) -> None:
    assert given(others.moderation_request, input=source).input == ()
    assert given(others.decision_request, input=source, questions=source).input == ()


def test_pictures_to_judge() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    found = given(others.moderation_request, input=[{"type": "text", "text": "this"}, picture])
    assert [part["type"] for part in found.input[0]["parts"]] == ["text", "uri"]


# -- agents ----------------------------------------------------------------------------------


def run(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "run_1",
        "thread_id": "thread_1",
        "assistant_id": "asst_1",
        "status": status,
        **more,
    }


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        (run("completed"), ("stop",)),
        (run("requires_action"), ("tool_calls",)),
        (run("incomplete", incomplete_details={"reason": "max_completion_tokens"}), ("length",)),
        (
            run("incomplete", incomplete_details={"reason": "max_prompt_tokens"}),
            ("max_prompt_tokens",),
        ),
        (run("incomplete"), ("error",)),
        (run("cancelled"), ("error",)),
        (run("expired"), ("error",)),
        (run("queued"), ()),
        (run("in_progress"), ()),
    ],
)
def test_how_a_run_ended(source: Any, reasons: tuple[str, ...]) -> None:
    found = record(answered(assistants.response, source), operation="invoke_agent")
    assert found.finish_reasons == reasons
    assert found.outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "Later."}, "rate_limit_exceeded"),
        (None, "_OTHER"),
    ],
)
def test_a_run_that_failed(error: Any, kind: str) -> None:
    found = record(answered(assistants.response, run("failed", last_error=error)))
    assert found.error is not None
    assert (found.outcome, found.error.type, found.finish_reasons) == (
        Outcome.FAILED,
        kind,
        ("error",),
    )


@pytest.mark.parametrize(
    ("args", "arguments", "thread"),
    [
        (("thread_1",), {}, "thread_1"),
        ((), {"thread_id": "thread_2"}, "thread_2"),
        (("run_1",), {"thread_id": "thread_2"}, "thread_2"),
        (("run_1",), {}, None),
        ((), {}, None),
    ],
)
def test_which_thread_a_run_is_of(args: Any, arguments: Any, thread: str | None) -> None:
    assert given(assistants.request, *args, **arguments).params.get("conversation_id") == thread


def test_what_a_run_is_told() -> None:
    found = given(
        assistants.request,
        assistant_id="asst_1",
        instructions="Be brief.",
        additional_instructions="Be kind.",
        additional_messages=[{"role": "user", "content": "hi"}],
        tools=[{"type": "file_search"}],
        response_format={"type": "json_object"},
    )
    assert [part["content"] for part in found.system] == ["Be brief.", "Be kind."]
    assert found.input[0]["parts"] == [{"type": "text", "content": "hi"}]
    assert list(found.tools) == [{"type": "file_search", "name": "file_search"}]
    assert found.params["output_type"] == "json"
    assert found.extras["gen_ai.agent.id"] == "asst_1"


def test_events_of_a_run() -> None:
    events = [
        {"event": "thread.created", "data": {"id": "thread_9"}},
        {"event": "thread.run.created", "data": {"id": "run_1", "status": "queued"}},
        {"event": "thread.run.step.created", "data": {"id": "step_1", "status": "failed"}},
        {"event": "thread.message.delta", "data": {"id": "msg_1", "delta": {"content": [
            {"index": 0, "type": "text", "text": {"value": "In "}},
            {"index": 1, "type": "image_file", "image_file": {"file_id": "file-1"}},
        ]}}},
        {"event": "thread.message.delta", "data": {"id": "msg_1", "delta": {"content": [
            {"index": 0, "type": "text", "text": {"value": "Italy."}},
        ]}}},
        {"event": "thread.run.completed", "data": run("completed", usage={"prompt_tokens": 3})},
        {"event": "done", "data": "[DONE]"},
    ]  # fmt: skip
    found = record(streamed(assistants.chunk, events), operation="invoke_agent")
    assert parts(found) == [
        {"type": "text", "content": "In Italy."},
        {"type": "file", "modality": "image", "file_id": "file-1"},
    ]
    assert (found.finish_reasons, found.usage.input) == (("stop",), 3)
    assert found.params["conversation_id"] == "thread_1"
    failed = record(
        streamed(assistants.chunk, [{"event": "error", "data": {"code": "x", "message": "No."}}])
    )
    assert failed.error is not None
    assert failed.error.type == "x"


# -- results that are not there yet ---------------------------------------------------------------


class Deaf:
    """A tap that must not be used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


class Slotted:
    __slots__ = ()


@pytest.mark.parametrize(
    "result", [None, "text", 7, {}, Slotted(), SimpleNamespace(), SimpleNamespace(response=1)]
)
def test_results_that_are_the_answer(result: Any) -> None:
    tap: Any = Deaf()
    assert follow(result, tap) is False
    assert body(result) is result


def test_a_raw_answer_that_was_not_read_says_nothing() -> None:
    assert body(SimpleNamespace(http_response=SimpleNamespace(headers={}))) is None


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/json; charset=utf-8", b"broken", b"broken"),
        ("text/plain", b"7", "7"),
        ("text/plain", b"\xff", "\ufffd"),
        (None, b"", ""),
    ],
)
def test_a_raw_answer_that_was_read(kind: str | None, content: bytes, expected: Any) -> None:
    response = SimpleNamespace(headers={"content-type": kind}, _content=content)
    assert body(SimpleNamespace(http_response=response)) == expected
