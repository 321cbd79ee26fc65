"""Did the model ask for the right tools, in the right way, and come to an end?"""

from __future__ import annotations

from clearspan.evaluators.tools.loops import ToolLoops
from clearspan.evaluators.tools.trajectory import Trajectory
from clearspan.evaluators.tools.valid import ToolCallValid

__all__ = ["ToolCallValid", "ToolLoops", "Trajectory"]
