"""Hugging Face's single tasks, each under `/pipeline/` and its name: labels, answers, vectors, media."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

from clearspan.testing._answers import Answer, Json, Raw
from clearspan.testing._openai_data import embedding
from clearspan.testing._openai_images import picture
from clearspan.testing._openai_say import listed, silence
from clearspan.testing._reading import Obj, array, echo, obj, string, words
from clearspan.testing._wire import Call, Endpoint, Route, dump

_DIMENSIONS = 384
_LABELS = ("POSITIVE", "NEGATIVE")
_BOX = {"xmin": 1, "ymin": 2, "xmax": 30, "ymax": 40}


def _inputs(call: Call) -> object:
    return call.body.get("inputs")


def _held(call: Call) -> Obj:
    """The named inputs; clients before 0.31 send them without a name of their own."""
    return obj(_inputs(call)) or call.body


def _text(call: Call) -> str:
    given = _inputs(call)
    return given if isinstance(given, str) else dump(given)


def _labels(call: Call) -> list[str]:
    asked = [
        string(label) for label in array(obj(call.body.get("parameters")).get("candidate_labels"))
    ]
    return asked or list(_LABELS)


def _scored(call: Call) -> Answer:
    return Json(_scores(call))


def _scores(call: Call) -> list[Obj]:
    """Labels, the first that is named in the text being the likeliest."""
    labels, text = _labels(call), _text(call).lower()
    named = next((label for label in labels if label.lower() in text), labels[0])
    rest = 0.2 / (len(labels) - 1) if len(labels) > 1 else 0.0
    ranked = sorted(labels, key=lambda label: label != named)
    top = 1.0 - rest * (len(labels) - 1)
    return [{"label": label, "score": top if label == named else rest} for label in ranked]


def _words(call: Call) -> Answer:
    """Each word that begins with a capital is a thing with a name."""
    found: list[Obj] = []
    at = 0
    for word in _text(call).split():
        if word[:1].isupper():
            found.append({
                "entity_group": "MISC", "word": word, "score": 0.9, "start": at, "end": at + len(word),
            })  # fmt: skip
        at += len(word) + 1
    return Json(found)


def _masks(call: Call) -> Answer:
    sequence = _text(call)
    return Json(
        [
            {
                "score": 0.5 / rank,
                "token": rank,
                "token_str": word,
                "sequence": sequence.replace("[MASK]", word),
            }
            for rank, word in enumerate(("this", "that"), 1)
        ]
    )


def _answered(call: Call) -> Answer:
    held = _held(call)
    context = string(held.get("context"))
    answer = context.split(" ", maxsplit=1)[0] or "nothing"
    return Json({"answer": answer, "score": 0.7, "start": 0, "end": len(answer)})


def _seen(call: Call) -> Answer:
    """What is answered about a picture: no words of it, since nothing looks at it."""
    del call
    return Json([{"answer": "a stand-in", "score": 0.6}])


def _table(call: Call) -> Answer:
    held = _held(call)
    cells = [string(cell) for column in obj(held.get("table")).values() for cell in array(column)]
    found = cells[:1]
    return Json(
        {"answer": ", ".join(found), "coordinates": [[0, 0]], "cells": found, "aggregator": "NONE"}
    )


def _rows(call: Call) -> Answer:
    columns = list(obj(call.body.get("table")).values())
    rows = len(array(columns[0])) if columns else 0
    return Json([float(row) for row in range(rows)])


def _vectors(call: Call) -> Answer:
    given = _inputs(call)
    texts = [string(text) for text in listed(given)]
    # As text-embeddings-inference tells of its work.
    told = {"x-compute-tokens": str(sum(map(words, texts)))}
    return Json([embedding(text, _DIMENSIONS) for text in texts], headers=told)


def _similar(call: Call) -> Answer:
    held = _held(call)
    source = embedding(string(held.get("source_sentence")), _DIMENSIONS)
    others = (embedding(string(text), _DIMENSIONS) for text in array(held.get("sentences")))
    return Json([sum(a * b for a, b in zip(source, other, strict=True)) for other in others])


def _written(field: str, *, many: bool = True) -> Callable[[Call], Answer]:
    def serve(call: Call) -> Answer:
        given = _inputs(call)
        body = {field: echo(given) if isinstance(given, str) else "You sent a file."}
        return Json([body] if many else body)

    return serve


def _mark(call: Call) -> str:
    return f"{zlib.crc32(call.request.body):08x}"


def _picture(call: Call) -> Answer:
    return Raw(200, {"content-type": "image/png"}, picture(_mark(call)))


def _speech(call: Call) -> Answer:
    return Raw(200, {"content-type": "audio/wav"}, silence(words(_text(call))))


def _sounds(call: Call) -> Answer:
    del call
    sound = base64.b64encode(silence(1)).decode()
    return Json([{"blob": sound, "content-type": "audio/wav", "label": "speaker"}])


def _regions(call: Call) -> Answer:
    mask = base64.b64encode(picture(_mark(call))).decode()
    return Json([{"label": "stand-in", "score": 0.8, "mask": mask}])


def _boxes(call: Call) -> Answer:
    del call
    return Json([{"label": "stand-in", "score": 0.8, "box": _BOX}])


_TASKS: dict[str, Callable[[Call], Answer]] = {
    "audio-classification": _scored,
    "audio-to-audio": _sounds,
    "automatic-speech-recognition": _written("text", many=False),
    "document-question-answering": _seen,
    "feature-extraction": _vectors,
    "fill-mask": _masks,
    "image-classification": _scored,
    "image-segmentation": _regions,
    "image-to-image": _picture,
    "image-to-text": _written("generated_text"),
    "object-detection": _boxes,
    "question-answering": _answered,
    "sentence-similarity": _similar,
    "summarization": _written("summary_text"),
    "table-question-answering": _table,
    "tabular-classification": _rows,
    "text-classification": lambda call: Json([_scores(call)]),
    "text-to-image": _picture,
    "text-to-speech": _speech,
    "token-classification": _words,
    "translation": _written("translation_text"),
    "visual-question-answering": _seen,
    "zero-shot-classification": _scored,
    "zero-shot-image-classification": _scored,
}
ROUTES = tuple(
    Route("POST", f"/pipeline/{task}", Endpoint(serve)) for task, serve in _TASKS.items()
)
