r"""A chat endpoint that hands out an id with each answer, takes ratings back by it, and is guarded.

    pip install clearspan fastapi uvicorn openai
    export OPENAI_API_KEY=...                      # or OPENAI_BASE_URL=http://127.0.0.1:11434/v1 for any server
    export CHAT_MODEL=gpt-4o-mini
    uvicorn --app-dir examples chat_service:app    # or: python examples/chat_service.py --port 8000

    curl localhost:8000/chat -H 'content-type: application/json' -d '{"message": "A word for rain?"}'
    curl localhost:8000/feedback -H 'content-type: application/json' \
         -d '{"value": "up", "user": "u-1", "response_id": "chatcmpl-..."}'

`/chat/stream` answers with server-sent events: `text` for each piece, then `end` with the ids. Evaluators score the
answers beside the program; guards take secrets out of what is sent and answered, and turn attempts to take over the
model into a 400. Who rates the same answer again changes the rating. `clearspan show` has all of it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import openai
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

import clearspan
from clearspan.guards import PromptInjection, Secrets

MODEL = os.environ.get("CHAT_MODEL", "gpt-4o-mini")
SYSTEM = "You are a helpful assistant. Answer briefly."

log = logging.getLogger("uvicorn.error")


class Turn(BaseModel):
    """What was said before."""

    role: Literal["user", "assistant"]
    content: str


class Ask(BaseModel):
    """A message, and the conversation that it belongs to."""

    message: str = Field(min_length=1, max_length=20_000)
    history: list[Turn] = []
    session: str = Field(default_factory=lambda: uuid.uuid4().hex, max_length=100)

    def messages(self) -> list[Any]:
        """The conversation as the model gets it."""
        said = [turn.model_dump() for turn in self.history]
        asked = {"role": "user", "content": self.message}
        return [{"role": "system", "content": SYSTEM}, *said, asked]


class Handle(BaseModel):
    """What a rating needs to find its answer; hand back either, or both."""

    response_id: str | None = None
    traceparent: str | None = None


class Answer(BaseModel):
    """The answer, and the handle for its rating."""

    answer: str
    session: str
    feedback: Handle


class Rating(Handle):
    """What somebody thinks of an answer. In a real service `user` comes from the login, not from the page."""

    value: Literal["up", "down"]
    user: str = Field(min_length=1, max_length=200)
    comment: str | None = Field(default=None, max_length=5_000)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """Clearspan and the client, from the start of the server to its end."""
    # Under `clearspan run` one is running already, by the environment: without these guards.
    clearspan.shutdown()
    with clearspan.init(
        service_name="chat-service",
        evaluators=["relevance", "toxicity", "refusal"],
        guards=[
            Secrets(on_fail="redact"),
            PromptInjection(on_fail="block", deadline=1.0, fail_open=False),
        ],
    ):
        async with openai.AsyncOpenAI(api_key=os.environ.get("OPENAI_API_KEY", "none")) as client:
            app.state.client = client
            yield


app = FastAPI(title="Chat", lifespan=lifespan)


def client_of(request: Request) -> openai.AsyncOpenAI:
    """The client that all requests share."""
    client: openai.AsyncOpenAI = request.app.state.client
    return client


Client = Annotated[openai.AsyncOpenAI, Depends(client_of)]


@app.post("/chat")
async def chat(ask: Ask, client: Client) -> Answer:
    """The whole answer at once."""
    with clearspan.context(session=ask.session), clearspan.span("chat", kind="workflow") as step:
        step.set(input=ask.message)
        completion = await client.chat.completions.create(model=MODEL, messages=ask.messages())
        text = completion.choices[0].message.content or ""
        step.set(output=text)
        here = clearspan.current()
    handle = Handle(response_id=completion.id, traceparent=here.traceparent)
    return Answer(answer=text, session=ask.session, feedback=handle)


@app.post("/chat/stream")
async def chat_stream(ask: Ask, client: Client) -> StreamingResponse:
    """The answer as it is written. What is wrong with the question is said before the first piece."""
    with clearspan.context(session=ask.session), clearspan.span("chat", kind="workflow") as step:
        step.set(input=ask.message)
        chunks = await client.chat.completions.create(
            model=MODEL, messages=ask.messages(), stream=True
        )
        handle = Handle(traceparent=clearspan.current().traceparent)
    return StreamingResponse(events(chunks, ask.session, handle), media_type="text/event-stream")


async def events(
    chunks: openai.AsyncStream[Any], session: str, handle: Handle
) -> AsyncIterator[str]:
    """Server-sent events: the pieces, then the handle; or an error, where there is no status left to send."""
    try:
        async with chunks:
            async for chunk in chunks:
                handle.response_id = chunk.id
                if chunk.choices and chunk.choices[0].delta.content:
                    yield event("text", {"text": chunk.choices[0].delta.content})
    except (clearspan.Blocked, openai.APIError) as error:
        yield event("error", problem(error)[1])
    else:
        yield event("end", {"session": session, "feedback": handle.model_dump()})


def event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@app.post("/feedback", status_code=202)
async def feedback(rating: Rating) -> dict[str, str | None]:
    """Take a rating; the same one twice is one, and a later one of the same user takes its place."""
    try:
        score = clearspan.feedback(
            rating.value,
            # One way to name the answer, so that a change of mind meets the rating that it changes.
            response_id=rating.response_id,
            traceparent=None if rating.response_id else rating.traceparent,
            user=rating.user,
            comment=rating.comment,
        )
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return {"recorded": score.label}


def problem(error: Exception) -> tuple[int, dict[str, Any]]:
    """What went wrong, for whoever asked: a status and a body, without internals."""
    if isinstance(error, clearspan.Blocked):
        text = "This message cannot be answered." if error.phase == "input" else "The answer was withheld."  # fmt: skip
        return 400, {"error": {"type": "blocked", "guard": error.guard, "phase": error.phase, "message": text}}  # fmt: skip
    if isinstance(error, openai.RateLimitError):
        return 503, {"error": {"type": "busy", "message": "Too many questions at once. Try again soon."}}  # fmt: skip
    log.error("The model did not answer: %s", error)
    return 502, {"error": {"type": "model_unavailable", "message": "The model does not answer."}}


@app.exception_handler(clearspan.Blocked)
@app.exception_handler(openai.APIError)
async def failed(_: Request, error: Exception) -> JSONResponse:
    """A failure as JSON."""
    status, body = problem(error)
    return JSONResponse(body, status)


def main() -> None:
    """Serve on one port of this machine."""
    parser = argparse.ArgumentParser(description="A guarded chat endpoint that takes ratings.")
    parser.add_argument("--host", default="127.0.0.1", help="address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    options = parser.parse_args()
    uvicorn.run(app, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
