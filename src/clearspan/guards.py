"""Guards: evaluators inline, before a model is asked and before the program sees its answer.

A guard changes what a program sends and gets. What telemetry may keep of a call is another setting
(`content`, `redact`), and neither does the other's work::

    clearspan.init(guards=[clearspan.guards.Secrets(on_fail="redact")])
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from clearspan import registry
from clearspan.assess.evaluator import Evaluator
from clearspan.assess.guard import Blocked, Guard
from clearspan.assess.options import options_of, refuse
from clearspan.core.spelling import meant

__all__ = ["PII", "Blocked", "CanaryLeak", "Guard", "PromptInjection", "Secrets", "Toxicity"]

_OPTIONS = ("phase", "deadline", "fail_open", "reply", "trusted", "window", "allow_llm")


class _Named(Guard):
    """A guard whose evaluator is registered under `registered`; options that are no guard's are the evaluator's."""

    registered = ""
    stands_at = "both"
    does = "block"

    def __init__(self, on_fail: str | None = None, **options: Any) -> None:
        mine = {name: options.pop(name) for name in _OPTIONS if name in options}
        mine.setdefault("phase", self.stands_at)
        made = registry.load(registry.EVALUATORS, self.registered)
        _check(type(self).__name__, made, options)
        super().__init__(made(**options), on_fail=on_fail or self.does, **mine)


def _check(whose: str, made: Any, options: Collection[str]) -> None:
    """Refuse what reads like an option of a guard; what else there is none of, the evaluator refuses itself."""
    if not (isinstance(made, type) and issubclass(made, Evaluator)):
        return  # it may take whatever it likes
    known = ["on_fail", *_OPTIONS]
    taken = options_of(made)
    refuse(
        f"guard {whose}",
        [each for each in options if each not in taken and meant(each, known)],
        known,
    )


class Secrets(_Named):
    """Keys, tokens and passwords, on their way out and in. Options: those of `Guard`, and of the evaluator `secrets`."""

    registered = "secrets"


class PII(_Named):
    """Personal data, on its way out and in. Options: those of `Guard`, and of the evaluator `pii`."""

    registered = "pii"


class PromptInjection(_Named):
    """Attempts to take over the model, in what it is given. Options: those of `Guard`, and of `prompt_injection`."""

    registered = "prompt_injection"
    stands_at = "input"


class Toxicity(_Named):
    """Insults and threats in answers. Options: those of `Guard`, and of the evaluator `toxicity`."""

    registered = "toxicity"
    stands_at = "output"


class CanaryLeak(_Named):
    """Words that stand in a system prompt so that its leaking shows. Options: of `Guard`, and of `canary_leak`."""

    registered = "canary_leak"
    stands_at = "output"
