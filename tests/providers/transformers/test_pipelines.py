"""Every task of the installed version, in one correct tree, with exact counts, harming nothing."""

from __future__ import annotations

import copy
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import kit, tiny, tiny_media, tiny_parts, tiny_tasks
from tests.providers.transformers.tiny_parts import LABELS
from tests.providers.transformers.tiny_tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Capture = Callable[..., Any]

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pipelines: Any = pytest.importorskip("transformers.pipelines")
SUPPORTED_TASKS, pipeline = pipelines.SUPPORTED_TASKS, pipelines.pipeline

transformers.logging.set_verbosity_error()
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
CHAT = [{"role": "system", "content": "one"}, {"role": "user", "content": "hello world"}]
FEW = {"max_new_tokens": 3, "do_sample": False}


@pytest.fixture
def generator(llama: Any) -> Any:
    return pipeline("text-generation", model=llama, tokenizer=tiny.tokenizer(), device="cpu")


@pytest.fixture(scope="module")
def judge() -> Any:
    model, tokenizer = tiny.bert(), tiny.tokenizer("right")
    return pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")


def alike(one: Any, other: Any) -> bool:
    """Whether two results are the same, whatever they are made of."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if hasattr(one, "tobytes"):
        return bool(one.tobytes() == other.tobytes())
    if isinstance(one, torch.Tensor):
        return bool(torch.equal(one, other))
    return repr(one) == repr(other)  # a score may be no number, which equals nothing


class Counted:
    """What a model is really given, seen by hooks of its own."""

    def __init__(self, model: Any) -> None:
        self.tokens: int | None = None
        self.made: list[int] = []
        self._hook = model.register_forward_pre_hook(self._forward, with_kwargs=True)
        self._model = model
        self._generating = False
        if callable(getattr(type(model), "generate", None)):
            model.generate = self._generate

    def _forward(self, model: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if not self._generating:
            self._add(kwargs.get("input_ids"), kwargs.get("attention_mask"))

    def _generate(self, *args: Any, **kwargs: Any) -> Any:
        ids = kwargs.get("input_ids")
        self._add(ids, kwargs.get("attention_mask"))
        self._generating = True
        result = type(self._model).generate(self._model, *args, **kwargs)
        self._generating = False
        config = self._model.generation_config
        prompt = 1 if self._model.config.is_encoder_decoder or ids is None else ids.shape[1]
        self.made += kit.made(result, prompt, {config.eos_token_id})
        return result

    def _add(self, ids: Any, mask: Any) -> None:
        if ids is not None:
            given = ids.numel() if mask is None else int(mask.sum())
            self.tokens = (self.tokens or 0) + given

    def stop(self) -> None:
        self._hook.remove()
        vars(self._model).pop("generate", None)


@pytest.mark.parametrize("name", sorted(SUPPORTED_TASKS))
def test_every_task(name: str, tmp_path: Path, capture: Capture) -> None:
    assert name in TASKS, f"the task {name!r} is new: make a tiny model for it in tiny_tasks.py"
    if absent := tiny_tasks.missing(name):
        pytest.skip(f"{', '.join(absent)} is not installed")
    task = TASKS[name](tmp_path)
    torch.manual_seed(1)
    before = task.pipe(copy.copy(task.inputs), **task.options)
    counted = Counted(task.pipe.model)
    torch.manual_seed(1)
    with capture() as seen:
        after = task.pipe(copy.copy(task.inputs), **task.options)
    counted.stop()
    assert alike(before, after)
    assert seen.open_calls == 0
    *inside, root = seen.spans
    assert (root.name, root.kind, root.parent_id) == (f"{task.operation} tiny", "INTERNAL", None)
    assert root.attributes["gen_ai.operation.name"] == task.operation
    assert root.attributes["clearspan.task"] == task.pipe.task
    assert root.attributes["gen_ai.provider.name"] == "hugging_face"
    assert root.attributes["clearspan.model.device"] == "cpu"
    assert root.attributes["clearspan.phase.tokenize"] > 0
    assert root.attributes["clearspan.phase.detokenize"] > 0
    assert "gen_ai.response.finish_reasons" not in root.attributes
    assert len(inside) == task.generates
    for span in inside:
        assert span.parent_id == root.span_id
        assert kit.usage(span) == (counted.tokens, sum(counted.made))
    assert kit.usage(root) == (None if task.generates else counted.tokens, None)
    assert ("clearspan.usage.source" in root.attributes) is (kit.usage(root)[0] is not None)


def test_every_task_known_here_is_one_of_some_version() -> None:
    assert set(tiny_tasks.NEEDS) <= set(TASKS)


# -- conversations and texts -----------------------------------------------------------------


def test_a_conversation(generator: Any, capture: Capture) -> None:
    chat = copy.deepcopy(CHAT)
    before = generator(chat, **FEW)
    with capture() as seen:
        after = generator(chat, **FEW)
        chat.append({"role": "user", "content": "later"})
    inside, root = seen.spans
    assert alike(before, after)
    assert (inside.name, root.name) == ("chat tiny", "chat tiny")
    assert kit.said(root, "input") == ["one", "hello world"]
    assert kit.said(root) == [after[0]["generated_text"][-1]["content"]]
    assert root.attributes["gen_ai.request.max_tokens"] == 3


def test_several_conversations(generator: Any, capture: Capture) -> None:
    with capture() as seen:
        results = generator([CHAT, CHAT], **FEW)
    root = seen.spans[-1]
    assert root.name == "chat tiny"
    assert kit.said(root) == [result[0]["generated_text"][-1]["content"] for result in results]
    assert root.attributes["clearspan.request.input_count"] == 2


@pytest.mark.parametrize("full", [True, False])
def test_text_as_it_was_returned(generator: Any, capture: Capture, full: bool) -> None:
    with capture() as seen:
        results = generator("hello world", return_full_text=full, **FEW)
    assert kit.said(seen.spans[-1]) == [results[0]["generated_text"]]


def test_several_sequences(generator: Any, capture: Capture) -> None:
    with capture() as seen:
        results = generator("hello world", max_new_tokens=3, do_sample=True, num_return_sequences=2)
    inside, root = seen.spans
    assert kit.said(root) == [result["generated_text"] for result in results]
    assert root.attributes["gen_ai.request.choice.count"] == 2
    assert (kit.usage(root), kit.usage(inside)[0]) == ((None, None), 2)


def test_tokens_instead_of_text(generator: Any, capture: Capture) -> None:
    with capture() as seen:
        results = generator("hello world", return_tensors=True, **FEW)
    root = seen.spans[-1]
    assert json.loads(root.attributes["clearspan.output"]) == results
    assert "gen_ai.output.messages" not in root.attributes


def test_a_picture_in_a_conversation(tmp_path: Path, capture: Capture) -> None:
    if "image-text-to-text" not in SUPPORTED_TASKS:
        pytest.skip("this version has no such task")
    task = TASKS["image-text-to-text"](tmp_path)
    task.pipe.processor.chat_template = (
        "{% for part in messages[0]['content'] %}"
        "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    )
    parts = [{"type": "image", "image": task.inputs["images"]}, {"type": "text", "text": "one"}]
    with capture() as seen:
        results = task.pipe(text=[{"role": "user", "content": parts}], **task.options)
    inside, root = seen.spans
    assert (root.name, inside.parent_id) == ("chat tiny", root.span_id)
    (message,) = json.loads(root.attributes["gen_ai.input.messages"])
    assert message["parts"] == [
        {"type": "image", "image": "<Image 40x40 RGB>"}, {"type": "text", "content": "one"},
    ]  # fmt: skip
    assert kit.said(root) == [results[0]["generated_text"][-1]["content"]]


def test_speech_that_is_heard_by_generating(capture: Capture) -> None:
    if not hasattr(transformers, "MoonshineConfig"):
        pytest.skip("this version has no model that small")
    pipe = tiny_media.generating_listener()
    with capture() as seen:
        result = pipe(tiny_parts.sound(), generate_kwargs={"max_new_tokens": 3})
    inside, root = seen.spans
    assert (root.name, inside.parent_id) == ("generate_content tiny", root.span_id)
    assert kit.said(root) == [result["text"]]
    assert kit.usage(root) == (None, None)


# -- several inputs ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3])
def test_padding_is_not_counted(judge: Any, capture: Capture, size: int) -> None:
    before = judge(LABELS, batch_size=size)
    with capture() as seen:
        after = judge(LABELS, batch_size=size)
    root = kit.only(seen)
    assert alike(before, after)
    assert kit.usage(root) == (sum(len(judge.tokenizer(text).input_ids) for text in LABELS), None)
    assert root.attributes["clearspan.request.input_count"] == 3
    assert json.loads(root.attributes["clearspan.input"]) == LABELS
    assert json.loads(root.attributes["clearspan.output"]) == after


@pytest.mark.parametrize("size", [1, 2])
def test_labels_are_counted_as_often_as_they_are_given(
    tmp_path: Path, capture: Capture, size: int
) -> None:
    task = TASKS["zero-shot-image-classification"](tmp_path)
    counted = Counted(task.pipe.model)
    with capture() as seen:
        task.pipe([task.inputs] * 4, batch_size=size, **task.options)
    counted.stop()
    assert kit.usage(kit.only(seen)) == (counted.tokens, None)


def test_pairs_in_batches(tmp_path: Path, capture: Capture) -> None:
    task = TASKS["zero-shot-classification"](tmp_path)
    counted = Counted(task.pipe.model)
    with capture() as seen:
        task.pipe(["hello world", "one two"], batch_size=4, **task.options)
    counted.stop()
    assert kit.usage(kit.only(seen)) == (counted.tokens, None)


def test_long_inputs_and_outputs_are_bounded(judge: Any, capture: Capture) -> None:
    with capture() as seen:
        results = judge(["one"] * 130)
    root = kit.only(seen)
    assert len(results) == 130
    assert json.loads(root.attributes["clearspan.output"])[-1] == "... 30 more"
    assert json.loads(root.attributes["clearspan.input"])[-1] == "... 30 more"
    assert root.attributes["clearspan.request.input_count"] == 130


def test_vectors_are_never_kept(tmp_path: Path, capture: Capture) -> None:
    task = TASKS["feature-extraction"](tmp_path)
    for options in ({}, {"return_tensors": True}):
        with capture() as seen:
            task.pipe(["hello world", "one"], **options)
        root = kit.only(seen)
        assert root.attributes["gen_ai.embeddings.dimension.count"] == 32
        assert "clearspan.output" not in root.attributes
        assert json.loads(root.attributes["clearspan.input"]) == ["hello world", "one"]


# -- what is never done to the host ------------------------------------------------------------


def test_an_error_passes_unchanged(generator: Any, capture: Capture) -> None:
    raised = []
    for recorded in (False, True):
        with capture() as seen, pytest.raises(ValueError, match="no_such_thing") as caught:
            with _silence(recorded):
                generator("hello", no_such_thing=1)
        raised.append(caught.value)
    assert str(raised[0]) == str(raised[1])
    root = seen.spans[-1]
    assert (root.status, root.attributes["error.type"]) == ("ERROR", "ValueError")
    assert kit.said(root, "input") == ["hello"]
    assert seen.open_calls == 0


def _silence(recorded: bool) -> Any:
    from contextlib import nullcontext

    import clearspan

    return nullcontext() if recorded else clearspan.suppressed()


def test_content_that_is_off_is_nowhere(generator: Any, judge: Any, capture: Capture) -> None:
    with capture(content="off", content_target="both") as seen:
        result = generator("hello canary", **FEW)
        judge(["hello canary", "one"])
        list(generator((text for text in ["hello canary"]), **FEW))
    found = repr([seen.spans, seen.events, seen.metrics, seen.invocations])
    assert "canary" in result[0]["generated_text"]
    assert len(seen.spans) == 5
    assert "canary" not in found
    assert kit.usage(seen.spans[2])[0] is not None


def test_numbers_are_there_without_a_sample(judge: Any, capture: Capture) -> None:
    with capture(sample_rate=0.0) as seen:
        judge("hello world")
        list(judge(text for text in ["hello world", "one"]))
    assert not seen.spans
    points = [point for point in seen.invocations if point.usage.input is not None]
    assert [point.usage.input for point in points] == [2, 3]


def test_threads_are_kept_apart(judge: Any, capture: Capture) -> None:
    texts = [" ".join(["one"] * number) for number in range(1, 7)]

    def ask(text: str) -> None:
        for _ in range(3):
            judge(text)

    with capture() as seen:
        threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spans = seen.spans
    assert len({span.trace_id for span in spans}) == len(spans) == 18
    for span in spans:
        text = span.attributes["clearspan.input"]
        assert kit.usage(span) == (len(judge.tokenizer(text).input_ids), None)


def test_what_is_no_text_is_only_described(tmp_path: Path, capture: Capture) -> None:
    task = TASKS["automatic-speech-recognition"](tmp_path)
    with capture() as seen:
        task.pipe({"raw": tiny_parts.sound(), "sampling_rate": 16_000})
    (message,) = json.loads(kit.only(seen).attributes["gen_ai.input.messages"])
    assert message["parts"][0] == {"type": "audio", "content": "<ndarray 4000 float32>"}


def test_methods_get_back_what_they_were(judge: Any, capture: Capture) -> None:
    owners = (type(judge), type(judge).__mro__[1])

    def found() -> Iterator[Any]:
        for owner in owners:
            for name in ("__call__", "preprocess", "postprocess", "forward"):
                yield vars(owner).get(name)

    before = list(found())
    with capture():
        during = list(found())
    assert all(one is other for one, other in zip(before, found(), strict=True))
    assert any(one is not other for one, other in zip(before, during, strict=True))
