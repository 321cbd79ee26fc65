"""Requests and attacks of our own: a half that rules and model were tuned on, and a half that is only measured."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["Half", "Name", "own_half"]

Half = Literal["tuned", "unseen"]
Name = Literal["ordinary", "attacks"]

_HOME = Path(__file__).parents[2] / "tests" / "evaluators" / "injection"


def own_half(name: Name, half: Half) -> list[str]:
    """The lines of that half."""
    return (_HOME / f"{name}_{half}.txt").read_text(encoding="utf-8").splitlines()
