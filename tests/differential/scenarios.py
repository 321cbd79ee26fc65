"""Small programs against an OpenAI client, and what they see: the same code raw and instrumented.

Nothing here knows of clearspan. Each scenario is run for the synchronous and the asynchronous client,
and tells its log everything that a program can notice.
"""

from __future__ import annotations

import copy
import gc
import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any

import openai
import pydantic

from tests.providers.side import Side

Log = Callable[..., None]
Scenario = Callable[[Side, Any, Log], None]
SCENARIOS: dict[str, Scenario] = {}
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why is the sky blue? ☀ \U0001f600"},
]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather",
        "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}  # fmt: skip


class Answer(pydantic.BaseModel):
    text: str
    sure: bool


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


def attempt(log: Log, action: Callable[[], Any]) -> Any:
    """Tell what `action` gives or raises."""
    try:
        found = action()
    except BaseException as error:  # noqa: BLE001 -- whatever comes out is what is compared
        log("raised", error)
        return None
    log("gave", found)
    return found


def chat(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "m", "messages": MESSAGES, **more})


# -- whole answers --------------------------------------------------------------------------------


@scenario
def plain(side: Side, client: Any, log: Log) -> None:
    answer = attempt(log, lambda: side.do(chat(client)))
    log("id", answer._request_id, answer.choices[0].message.content, type(answer.usage))


@scenario
def everything_that_can_be_asked(side: Side, client: Any, log: Log) -> None:
    attempt(log, lambda: side.do(chat(
        client, n=2, temperature=0.25, top_p=1, max_tokens=50, stop=["x", "y"], seed=7, logprobs=True, top_logprobs=2,
        presence_penalty=0.5, frequency_penalty=-0.5, tools=[TOOL], tool_choice="auto", user="u", metadata={"a": "b"},
        extra_headers={"x-own": "yes"}, extra_query={"q": "1"}, extra_body={"own": {"deep": [1]}}, timeout=30,
    )))  # fmt: skip


@scenario
def tool_calls(side: Side, client: Any, log: Log) -> None:
    answer = attempt(log, lambda: side.do(chat(client, model="tools", tools=[TOOL])))
    calls = answer.choices[0].message.tool_calls
    follow_up = [
        *MESSAGES,
        answer.choices[0].message,
        {"role": "tool", "tool_call_id": calls[0].id, "content": "sun"},
    ]
    attempt(log, lambda: side.do(chat(client, messages=follow_up, tools=[TOOL])))


@scenario
def what_the_caller_gave_stays(side: Side, client: Any, log: Log) -> None:
    messages, tools, stop = copy.deepcopy(MESSAGES), [copy.deepcopy(TOOL)], ["x"]
    attempt(log, lambda: side.do(chat(client, messages=messages, tools=tools, stop=stop)))
    log("unchanged", messages == MESSAGES, tools == [TOOL], stop)
    attempt(log, lambda: side.do(chat(client, messages=tuple(MESSAGES))))
    once = iter(MESSAGES)
    attempt(log, lambda: side.do(chat(client, messages=once)))
    log("left over", list(once))


@scenario
def parsed(side: Side, client: Any, log: Log) -> None:
    answer = attempt(log, lambda: side.do(client.chat.completions.parse(
        model="structured", messages=MESSAGES, response_format=Answer,
    )))  # fmt: skip
    log("parsed", answer.choices[0].message.parsed, type(answer.choices[0].message.parsed))
    attempt(log, lambda: side.do(client.chat.completions.parse(
        model="m", messages=MESSAGES, response_format=Answer,
    )))  # fmt: skip


