"""The two ways in which servers are asked: OpenAI's chat completions, and Ollama's chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from clearspan.assess.judge.failure import JudgeFailure
from clearspan.assess.judge.prompt import Messages
from clearspan.assess.judge.reply import Knobs, Reply, tokens_of
from clearspan.assess.judge.schema import Shape

__all__ = ["OLLAMA", "OPENAI", "Dialect", "Form"]

Form: TypeAlias = Literal["bounded", "strict", "json", "none"]
"""How the shape of the answer is asked for: a schema with lengths, one without, any JSON, not at all."""

Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """How requests are written and answers read; `path` comes after the address."""

    name: str
    path: str

    def body(self, model: str, messages: Messages, shape: Shape, knobs: Knobs, form: Form) -> Body:
        """The request."""
        write = _ollama if self is OLLAMA else _openai
        return {"model": model, "messages": messages, **write(shape, knobs, form)}

    def reply(self, body: Any) -> Reply:
        """The answer; raises `JudgeFailure` (`judge_response`) where it is none."""
        read = _of_ollama if self is OLLAMA else _of_openai
        try:
            return read(body)
        except (KeyError, IndexError, TypeError, AttributeError):
            raise JudgeFailure(
                "judge_response", f"this is no answer of a {self.name} server"
            ) from None


OPENAI = Dialect("OpenAI-compatible", "/chat/completions")
OLLAMA = Dialect("Ollama", "/api/chat")


def _openai(shape: Shape, knobs: Knobs, form: Form) -> Body:
    given: Body = {
        "temperature": knobs.temperature,
        "seed": knobs.seed,
        "max_tokens": knobs.max_tokens,
        "logprobs": True if knobs.top_logprobs else None,
        "top_logprobs": knobs.top_logprobs or None,
    }
    body = {name: value for name, value in given.items() if value is not None}
    if form in ("bounded", "strict"):
        schema = shape.json(bounded=form == "bounded")
        named = {"name": "verdict", "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif form == "json":
        body["response_format"] = {"type": "json_object"}
    return body


def _ollama(shape: Shape, knobs: Knobs, form: Form) -> Body:
    given = {
        "temperature": knobs.temperature,
        "seed": knobs.seed,
        "num_predict": knobs.max_tokens,
    }
    options = {name: value for name, value in given.items() if value is not None}
    body: Body = {"stream": False}
    if options:
        body["options"] = options
    if knobs.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": knobs.top_logprobs}
    if form in ("bounded", "strict"):
        body["format"] = shape.json(bounded=form == "bounded")
    elif form == "json":
        body["format"] = "json"
    return body


def _of_openai(body: Any) -> Reply:
    choice = body["choices"][0]
    message = choice["message"]
    if message.get("refusal") and not message.get("content"):
        raise JudgeFailure("judge_refused", str(message["refusal"]))
    usage = body.get("usage") or {}
    return Reply(
        content=message.get("content") or "",
        model=_text(body.get("model")),
        input=_count(usage, "prompt_tokens"),
        output=_count(usage, "completion_tokens"),
        cost=_amount(usage.get("cost")),  # some gateways say what they charge
        tokens=tokens_of((choice.get("logprobs") or {}).get("content")),
    )


def _of_ollama(body: Any) -> Reply:
    return Reply(
        content=body["message"].get("content") or "",
        model=_text(body.get("model")),
        input=_count(body, "prompt_eval_count"),
        output=_count(body, "eval_count"),
        tokens=tokens_of(body.get("logprobs")),
    )


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _amount(given: Any) -> float | None:
    fits = isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given < 1e6
    return float(given) if fits else None
