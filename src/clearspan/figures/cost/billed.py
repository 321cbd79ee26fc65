"""Which calls are billed at all; the others need no price."""

from __future__ import annotations

from clearspan.record import Invocation, Operation, Outcome

__all__ = ["ELSEWHERE", "billed"]

ELSEWHERE = (
    Operation.FETCH_RESPONSE, Operation.CREATE_BATCH, Operation.EXECUTE_TOOL,
    Operation.RETRIEVAL, Operation.INVOKE_WORKFLOW, Operation.TASK,
)  # fmt: skip
"""What is told and paid where the work was done, or not at all."""


def billed(record: Invocation) -> bool:
    """Whether somebody pays for this very call.

    Not so for one that was refused, for one whose cost the calls below it have, and for OpenAI's moderation,
    which is free.
    """
    if record.operation in ELSEWHERE or record.inference_calls:
        return False
    if record.operation == Operation.MODERATION:
        return record.provider != "openai"
    used = record.usage
    told = (used.input_source or used.source) == "reported" and used.input is not None
    return record.outcome is not Outcome.FAILED or bool(used.output) or told