@scenario
def other_endpoints(side: Side, client: Any, log: Log) -> None:
    for action in (
        lambda: client.completions.create(model="m", prompt=["a", "b"], max_tokens=5),
        lambda: client.embeddings.create(model="e", input=["one", "two"], dimensions=4),
        lambda: client.embeddings.create(model="e", input="one", encoding_format="float"),
        lambda: client.moderations.create(model="mod", input="a text"),
        lambda: client.images.generate(model="i", prompt="a cat", n=1, size="256x256"),
        lambda: client.audio.transcriptions.create(model="a", file=("a.wav", b"RIFF" * 10)),
        lambda: client.audio.translations.create(model="a", file=io.BytesIO(b"RIFF" * 10)),
        lambda: client.images.edit(model="i", image=("a.png", b"\x89PNG"), prompt="a hat"),
        client.models.list,
        lambda: client.models.retrieve("m"),
        lambda: client.batches.create(input_file_id="f", endpoint="/v1/chat/completions", completion_window="24h"),
    ):  # fmt: skip
        attempt(log, lambda action=action: side.do(action()))  # type: ignore[misc]
    speech = attempt(
        log, lambda: side.do(client.audio.speech.create(model="s", voice="alloy", input="hi"))
    )
    log("spoken", len(speech.content), type(speech.response))


@scenario
def responses(side: Side, client: Any, log: Log) -> None:
    answer = attempt(log, lambda: side.do(client.responses.create(
        model="m", input="Why?", instructions="Be brief.", temperature=0, store=True,
    )))  # fmt: skip
    log("text", answer.output_text)
    attempt(log, lambda: side.do(client.responses.retrieve(answer.id)))
    attempt(
        log,
        lambda: side.do(
            client.responses.parse(model="structured", input="Why?", text_format=Answer)
        ),
    )
    stream = attempt(
        log, lambda: side.do(client.responses.create(model="m", input="Why?", stream=True))
    )
    log("events", side.take(stream))


# -- streams --------------------------------------------------------------------------------------


@scenario
def streamed(side: Side, client: Any, log: Log) -> None:
    stream = attempt(log, lambda: side.do(chat(client, stream=True)))
    log("kinds", type(stream), inspect.isgenerator(stream), sorted(set(dir(stream))))
    log("chunks", side.take(stream))
    log("more", side.take(stream))
    log("response", type(stream.response), stream.response.is_closed, stream.response.status_code)


@scenario
def streamed_with_usage_tools_and_choices(side: Side, client: Any, log: Log) -> None:
    for more in (
        {"stream_options": {"include_usage": True}}, {"n": 3}, {"model": "tools", "tools": [TOOL]},
        {"model": "reasoning"}, {"model": "odd"}, {"model": "empty"},
    ):  # fmt: skip
        log("chunks", side.take(side.do(chat(client, stream=True, **more))))


@scenario
def left_early(side: Side, client: Any, log: Log) -> None:
    stream = side.do(chat(client, stream=True))
    log("first", side.take(stream, 2))
    attempt(log, lambda: side.do(stream.close()))
    log("after", stream.response.is_closed)
    attempt(log, lambda: side.do(stream.close()))
    stream = side.do(chat(client, stream=True))
    log("first", side.take(stream, 1))
    response = stream.response
    del stream
    side.collect(lambda: response.is_closed)
    log("dropped", response.is_closed)
    stream = side.do(chat(client, stream=True))
    attempt(
        log,
        lambda: side.do(stream.response.aclose() if side.asynchronous else stream.response.close()),
    )
    log("closed below", stream.response.is_closed)


@scenario
def as_a_context_manager(side: Side, client: Any, log: Log) -> None:
    stream = side.do(chat(client, stream=True))
    entered = side.enter(stream)
    log("same", entered is stream, side.take(entered, 2))
    attempt(log, lambda: side.leave(stream))
    log("closed", stream.response.is_closed)
    stream = side.do(chat(client, stream=True))
    side.enter(stream)
    error = LookupError("in the body")
    log("suppressed", side.leave(stream, error), stream.response.is_closed)


