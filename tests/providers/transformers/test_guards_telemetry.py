"""What a guard keeps from the program is in no telemetry either: pipelines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.assess.finding import Finding
from tests.assess.guard.kit import Keys, guard, passing, telemetry
from tests.providers.transformers import tiny

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = Callable[..., Any]

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pipeline: Any = pytest.importorskip("transformers.pipelines").pipeline

transformers.logging.set_verbosity_error()
FEW = {"max_new_tokens": 24, "do_sample": False}
CHAT = [{"role": "user", "content": "hello world"}]
ASKED = "hello world one two"
ACTIONS = pytest.mark.parametrize("action", ["block", "redact"])
INPUTS = pytest.mark.parametrize("inputs", ["hello world", ["hello world", "one hello"], CHAT])


class Everything(Keys):
    """Finds the whole of an answer."""

    def find(self, text: str) -> list[Finding]:
        return [Finding("W", 0, len(text))]


@pytest.fixture
def writer(llama: Any) -> Any:
    return pipeline("text-generation", model=llama, tokenizer=tiny.tokenizer(), device="cpu")


def pieces(found: Any) -> list[str]:
    """What can be recognised of the texts that were generated, however they are written down."""
    if isinstance(found, dict):
        said = found["generated_text"]
        text = said[-1]["content"] if isinstance(said, list) else said
        return [piece for piece in re.findall(r"[A-Za-z0-9]{4,}", text) if piece not in ASKED]
    return [piece for one in found for piece in pieces(one)]


@INPUTS
@ACTIONS
def test_what_is_kept_from_the_program_is_told_nobody(capture: Capture, writer: Any, inputs: Any, action: str, caplog: Any) -> None:  # fmt: skip
    with capture(content_target="both") as bare:
        own = pieces(writer(inputs, return_full_text=False, **FEW))
        assert own
        assert all(piece in telemetry(bare) for piece in own)
        spans = len(bare.spans)
    with caplog.at_level("DEBUG", "clearspan"), capture(guards=[guard(Everything(), "output", action)], content_target="both") as seen:  # fmt: skip
        passing(lambda: writer(inputs, return_full_text=False, **FEW))
        assert {score.action for score in seen.scores} == {action}
        assert len(seen.spans) == spans
        assert not any(piece in telemetry(seen) + caplog.text for piece in own)
        assert "gen_ai.usage.output_tokens" in repr(seen.spans)


@ACTIONS
def test_lazy_results_tell_it_nobody(capture: Capture, writer: Any, action: str) -> None:
    def texts() -> Any:
        yield from ("one", "hello world", "two")

    with capture(content_target="both") as bare:
        own = pieces(list(writer(texts(), return_full_text=False, **FEW)))
        assert own
        assert all(piece in telemetry(bare) for piece in own)
    with capture(guards=[guard(Everything(), "output", action)], content_target="both") as seen:
        passing(lambda: list(writer(texts(), return_full_text=False, **FEW)))
        assert seen.spans
        assert not any(piece in telemetry(seen) for piece in own)


def test_a_guard_that_only_warns_keeps_nothing_from_the_record(capture: Capture, writer: Any) -> None:  # fmt: skip
    with capture(guards=[guard(Everything(), "output", "warn")]) as seen:
        writer("one hello", return_full_text=False, **FEW)
        assert all("gen_ai.output.messages" in span.attributes for span in seen.spans)
