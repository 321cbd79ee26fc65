"""What a tokenizer makes of texts: how many tokens a character takes, and how many of them it hardly knows.

Only the fast tokenizers are asked, whose Rust half answers without running the program's code.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from clearspan import semconv as sc
from clearspan.draft import Draft
from clearspan.providers.transformers.parameters import inner

__all__ = ["Vocabulary", "of", "tell"]

_RAREST = 10  # the last of so many equal parts
_INPUT = sc.TEXT_INPUT_DENSITY, sc.TEXT_INPUT_UNKNOWN, sc.TEXT_INPUT_RARE
_OUTPUT = sc.TEXT_OUTPUT_DENSITY, sc.TEXT_OUTPUT_UNKNOWN, sc.TEXT_OUTPUT_RARE


class Vocabulary(NamedTuple):
    """The tokens of a tokenizer, by what they say of a text.

    `unknown` are `<unk>` and the single bytes that a character outside of the vocabulary is written
    with; `rare` are the last tenth of the merges that it learnt, where it learnt merges: from the
    most frequent to the rarest. `added` are no text at all. `size` counts all of them.
    """

    size: int
    added: frozenset[int]
    unknown: frozenset[int]
    rare: range


_known: weakref.WeakKeyDictionary[Any, Vocabulary] = weakref.WeakKeyDictionary()


def of(tokenizer: Any) -> Vocabulary | None:
    """The vocabulary of a fast tokenizer."""
    backend = inner(tokenizer, "_tokenizer")
    if not callable(getattr(type(backend), "get_added_tokens_decoder", None)):
        return None
    found, size = _known.get(tokenizer), backend.get_vocab_size()
    if found is None or found.size != size:
        found = _known[tokenizer] = _read(backend, size)
    return found


def _read(backend: Any, size: int) -> Vocabulary:
    model, learnt = backend.model, backend.get_vocab_size(with_added_tokens=False)
    visible = backend.token_to_id(_letter(ord(" "))) is not None  # bytes written as letters
    bytewise = [_letter(byte) if visible else f"<0x{byte:02X}>" for byte in range(0x80, 0x100)]
    names = [*bytewise, getattr(model, "unk_token", None) or "<unk>"]
    unknown = frozenset(token for name in names if (token := backend.token_to_id(name)) is not None)
    merged = type(model).__name__ == "BPE" and not model.byte_fallback
    return Vocabulary(
        size,
        frozenset(backend.get_added_tokens_decoder()) - unknown,
        unknown,
        range(learnt - learnt // _RAREST, learnt) if merged else range(0),
    )


def _letter(byte: int) -> str:
    """How byte-level vocabularies write a byte: itself where that can be seen, else from U+0100 on."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [each for each in range(0x100) if each not in seen]
    return chr(byte) if byte in seen else chr(0x100 + hidden.index(byte))


def tell(
    draft: Draft,
    tokenizer: Any,
    decode: Callable[[list[int], bool], str],
    prompts: list[list[int]],
    answers: list[list[int]],
) -> None:
    """Put into `draft` what is known of the tokens that went in and came out, without padding."""
    vocabulary = of(tokenizer) if draft.recording else None
    if vocabulary is not None:
        for rows, names in ((prompts, _INPUT), (answers, _OUTPUT)):
            for name, value in zip(names, _figures(vocabulary, decode, rows), strict=True):
                draft.extra(name, value)


def _figures(
    vocabulary: Vocabulary, decode: Callable[[list[int], bool], str], rows: list[list[int]]
) -> tuple[float | None, float | None, float | None]:
    """Tokens for each character, and the shares of unknown and of rare ones."""
    tokens = [token for row in rows for token in row if token not in vocabulary.added]
    characters = sum(len(decode(row, False)) for row in rows)
    if not tokens or not characters:
        return None, None, None
    unknown = sum(token in vocabulary.unknown for token in tokens) / len(tokens)
    rare = sum(token in vocabulary.rare for token in tokens) / len(tokens)
    return len(tokens) / characters, unknown, rare if vocabulary.rare else None
