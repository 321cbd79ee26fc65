"""Lazy results: recorded as they are iterated, by the very object that the library gave."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import kit, tiny
from tests.providers.transformers.tiny_tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Capture = Callable[..., Any]

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pipeline: Any = pytest.importorskip("transformers.pipelines").pipeline
utils: Any = pytest.importorskip("transformers.pipelines.pt_utils")
KeyDataset, PipelineIterator = utils.KeyDataset, utils.PipelineIterator
Dataset: Any = torch.utils.data.Dataset

transformers.logging.set_verbosity_error()
TEXTS = ["hello world", "one", "one two three", "how are you"]
FEW = {"max_new_tokens": 2, "do_sample": False}
SINGLE = "clearspan.output"


class Texts(Dataset):  # type: ignore[type-arg]  # of texts
    """A dataset that counts how often it is asked."""

    def __init__(self, texts: list[Any]) -> None:
        self.texts = texts
        self.asked = 0

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        return self.texts[index]


@pytest.fixture(scope="module")
def judge() -> Any:
    model, tokenizer = tiny.bert(), tiny.tokenizer("right")
    return pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")


@pytest.fixture
def writer(llama: Any) -> Any:
    return pipeline("text-generation", model=llama, tokenizer=tiny.tokenizer(), device="cpu")


def tokens(judge: Any, texts: list[str]) -> int:
    return sum(len(judge.tokenizer(text).input_ids) for text in texts)


def sources() -> dict[str, Callable[[], Any]]:
    return {
        "generator": lambda: (text for text in TEXTS),
        "dataset": lambda: Texts(TEXTS),
        "keys": lambda: KeyDataset([{"text": text} for text in TEXTS], "text"),
    }


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("kind", sorted(sources()))
def test_a_lazy_result(judge: Any, capture: Capture, kind: str, size: int) -> None:
    source = sources()[kind]
    before = list(judge(source(), batch_size=size))
    with capture() as seen:
        result = judge(source(), batch_size=size)
        assert type(result) is PipelineIterator
        assert seen.open_calls == 1
        after = list(result)
        root = kit.only(seen)
    assert before == after
    assert (root.name, root.status) == ("text_classification tiny", "UNSET")
    assert "clearspan.outcome" not in root.attributes
    assert kit.usage(root) == (tokens(judge, TEXTS), None)
    assert root.attributes["clearspan.response.output_count"] == len(TEXTS)
    assert json.loads(root.attributes[SINGLE]) == after
    assert root.attributes["clearspan.phase.tokenize"] > 0
    assert root.attributes["clearspan.phase.detokenize"] > 0


@pytest.mark.parametrize("size", [1, 2])
def test_what_is_generated_meanwhile_is_below(writer: Any, capture: Capture, size: int) -> None:
    with capture() as seen:
        results = list(writer((text for text in TEXTS), batch_size=size, **FEW))
    *inside, root = seen.spans
    assert len(inside) == len(TEXTS) / size
    assert {span.parent_id for span in inside} == {root.span_id}
    assert kit.usage(root) == (None, None)
    assert sum(kit.usage(span)[0] for span in inside) == tokens(writer, TEXTS)
    assert kit.said(root) == [result[0]["generated_text"] for result in results]


def test_nothing_is_read_ahead(judge: Any, capture: Capture) -> None:
    data = Texts(TEXTS)
    with capture() as seen:
        result = judge(data)
        assert data.asked == 0
        assert len(result) == len(TEXTS)
        iterator = iter(result)
        assert iterator is result
        next(iterator)
        assert data.asked == 1
        assert seen.open_calls == 1
        list(iterator)


def test_random_numbers_stay_the_same(judge: Any, capture: Capture) -> None:
    drawn = []
    for recorded in (capture, None):
        torch.manual_seed(7)
        if recorded is None:
            list(judge(Texts(TEXTS)))
        else:
            with recorded():
                list(judge(Texts(TEXTS)))
        drawn.append(float(torch.rand(1)))
    assert drawn[0] == drawn[1]


def test_a_length_that_nobody_knows(judge: Any, capture: Capture) -> None:
    with capture():
        result = judge(text for text in TEXTS)
        with pytest.raises(TypeError, match="len"):
            len(result)
        list(result)


@pytest.mark.parametrize("taken", [0, 2, 4])
def test_a_second_iteration_is_as_without_us(judge: Any, capture: Capture, taken: int) -> None:
    before = list(judge(Texts(TEXTS)))
    with capture() as seen:
        result = judge(Texts(TEXTS))
        iterator = iter(result)
        for _ in range(taken):
            next(iterator)
        again = list(result)
        third = list(result)
        assert len(result) == len(TEXTS)
        root = kit.only(seen)
    assert before == again == third
    assert root.attributes["clearspan.response.output_count"] == (taken or len(TEXTS))
    assert vars(result)["infer"].__name__ == "postprocess"


def test_an_error_after_which_the_caller_goes_on(judge: Any, capture: Capture) -> None:
    def through(result: Any) -> Iterator[Any]:
        iterator = iter(result)
        while True:
            try:
                yield next(iterator)
            except StopIteration:
                return
            except (AttributeError, TypeError, ValueError) as error:
                yield type(error)

    mixed = ["hello world", 3, "one", "how are you"]
    before = list(through(judge(Texts(mixed))))
    with capture() as seen:
        after = list(through(judge(Texts(mixed))))
        root = kit.only(seen)
    assert before == after
    assert len([item for item in after if isinstance(item, dict)]) == 3
    assert (root.status, root.attributes["error.type"]) == ("ERROR", after[1].__name__)
    assert json.loads(root.attributes[SINGLE]) == after[:1]


@pytest.mark.parametrize("count", [0, 1])
def test_a_result_that_is_dropped(judge: Any, capture: Capture, count: int) -> None:
    with capture() as seen:
        result = judge(Texts(TEXTS))
        iterator = iter(result) if count else None
        for _ in range(count):
            next(result)
        assert seen.open_calls == 1
        del result, iterator
        gc.collect()
        root = kit.only(seen)
    assert (root.status, root.attributes["clearspan.outcome"]) == (
        "UNSET", "closed" if count else "abandoned",
    )  # fmt: skip


def test_the_callers_own_work_is_not_part_of_it(judge: Any, writer: Any, capture: Capture) -> None:
    with capture() as seen:
        for _ in judge(Texts(TEXTS[:2])):
            writer("one", **FEW)
    roots = [span for span in seen.spans if span.parent_id is None]
    assert sorted(span.name for span in roots) == [
        "text_classification tiny", "text_completion tiny", "text_completion tiny",
    ]  # fmt: skip
    (judged,) = (span for span in roots if span.name.startswith("text_cl"))
    assert kit.usage(judged) == (tokens(judge, TEXTS[:2]), None)


def test_a_source_that_asks_another_pipeline(judge: Any, capture: Capture) -> None:
    other = pipeline(
        "text-classification", model=tiny.bert(), tokenizer=tiny.tokenizer("right"), device="cpu"
    )

    def chosen() -> Iterator[str]:
        for text in TEXTS:
            other(text)
            yield text

    with capture() as seen:
        results = list(judge(chosen()))
    (root,) = (span for span in seen.spans if span.parent_id is None)
    assert len(results) == len(TEXTS)
    assert kit.usage(root) == (tokens(judge, TEXTS), None)


def test_two_at_once(judge: Any, capture: Capture) -> None:
    with capture() as seen:
        one, other = judge(Texts(TEXTS[:2])), judge(Texts(TEXTS[2:]))
        pairs = list(zip(one, other, strict=True))
        list(one), list(other)
    assert len(pairs) == 2
    counts = sorted(kit.usage(span)[0] for span in seen.spans)
    assert counts == sorted([tokens(judge, TEXTS[:2]), tokens(judge, TEXTS[2:])])


def test_only_so_many_results_are_kept(judge: Any, capture: Capture) -> None:
    with capture() as seen:
        for _ in judge("one" for _ in range(130)):
            pass
    root = kit.only(seen)
    assert root.attributes["clearspan.response.output_count"] == 130
    assert len(json.loads(root.attributes[SINGLE])) == 100
    assert kit.usage(root) == (130, None)


@pytest.mark.parametrize("name", ["token-classification", "zero-shot-classification"])
def test_a_task_in_chunks(tmp_path: Path, capture: Capture, name: str) -> None:
    task = TASKS[name](tmp_path)
    before = list(task.pipe(Texts(TEXTS), **task.options))
    with capture() as seen:
        after = list(task.pipe(Texts(TEXTS), **task.options))
        root = kit.only(seen)
    assert before == after
    assert root.attributes["clearspan.response.output_count"] == len(TEXTS)
    assert root.attributes["clearspan.phase.tokenize"] > 0


def test_vectors_of_a_lazy_result(tmp_path: Path, capture: Capture) -> None:
    task = TASKS["feature-extraction"](tmp_path)
    with capture() as seen:
        list(task.pipe(text for text in TEXTS))
    root = kit.only(seen)
    assert root.attributes["gen_ai.embeddings.dimension.count"] == 32
    assert SINGLE not in root.attributes


def test_no_conversation_is_read_to_know_one(writer: Any, capture: Capture) -> None:
    chat = [{"role": "user", "content": "hello"}]
    with capture() as seen:
        results = list(writer((item for item in ["hello", "one"]), **FEW))
        (chatted,) = writer([chat], **FEW)
    assert len(results) == 2
    assert kit.said(seen.spans[-1]) == [chatted[0]["generated_text"][-1]["content"]]
