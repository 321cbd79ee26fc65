"""How the answer is worded: its language, how hard it is to read, whether it refuses, loops, or breaks off."""

from __future__ import annotations

from clearspan.evaluators.wording.language import Language
from clearspan.evaluators.wording.readability import Readability
from clearspan.evaluators.wording.refusal import Refusal
from clearspan.evaluators.wording.repetition import Repetition
from clearspan.evaluators.wording.truncation import Truncation

__all__ = ["Language", "Readability", "Refusal", "Repetition", "Truncation"]
