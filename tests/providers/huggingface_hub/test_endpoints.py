"""Every method that runs a model is one of the endpoints, in whatever version is installed."""

from __future__ import annotations

import base64
import gc
import importlib
import inspect
import io
import weakref
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import numpy as np
import pytest

from clearspan.draft import Draft
from clearspan.provider import Call
from clearspan.providers.huggingface_hub.endpoints import ENDPOINTS
from clearspan.testing import Json, captured
from tests.providers.huggingface_hub.kit import asked, made, only, release, said, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from clearspan.testing import ModelServer
    from tests.providers.side import Side

PIL = pytest.importorskip("PIL.Image")
# The asynchronous clients since 1.0 send bytes in a way that their own HTTP library advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
# What runs no model, or is the way that all the others go.
OTHERS = {
    "close", "get_endpoint_info", "get_model_status", "health_check", "list_deployed_models", "post",
}  # fmt: skip
HOMES = (
    ("huggingface_hub.inference._client", "InferenceClient"),
    ("huggingface_hub.inference._generated._async_client", "AsyncInferenceClient"),
)
ENDPOINT_OF = {endpoint.targets[0].rpartition(".")[2]: endpoint for endpoint in ENDPOINTS}


def methods(home: tuple[str, str]) -> dict[str, Any]:
    """The public methods of the installed class."""
    found = vars(getattr(importlib.import_module(home[0]), home[1]))
    return {
        name: value for name, value in found.items() if name[0] != "_" and inspect.isfunction(value)
    }


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home[1])
def test_every_method_that_runs_a_model_is_an_endpoint(home: tuple[str, str]) -> None:
    assert set(methods(home)) - OTHERS - set(ENDPOINT_OF) == set()
    targets = {target for endpoint in ENDPOINTS for target in endpoint.targets}
    assert all(
        f"{home[0]}:{home[1]}.{name}" in targets for name in methods(home) if name not in OTHERS
    )


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home[1])
def test_positional_parameters_are_known_by_their_names(home: tuple[str, str]) -> None:
    for name, method in methods(home).items():
        if name in ENDPOINT_OF:
            given = [
                parameter.name
                for parameter in inspect.signature(method).parameters.values()
                if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            ][1:]
            assert given == list(ENDPOINT_OF[name].positional), name


OLD = huggingface_hub.__version__.startswith("0.")
PICTURE = b"\x89PNG a picture of nothing"
TABLE = {"city": ["Rome", "Oslo"], "people": ["3", "1"]}
IMAGES = {"image": PICTURE}
# A call of each task: its arguments, its operation, and what came of it (`None`: only that it came).
JUDGED: dict[str, tuple[dict[str, Any], Any]] = {
    "sentence_similarity": ({"sentence": "red wine", "other_sentences": ["red wine"]}, [1.0]),
    "text_classification": (
        {"text": "how positive"},
        [{"label": "POSITIVE", "score": 0.8}, {"label": "NEGATIVE", "score": 0.2}],
    ),
    "zero_shot_classification": (
        {"text": "a fine day", "candidate_labels": ["day"]}, [{"label": "day", "score": 1.0}],
    ),
    "question_answering": (
        {"question": "Where?", "context": "Rome is."},
        {"answer": "Rome", "score": 0.7, "start": 0, "end": 4},
    ),
    "document_question_answering": (
        {**IMAGES, "question": "What?"}, [{"answer": "a stand-in", "score": 0.6}],
    ),
    "visual_question_answering": (
        {**IMAGES, "question": "What?"}, [{"answer": "a stand-in", "score": 0.6}],
    ),
    "tabular_classification": ({"table": TABLE}, [0.0, 1.0]),
    "table_question_answering": ({"table": TABLE, "query": "Which?"}, None),
    "fill_mask": ({"text": "Do [MASK]."}, None),
    "token_classification": ({"text": "In Rome"}, None),
    "image_classification": (IMAGES, None),
    "object_detection": (IMAGES, None),
    "zero_shot_image_classification": ({**IMAGES, "candidate_labels": ["cat", "dog"]}, None),
    "audio_classification": ({"audio": b"sound"}, None),
}  # fmt: skip


