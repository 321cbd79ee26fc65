"""What one call of `generate` is in the record, whoever calls it and however it ends."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import clearspan
from clearspan.providers.transformers import provider
from tests.providers.transformers import tiny
from tests.providers.transformers.kit import only, said, usage

if TYPE_CHECKING:
    from collections.abc import Callable

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

PROMPT = torch.tensor([[11, 12, 13, 14]])
GIVEN: dict[str, Any] = {"max_new_tokens": 3, "eos_token_id": 10_000, "do_sample": False}


def test_its_name_kind_and_model(capture: Callable[..., Any], llama: Any) -> None:
    with capture() as seen:
        llama.generate(PROMPT, **GIVEN)
    span = only(seen)
    assert (span.name, span.kind, span.status) == ("text_completion tiny", "INTERNAL", "UNSET")
    assert span.attributes["gen_ai.provider.name"] == provider.server(llama).provider
    assert "server.address" not in span.attributes
    assert "gen_ai.request.stream" not in span.attributes
    found = {name.rpartition(".")[2]: value for name, value in span.attributes.items()
             if name.startswith("clearspan.model.")}  # fmt: skip
    assert found.pop("attention") in {"sdpa", "eager"}
    assert found == {
        "class": "LlamaForCausalLM",
        "parameters": llama.num_parameters(),
        "dtype": "float32",
        "device": "cpu",
    }


def test_facts_follow_the_model(capture: Callable[..., Any]) -> None:
    model = tiny.llama()
    with capture() as seen:
        model.generate(PROMPT, **GIVEN)
        model.to(torch.bfloat16).generate(PROMPT, **GIVEN)
        model.hf_device_map = {"model.embed_tokens": "cpu", "lm_head": "disk"}
        model.config.quantization_config = {"quant_method": "gptq"}
        model.generate(PROMPT, **GIVEN)
    facts = [span.attributes for span in seen.spans]
    assert [item["clearspan.model.dtype"] for item in facts] == ["float32", "bfloat16", "bfloat16"]
    assert "clearspan.model.device_map" not in facts[1]
    assert facts[2]["clearspan.model.device_map"] == '{"model.embed_tokens":"cpu","lm_head":"disk"}'
    assert facts[2]["clearspan.model.quantization"] == "gptq"


def test_a_model_without_a_name(capture: Callable[..., Any]) -> None:
    model = tiny.llama()
    model.name_or_path = ""
    with capture() as seen:
        model.generate(PROMPT, **GIVEN)
    assert "gen_ai.request.model" not in only(seen).attributes


def test_below_the_step_around_it(capture: Callable[..., Any], llama: Any) -> None:
    with capture() as seen, clearspan.span("step"):
        llama.generate(PROMPT, **GIVEN)
        llama.generate(PROMPT, **GIVEN)
    step = seen.span("step")
    assert [child.name for child in step.children()] == ["text_completion tiny"] * 2


class Broken(transformers.LogitsProcessor):  # type: ignore[misc, name-defined]  # no types
    """Fails at the second step."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.steps = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self.steps += 1
        if self.steps > 1:
            raise self.error
        return scores


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("out of memory"), KeyboardInterrupt(), ValueError("bad")],
    ids=["memory", "interrupt", "value"],
)  # fmt: skip
def test_an_exception_is_the_program_s(
    capture: Callable[..., Any], llama: Any, error: BaseException
) -> None:
    with capture() as seen, pytest.raises(type(error)) as caught:
        llama.generate(PROMPT, logits_processor=[Broken(error)], **GIVEN)
    assert caught.value is error
    span = only(seen)
    assert usage(span)[1] is None
    if isinstance(error, Exception):
        assert span.status == "ERROR"
        assert span.attributes["error.type"].endswith(type(error).__name__)


