"""A program with a canary in everything that it says, for the tests of privacy to look for afterwards.

It reads one JSON object from its standard input: `init` (the arguments of `clearspan.init`), `redactor` (whether a
function of its own is added), `canaries`, and the addresses of the servers. When all is flushed it prints what its
objects show of themselves, and goes on to its end when another line comes.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import clearspan

TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "look", "description": "", "parameters": {"type": "object"}}}
]  # fmt: skip


class Program:
    """What it says, and to whom."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.said: Mapping[str, str] = told["canaries"]
        self.server: str = told["server"]
        self.shown: list[str] = []

    def run(self) -> None:
        """Every step, whatever becomes of the one before."""
        for step in (
            self.ask_openai,
            self.fail_openai,
            self.ask_azure,
            self.ask_others,
            self.ask_rest,
            self.own_steps,
        ):
            try:
                step()
            except Exception as error:
                print(f"{step.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
                raise

    def client(self, key: str, **more: Any) -> Any:
        import openai

        said = self.said
        host = self.server.removeprefix("http://")
        return openai.OpenAI(
            api_key=said[key], organization=said["organization"], project=said["project"], max_retries=0,
            base_url=f"http://ada:{said['url_password']}@{host}/v1",
            default_headers={"x-canary": said["default_header"]}, default_query={"sas": said["query_secret"]}, **more,
        )  # fmt: skip

    def messages(self) -> list[Any]:
        said = self.said
        picture = base64.b64encode(said["picture"].encode()).decode()
        return [
            {"role": "system", "content": said["system"]},
            {"role": "user", "name": "ada", "content": [
                {"type": "text", "text": f"Say {said['prompt']} once. My key is {said['key_in_prompt']}"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
                {"type": "image_url", "image_url": {"url": f"https://pictures.invalid/{said['picture_url']}"}},
                {"type": "file", "file": {"filename": said["file_name"], "file_data": f"data:text/plain;base64,{picture}"}},
            ]},
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function",
                 "function": {"name": "look", "arguments": json.dumps({"where": said["earlier_argument"]})}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": said["tool_result"]},
        ]  # fmt: skip

    def more(self) -> dict[str, Any]:
        said = self.said
        return {
            "extra_headers": {"x-more": said["extra_header"], "authorization": f"Bearer {said['bearer']}"},
            "extra_query": {"more": said["extra_query"]}, "extra_body": {"private": said["extra_body"]},
            "metadata": {"who": said["metadata"]}, "user": said["user"], "stop": [said["stop"]],
        }  # fmt: skip

    def ask_openai(self) -> None:
        """Whole answers and streams, with tools, of the three ways to ask for text."""
        said, client = self.said, self.client("key")
        with clearspan.context(
            session="s-1", variables={"topic": said["variable"]}, documents=[said["document"]], references=[said["reference"]]
        ):  # fmt: skip
            client.chat.completions.create(
                model="m-tools", messages=self.messages(), tools=TOOLS, **self.more()
            )
            for _ in client.chat.completions.create(
                model="m", messages=self.messages(), stream=True, logprobs=True, **self.more()
            ):
                pass
        client.responses.create(model="m", instructions=said["system"], input=said["prompt"])
        client.completions.create(model="m", prompt=said["prompt"], logprobs=1)
        asyncio.run(self.ask_later())
        self.shown += [repr(client), repr(clearspan.current())]

    async def ask_later(self) -> None:
        """An asynchronous stream that is left early."""
        import openai

        said = self.said
        async with openai.AsyncOpenAI(
            api_key=said["plain_key"], base_url=f"{self.server}/v1"
        ) as client:
            stream = await client.chat.completions.create(
                model="m", messages=self.messages(), stream=True
            )
            async for _ in stream:
                break
            await stream.close()

    def fail_openai(self) -> None:
        """Providers that repeat what they were sent in every place of an error, and servers that are not there."""
        import openai

        for model in ("bad-request", "bad-key", "bad-text", "bad-stream", "bad-200"):
            for key in ("key", "plain_key"):
                with contextlib.suppress(openai.OpenAIError):
                    client = self.client(key)
                    found = client.chat.completions.create(
                        model=model, messages=self.messages(), stream=model == "bad-stream"
                    )
                    list(found) if model == "bad-stream" else None
        with contextlib.suppress(openai.OpenAIError):
            said = self.said
            gone = openai.OpenAI(
                api_key=said["plain_key"],
                max_retries=0,
                base_url=f"http://ada:{said['url_password']}@127.0.0.1:9/?s={said['url_secret']}",
            )
            gone.chat.completions.create(model="m", messages=self.messages())

    def ask_azure(self) -> None:
        """With a key of its own, and with a token."""
        import openai

        said = self.said
        keys: list[Any] = [{"api_key": said["azure_key"]}, {"azure_ad_token": said["azure_token"]}]
        for given in keys:
            client = openai.AzureOpenAI(
                azure_endpoint=self.server, api_version="2024-06-01", max_retries=0, **given
            )
            for model in ("m", "bad-key"):
                with contextlib.suppress(openai.OpenAIError):
                    client.chat.completions.create(model=model, messages=self.messages())

    def ask_others(self) -> None:
        """The other clients that are installed."""
        said = self.said
        with contextlib.suppress(ImportError):
            import ollama

            client: Any = ollama.Client(
                host=self.server, headers={"authorization": f"Bearer {said['ollama_key']}"}
            )
            client.chat(model="m", messages=[{"role": "user", "content": said["prompt"]}])
            client.generate(model="m", prompt=said["prompt"], system=said["system"])
            with contextlib.suppress(ollama.ResponseError):
                client.chat(model="bad-key", messages=[{"role": "user", "content": said["prompt"]}])
        with contextlib.suppress(ImportError):
            from huggingface_hub import InferenceClient, constants

            constants.HF_HUB_DISABLE_TELEMETRY = True
            hub: Any = InferenceClient(
                model=f"{self.server}/models/m",
                token=said["hub_key"],
                headers={"x-own": said["extra_header"]},
            )
            hub.chat_completion([{"role": "user", "content": said["prompt"]}])
            hub.text_generation(said["prompt"])

    def ask_rest(self) -> None:
        """Embeddings, pictures, speech and judgement."""
        said, client = self.said, self.client("plain_key")
        client.embeddings.create(model="m", input=[said["prompt"]])
        client.images.generate(model="m", prompt=said["prompt"])
        client.moderations.create(model="m", input=said["prompt"])
        client.audio.speech.create(model="m", voice="alloy", input=said["prompt"]).read()
        client.audio.transcriptions.create(
            model="m", file=("a.wav", said["sound"].encode()), prompt=said["prompt"]
        )

    def own_steps(self) -> None:
        """Decorated functions that take, give and raise canaries, and what somebody says of an answer."""
        said = self.said

        @clearspan.tool
        def look(where: str, **more: Any) -> dict[str, Any]:
            return {"found": said["step_result"], "where": where, "password": said["named_secret"]}

        @clearspan.agent
        def helper(question: str) -> str:
            look(said["step_argument"], api_key=said["named_secret"])
            try:
                raise KeyError(said["cause"])
            except KeyError as cause:
                raise ValueError(f"cannot {said['exception']}") from cause

        with contextlib.suppress(ValueError):
            helper(said["prompt"])
        with clearspan.invocation("chat", provider="acme", model="m") as call:
            call.input(said["prompt"])
            call.text(said["output"])
        with clearspan.span("step") as step:
            step.set(**{"app.note": "n"})
        clearspan.feedback("down", session="s-1", comment=said["comment"])


def evaluators(said: Mapping[str, str]) -> list[Any]:
    """What quotes a call in everything that it says about it; and ours that learn and keep something."""

    @clearspan.evaluator(name="quoting", raw=True)
    def quoting(call: Any) -> clearspan.Score:
        text = f"{call.input_text} {call.output_text}"
        return clearspan.Score(
            value=0.5, label=text[:80] or said["prompt"], explanation=text, metadata={"seen": text}
        )

    @clearspan.evaluator(name="failing")
    def failing(call: Any) -> float:
        raise RuntimeError(f"{call.input_text} {said['prompt']}")

    return [quoting, failing, "pii", "secrets", "prompt_injection", "toxicity", "refusal", "repetition", "language", "judge_relevance"]  # fmt: skip


def own_redactor(text: str) -> str:
    """Takes out the canaries, whatever is around them."""
    return re.sub(r"canary\w+@secret\.example", "[gone]", text)


def shown(runtime: Any) -> Iterator[str]:
    """What objects that a program can reach show of themselves."""
    yield repr(runtime)
    yield repr(runtime.settings)
    yield repr(runtime.settings.shown())
    yield repr(clearspan.status())
    yield repr(runtime._providers)
    yield from (repr(exporters) for exporters in runtime._providers.exporters)
    yield repr(runtime.pipeline)
    yield repr(vars(runtime.pipeline))
    yield repr(runtime._warden)
    yield runtime.destination


def main() -> None:
    """Run it all."""
    told = json.loads(sys.stdin.readline())
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("clearspan").setLevel(logging.DEBUG)
    given = told["init"]
    if told["redactor"]:
        given["redact"] = [own_redactor]
    runtime = clearspan.init(**given, evaluators=evaluators(told["canaries"]))
    program = Program(told)
    program.run()
    clearspan.flush(20)
    clearspan.flush(20)
    texts = [*program.shown, *shown(runtime)]
    print(json.dumps(texts), flush=True)
    sys.stdin.readline()
    clearspan.shutdown(10)


if __name__ == "__main__":
    main()