@scenario
def helper(side: Side, client: Any, log: Log) -> None:
    manager = client.chat.completions.stream(model="m", messages=MESSAGES)
    log("manager", type(manager))
    stream = side.enter(manager)
    log("stream", type(stream))
    log("events", [(type(event), event.type) for event in side.take(stream)])
    log("final", side.do(stream.get_final_completion()))
    side.leave(manager)
    manager = client.chat.completions.stream(
        model="structured", messages=MESSAGES, response_format=Answer
    )
    stream = side.enter(manager)
    log("unread", side.do(stream.get_final_completion()).choices[0].message.parsed)
    side.leave(manager)
    manager = client.responses.stream(model="m", input="Why?")
    stream = side.enter(manager)
    log("events", [(type(event), event.type) for event in side.take(stream)])
    log("final", side.do(stream.get_final_response()))
    side.leave(manager)


# -- raw responses --------------------------------------------------------------------------------


@scenario
def raw(side: Side, client: Any, log: Log) -> None:
    answer = side.do(client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES))
    log(
        "raw",
        type(answer),
        answer.status_code,
        answer.http_version,
        answer.headers.get("content-type"),
    )
    log("names", sorted(set(dir(answer))))
    log(
        "parsed",
        answer.parse(),
        answer.parse() is answer.parse(),
        answer.text,
        answer.request_id,
        answer.retries_taken,
    )
    stream = side.do(
        client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES, stream=True)
    )
    parsed = stream.parse()
    log("stream", type(stream), type(parsed), stream.status_code, side.take(parsed))
    unread = side.do(
        client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES, stream=True)
    )
    attempt(
        log,
        lambda: side.do(
            unread.http_response.aclose() if side.asynchronous else unread.http_response.close()
        ),
    )
    attempt(
        log,
        lambda: side.do(
            client.chat.completions.with_raw_response.create(model="refused", messages=MESSAGES)
        ),
    )


@scenario
def unread(side: Side, client: Any, log: Log) -> None:
    def opened(**more: Any) -> Any:
        return client.chat.completions.with_streaming_response.create(
            model="m", messages=MESSAGES, **more
        )

    for read in (
        lambda answer: side.do(answer.parse()),
        lambda answer: side.do(answer.read()),
        lambda answer: side.do(answer.json()),
        lambda answer: side.do(answer.text()),
        lambda answer: side.take(answer.iter_lines()),
        lambda answer: side.take(answer.iter_bytes(64)),
        lambda answer: None,
    ):  # fmt: skip
        manager = opened()
        answer = side.enter(manager)
        log("answer", type(answer), answer.status_code, answer.is_closed)
        attempt(log, lambda read=read, answer=answer: read(answer))  # type: ignore[misc]
        side.leave(manager)
        log("left", answer.is_closed)
    manager = opened(stream=True)
    answer = side.enter(manager)
    stream = side.do(answer.parse())
    log("stream", type(stream), side.take(stream))
    side.leave(manager)


# -- errors ---------------------------------------------------------------------------------------


@scenario
def refused(side: Side, client: Any, log: Log) -> None:
    for model in ("refused", "missing", "limited", "broken", "no-json", "teapot"):
        attempt(log, lambda model=model: side.do(chat(client, model=model)))  # type: ignore[misc]
        attempt(log, lambda model=model: side.do(chat(client, model=model, stream=True)))  # type: ignore[misc]
    attempt(log, lambda: side.do(client.embeddings.create(model="refused", input="x")))
    attempt(log, lambda: side.do(client.responses.create(model="refused", input="x")))


@scenario
def retried(side: Side, client: Any, log: Log) -> None:
    patient = client.with_options(max_retries=2)
    log("options", type(patient), patient.max_retries)
    answer = attempt(log, lambda: side.do(patient.chat.completions.with_raw_response.create(
        model="retried", messages=MESSAGES,
    )))  # fmt: skip
    log("retries", answer.retries_taken)
    attempt(log, lambda: side.do(chat(patient, model="broken")))
    log("chunks", side.take(side.do(chat(patient, model="retried", stream=True))))


