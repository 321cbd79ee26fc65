"""Loading a model is a record of its own, with the model's facts."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.transformers import tiny
from tests.providers.transformers.kit import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    tiny.llama().save_pretrained(place)
    return place


@pytest.mark.parametrize("name", ["AutoModelForCausalLM", "LlamaForCausalLM"])
def test_a_model_is_loaded(capture: Callable[..., Any], saved: Path, name: str) -> None:
    with capture() as seen:
        model = getattr(transformers, name).from_pretrained(saved)
    span = only(seen)
    assert type(model) is transformers.LlamaForCausalLM
    assert (span.name, span.kind, span.status) == (f"load_model {saved.name}", "INTERNAL", "UNSET")
    assert span.attributes["gen_ai.request.model"] == saved.name
    assert span.attributes["clearspan.model.class"] == "LlamaForCausalLM"
    assert span.attributes["clearspan.model.parameters"] == model.num_parameters()
    assert span.attributes["clearspan.phase.load"] == seen.invocations[0].duration
    assert "gen_ai.usage.input_tokens" not in span.attributes


def test_with_information_beside_it(capture: Callable[..., Any], saved: Path) -> None:
    with capture() as seen:
        model, told = transformers.LlamaForCausalLM.from_pretrained(
            str(saved), output_loading_info=True
        )
    assert "missing_keys" in told
    assert only(seen).attributes["clearspan.model.parameters"] == model.num_parameters()


def test_the_model_is_not_kept(capture: Callable[..., Any], saved: Path) -> None:
    with capture() as seen:
        model = weakref.ref(transformers.LlamaForCausalLM.from_pretrained(saved))
        only(seen)
        gc.collect()
        assert model() is None


def test_a_model_that_is_not_there(capture: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no file named") as before:
        transformers.LlamaForCausalLM.from_pretrained(tmp_path, config=tiny.llama().config)
    with capture() as seen, pytest.raises(OSError, match="no file named") as after:
        transformers.LlamaForCausalLM.from_pretrained(tmp_path, config=tiny.llama().config)
    assert (type(after.value), str(after.value)) == (type(before.value), str(before.value))
    span = only(seen)
    assert span.status == "ERROR"
    assert "clearspan.model.class" not in span.attributes
