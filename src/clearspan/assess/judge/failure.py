"""Why a judge gave no verdict: told as an error, or as a reason to skip; never as a number."""

from __future__ import annotations

__all__ = ["JudgeFailure", "Unjudged"]

_LONGEST = 600


class JudgeFailure(Exception):
    """The judge was asked and did not answer as it should: `type` is the error type of the score.

    `status` is the HTTP status, where there was one; `retry_after` how long (seconds) its server wants to be left alone.
    `worn` says that the server itself does not work, so that it is left alone after a few of these.
    """

    def __init__(
        self,
        type_: str,
        why: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        worn: bool = False,
    ) -> None:
        super().__init__(why[:_LONGEST])
        self.type = type_
        self.status = status
        self.retry_after = retry_after
        self.worn = worn


class Unjudged(Exception):
    """The judge was not asked, or could not tell: `reason` is why the score is skipped."""

    def __init__(self, reason: str, **details: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details
