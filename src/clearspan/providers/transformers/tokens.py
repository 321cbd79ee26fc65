"""Counting tokens in what went in and what came out: exactly, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from clearspan.core import read
from clearspan.provider import Call
from clearspan.providers.transformers.parameters import ids, inner
from clearspan.providers.transformers.stamps import Rounds, Steps
from clearspan.providers.transformers.tensors import Made, held, is_ids, rows, shape, version

__all__ = [
    "Answer",
    "Noted",
    "answers",
    "bare",
    "input_count",
    "prompts",
    "settle",
    "width",
]

_LENGTH = 20  # what the library takes where nobody said anything


class Answer(NamedTuple):
    """One row of the result: what was generated in it, and why it ended."""

    tokens: list[int]
    reason: str | None


class Noted:
    """What is known before the call, in the form that it has then."""

    __slots__ = (
        "decode", "decoder", "embeds", "encoder_decoder", "found", "heard", "ids", "mask", "model",
        "per_row", "place", "recent", "speaks", "tensors", "texts", "timed", "tokenizer", "version",
    )  # fmt: skip

    def __init__(self, call: Call, found: dict[str, Any]) -> None:
        given = call.kwargs
        self.found = found
        self.model = id(call.instance)
        self.encoder_decoder = inner(inner(call.instance, "config"), "is_encoder_decoder") is True
        main = given.get("inputs") if given.get("inputs") is not None else given.get("input_ids")
        self.ids: Any = held(main) if is_ids(main) else None
        self.version = version(self.ids)
        self.embeds = shape(given.get("inputs_embeds"))
        mask: Any = given.get("attention_mask")
        # Summed now, as the caller may go on with the same tensor; read later, as that may have to wait.
        self.mask = (shape(mask), mask.ne(0).sum()) if len(shape(mask)) == 2 else None
        self.decoder = given.get("decoder_input_ids")
        self.texts = getattr(type(call.instance), "main_input_name", None) == "input_ids"
        self.tensors = any(shape(value) for value in given.values())
        self.per_row = bool(given.get("stopping_criteria")) or found["stop_strings"] is not None
        self.heard: Steps | Rounds | None = None
        self.recent: tuple[Any, ...] = ()
        self.speaks: Any = None
        self.tokenizer: Any = None
        self.decode: Callable[[list[int], bool], str] | None = None
        self.timed = given.get("max_time") is not None or found.get("max_time") is not None
        self.place: dict[str, Any] = {}


def settle(noted: Noted) -> None:
    """Forget the prompt's ids if the program has changed them since: they are another prompt's."""
    if noted.ids is not None and version(noted.ids) != noted.version:
        noted.ids, noted.tensors = None, True


def bare(noted: Noted) -> list[list[int]]:
    """The prompts without the padding around them."""
    pads = ids(noted.found["pad_token_id"])
    return [_stripped(row, pads) for row in rows(noted.ids)]


def _stripped(row: list[int], pads: list[int]) -> list[int]:
    inside = [place for place, token in enumerate(row) if token not in pads]
    return row[inside[0] : inside[-1] + 1] if inside else []


def input_count(noted: Noted) -> int | None:
    """Tokens of the batch that the program gave, without padding."""
    if not noted.texts:
        return None  # what is seen or heard goes in beside the tokens
    batch = noted.embeds[:2] or shape(noted.ids)
    if not batch:
        alone = not noted.tensors and not noted.encoder_decoder
        return 1 if alone else None  # the token that begins every text
    if noted.mask is not None:
        seen, total = noted.mask
        return int(total.item()) if seen == batch else None
    if noted.embeds or noted.ids is None:
        return batch[0] * batch[1]
    return _unpadded(noted, batch)


def _unpadded(noted: Noted, batch: tuple[int, ...]) -> int:
    """As `generate` itself infers it: no token tells padding where it may also end a text."""
    pads, ends = ids(noted.found["pad_token_id"]), ids(noted.found["eos_token_id"])
    if len(pads) != 1 or pads[0] in ends:
        return batch[0] * batch[1]
    return int(noted.ids.ne(pads[0]).sum().item())


def prompts(noted: Noted) -> list[list[int]] | None:
    """What every row of the result begins with."""
    heard = noted.heard
    if heard is not None and heard.again:
        return None  # decoded more than once: what came back is put together of several
    if heard is not None and heard.first is not None:
        return rows(heard.first)
    if noted.encoder_decoder:
        return rows(noted.decoder) if is_ids(noted.decoder) else _start(noted)
    return rows(noted.ids) if noted.ids is not None and not noted.embeds else None


def _start(noted: Noted) -> list[list[int]] | None:
    """The one token that a decoder begins with."""
    begin = ids(noted.found["decoder_start_token_id"]) or ids(noted.found["bos_token_id"])
    return [begin] if len(begin) == 1 else None


def width(found: list[list[int]] | None) -> int | None:
    """How many tokens of a row were there before."""
    return len(found[0]) if found else None


def answers(noted: Noted, begun: list[list[int]] | None, result: Any) -> list[Answer] | None:
    """What was generated, row by row; `None` where it cannot be told from the rest for certain."""
    if type(result) is not Made or not begun or not is_ids(result.ids):
        return None
    sequences = result.ids
    if version(sequences) != result.version:
        return None  # the program went on with it
    start, found = len(begun[0]), rows(sequences)
    made: list[Answer] = []
    for position, row in enumerate(found):
        if row[:start] != begun[position * len(begun) // len(found)]:
            return None
        answer = _answer(noted, row[start:], start, alone=len(found) == 1)
        if answer is None:
            return None
        made.append(answer)
    return made


def _answer(noted: Noted, generated: list[int], start: int, *, alone: bool) -> Answer | None:
    ends = ids(noted.found["eos_token_id"])
    end = next((place for place, token in enumerate(generated) if token in ends), None)
    if end is not None:
        return Answer(generated[: end + 1], "stop")
    if noted.per_row and not alone and ends and generated:
        pads = ids(noted.found["pad_token_id"]) or ends[:1]
        if generated[-1] in pads:
            return None  # filled up after something of its own stopped it, or made by the model
    if _full(noted, len(generated), start):
        return Answer(generated, "length")
    return Answer(generated, "stop" if noted.per_row and not noted.timed else None)


def _full(noted: Noted, made: int, start: int) -> bool:
    """Whether the row has as many tokens as it may."""
    limit = read.whole(noted.found, "max_new_tokens")
    if limit is not None:
        return made >= limit
    return start + made >= (read.whole(noted.found, "max_length") or _LENGTH)
