"""Prompt injection: text that gives the model orders which are not its writer's to give."""

from __future__ import annotations

from clearspan.evaluators.injection.evaluator import PromptInjection

__all__ = ["PromptInjection"]
