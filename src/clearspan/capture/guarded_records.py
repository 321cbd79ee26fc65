"""What the record of a call tells of it where a guard stood in its way."""

from __future__ import annotations

from typing import Any

from clearspan.draft import Draft

__all__ = ["unsent", "withheld"]


def unsent(draft: Draft | None) -> None:
    """Nothing was asked of a model: nothing of it is counted."""
    if draft is not None:
        draft.unsent = True


def withheld(draft: Draft | None, answer: Any) -> None:
    """What an answer cost is told though the program does not get it; what it says is not."""
    if draft is None or answer is None or draft.kind != "client":
        return  # a model in the process has been counted where it ran
    finish, reader = draft.finish_with, draft.endpoint.response

    def finished(draft: Draft) -> None:
        try:
            if "http_response" not in (draft.transport or {}):  # else it is read there
                reader(draft, answer)
            if finish is not None:
                finish(draft)
        finally:
            draft.forget_output()
            draft.output_value = None

    draft.finish_with = finished
