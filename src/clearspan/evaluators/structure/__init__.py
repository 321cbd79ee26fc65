"""Does the answer have the form that the program needs: JSON, a schema, a pattern, a length, certain words."""

from __future__ import annotations

from clearspan.evaluators.structure.documents import MatchesSchema, ValidJson
from clearspan.evaluators.structure.fields import FieldMatch
from clearspan.evaluators.structure.texts import Forbids, Length, MatchesRegex, Mentions

__all__ = [
    "FieldMatch",
    "Forbids",
    "Length",
    "MatchesRegex",
    "MatchesSchema",
    "Mentions",
    "ValidJson",
]
