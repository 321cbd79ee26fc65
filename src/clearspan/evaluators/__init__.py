"""The evaluators that come with clearspan: by name (`evaluators=["pii"]`), or as classes with options.

Each is registered by entry point, as anybody's; here they stand under their class names as well.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearspan.evaluators.confidence import TokenConfidence
    from clearspan.evaluators.correctness import (
        AnswerCorrectness,
        Bleu,
        ChrF,
        Contains,
        ExactMatch,
        FuzzyMatch,
        NumericMatch,
        RougeL,
        TokenF1,
    )
    from clearspan.evaluators.faithfulness import FaithfulnessAlarm
    from clearspan.evaluators.injection import PromptInjection
    from clearspan.evaluators.leak import CanaryLeak, SystemPromptLeak, canary
    from clearspan.evaluators.pii import PII
    from clearspan.evaluators.relevance import EmbeddingEndpoint, Relevance
    from clearspan.evaluators.retrieval import MRR, NDCG, ContextRelevance, PrecisionAtK, RecallAtK
    from clearspan.evaluators.secrets import Secrets
    from clearspan.evaluators.structure import (
        FieldMatch,
        Forbids,
        Length,
        MatchesRegex,
        MatchesSchema,
        Mentions,
        ValidJson,
    )
    from clearspan.evaluators.tools import ToolCallValid, ToolLoops, Trajectory
    from clearspan.evaluators.toxicity import Toxicity
    from clearspan.evaluators.wording import Language, Readability, Refusal, Repetition, Truncation

__all__ = [
    "MRR",
    "NDCG",
    "PII",
    "AnswerCorrectness",
    "Bleu",
    "CanaryLeak",
    "ChrF",
    "Contains",
    "ContextRelevance",
    "EmbeddingEndpoint",
    "ExactMatch",
    "FaithfulnessAlarm",
    "FieldMatch",
    "Forbids",
    "FuzzyMatch",
    "Language",
    "Length",
    "MatchesRegex",
    "MatchesSchema",
    "Mentions",
    "NumericMatch",
    "PrecisionAtK",
    "PromptInjection",
    "Readability",
    "RecallAtK",
    "Refusal",
    "Relevance",
    "Repetition",
    "RougeL",
    "Secrets",
    "SystemPromptLeak",
    "TokenConfidence",
    "TokenF1",
    "ToolCallValid",
    "ToolLoops",
    "Toxicity",
    "Trajectory",
    "Truncation",
    "ValidJson",
    "canary",
]

_HOMES: dict[str, tuple[str, ...]] = {
    "confidence": ("TokenConfidence",),
    "correctness": (
        "AnswerCorrectness",
        "Bleu",
        "ChrF",
        "Contains",
        "ExactMatch",
        "FuzzyMatch",
        "NumericMatch",
        "RougeL",
        "TokenF1",
    ),
    "faithfulness": ("FaithfulnessAlarm",),
    "injection": ("PromptInjection",),
    "leak": (
        "CanaryLeak",
        "SystemPromptLeak",
        "canary",
    ),
    "pii": ("PII",),
    "relevance": ("EmbeddingEndpoint", "Relevance"),
    "retrieval": (
        "ContextRelevance",
        "MRR",
        "NDCG",
        "PrecisionAtK",
        "RecallAtK",
    ),
    "secrets": ("Secrets",),
    "structure": (
        "FieldMatch",
        "Forbids",
        "Length",
        "MatchesRegex",
        "MatchesSchema",
        "Mentions",
        "ValidJson",
    ),
    "tools": (
        "ToolCallValid",
        "ToolLoops",
        "Trajectory",
    ),
    "toxicity": ("Toxicity",),
    "wording": (
        "Language",
        "Readability",
        "Refusal",
        "Repetition",
        "Truncation",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module 'clearspan.evaluators' has no attribute {name!r}")
    return getattr(import_module(f"clearspan.evaluators.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
