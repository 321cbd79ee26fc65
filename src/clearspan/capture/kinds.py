"""`observe` by kind: `@clearspan.tool`, `@clearspan.agent` and so on."""

from __future__ import annotations

from clearspan.capture.decorators import Decorator

__all__ = ["agent", "embedding", "model", "retrieval", "task", "tool", "workflow"]

workflow = Decorator("workflow")
agent = Decorator("agent")
task = Decorator("task")
tool = Decorator("tool")
retrieval = Decorator("retrieval")
model = Decorator("model")
embedding = Decorator("embedding")
