"""Did the search find what it should have found, and put it first?"""

from __future__ import annotations

from clearspan.evaluators.retrieval.context import ContextRelevance
from clearspan.evaluators.retrieval.ranking import MRR, NDCG, PrecisionAtK, RecallAtK

__all__ = ["MRR", "NDCG", "ContextRelevance", "PrecisionAtK", "RecallAtK"]
