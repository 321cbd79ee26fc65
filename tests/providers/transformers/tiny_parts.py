"""What the tiny pipelines are put together of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.providers.transformers import tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Build = Callable[[Path], "Task"]

torch: Any = pytest.importorskip("torch", reason="torch is not installed")

LABELS = ["one", "two three", "the answer is forty-two"]
SMALL: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
VISION: dict[str, Any] = {**SMALL, "image_size": 32, "patch_size": 16}


class Task(NamedTuple):
    """A pipeline, and what it is called with."""

    pipe: Any
    inputs: Any
    options: dict[str, Any]
    operation: str
    generates: bool = False


def library() -> Any:
    import transformers

    return transformers


def model(head: str, config: str, seed: int = 0, **sizes: Any) -> Any:
    torch.manual_seed(seed)
    made = getattr(library(), head)(getattr(library(), config)(**sizes)).eval()
    made.name_or_path = "tiny"
    return made


def pipe(task: str, model: Any, **parts: Any) -> Any:
    return library().pipeline(task, model=model, device="cpu", **parts)


def image(side: int = 40) -> Any:
    """A picture of colored noise."""
    import numpy
    from PIL import Image

    noise = numpy.random.default_rng(0).integers(0, 255, (side, side, 3), dtype="uint8")
    return Image.fromarray(noise)


def sound(samples: int = 4_000) -> Any:
    """Noise to listen to."""
    import numpy

    return numpy.random.default_rng(0).normal(size=samples).astype("float32")


def images(name: str, side: int = 32, **more: Any) -> Any:
    size = {"height": side, "width": side}
    return getattr(library(), name)(**{"size": size, **more})


def vocab(size: dict[str, Any] | None = None) -> dict[str, Any]:
    known = tiny.tokenizer()
    return {"vocab_size": len(known), "pad_token_id": known.pad_token_id, **(size or {})}
