"""Ollama endpoints that answer with data: embeddings and decisions; and what every answer counts."""

from __future__ import annotations

from clearspan.testing._answers import Answer, Json
from clearspan.testing._openai_data import embedding
from clearspan.testing._openai_say import listed, model_of
from clearspan.testing._reading import Obj, array, integer, obj, prompt_tokens, string, texts
from clearspan.testing._wire import Call, Endpoint, Route, dump

_DIMENSIONS = 768
_LOAD = 2_000_000  # nanoseconds, as all times of this form
_READ = 100_000
_MAKE = 1_000_000


def counted(asked: int, said: int) -> Obj:
    """Tokens read and made, and the time that each of them is said to take."""
    return {
        "total_duration": _LOAD + asked * _READ + said * _MAKE,
        "load_duration": _LOAD,
        "prompt_eval_count": asked,
        "prompt_eval_duration": asked * _READ,
        "eval_count": said,
        "eval_duration": said * _MAKE,
    }


def _embed(call: Call) -> Answer:
    given = call.body.get("input")
    dimensions = max(integer(call.body.get("dimensions"), _DIMENSIONS), 1)
    asked = prompt_tokens(given)
    return Json(
        {
            "model": model_of(call),
            "embeddings": [embedding(string(text), dimensions) for text in listed(given)],
            "total_duration": _LOAD + asked * _READ,
            "load_duration": _LOAD,
            "prompt_eval_count": asked,
        }
    )


def _embed_one(call: Call) -> Answer:
    """The older of the two APIs: one text, one vector, nothing else."""
    return Json({"embedding": embedding(string(call.body.get("prompt")), _DIMENSIONS)})


def _decide(call: Call) -> Answer:
    """Every option is as likely as any other, but for the first one that the state names."""
    state = call.body.get("state")
    said = (state if isinstance(state, str) else dump(state)).lower()
    questions = {name: obj(question) for name, question in obj(call.body.get("questions")).items()}
    asked = prompt_tokens(
        said, [list(texts(item.get("instructions"))) for item in questions.values()]
    )
    return Json(
        {
            "model": model_of(call),
            "answers": {name: _answer(item, said) for name, item in questions.items()},
            "usage": {"input_tokens": asked, "output_tokens": len(questions)},
        }
    )


def _answer(question: Obj, said: str) -> Obj:
    kind = string(question.get("type"))
    if kind == "noul":
        return {"type": kind, "noul": 0.5}
    criteria = question.get("criteria")
    scored = kind == "score"
    options = list(map(str, range(len(array(criteria))))) if scored else list(obj(criteria))
    words = [string(item) for item in array(criteria)] if scored else options
    named = next((at for at, word in enumerate(words) if word.lower() in said), 0)
    rest = 0.2 / (len(options) - 1) if len(options) > 1 else 0.0
    top = 0.8 if len(options) > 1 else 1.0
    odds = {option: top if at == named else rest for at, option in enumerate(options)}
    made: Obj = {"type": kind, "probabilities": odds, "confidence": top}
    if not scored:
        return {**made, "choice": options[named] if options else ""}
    score = sum(int(option) * chance for option, chance in odds.items())
    return {**made, "score": score, "legend": dict(zip(options, words, strict=True))}


ROUTES = (
    Route("POST", "api/embed", Endpoint(_embed, required=("model", "input"))),
    Route("POST", "api/embeddings", Endpoint(_embed_one, required=("model",))),
    Route("POST", "v1/systemone", Endpoint(_decide, required=("model", "questions"))),
)