@scenario
def cut_and_failed_streams(side: Side, client: Any, log: Log) -> None:
    for model in ("cut", "failing", "garbled"):
        stream = side.do(chat(client, model=model, stream=True))
        attempt(log, lambda stream=stream: side.take(stream))  # type: ignore[misc]
        attempt(log, lambda stream=stream: side.take(stream))  # type: ignore[misc]
        log("closed", stream.response.is_closed)


@scenario
def wrong_calls(side: Side, client: Any, log: Log) -> None:
    for action in (
        client.chat.completions.create,
        lambda: client.chat.completions.create(model="m"),
        lambda: client.chat.completions.create("m", MESSAGES),
        lambda: client.chat.completions.create(model="m", messages=MESSAGES, unknown=1),
        lambda: client.chat.completions.create(model="m", messages=object()),
        lambda: client.chat.completions.create(model=None, messages=MESSAGES),
        lambda: client.chat.completions.create(model="m", messages=None),
        lambda: client.embeddings.create(model="e"),
        lambda: client.responses.retrieve(""),
    ):
        attempt(log, lambda action=action: side.do(action()))  # type: ignore[misc]


@scenario
def nobody_there(side: Side, client: Any, log: Log) -> None:
    away = client.with_options(base_url="http://127.0.0.1:9/v1", max_retries=0)
    attempt(log, lambda: side.do(chat(away)))
    attempt(log, lambda: side.do(chat(away, stream=True)))
    hasty = client.with_options(timeout=0.2, max_retries=0)
    attempt(log, lambda: side.do(chat(hasty, model="slow")))


# -- the objects themselves -----------------------------------------------------------------------


@scenario
def objects(side: Side, client: Any, log: Log) -> None:
    resource = client.chat.completions
    for name in ("create", "parse", "stream"):
        method = getattr(resource, name)
        log(
            name, inspect.signature(method), method.__name__, method.__qualname__, method.__module__
        )
        log(name, inspect.ismethod(method), inspect.iscoroutinefunction(method), callable(method))
        log(name, method.__doc__, method.__self__ is resource, inspect.getfullargspec(method))
        log(
            name,
            type(resource).__dict__[name].__annotations__ == inspect.unwrap(method).__annotations__,
        )
    log("names", sorted(set(dir(resource))), sorted(set(dir(type(resource)))))
    log("copies", type(client.copy()), copy.copy(resource.create).__self__ is resource)
    copied = copy.deepcopy({"create": resource.create, "n": 1}, {id(resource): resource})
    log("deep", copied["create"].__self__ is resource)
    log(
        "raw",
        sorted(set(dir(resource.with_raw_response))),
        inspect.signature(resource.with_raw_response.create),
    )
    attempt(log, lambda: pickle.dumps(type(resource).create) and None)
    unawaited = None if side.asynchronous else "not for this client"
    if side.asynchronous:
        coroutine = resource.create(model="m", messages=MESSAGES)
        unawaited = (type(coroutine), coroutine.__name__, coroutine.__qualname__)
        coroutine.close()
    log("coroutine", unawaited)
    gc.collect()


@scenario
def derived(side: Side, client: Any, log: Log) -> None:
    base = type(client.chat.completions)

    class Own(base):  # type: ignore[misc, valid-type]
        def create(self, **given: Any) -> Any:
            return super().create(**{**given, "user": "own"})

    answer = attempt(log, lambda: side.do(Own(client).create(model="m", messages=MESSAGES)))
    log("usage", answer.usage.total_tokens)
    attempt(
        log, lambda: side.do(base.create(client.chat.completions, model="m", messages=MESSAGES))
    )


@scenario
def module_level_client(side: Side, client: Any, log: Log) -> None:
    openai.api_key, openai.base_url = "sk-of-the-module", client.base_url
    answer = attempt(log, lambda: openai.chat.completions.create(model="m", messages=MESSAGES))
    log("kind", type(answer))
    log("chunks", list(openai.chat.completions.create(model="m", messages=MESSAGES, stream=True)))
