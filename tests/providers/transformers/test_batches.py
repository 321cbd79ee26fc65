"""`generate_batch`: one record for all its prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from clearspan.draft import Draft
from clearspan.providers.transformers.batches import ENDPOINTS
from tests.providers.transformers import tiny
from tests.providers.transformers.kit import REASONS, only, said, usage

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

VERSION = Version(transformers.__version__)
MODERN = pytest.mark.skipif(
    Version("5") > VERSION, reason="this version's generate_batch wants an accelerator"
)
PROMPTS = [[11, 12, 13], [21, 22]]


def small() -> dict[str, Any]:
    """A cache of few pages: by itself it takes most of the memory that there is."""
    kind = getattr(transformers, "ContinuousBatchingConfig", None)
    if kind is None:
        return {}
    return {"continuous_batching_config": kind(num_blocks=64, max_batch_tokens=64)}


@MODERN
def test_all_requests_are_one_call(capture: Callable[..., Any], tokenizer: Any) -> None:
    model = tiny.llama()
    texts = ["hello world how", "one"]
    prompts = tokenizer(texts)["input_ids"]
    before = model.generate_batch(prompts, max_new_tokens=4, **small())
    with capture() as seen:
        after = model.generate_batch(tokenizer(texts)["input_ids"], max_new_tokens=4, **small())
    assert [item.generated_tokens for item in after.values()] == [
        item.generated_tokens for item in before.values()
    ]
    span = only(seen)
    made = [item.generated_tokens for item in after.values()]
    assert (span.name, span.kind) == ("text_completion tiny", "INTERNAL")
    assert usage(span) == (sum(map(len, prompts)), sum(map(len, made)))
    assert span.attributes["clearspan.request.input_count"] == 2
    assert span.attributes[REASONS] == ("length", "length")
    assert said(span, "input") == texts
    assert said(span) == [tokenizer.decode(tokens, skip_special_tokens=True) for tokens in made]
    assert seen.invocations[0].timing.first_content is None


@MODERN
def test_times_where_they_were_asked_for(capture: Callable[..., Any]) -> None:
    with capture() as seen:
        tiny.llama().generate_batch(PROMPTS, max_new_tokens=4, record_timestamps=True, **small())
    only(seen)
    timing = seen.invocations[0].timing
    assert 0 < timing.first_content < timing.duration
    assert timing.gaps.count == 7


@MODERN
def test_no_prompts_at_all(capture: Callable[..., Any]) -> None:
    with capture() as seen:
        assert tiny.llama().generate_batch([]) == {}
    assert only(seen).status == "UNSET"


@pytest.mark.skipif(
    not Version("4.53") <= VERSION < Version("5"), reason="of versions that lose what fails"
)
def test_requests_that_never_came_back(capture: Callable[..., Any]) -> None:
    """Without an accelerator these versions log an error, and answer with nothing."""
    with capture() as seen:
        assert tiny.llama().generate_batch(PROMPTS, max_new_tokens=4, progress_bar=False) == {}
    span = only(seen)
    assert span.status == "ERROR"
    assert span.attributes["clearspan.response.failed_count"] == 2


def test_a_request_that_failed() -> None:
    (endpoint,) = ENDPOINTS
    draft = Draft("text_completion", kind="internal")
    draft.transport = {
        "prompts": PROMPTS,
        "found": {"num_return_sequences": None, "eos_token_id": 2},
        "recent": (),
    }
    endpoint.response(
        draft,
        {
            "a": {"generated_tokens": [5, 2], "error": None},
            "b": {"generated_tokens": [], "error": "out of blocks"},
        },
    )
    assert draft.extras["clearspan.response.failed_count"] == 1
    assert [draft.choice(index).finish for index in (0, 1)] == ["stop", "error"]
    assert draft.error is None


def logprobs_asked_for() -> dict[str, Any]:
    kind = getattr(transformers, "ContinuousBatchingConfig", None)
    if kind is None or not hasattr(kind(), "return_logprobs"):
        pytest.skip("this version works out no log probabilities")
    config = kind(num_blocks=64, max_batch_tokens=64, return_logprobs=True)
    return {"continuous_batching_config": config}


@MODERN
def test_log_probabilities_where_they_were_asked_for(capture: Callable[..., Any]) -> None:
    model, given = tiny.llama(), logprobs_asked_for()
    with capture() as seen:
        result = model.generate_batch(PROMPTS, max_new_tokens=4, do_sample=False, **given)
    found = [value for output in result.values() for value in output.logprobs]
    attributes = only(seen).attributes
    assert attributes["clearspan.confidence.tokens"] == len(found) == 8
    assert attributes["clearspan.confidence.logprob.mean"] == pytest.approx(sum(found) / len(found))
    assert "clearspan.confidence.exact" not in attributes  # they may be of a changed distribution


def test_log_probabilities_of_other_tokens_are_not_used() -> None:
    (endpoint,) = ENDPOINTS
    for logprobs, counted in (([-0.5, -1.5], 2), ([-0.5], None), (None, None)):
        draft = Draft("text_completion", kind="internal")
        draft.transport = {
            "prompts": [[11]],
            "found": {"num_return_sequences": None, "eos_token_id": 2},
            "recent": (),
        }
        endpoint.response(draft, {"a": {"generated_tokens": [5, 2], "logprobs": logprobs}})
        assert (draft.confidence and draft.confidence.tokens) == counted