def test_wrong_arguments_fail_as_they_do(capture: Callable[..., Any], llama: Any) -> None:
    said_before = said_after = None
    with pytest.raises(ValueError, match="not used by the model") as before:
        llama.generate(PROMPT, no_such_argument=1)
    said_before = str(before.value)
    with capture() as seen, pytest.raises(ValueError, match="not used by the model") as after:
        llama.generate(PROMPT, no_such_argument=1)
    said_after = str(after.value)
    assert said_before == said_after
    assert only(seen).status == "ERROR"


def test_threads_keep_apart(capture: Callable[..., Any], llama: Any) -> None:
    with capture() as seen:
        threads = [
            threading.Thread(
                target=llama.generate, args=(PROMPT[:, : size + 1],), kwargs=GIVEN | {"max_new_tokens": 5 - size},
            )
            for size in range(4)
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(usage, seen.spans)) == [(1, 5), (2, 4), (3, 3), (4, 2)]


def test_what_is_kept_is_let_go(capture: Callable[..., Any]) -> None:
    model = tiny.llama()
    with capture() as seen:
        result = model.generate(PROMPT, return_dict_in_generate=True, output_logits=True, **GIVEN)
        only(seen)
        logits, known = weakref.ref(result.logits[0]), weakref.ref(model)
        del model, result
        gc.collect()
        assert (logits(), known()) == (None, None)


def test_removed_without_a_trace(capture: Callable[..., Any], llama: Any) -> None:
    base = transformers.GenerationMixin
    before = {cls: vars(cls).get("generate") for cls in (base, *base.__subclasses__())}
    with capture():
        assert vars(base)["generate"] is not before[base]
    assert {cls: vars(cls).get("generate") for cls in before} == before


# -- classes with a method of their own ---------------------------------------------------------


class Early(transformers.LlamaForCausalLM):  # type: ignore[misc, name-defined]  # no types
    """Overrides the method, passing everything on."""

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        return super().generate(*args, **kwargs)


def test_an_overriding_class_is_one_call(capture: Callable[..., Any], llama: Any) -> None:
    with capture() as seen:

        class Late(Early):
            def generate(self, inputs: Any = None, **kwargs: Any) -> Any:
                return super().generate(inputs, **kwargs)

        for cls in (Early, Late):
            model = cls(llama.config).eval()
            result = model.generate(PROMPT, **GIVEN)
            assert result.shape == (1, 7)
    assert [usage(span) for span in seen.spans] == [(4, 3), (4, 3)]
    assert [span.attributes["clearspan.model.class"] for span in seen.spans] == ["Early", "Late"]


class Other(transformers.LlamaForCausalLM):  # type: ignore[misc, name-defined]  # no types
    """Overrides the method, and answers with something else."""

    def generate(self, inputs: Any, **kwargs: Any) -> Any:
        return super().generate(inputs, **kwargs)[:, 1:]


def test_what_cannot_be_told_for_certain_is_not_counted(
    capture: Callable[..., Any], llama: Any
) -> None:
    with capture() as seen:
        Other(llama.config).eval().generate(PROMPT, **GIVEN)
    span = only(seen)
    assert usage(span) == (4, None)
    assert said(span) == []


def test_a_class_of_the_library_with_a_method_of_its_own(capture: Callable[..., Any]) -> None:
    """Speech in, with an inner call for what the decoder says."""
    config = transformers.WhisperConfig(
        vocab_size=64, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=8,
        max_source_positions=20, max_target_positions=30, decoder_start_token_id=1, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.WhisperForConditionalGeneration(config).eval()
    features = torch.randn(1, 8, 40)
    given: dict[str, Any] = {"input_features": features, "max_new_tokens": 4, "attention_mask": torch.ones(1, 40, dtype=torch.long)}  # fmt: skip
    before = model.generate(**given)
    with capture() as seen:
        after = model.generate(**given)
    assert torch.equal(before, after)
    span = only(seen)
    assert span.attributes["gen_ai.operation.name"] == "generate_content"
    assert usage(span)[0] is None
    assert span.attributes["clearspan.phase.prefill"] > 0
