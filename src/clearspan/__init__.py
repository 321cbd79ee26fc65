"""clearspan: see what your program asks language models, and what they answer.

    import clearspan
    clearspan.init()

Every call to OpenAI from here on becomes OpenTelemetry spans, metrics and events. Importing this
package loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan import (
        evaluators as evaluators,
        guards as guards,
        judges as judges,
        testing as testing,
    )
    from clearspan.assess import signals as signals
    from clearspan.assess.evaluator import Evaluator, evaluator
    from clearspan.assess.guard import Blocked
    from clearspan.assess.judge import Judge
    from clearspan.capture.context import Current, carry, context, current, suppressed
    from clearspan.capture.decorators import Capture, observe
    from clearspan.capture.kinds import agent, embedding, model, retrieval, task, tool, workflow
    from clearspan.capture.steps import Step, invocation, span
    from clearspan.conversation import Conversation
    from clearspan.draft import Draft
    from clearspan.offline import Report, evaluate
    from clearspan.offline.calibrating import calibrate
    from clearspan.provider import Call, Endpoint, Provider, Server
    from clearspan.record import (
        CallContext,
        ErrorInfo,
        Invocation,
        Message,
        Operation,
        Outcome,
        Part,
        Timing,
        TraceRef,
        Usage,
    )
    from clearspan.runtime import (
        Instrumentation,
        Runtime,
        end_session,
        flush,
        init,
        instrument,
        shutdown,
        status,
        uninstrument,
    )
    from clearspan.runtime.feedback import feedback
    from clearspan.runtime.state import Status
    from clearspan.score import Score, Target
    from clearspan.settings import SettingError

__all__ = [
    "Blocked",
    "Call",
    "CallContext",
    "Capture",
    "Conversation",
    "Current",
    "Draft",
    "Endpoint",
    "ErrorInfo",
    "Evaluator",
    "Instrumentation",
    "Invocation",
    "Judge",
    "Message",
    "Operation",
    "Outcome",
    "Part",
    "Provider",
    "Report",
    "Runtime",
    "Score",
    "Server",
    "SettingError",
    "Status",
    "Step",
    "Target",
    "Timing",
    "TraceRef",
    "Usage",
    "agent",
    "calibrate",
    "carry",
    "context",
    "current",
    "embedding",
    "end_session",
    "evaluate",
    "evaluator",
    "evaluators",
    "feedback",
    "flush",
    "guards",
    "init",
    "instrument",
    "invocation",
    "judges",
    "model",
    "observe",
    "retrieval",
    "shutdown",
    "signals",
    "span",
    "status",
    "suppressed",
    "task",
    "testing",
    "tool",
    "uninstrument",
    "workflow",
]

_HOMES = {
    "capture.context": ("Current", "carry", "context", "current", "suppressed"),
    "capture.decorators": ("Capture", "observe"),
    "capture.kinds": ("agent", "embedding", "model", "retrieval", "task", "tool", "workflow"),
    "capture.steps": ("Step", "invocation", "span"),
    "assess.evaluator": ("Evaluator", "evaluator"),
    "assess.guard": ("Blocked",),
    "assess.judge": ("Judge",),
    "conversation": ("Conversation",),
    "draft": ("Draft",),
    "offline": ("Report", "evaluate"),
    "offline.calibrating": ("calibrate",),
    "provider": ("Call", "Endpoint", "Provider", "Server"),
    "record": (
        "CallContext", "ErrorInfo", "Invocation", "Message", "Operation", "Outcome", "Part", "Timing", "TraceRef",
        "Usage",
    ),
    "runtime": (
        "Instrumentation", "Runtime", "end_session", "flush", "init", "instrument", "shutdown", "status", "uninstrument",
    ),
    "runtime.feedback": ("feedback",),
    "runtime.state": ("Status",),
    "score": ("Score", "Target"),
    "settings": ("SettingError",),
}  # fmt: skip
_ROOMS = {
    "evaluators": "evaluators",
    "guards": "guards",
    "judges": "judges",
    "signals": "assess.signals",
    "testing": "testing",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if name in _ROOMS:
        return import_module(f"clearspan.{_ROOMS[name]}")
    if module is None:
        raise AttributeError(f"module 'clearspan' has no attribute {name!r}")
    found = getattr(import_module(f"clearspan.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
