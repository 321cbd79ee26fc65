"""What is wrong with the input of an evaluation, said with file and line."""

from __future__ import annotations

__all__ = ["SourceError"]


class SourceError(ValueError):
    """The source cannot be read; the message names the file and the line, or the row."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"clearspan: {place}: {problem}")
        self.place = place
        self.problem = problem

    @property
    def problem_at(self) -> str:
        """The problem and its place, without whose message it is."""
        return f"{self.place}: {self.problem}"
