"""The contract of providers, kept by ours for models of transformers: pipelines, and bare `generate`.

The model runs here, but what it is to say stands in a server's script: a logits processor asks for it
when a generation begins, and leaves the model no other tokens to choose. A stream is a pipeline's lazy
result, one generation for each chunk of the server's. Nothing here is asynchronous.
"""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from clearspan.providers.transformers import provider
from clearspan.testing import ModelServer
from tests.providers.contract import *  # noqa: F403 -- the suite is what is wanted of it
from tests.providers.contract import ASKED, able
from tests.providers.side import Side
from tests.providers.transformers import tiny

if TYPE_CHECKING:
    from collections.abc import Iterator

torch: Any = pytest.importorskip("torch", reason="torch is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
Pipeline: Any = pytest.importorskip("transformers.pipelines").Pipeline
texts: Any = pytest.importorskip("transformers.pipelines.text_generation")
Model: Any = pytest.importorskip("transformers.generation").GenerationMixin

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)  # threads that wait for each other cost tiny models more than they bring
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


class Refused(Exception):
    """The script has an error for this generation."""


class Script:
    """A logits processor with which a model says what the server's script has for it."""

    def __init__(self, client: Client, *, stream: bool) -> None:
        self.over = False
        self._client = client
        self._stream = stream
        self._said: Iterator[tuple[str, bool]] | None = None
        self._prompt = 0
        self._width = -1
        self._tokens: list[int] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores with which only the next token of the text can be chosen."""
        if input_ids.shape[1] != self._width + 1:
            self._begin(input_ids)
        self._width = input_ids.shape[1]
        forced = torch.full_like(scores, float("-inf"))
        forced[:, self._tokens[self._width - self._prompt]] = 0.0
        return forced

    def _begin(self, input_ids: Any) -> None:
        tokenizer = self._client.tokenizer
        if self._said is None:
            asked = tokenizer.backend_tokenizer.decode(input_ids[0].tolist())
            self._said = self._client.ask(asked, stream=self._stream)
        text, self.over = next(self._said)
        made = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
        self._prompt = input_ids.shape[1]
        self._tokens = [*made.ids, tokenizer.eos_token_id]


class Client:
    """A model with its pipeline, and the connections through which its scripts are asked for."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._connections: list[http.client.HTTPConnection] = []
        self.tokenizer = tiny.tokenizer()
        self._model = tiny.llama()
        self._pipeline = transformers.pipeline(
            "text-generation", model=self._model, tokenizer=self.tokenizer, device="cpu"
        )

    def run(self, inputs: Any, script: Script) -> Any:
        """What the pipeline makes of it."""
        return self._pipeline(inputs, return_full_text=False, **_greedy(script))

    def generate(self, text: str, script: Script) -> Any:
        """What the model itself makes of it."""
        encoded = self.tokenizer(text, return_tensors="pt")
        return self._model.generate(**encoded, **_greedy(script))

    def ask(self, text: str, *, stream: bool) -> Iterator[tuple[str, bool]]:
        """What the model is to say, piece by piece, and which of them is the last."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port)
        self._connections.append(connection)
        body = {"model": "tiny", "messages": [{"role": "user", "content": text}], "stream": stream}
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        if response.status != http.client.OK or not stream:
            yield _checked(json.load(response))["choices"][0]["message"]["content"], True
            return
        for line in response:
            if line.startswith(b"data: {"):
                choice = _checked(json.loads(line.removeprefix(b"data: ")))["choices"][0]
                yield choice["delta"].get("content") or "", choice["finish_reason"] is not None

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def _greedy(script: Script) -> dict[str, Any]:
    listed = transformers.LogitsProcessorList([script])
    return {"max_new_tokens": 64, "do_sample": False, "logits_processor": listed}


def _checked(answer: Any) -> Any:
    if "error" in answer:
        raise Refused(answer["error"]["message"])
    return answer


class Completion:
    """Texts that a pipeline goes on with."""

    provider = provider
    kind = "INTERNAL"
    span = "text_completion tiny"
    identity = "gen_ai.usage.output_tokens"
    refused = f"{__name__}.Refused"
    broken = refused

    def client(self, server: ModelServer, *, asynchronous: bool) -> Any:
        assert not asynchronous
        return Client(server)

    def release(self, client: Any) -> Any:
        return client.close()

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        script = Script(client, stream=stream)
        if not stream:
            return client.run(self.asked(text), script)
        # Lazy results begin anew at each `iter`.
        return map(_itself, client.run(_repeated(self.among(text), script), script))

    def asked(self, text: str) -> Any:
        """What the pipeline is given."""
        return text

    def among(self, text: str) -> Any:
        """The same, as one of several that are read as it goes along."""
        return text

    def raw(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def parsed(self, raw: Any) -> Any:
        del raw

    def unread(self, client: Any, text: str, *, stream: bool = False) -> Any:
        del client, text, stream

    def answer(self, result: Any) -> str:
        return "".join(item["generated_text"] for item in result)

    def delta(self, chunk: Any) -> str:
        return self.answer(chunk)

    def block(self, stream: Any) -> Any:
        del stream

    def close(self, stream: Any) -> Any:
        del stream

    def closed(self, stream: Any) -> bool | None:
        del stream
        return None

    def targets(self) -> list[Any]:
        return [vars(Pipeline)["__call__"], vars(Model)["generate"]]


class Chat(Completion):
    """Conversations that a pipeline goes on with."""

    span = "chat tiny"

    def asked(self, text: str) -> Any:
        return [{"role": "user", "content": text}]

    def among(self, text: str) -> Any:
        # Older versions take no bare lists from a generator.
        return texts.Chat(self.asked(text))


class Generation(Completion):
    """Tokens that a model goes on with; it has no streams that an error could come through."""

    def call(self, client: Any, text: str, *, stream: bool = False) -> Any:
        able(None if stream else text)
        return client.generate(text, Script(client, stream=False))

    def answer(self, result: Any) -> str:
        whole: str = tiny.tokenizer().decode(result[0], skip_special_tokens=True)
        return whole.removeprefix(ASKED)


def _repeated(asked: Any, script: Script) -> Iterator[Any]:
    while not script.over:
        yield asked


def _itself(chunk: Any) -> Any:
    return chunk


@pytest.fixture
def side() -> Iterator[Side]:
    made = Side(asynchronous=False)
    yield made
    made.close()


@pytest.fixture(scope="session", params=[Completion, Chat, Generation])
def vendor(request: pytest.FixtureRequest) -> Any:
    return request.param()
