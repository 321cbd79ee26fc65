"""What the record of a call tells of it where a guard stood in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clearspan.draft import Draft

__all__ = ["unsent", "withheld", "withholding"]


def unsent(draft: Draft | None) -> None:
    """Nothing was asked of a model: nothing of it is counted."""
    if draft is not None:
        draft.unsent = True


def withheld(draft: Draft | None, answer: Any) -> None:
    """What an answer cost is told though the program does not get it; what it says is not."""
    if draft is None or answer is None or draft.kind != "client":
        return  # a model in the process has been counted where it ran
    if "http_response" not in (draft.transport or {}):  # else it is read there
        draft.result = answer
    draft.finish_with = withholding(draft.finish_with)


def withholding(finish: Callable[[Draft], None] | None) -> Callable[[Draft], None]:
    """Finishing a call of which nothing that came out is to be told here: numbers stay."""

    def finished(draft: Draft) -> None:
        try:
            if finish is not None:
                finish(draft)
        finally:
            draft.forget_output()
            draft.output_value = None

    return finished
