"""Token counts where the provider reports none: counted by the model's tokenizer, or estimated."""

from __future__ import annotations

from clearspan.figures.tokens.counter import TokenCounter

__all__ = ["TokenCounter"]
