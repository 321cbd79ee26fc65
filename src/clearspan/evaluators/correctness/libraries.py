"""What rapidfuzz and sacreBLEU compute, asked for by name; imported when first needed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["bleu", "chrf", "ratio"]

RATIOS = ("ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio", "WRatio", "QRatio")


def ratio(measure: str) -> Callable[[str, str], float]:
    """A similarity of rapidfuzz, 0 to 1, without regard to case and punctuation. Raises `ImportError` without it."""
    measured: Any = getattr(_loaded("rapidfuzz.fuzz"), measure)
    plain: Any = _loaded("rapidfuzz.utils").default_process
    return lambda answer, reference: float(measured(answer, reference, processor=plain)) / 100.0


def bleu() -> Callable[[str, list[str]], float]:
    """Sentence BLEU of sacreBLEU, 0 to 1, orders that the text is too short for left out. Raises `ImportError`."""
    made: Any = _loaded("sacrebleu.metrics").BLEU(effective_order=True)
    return lambda answer, references: _unit(made.sentence_score(answer, references).score)


def chrf() -> Callable[[str, list[str]], float]:
    """chrF2 of sacreBLEU, 0 to 1. Raises `ImportError` without it."""
    made: Any = _loaded("sacrebleu.metrics").CHRF()
    return lambda answer, references: _unit(made.sentence_score(answer, references).score)


def _unit(percent: Any) -> float:
    return min(1.0, max(0.0, float(percent) / 100.0))  # rounding takes it past 100


def _loaded(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise ImportError(f"clearspan: this needs {library}: pip install 'clearspan[text]'") from error  # fmt: skip
