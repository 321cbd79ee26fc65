"""What is known of models by their names: vocabulary, unseen reasoning, price of a picture in tokens."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Model", "Patches", "Tiles", "model"]


class Tiles(NamedTuple):
    """A picture costs `base`, and in high detail `tile` more for each square of 512 pixels."""

    base: int
    tile: int


class Patches(NamedTuple):
    """A picture costs `factor` tokens for each square of 32 pixels."""

    factor: float


class Model(NamedTuple):
    """What a model's name tells.

    `encoding` is the name of its vocabulary, `None` for other vendors' models. `hides` models think
    where nobody sees it. `ends` models report the token that ends a message as one of the answer.
    `pictures` is the published rule for pictures, where there is one.
    """

    encoding: str | None = None
    hides: bool = False
    ends: bool = False
    pictures: Tiles | Patches | None = None


_MODELS: tuple[tuple[str, Model], ...] = (
    ("gpt-oss", Model("o200k_harmony", hides=True)),
    ("gpt-5-chat(-latest)?", Model("o200k_base", pictures=Tiles(70, 140))),
    ("gpt-5-mini", Model("o200k_base", hides=True, pictures=Patches(1.62))),
    ("gpt-5-nano", Model("o200k_base", hides=True, pictures=Patches(2.46))),
    (r"gpt-5", Model("o200k_base", hides=True, pictures=Tiles(70, 140))),
    (r"gpt-5\.\d+", Model("o200k_base", hides=True)),
    ("gpt-4.1-mini", Model("o200k_base", ends=True, pictures=Patches(1.62))),
    ("gpt-4.1-nano", Model("o200k_base", pictures=Patches(2.46))),
    ("gpt-4o-mini", Model("o200k_base", pictures=Tiles(2833, 5667))),
    (r"(chat)?gpt-4(o|\.1|\.5)", Model("o200k_base", pictures=Tiles(85, 170))),
    ("o4-mini", Model("o200k_base", hides=True, pictures=Patches(1.72))),
    ("o[13]-mini|o1-preview", Model("o200k_base", hides=True)),
    ("o[13]", Model("o200k_base", hides=True, pictures=Tiles(75, 150))),
    ("gpt-4(-32k)?|gpt-3.?5", Model("cl100k_base", pictures=Tiles(85, 170))),
    ("text-embedding-(ada-002|3)|davinci-002|babbage-002", Model("cl100k_base")),
    ("text-davinci-00[23]|code-(davinci|cushman)", Model("p50k_base")),
    ("(text-)?(davinci|curie|babbage|ada)", Model("r50k_base")),
)
# What follows a name is a date, a size, a variant or a deployment, never another letter.
_TABLE = tuple((re.compile(rf"(?:{names})(?=$|[-:@])"), known) for names, known in _MODELS)
_UNKNOWN = Model()


@lru_cache(maxsize=256)
def model(name: str | None) -> Model:
    """What the name tells: of a fine-tuned model, of one that a router names with its vendor, too."""
    bare = (name or "").lower().removeprefix("ft:").rpartition("/")[2]
    return next((known for pattern, known in _TABLE if pattern.match(bare)), _UNKNOWN)
