"""Guards: evaluators inline, before a model is asked and before the program sees its answer."""

from __future__ import annotations

from clearspan.assess.guard.guard import Action, Blocked, Guard, Phase
from clearspan.assess.guard.warden import Told, Warden

__all__ = ["Action", "Blocked", "Guard", "Phase", "Told", "Warden"]
