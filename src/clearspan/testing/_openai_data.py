"""OpenAI endpoints that answer with data: embeddings, moderations, decisions, batches, files."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

from clearspan.testing._answers import Answer, Json
from clearspan.testing._openai_say import listed, missing, model_of
from clearspan.testing._reading import (
    Obj,
    array,
    integer,
    obj,
    prompt_tokens,
    string,
    texts,
    upload,
)
from clearspan.testing._wire import EPOCH, Call, Endpoint, Route

_DIMENSIONS = {"text-embedding-3-large": 3072}
_USUAL_DIMENSIONS = 1536
_CATEGORIES = {
    "harassment": "text",
    "harassment/threatening": "text",
    "hate": "text",
    "hate/threatening": "text",
    "illicit": "text",
    "illicit/violent": "text",
    "self-harm": "text image",
    "self-harm/instructions": "text image",
    "self-harm/intent": "text image",
    "sexual": "text image",
    "sexual/minors": "text",
    "violence": "text image",
    "violence/graphic": "text image",
}
_MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "whisper-1", "gpt-image-1")
_DAY = 86_400


def embedding(text: str, dimensions: int) -> list[float]:
    """A unit vector that points where the words of the text point, in any order and any case.

    Texts that share words are near each other, so that a search over them finds what it should.
    """
    vector = [0.0] * dimensions
    for word in text.lower().split():
        mark = zlib.crc32(word.strip(".,;:!?\"'()").encode())
        vector[mark % dimensions] += 1.0 if mark & 0x10000 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if not length:
        vector[0] = length = 1.0
    return [value / length for value in vector]


def _inputs(call: Call) -> list[object]:
    given = call.body.get("input")
    if any(isinstance(item, int) for item in array(given)):
        return [given]
    return list(listed(given))


def _embed(call: Call) -> Answer:
    usual = _DIMENSIONS.get(model_of(call), _USUAL_DIMENSIONS)
    dimensions = max(integer(call.body.get("dimensions"), usual), 1)
    packed = call.body.get("encoding_format") == "base64"
    data: list[Obj] = []
    for index, item in enumerate(_inputs(call)):
        text = item if isinstance(item, str) else " ".join(map(str, array(item)))
        vector = embedding(text, dimensions)
        value: object = _packed(vector) if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    asked = prompt_tokens(call.body.get("input"))
    usage = {"prompt_tokens": asked, "total_tokens": asked}
    return Json({"object": "list", "data": data, "model": model_of(call), "usage": usage})


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _moderate(call: Call) -> Answer:
    given = call.body.get("input")
    # A list of typed parts is one multi-modal input, a list of strings is one for each.
    whole = [given] if any(map(obj, array(given))) else listed(given)
    model = string(call.body.get("model"), "omni-moderation-latest")
    results = [_moderation(" ".join(texts(item))) for item in whole]
    return Json({"id": call.state.new_id("modr-"), "model": model, "results": results})


def _moderation(text: str) -> Obj:
    """Flags the categories whose own names stand in the text, and no others."""
    flags = {name: name in text.lower() for name in _CATEGORIES}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.98 if flag else 0.0001 for name, flag in flags.items()},
        "category_applied_input_types": {
            name: kinds.split() for name, kinds in _CATEGORIES.items()
        },
    }


def _decide(call: Call) -> Answer:
    said = " ".join(texts(call.body.get("input"))).lower()
    questions = [obj(question) for question in array(call.body.get("questions"))]
    asked = prompt_tokens(call.body.get("input"), [item.get("instructions") for item in questions])
    usage = {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": len(questions),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked + len(questions),
    }
    answers = [_answer(question, said) for question in questions]
    return Json({"answers": answers, "model": model_of(call), "usage": usage})


def _answer(question: Obj, said: str) -> Obj:
    """Picks the first choice or level that the input names, else the first one there is."""
    kind = string(question.get("type"), "predicate")
    named: Obj = {"type": kind, "name": question.get("name")}
    if kind == "predicate":
        asked = {
            word for text in texts(question.get("instructions")) for word in text.lower().split()
        }
        shared = asked & set(said.split())
        return {**named, "probability": round(0.05 + 0.9 * len(shared) / max(len(asked), 1), 4)}
    if kind == "choice":
        values = [obj(choice).get("value") for choice in array(question.get("choices"))]
        if not values:
            return {**named, "type": "refusal"}
        at, weights = _weights(values, said)
        odds = [{"value": v, "probability": w} for v, w in zip(values, weights, strict=True)]
        return {**named, "choice": values[at], "confidence": weights[at], "probabilities": odds}
    labels = [obj(level).get("label") for level in array(question.get("levels"))]
    if not labels:
        return {**named, "type": "refusal"}
    at, weights = _weights(labels, said)
    rows = enumerate(zip(labels, weights, strict=True))
    levels = [{"label": label, "value": n, "probability": w} for n, (label, w) in rows]
    score = sum(number * weight for number, weight in enumerate(weights))
    return {**named, "score": score, "confidence": weights[at], "probabilities": levels}


def _weights(options: Sequence[object], said: str) -> tuple[int, list[float]]:
    found = [index for index, option in enumerate(options) if str(option).lower() in said]
    at = found[0] if found else 0
    rest = 0.2 / (len(options) - 1) if len(options) > 1 else 0.0
    return at, [1.0 - 0.2 * (len(options) > 1) if n == at else rest for n in range(len(options))]


def _create_batch(call: Call) -> Answer:
    now = call.state.now()
    batch: Obj = {
        "id": call.state.new_id("batch_"),
        "object": "batch",
        "endpoint": string(call.body.get("endpoint")),
        "input_file_id": string(call.body.get("input_file_id")),
        "completion_window": string(call.body.get("completion_window"), "24h"),
        "status": "validating",
        "created_at": now,
        "expires_at": now + _DAY,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": call.body.get("metadata"),
    }
    call.state.keep(string(batch["id"]), batch)
    return Json(batch)


def _create_file(call: Call) -> Answer:
    file = upload(call.form, "file")
    made: Obj = {
        "id": call.state.new_id("file-"),
        "object": "file",
        "bytes": len(file.content) if file else 0,
        "filename": file.filename if file else "",
        "purpose": string(call.body.get("purpose"), "user_data"),
        "status": "processed",
        "created_at": call.state.now(),
    }
    call.state.keep(string(made["id"]), made)
    return Json(made)


def _get_kept(call: Call) -> Answer:
    kept = call.state.kept(call.params["id"])
    return missing(call, "object") if kept is None else Json(kept)


def _model(name: str) -> Obj:
    return {"id": name, "object": "model", "created": EPOCH, "owned_by": "stand-in"}


def _list_models(call: Call) -> Answer:
    del call
    return Json({"object": "list", "data": [_model(name) for name in _MODELS]})


def _get_model(call: Call) -> Answer:
    return Json(_model(call.params["id"]))


_QUESTIONS = ("input", "model", "questions")
ROUTES = (
    Route("POST", "embeddings", Endpoint(_embed, required=("input", "model"))),
    Route("POST", "moderations", Endpoint(_moderate, required=("input",))),
    Route("POST", "decisions", Endpoint(_decide, required=_QUESTIONS)),
    Route("POST", "batches", Endpoint(_create_batch, required=("input_file_id", "endpoint"))),
    Route("GET", "batches/{id}", Endpoint(_get_kept)),
    Route("POST", "files", Endpoint(_create_file, required=("purpose",))),
    Route("GET", "files/{id}", Endpoint(_get_kept)),
    Route("GET", "models", Endpoint(_list_models)),
    Route("GET", "models/{id}", Endpoint(_get_model)),
)