def ask(server: ModelServer, side: Side, method: str, *args: Any, **given: Any) -> Any:
    """What a method answers, asked of the server's own address for that task."""
    task = method.replace("_", "-")
    client = made(f"{server.origin}/pipeline/{task}", asynchronous=side.asynchronous)
    try:
        return side.do(getattr(client, method)(*args, **given))
    finally:
        side.do(release(client))


@pytest.mark.parametrize("method", JUDGED)
def test_tasks_that_judge(server: ModelServer, side: Side, method: str) -> None:
    given, expected = JUDGED[method]
    if method == "zero_shot_classification" and OLD:
        server.respond(Json({"labels": ["day"], "scores": [1.0]}))
    before = ask(server, side, method, **given)
    with captured() as seen:
        # By position, as far as it goes.
        names = ENDPOINT_OF[method].positional
        named = {name: value for name, value in given.items() if name not in names}
        after = ask(server, side, method, *(given[name] for name in names), **named)
    span = only(seen)
    assert (type(after), after) == (type(before), before)
    assert span.name == span.attributes["gen_ai.operation.name"] == method
    assert span.attributes["clearspan.task"] == method.replace("_", "-")
    assert span.attributes["gen_ai.provider.name"] == "hugging_face"
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (
        "127.0.0.1", server.port,
    )  # fmt: skip
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert "clearspan.huggingface.inference_provider" not in span.attributes
    made_of = told(span, "clearspan.output")
    if expected is not None:
        assert approximately(made_of) == approximately(expected)
    if isinstance(after, list):
        assert span.attributes["clearspan.response.output_count"] == len(after) == len(made_of)
    assert PICTURE.decode("latin-1") not in repr(seen.spans)


