"""`generate_batch`: many prompts at once, each going its own pace (continuous batching)."""

from __future__ import annotations

from typing import Any

from clearspan import semconv as sc
from clearspan.core import read
from clearspan.draft import Draft
from clearspan.figures.confidence import summary
from clearspan.provider import Call, Endpoint
from clearspan.providers.transformers import devices, facts, parameters, vocabulary
from clearspan.providers.transformers.generate import told
from clearspan.providers.transformers.tokenizers import decoder, matching, recent
from clearspan.record import OTHER, Confidence, Operation

__all__ = ["ENDPOINTS"]


def _model(call: Call) -> str | None:
    return facts.name(call.instance)


def _adjust(draft: Draft, call: Call, kwargs: dict[str, Any]) -> None:
    """Note what will not be there later."""
    prompts = [read.items(prompt)[:] for prompt in read.items(call.kwargs.get("inputs"))]
    place = facts.place(call.instance)
    devices.note(draft, place)
    draft.transport = {
        "prompts": prompts,
        "found": parameters.effective(call),
        "place": place,
        "recent": recent(),
    }


def _request(draft: Draft, call: Call) -> None:
    noted = draft.transport or {}
    parameters.tell(draft, call, noted["found"])
    facts.tell(draft, facts.of(call.instance, noted["place"]))


def _response(draft: Draft, result: Any) -> None:
    noted = draft.transport or {}
    prompts = noted["prompts"]
    outputs = list((read.fields(result) or {}).values())
    made = [read.items(output, "generated_tokens") for output in outputs]
    counted = bool(prompts) and all(prompts)
    draft.usage(
        input=sum(map(len, prompts)) if counted else None,
        output=sum(map(len, made)) if prompts else None,
        source="counted",
    )
    if len(prompts) > 1:
        draft.extra(sc.INPUT_COUNT, len(prompts))
    _failures(draft, outputs, len(prompts) * (noted["found"]["num_return_sequences"] or 1))
    match = matching(noted["recent"], prompts) if prompts else None
    tokenizer = match.tokenizer() if match is not None else None
    decode = decoder(tokenizer)
    ends = parameters.ids(noted["found"]["eos_token_id"])
    for choice, (output, tokens) in enumerate(zip(outputs, made, strict=True)):
        stopped = "stop" if tokens and tokens[-1] in ends else "length"
        draft.finish("error" if read.text(output, "error") else stopped, choice)
        if decode is not None and draft.content:
            draft.text(decode(tokens, False), choice)
    if match is not None:
        draft.phase("tokenize", match.seconds.pop() if match.seconds else None)
        told(draft, match)
    _times(draft, outputs)
    draft.confidence = _confidence(outputs, made)
    if decode is not None:
        vocabulary.tell(draft, tokenizer, decode, prompts, made)


def _confidence(outputs: list[Any], made: list[list[int]]) -> Confidence | None:
    """What the library's own log probabilities say, where the program had it work them out."""
    logprobs = [read.items(output, "logprobs") for output in outputs]
    if list(map(len, logprobs)) != list(map(len, made)):
        return None
    return summary([read.number(value) for row in logprobs for value in row])


def _failures(draft: Draft, outputs: list[Any], wanted: int) -> None:
    errors = [text for output in outputs if (text := read.text(output, "error"))]
    failed = len(errors) + max(0, wanted - len(outputs))
    if failed:
        draft.extra(sc.FAILED_COUNT, failed)
    if failed and failed == max(wanted, len(outputs)):
        draft.fail(OTHER, errors[0] if errors else None)


def _times(draft: Draft, outputs: list[Any]) -> None:
    """The tokens' times, where the program asked for them."""
    stamped = [read.items(output, "timestamps") for output in outputs]
    for at in sorted(at for times in stamped for at in times if type(at) is float):
        draft.stamp(at, content=True)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        Operation.TEXT_COMPLETION,
        (
            "transformers.generation.continuous_batching.continuous_api:ContinuousMixin.generate_batch",
        ),
        _request,
        _response,
        model=_model,
        deep=(),
        adjust=_adjust,
        kind="internal",
        layer="generate",
        positional=("inputs", "generation_config"),
    ),
)
