"""The program that `clearspan demo` runs: a small help desk with retrieval and a tool.

It is an ordinary program over the `openai` client. Of clearspan it has the decorators that name its
steps; the calls themselves are recorded without its help.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import clearspan

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from openai.types.chat import (
        ChatCompletionFunctionToolParam,
        ChatCompletionMessage,
        ChatCompletionMessageParam,
    )

__all__ = ["HelpDesk"]

QUESTION: Final = "Can I bring my bicycle for a repair on Saturday?"
HANDBOOK: Final = (
    "A repair of a bicycle takes two working days; bring the bicycle to the back door.",
    "Rented bicycles come with a lock, a helmet and a map of the town.",
    "Gift vouchers are valid for three years and can be used for any repair.",
)
HOURS: Final = {"Saturday": "10:00 to 16:00", "Sunday": "closed"}
NO_SUCH_MODEL: Final = "a-model-that-does-not-exist"
TOOL: Final[ChatCompletionFunctionToolParam] = {
    "type": "function",
    "function": {
        "name": "opening_hours",
        "description": "When the shop is open on a day of the week.",
        "parameters": {
            "type": "object",
            "properties": {"day": {"type": "string"}},
            "required": ["day"],
        },
    },
}


class HelpDesk:
    """Answers a customer of a bicycle shop, then translates and shortens the answer.

    `notes` tells which calls failed and what the program did about it; `answered` counts the chat
    calls that did not fail.
    """

    def __init__(self, client: OpenAI, aclient: AsyncOpenAI, chat: str, embedding: str) -> None:
        import openai

        self._client = client
        self._aclient = aclient
        self._chat = chat
        self._embedding = embedding
        self._failed = openai.OpenAIError
        self.notes: list[str] = []
        self.answered = 0

    def run(self) -> None:
        """Do all of it."""
        said = self.answer(QUESTION)
        asyncio.run(self._translate(said))
        self.shorten(said)

    @clearspan.workflow(name="answer")
    def answer(self, question: str) -> str:
        """Look the question up, then let the agent answer it."""
        return self.assist(question, self.look_up(question))

    @clearspan.retrieval(name="handbook")
    def look_up(self, query: str) -> list[str]:
        """The two passages of the handbook that are nearest to the query."""
        try:
            asked = self._client.embeddings.create(model=self._embedding, input=[query, *HANDBOOK])
            vectors = [item.embedding for item in asked.data]
            near = [_cosine(vectors[0], vector) for vector in vectors[1:]]
        except self._failed as error:
            self._note("embeddings", error, "the handbook was searched by words")
            near = [_shared(query, passage) for passage in HANDBOOK]
        ranked = sorted(zip(near, HANDBOOK, strict=True), reverse=True)
        return [passage for _, passage in ranked[:2]]

    @clearspan.agent(name="help desk")
    def assist(self, question: str, passages: list[str]) -> str:
        """Answer by the passages, with the help of a tool where the model asks for it."""
        facts = "\n".join(passages)
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": f"You help customers of a bicycle shop.\n{facts}"},
            {"role": "user", "content": question},
        ]
        try:
            asked = self._client.chat.completions.create(
                model=self._chat, messages=messages, tools=[TOOL]
            )
        except self._failed as error:
            self._note("a call with a tool", error, "the model was asked without one")
            return self._streamed(messages)
        self.answered += 1
        reply = asked.choices[0].message
        if not reply.tool_calls:
            return reply.content or ""
        return self._streamed([*messages, *self._with_results(reply)])

    def _with_results(self, reply: ChatCompletionMessage) -> list[ChatCompletionMessageParam]:
        """The model's turn, and what the tools that it called gave."""
        calls = [call for call in reply.tool_calls or () if call.type == "function"]
        turn: ChatCompletionMessageParam = {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in calls
            ],
        }
        results: list[ChatCompletionMessageParam] = [
            {
                "role": "tool",
                "tool_call_id": call.id,
                "content": opening_hours(**_arguments(call.function.arguments)),
            }
            for call in calls
        ]
        return [turn, *results]

    def _streamed(self, messages: Sequence[ChatCompletionMessageParam]) -> str:
        pieces: list[str] = []
        try:
            stream = self._client.chat.completions.create(
                model=self._chat,
                messages=list(messages),
                stream=True,
                stream_options={"include_usage": True},
            )
            for chunk in stream:
                pieces += [choice.delta.content or "" for choice in chunk.choices]
        except self._failed as error:
            self._note("a streamed call", error, "what had come of it was kept")
        else:
            self.answered += 1
        return "".join(pieces)

    async def _translate(self, text: str) -> None:
        async with self._aclient:  # its connections belong to this event loop
            await self.translate(text)

    @clearspan.workflow(name="translate")
    async def translate(self, text: str) -> list[str]:
        """Translate into two languages at once."""
        return list(
            await asyncio.gather(*(self._translated(text, into) for into in ("French", "Spanish")))
        )

    async def _translated(self, text: str, language: str) -> str:
        try:
            asked = await self._aclient.chat.completions.create(
                model=self._chat,
                messages=[
                    {"role": "system", "content": f"Translate into {language}."},
                    {"role": "user", "content": text or QUESTION},
                ],
            )
        except self._failed as error:
            self._note(f"the translation into {language}", error, "it was left out")
            return ""
        self.answered += 1
        return asked.choices[0].message.content or ""

    @clearspan.workflow(name="shorten")
    def shorten(self, text: str) -> str:
        """Ask a model that nobody has, then the one that there is."""
        messages: list[ChatCompletionMessageParam] = [
            {"role": "user", "content": f"Say it in five words: {text or QUESTION}"}
        ]
        for model in (NO_SUCH_MODEL, self._chat):
            try:
                asked = self._client.chat.completions.create(
                    model=model, messages=messages, max_tokens=40
                )
            except self._failed as error:
                last = model == self._chat
                self._note(
                    f"a call of {model!r}", error,
                    "the text stayed as it was" if last else "the usual model was asked instead",
                )  # fmt: skip
            else:
                self.answered += 1
                return asked.choices[0].message.content or ""
        return text

    def _note(self, what: str, error: Exception, instead: str) -> None:
        self.notes.append(f"{what} failed with {type(error).__name__}; {instead}")


@clearspan.tool
def opening_hours(day: str = "", **others: Any) -> str:
    """When the shop is open; a model may ask for anything, so anything is answered."""
    return HOURS.get(day.strip().capitalize(), "9:00 to 18:00")


def _arguments(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    length = math.sqrt(sum(x * x for x in one) * sum(y * y for y in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / length if length else 0.0


def _shared(query: str, passage: str) -> float:
    words = {word.strip("?.,;").lower() for word in query.split()}
    return float(sum(word.strip("?.,;").lower() in words for word in passage.split()))