def approximately(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: approximately(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [approximately(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


def test_masks_are_not_kept(server: ModelServer, side: Side) -> None:
    with captured() as seen:
        (region,) = ask(server, side, "image_segmentation", PICTURE)
    assert region.mask.size == (1, 1)
    assert told(only(seen), "clearspan.output") == [{"label": "stand-in", "score": 0.8}]


@pytest.mark.parametrize("method", ["text_to_image", "image_to_image"])
def test_pictures(server: ModelServer, side: Side, method: str) -> None:
    given = {"prompt": "a cat", "seed": 7} if method == "text_to_image" else {"prompt": "bluer"}
    source = () if method == "text_to_image" else (PICTURE,)
    with captured() as seen:
        picture = ask(server, side, method, *source, **given)
    span = only(seen)
    assert isinstance(picture, PIL.Image)
    assert span.attributes["gen_ai.operation.name"] == "generate_content"
    assert span.attributes["gen_ai.output.type"] == "image"
    assert span.attributes.get("gen_ai.request.seed") == given.get("seed")
    assert asked(span)[-1] == {"type": "text", "content": given["prompt"]}
    assert "gen_ai.output.messages" not in span.attributes


def test_sound(server: ModelServer, side: Side) -> None:
    with captured() as seen:
        speech = ask(server, side, "text_to_speech", "Hello", max_new_tokens=5, top_k=3)
        sounds = ask(server, side, "audio_to_audio", b"noise")
    assert speech[:4] == sounds[0].blob[:4] == b"RIFF"
    first, second = seen.spans
    assert first.attributes["gen_ai.output.type"] == "speech"
    assert second.attributes["gen_ai.output.type"] == "speech"
    assert first.attributes["gen_ai.request.max_tokens"] == 5
    assert first.attributes["gen_ai.request.top_k"] == 3
    assert second.attributes["clearspan.response.output_count"] == 1
    assert "RIFF" not in repr([seen.spans, seen.events])


@pytest.mark.parametrize("method", ["text_to_video", "image_to_video", "tabular_regression"])
def test_tasks_that_only_some_providers_have(server: ModelServer, side: Side, method: str) -> None:
    if method not in methods(HOMES[0]):
        pytest.skip("this version has no such task")
    with captured() as seen, pytest.raises(ValueError, match="not supported"):
        ask(
            server, side, method, TABLE if method == "tabular_regression" else "x", model=server.url
        )
    assert not server.requests
    assert only(seen).attributes["error.type"] == "ValueError"


def read(method: str, result: Any, **given: Any) -> Draft:
    """What the readers make of a call and of its result."""
    draft, endpoint = Draft(method), ENDPOINT_OF[method]
    endpoint.request(draft, Call(None, (), given))
    endpoint.response(draft, result)
    return draft


def parts(draft: Draft) -> list[Any]:
    """The parts of the one message that went in."""
    (message,) = draft.input_messages
    return list(message.get("parts", ()))


def test_films_and_rows() -> None:
    film = read("text_to_video", b"film", prompt="a walk", seed=3)
    assert (film.params["output_type"], film.params["seed"]) == ("video", 3)
    assert film.finish_reasons == []
    moved = read("image_to_video", b"film", image=PICTURE, prompt="walk")
    assert [part["type"] for part in parts(moved)] == ["blob", "text"]
    rows = read("tabular_regression", [0.5, 1.5], table=TABLE)
    assert (rows.input_value, rows.output_value) == (TABLE, [0.5, 1.5])


@pytest.mark.parametrize(
    ("method", "given", "operation", "answer"),
    [
        ("summarization", "long", "text_completion", "You said: long"),
        ("translation", "salve", "text_completion", "You said: salve"),
        ("image_to_text", PICTURE, "generate_content", "You sent a file."),
        ("automatic_speech_recognition", b"sound", "generate_content", "You sent a file."),
    ],
)
def test_tasks_that_write(
    server: ModelServer, side: Side, method: str, given: Any, operation: str, answer: str
) -> None:
    with captured() as seen:
        ask(server, side, method, given)
    span = only(seen)
    assert span.attributes["gen_ai.operation.name"] == operation
    assert said(span) == [{"type": "text", "content": answer}]
    assert "gen_ai.response.finish_reasons" not in span.attributes
    (part,) = asked(span)
    if isinstance(given, bytes):
        assert (part["type"], base64.b64decode(part["content"])) == ("blob", given)
    else:
        assert part == {"type": "text", "content": given}


def test_parameters_of_generation(server: ModelServer, side: Side) -> None:
    with captured() as seen:
        ask(
            server,
            side,
            "summarization",
            "long",
            generate_parameters={"max_new_tokens": 9, "seed": 1},
        )
    attributes = only(seen).attributes
    assert attributes["gen_ai.request.max_tokens"] == 9
    assert attributes["gen_ai.request.seed"] == 1


@pytest.mark.parametrize(("text", "count"), [("red", 1), (["red", "beer"], 2)])
def test_vectors(server: ModelServer, side: Side, text: Any, count: int) -> None:
    with captured() as seen:
        vectors = ask(server, side, "feature_extraction", text)
    assert isinstance(vectors, np.ndarray)
    assert vectors.shape == (count, 384)
    span = only(seen)
    assert span.attributes["gen_ai.operation.name"] == "embeddings"
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 384
    assert span.attributes["clearspan.request.input_count"] == count
    if not (OLD and side.asynchronous):
        assert span.attributes["gen_ai.usage.input_tokens"] == count
    assert "clearspan.output" not in span.attributes


BLOB = {"type": "blob", "modality": "image", "content": base64.b64encode(PICTURE).decode()}
UPLOAD = {"type": "upload", "modality": "image"}
# What is given, made of a path, and the part that tells of it.
SOURCES: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "name": (str, lambda path: {"type": "uri", "modality": "image", "uri": str(path)}),
    "path": (lambda path: path, lambda path: {"type": "uri", "modality": "image", "uri": str(path)}),
    "data": (lambda path: path.read_bytes(), lambda _: BLOB),
    "array": (lambda path: bytearray(path.read_bytes()), lambda _: {**UPLOAD, "size": len(PICTURE)}),
    "buffer": (lambda path: io.BytesIO(path.read_bytes()), lambda _: UPLOAD),
    "picture": (lambda path: PIL.new("RGB", (1, 1)), lambda _: UPLOAD),
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_media_are_neither_read_nor_taken(server: ModelServer, tmp_path: Path, source: str) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PICTURE)
    make, expected = SOURCES[source]
    client = made(f"{server.origin}/pipeline/image-to-text", asynchronous=False)
    outcomes = []
    for capture in (nullcontext, captured):
        given = make(path)
        with capture() as seen:
            try:
                outcomes.append(client.image_to_text(given))
            except Exception as refused:  # noqa: BLE001 -- versions differ in what they take, and that stays
                outcomes.append((type(refused), str(refused).partition(" at 0x")[0]))
    release(client)
    assert outcomes[0] == outcomes[1]
    assert len({request.body for request in server.requests}) <= 1
    assert asked(only(seen)) == [expected(path)]


def test_a_picture_by_its_address() -> None:
    (part,) = parts(read("image_to_text", None, image="https://example.org/cat.png"))
    assert part == {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"}


def test_a_picture_in_an_address() -> None:
    (part,) = parts(read("image_to_image", None, image="data:image/png;base64,QUJD"))
    assert part == {
        "type": "blob",
        "modality": "image",
        "mime_type": "image/png",
        "content": "QUJD",
    }


def test_a_large_picture_is_told_of_by_its_size() -> None:
    (part,) = parts(read("image_to_text", None, image=b"x" * 2_000_000))
    assert part == {**UPLOAD, "size": 2_000_000}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (PICTURE, {**UPLOAD, "size": len(PICTURE)}),
        ("cat.png", {"type": "uri", "modality": "image", "uri": "cat.png"}),
    ],
)
def test_a_picture_that_is_judged(given: Any, told: Any) -> None:
    draft = read("document_question_answering", [], image=given, question="Who?")
    assert draft.input_value == {"image": told, "question": "Who?"}


def _fetch(stand_in: object) -> type:
    raise AssertionError(f"{type(stand_in).__name__} was asked what it stands for")


Lazy = type("Lazy", (), {"__class__": property(_fetch)})


def test_what_stands_for_something_else_is_not_asked() -> None:
    (part,) = parts(read("image_to_text", None, image=Lazy()))
    assert part == UPLOAD
    judged = read("image_classification", [], image=Lazy())
    assert judged.input_value == UPLOAD


def test_an_open_file_is_the_callers(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PICTURE)
    with path.open("rb") as file:
        (part,) = parts(read("image_to_text", None, image=file))
        assert part == {"type": "upload", "modality": "image", "name": "cat.png"}
        assert file.tell() == 0


def test_what_came_is_not_kept_alive(server: ModelServer, side: Side) -> None:
    with captured() as seen:
        picture = weakref.ref(ask(server, side, "text_to_image", "a cat"))
        assert only(seen).name == "generate_content"
        gc.collect()
        assert picture() is None


def test_content_that_is_off_is_nowhere(server: ModelServer, side: Side) -> None:
    with captured(content="off", content_target="both") as seen:
        ask(server, side, "text_classification", "canary-31c7")
        ask(server, side, "summarization", "canary-31c7")
        ask(server, side, "feature_extraction", "canary-31c7")
    assert len(seen.spans) == 3
    assert "canary-31c7" not in repr([seen.spans, seen.events, seen.metrics, seen.invocations])
