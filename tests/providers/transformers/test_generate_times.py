"""When the tokens came: from a listener that changes nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.draft import Draft
from clearspan.providers.transformers import stamps
from tests.providers.transformers import tiny
from tests.providers.transformers.kit import only

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

PROMPT = torch.tensor([[11, 12, 13, 14]])
NEVER = 10_000
GIVEN: dict[str, Any] = {"max_new_tokens": 4, "eos_token_id": NEVER, "do_sample": False}


def record(seen: Any) -> Any:
    only(seen)
    (found,) = seen.invocations
    return found


def delayed(model: Any, seconds: float, *, first: bool) -> Any:
    """Make the first step, or one further step, of a model slow; answers what undoes it."""
    steps = iter(range(1000))

    def wait(*_: Any) -> None:
        if next(steps) == (0 if first else 2):
            time.sleep(seconds)

    return model.register_forward_pre_hook(wait)


@pytest.mark.parametrize("how", ["plain", "beams", "assisted", "encoder"])
def test_times_lie_within_the_call(capture: Callable[..., Any], how: str) -> None:
    model = tiny.t5() if how == "encoder" else tiny.llama()
    more = {"beams": {"num_beams": 3}, "assisted": {"assistant_model": tiny.llama(seed=2)}}
    with capture() as seen:
        model.generate(PROMPT, **(GIVEN | more.get(how, {})))
    timing = record(seen).timing
    assert 0 < timing.first_content <= timing.duration
    assert timing.gaps.count == 3
    assert (
        timing.first_content + sum(pause * many for pause, many in timing.gaps.values)
        <= timing.duration
    )
    assert timing.phases["prefill"] + timing.phases["decode"] <= timing.duration
    assert timing.phases["prefill"] == timing.first_content
    assert timing.decode_rate == pytest.approx(3 / timing.phases["decode"])


def test_a_slow_prefill_is_told_from_slow_decoding(capture: Callable[..., Any]) -> None:
    found = []
    for first in (True, False):
        model = tiny.llama()
        model.generate(PROMPT, **GIVEN)
        handle = delayed(model, 1.5, first=first)
        with capture() as seen:
            model.generate(PROMPT, **GIVEN)
        handle.remove()
        found.append(record(seen).timing)
    prefill, decoding = found
    assert prefill.first_content >= 1.5 > decoding.first_content
    assert decoding.phases["decode"] >= 1.5 > prefill.phases["decode"]
    assert decoding.gaps.longest >= 1.5


def test_the_rows_of_a_batch_share_their_steps(capture: Callable[..., Any], llama: Any) -> None:
    batch = torch.cat([PROMPT, PROMPT + 1])
    with capture() as seen:
        llama.generate(batch, attention_mask=torch.ones_like(batch), **GIVEN)
    timing = record(seen).timing
    assert timing.gaps.count == 3
    assert timing.decode_rate == pytest.approx(6 / timing.phases["decode"])


def test_the_list_that_was_given_stays_as_it_was(capture: Callable[..., Any], llama: Any) -> None:
    given = transformers.LogitsProcessorList([transformers.MinLengthLogitsProcessor(20, 11)])
    held = list(given)
    with capture() as seen:
        llama.generate(PROMPT, logits_processor=given, **GIVEN)
        llama.generate(PROMPT, None, given, **GIVEN)
    named, positional = (item.timing for item in seen.invocations)
    assert list(given) == held
    assert named.first_content is not None
    assert positional.first_content is None  # what is given by its place stays as it is


def test_without_a_listener_tokens_are_counted_all_the_same(
    capture: Callable[..., Any], llama: Any
) -> None:
    empty = transformers.LogitsProcessorList()
    with capture() as seen:
        llama.generate(PROMPT, None, empty, **GIVEN)
    assert (record(seen).usage.input, record(seen).usage.output) == (4, 4)


def test_groups_of_beams_are_one_step_each() -> None:
    heard = stamps.Steps()
    scores = torch.zeros(2, 5)
    for width in (4, 4, 5, 5):
        assert heard(torch.zeros(2, width), scores) is scores
    assert len(heard.times) == 2
    assert heard.first.shape == (2, 4)
    assert not heard.again
    heard(torch.zeros(2, 3), scores)
    assert heard.again


def test_on_another_device_a_step_bounds_the_token_before() -> None:
    heard = stamps.Steps()
    for width in (4, 5, 6):
        heard(torch.zeros(1, width), torch.zeros(1, 5, device="meta"))
    assert heard.tokens(4, 9.0) == [heard.times[1], heard.times[2], 9.0]


def test_tokens_of_a_round_come_together() -> None:
    heard = stamps.Rounds()
    for width in (6, 7, 10):
        assert heard(torch.zeros(1, width), None) is False
    ats = [at for at, _ in heard.rounds]
    assert heard.tokens(4, 9.0) == [ats[0], ats[0], ats[1], ats[2], ats[2], ats[2]]


def test_nothing_heard_tells_nothing() -> None:
    draft = Draft("chat")
    stamps.tell(draft, stamps.Steps(), None, None)
    assert (draft.pace.chunks, draft.pace.phases) == (0, {})
