"""Patching (rows F17 to F24): what is wrapped, when, and that nobody can tell."""

from __future__ import annotations

import ast
import asyncio
import importlib
import importlib.metadata
import inspect
import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, create_autospec, patch

import pytest

import clearspan
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply
from tests.faults.kit import ASKED, LINES, PIECES, ROOT, TEXT, Line, line, lines, ran
from tests.providers.side import Side

OPENAI = lines("openai")
CHATS = lines("openai-chat", "ollama-chat", "hub-chat")
every_line = pytest.mark.parametrize("how", LINES, ids=str)
every_chat = pytest.mark.parametrize("how", CHATS, ids=str)
TOKENS = "gen_ai.client.token.usage"


def whole() -> Reply:
    return Reply(TEXT, chunks=PIECES)


def counted(seen: Any, kind: str) -> tuple[int, float]:
    """How many points of token usage there are, and what they add up to."""
    points = seen.metrics.get(TOKENS, [])
    of_kind = [point for point in points if point["attributes"]["gen_ai.token.type"] == kind]
    return sum(point["count"] for point in of_kind), sum(point["sum"] for point in of_kind)


# -- F17: one usage-bearing span and one point for each physical call ----------------------------


@every_line
@pytest.mark.parametrize("layers", [1, 3])
def test_F17_wrappers_around_a_client_count_its_tokens_once(
    how: Line, layers: int, server: ModelServer, side: Side
) -> None:
    """An application's own model function, a framework's around it, and the client's call inside."""
    server.respond(whole())
    client = how.make(server, side.asynchronous)
    with captured() as alone:
        side.do(how.ask(client, ASKED))

    def wrapped(inner: Any) -> Any:
        @clearspan.model
        def ask(text: str) -> Any:
            return inner(text)

        @clearspan.model
        async def aask(text: str) -> Any:
            return await inner(text)

        return aask if side.asynchronous else ask

    ask: Any = lambda text: how.ask(client, text)  # noqa: E731
    for _ in range(layers):
        ask = wrapped(ask)
    with captured() as seen:
        assert how.said(side.do(ask(ASKED))) == TEXT
    bearing = [span for span in seen.spans if "gen_ai.usage.output_tokens" in span.attributes]
    assert len(bearing) == sum("gen_ai.usage.output_tokens" in s.attributes for s in alone.spans)
    for kind in ("input", "output"):
        assert counted(seen, kind) == counted(alone, kind)
    side.do(how.release(client))


def test_F17_a_client_inside_another_clients_transport_is_a_call_of_its_own(
    server: ModelServer,
) -> None:
    """A gateway in the process: two requests were made, and each is told once."""
    import httpx
    import openai

    server.respond(whole())
    inner = line("openai-chat").make(server, False)
    transport = type(inner._client).__mro__

    def gateway(request: Any) -> Any:
        answer = inner.chat.completions.create(**json.loads(request.content))
        return httpx_of(request).Response(200, json=answer.model_dump(mode="json"))

    def httpx_of(request: Any) -> Any:
        return importlib.import_module(type(request).__module__.partition(".")[0])

    library = importlib.import_module(next(
        cls.__module__.partition(".")[0] for cls in transport if cls.__module__.startswith("httpx")
    ))  # fmt: skip
    assert library.__name__.startswith(httpx.__name__[:5])
    outer = openai.OpenAI(
        api_key="x", max_retries=0, http_client=library.Client(transport=library.MockTransport(gateway))
    )  # fmt: skip
    with captured() as seen:
        answer = line("openai-chat").ask(outer, ASKED)
    assert line("openai-chat").said(answer) == TEXT
    assert len(server.requests) == 1
    bearing = [span for span in seen.spans if "gen_ai.usage.output_tokens" in span.attributes]
    assert len(bearing) == counted(seen, "output")[0] == 1
    inner.close()
    outer.close()


def test_F17_starting_twice_counts_once(server: ModelServer) -> None:
    server.respond(whole())
    how = line("openai-chat")
    client = how.make(server, False)
    with captured() as outer, captured() as inner:
        how.ask(client, ASKED)
        assert len(inner.spans) == 1
    assert len(outer.spans) == 0
    assert counted(inner, "output")[0] == 1
    how.release(client)


def test_F17_langchain_over_the_client_counts_once(server: ModelServer) -> None:
    langchain = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    server.respond(whole())
    with captured() as seen:
        model = langchain.ChatOpenAI(model="m", base_url=server.url, api_key="x", max_retries=0)
        assert model.invoke(ASKED).content == TEXT
        assert "".join(chunk.content for chunk in model.stream(ASKED)) == TEXT
    assert len(server.requests) == len(seen.spans) == 2
    assert seen.open_calls == 0


# -- F18 and F19 --------------------------------------------------------------------------------

# Private targets that endpoints have, with the reason; probes may be private, they are extras.
PRIVATE = {
    # Every public method, also one bound before we came, ends in it.
    "ollama._client:Client._request", "ollama._client:AsyncClient._request",
}  # fmt: skip


def _providers() -> list[Any]:
    found = importlib.metadata.entry_points(group="clearspan.providers")
    return [each.load() for each in found if each.value.startswith("clearspan.providers.")]


def test_F18_calls_are_caught_at_public_methods() -> None:
    providers = _providers()
    assert len(providers) >= 4
    private = {
        target
        for provider in providers
        for endpoint in provider.endpoints
        for target in (*endpoint.targets, *endpoint.families)
        if any(part.startswith("_") and not part.endswith("__") for part in target.partition(":")[2].split("."))
    }  # fmt: skip
    assert {target for target in private if not target.startswith("transformers")} <= PRIVATE


@pytest.mark.parametrize("how", LINES, ids=str)
def test_F18_without_the_private_places_calls_are_recorded_all_the_same(
    how: Line, server: ModelServer, side: Side
) -> None:
    """The next version renames everything private that is only an extra: the calls are still there."""
    import dataclasses

    if how.library == "ollama":
        pytest.skip("its one place is watched by the contract of its client")
    (provider,) = (
        each for each in _providers() if each.distribution.replace("-", "_") == how.library
    )
    probes = tuple(
        dataclasses.replace(probe, targets=tuple(f"{target}_gone" for target in probe.targets))
        for probe in provider.probes
    )
    server.respond(whole())
    client = how.make(server, side.asynchronous)
    with captured(providers=[dataclasses.replace(provider, probes=probes)]) as seen:
        assert how.said(side.do(how.ask(client, ASKED))) == TEXT
        assert (
            "".join(map(how.delta, side.take(side.do(how.ask(client, ASKED, stream=True))))) == TEXT
        )
        assert len(seen.spans) == 2
    side.do(how.release(client))


_IMPORTS = """
import importlib, sys
import clearspan
clearspan.init(store=sys.argv[1], hardware="off")
print(sorted({"openai", "ollama", "huggingface_hub", "transformers", "torch", "httpx"} & set(sys.modules)))
try:
    import LIBRARY
except ImportError as error:
    print(type(error).__name__, error)
else:
    print("imported", "Client" in vars(LIBRARY))
    for name in sys.argv[2:]:
        importlib.import_module(name)
@clearspan.task
def work(): return 1
work()
clearspan.shutdown()
print(clearspan.status().internal_errors)
"""
BROKEN = {
    "raises": "raise ImportError('no such symbol')",
    "half": "class Client: pass",
    "odd": "Client = 7\n_client = None\nclass AsyncClient: chat = property(lambda self: 1/0)",
    "exits": "import sys\nsys.modules[__name__].__getattr__ = lambda name: 1/0",
}


# What stands there instead of each class, or function, that something is looked for in.
INSTEAD = {
    "raises": "raise ImportError('no such symbol')\n",
    "half": "class NAME: pass\n",
    "odd": "NAME = 7\n",
    "exits": BROKEN["exits"] + "\n",
}


def _looked_for(library: str) -> dict[str, set[str]]:
    """The modules that are waited for, and the names that are looked for in each."""
    found: dict[str, set[str]] = {}
    for provider in _providers():
        for item in (*provider.endpoints, *provider.probes, *provider.passages):
            for target in (*item.targets, *item.families):
                module, _, path = target.partition(":")
                if module.partition(".")[0] == library:
                    found.setdefault(module, set()).add(path.partition(".")[0])
    return found


@pytest.mark.parametrize("library", ["openai", "ollama", "huggingface_hub", "transformers"])
@pytest.mark.parametrize("state", BROKEN)
def test_F19_a_library_that_is_broken_or_half_there_fails_as_it_would(
    library: str, state: str, tmp_path: Path
) -> None:
    looked_for = _looked_for(library)
    assert looked_for
    for module, names in looked_for.items():
        home = (tmp_path / "site").joinpath(*module.split("."))
        home.mkdir(parents=True, exist_ok=True)
        text = "".join(INSTEAD[state].replace("NAME", name) for name in sorted(names))
        (home / "__init__.py").write_text(text)
    (tmp_path / "site" / library / "__init__.py").write_text(BROKEN[state])
    path = f"{tmp_path / 'site'}:{ROOT / 'src'}:{ROOT}"
    code = _IMPORTS.replace("LIBRARY", library)
    done = ran(code, str(tmp_path / "s.db"), *looked_for, PYTHONPATH=path)
    told = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert told[0] == "[]"
    raises = state == "raises"
    assert told[1] == (
        "ImportError no such symbol" if raises else f"imported {state in ('half', 'odd')}"
    )
    assert told[2] == "{}"


# -- F20 ----------------------------------------------------------------------------------------

_ORDERS = """
import asyncio, sys
order, url, origin = sys.argv[1:]
import clearspan

def start():
    clearspan.init(store=f"{order}.db", hardware="off")

def make():
    import huggingface_hub, ollama, openai
    return (
        openai.OpenAI(base_url=url, api_key="x"), openai.AsyncOpenAI(base_url=url, api_key="x"),
        ollama.Client(host=origin), ollama.AsyncClient(host=origin),
        huggingface_hub.InferenceClient(model=f"{origin}/models/m", token="n"),
        huggingface_hub.AsyncInferenceClient(model=f"{origin}/models/m", token="n"),
    )

if order == "first":
    start(); clients = make(); from ollama import chat; from openai.resources.chat import Completions
elif order == "imported":
    import openai, ollama, huggingface_hub
    start(); clients = make(); from ollama import chat; from openai.resources.chat import Completions
elif order == "made":
    clients = make(); from ollama import chat; from openai.resources.chat import Completions; start()
else:  # used before as well
    clients = make(); from ollama import chat; from openai.resources.chat import Completions
    asked = [{"role": "user", "content": "x"}]
    clients[0].chat.completions.create(model="m", messages=asked)
    clients[2].chat(model="m", messages=asked); clients[4].chat_completion(asked)
    start()
asked = [{"role": "user", "content": "x"}]
clients[0].chat.completions.create(model="m", messages=asked)
clients[2].chat(model="m", messages=asked)
clients[4].chat_completion(asked)
Completions(clients[0]).create(model="m", messages=asked)
chat(model="m", messages=asked)
async def main():
    await clients[1].chat.completions.create(model="m", messages=asked)
    await clients[3].chat(model="m", messages=asked)
    await clients[5].chat_completion(asked)
    await clients[1].close(); await clients[3]._client.aclose(); await clients[5].close()
asyncio.run(main())
clearspan.flush(20)
print(clearspan.status().accounts.created)
"""


@pytest.mark.parametrize("order", ["first", "imported", "made", "used"])
def test_F20_calls_are_seen_in_whatever_order_things_are_imported_made_and_started(
    order: str, server: ModelServer, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub")
    given = (order, server.url, server.origin)
    done = ran(_ORDERS, *given, folder=tmp_path, OLLAMA_HOST=server.origin)
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr
    assert len([r for r in server.requests if r.method == "POST"]) == (11 if order == "used" else 8)


# -- F21 ----------------------------------------------------------------------------------------

_QUIET = """
import sys
seen = []
def hook(event, args):
    if event.startswith(("socket.", "subprocess.", "urllib.", "signal.", "os.fork", "_thread.start")):
        seen.append(event)
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"open {args[0]}")
sys.dont_write_bytecode = True
import atexit, threading, signal, warnings, logging, contextvars, os
before = (signal.getsignal(signal.SIGTERM), threading.active_count(), atexit._ncallbacks(), logging.root.level, dict(os.environ))
sys.addaudithook(hook)
MODULE
after = (signal.getsignal(signal.SIGTERM), threading.active_count(), atexit._ncallbacks(), logging.root.level, dict(os.environ))
print([e for e in seen], before[0] == after[0], before[1] == after[1], before[3:] == after[3:])
print(sorted({"openai", "ollama", "huggingface_hub", "transformers", "torch", "tiktoken", "requests", "numpy", "pydantic"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "module",
    ["import clearspan", "import clearspan; clearspan.task(len); clearspan.context(user='u')"],
)
def test_F21_importing_opens_starts_and_sets_nothing(module: str) -> None:
    done = ran(_QUIET.replace("MODULE", module), CLEARSPAN_DISABLED="1")
    assert (done.returncode, done.stdout) == (0, "[] True True True\n[]\n"), done.stderr


# -- F22 ----------------------------------------------------------------------------------------

_WRAPT = """
import asyncio, inspect, sys
import wrapt
from clearspan.testing import ModelServer, Reply, captured
from tests.faults.kit import ASKED, LINES, PIECES, TEXT
from tests.providers.side import Side
with ModelServer() as server, captured() as seen:
    server.respond(Reply(TEXT, chunks=PIECES))
    for how in LINES:
        for asynchronous in (False, True):
            side = Side(asynchronous=asynchronous)
            client = how.make(server, asynchronous)
            assert how.said(side.do(how.ask(client, ASKED))) == TEXT
            assert "".join(map(how.delta, side.take(side.do(how.ask(client, ASKED, stream=True))))) == TEXT
            side.do(how.release(client))
            side.close()
print(len(seen.spans), seen.open_calls, type(wrapt.FunctionWrapper.__call__).__name__)
"""


@pytest.mark.parametrize("name", ["openai-chat", "ollama-chat", "hub-chat"])
def test_F22_through_the_class_with_the_instance_by_name(name: str, server: ModelServer) -> None:
    """The target as it is called by whoever looks it up in its class: nothing is lost, the server included."""
    server.respond(whole())
    how = line(name)
    client = how.make(server, False)
    bound = {
        "openai-chat": lambda: client.chat.completions.create,
        "ollama-chat": lambda: client.chat,
        "hub-chat": lambda: client.chat_completion,
    }[name]
    asked = {"model": "acme/model-7b", "messages": [{"role": "user", "content": ASKED}]}
    with captured() as seen:
        bound()(**asked)
        method = bound()
        getattr(type(method.__self__), method.__name__)(self=method.__self__, **asked)
        usual, named = seen.spans
    for attribute in ("server.address", "server.port", "gen_ai.input.messages"):
        assert named.attributes.get(attribute) == usual.attributes.get(attribute)
    assert usual.attributes["server.port"]
    how.release(client)


@pytest.mark.parametrize("extension", ["C", "python"])
def test_F22_with_and_without_the_compiled_half_of_wrapt(extension: str) -> None:
    off = {} if extension == "C" else {"WRAPT_DISABLE_EXTENSIONS": "1"}
    done = ran(_WRAPT, extension, **off)
    assert done.returncode == 0, done.stderr
    spans, left_open, written_in = done.stdout.split()
    assert (int(spans), int(left_open)) == (4 * len(LINES), 0)
    assert extension == "C" or written_in == "function"  # where it could not be compiled, both are


# -- F23 ----------------------------------------------------------------------------------------

NAMES = ("self", "fn", "function", "func", "wrapped", "instance", "args", "kwargs", "span", "target", "call", "begin",
         "recording", "provider", "endpoint", "draft", "drive", "name", "kind", "cls", "context", "token", "stream")  # fmt: skip


class Opaque:
    """An argument that can be told apart from any other, and refuses to be looked at."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"somebody asked for {name}")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("somebody compared")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", ["function", "method", "class", "static", "async", "generator"])
def test_F23_arguments_reach_decorated_functions_by_identity_and_in_order(kind: str) -> None:
    got: list[Any] = []

    def plain(*args: Any, **kwargs: Any) -> None:
        got.append((args, list(kwargs.items())))

    async def later(*args: Any, **kwargs: Any) -> None:
        got.append((args, list(kwargs.items())))

    def stepping(*args: Any, **kwargs: Any) -> Any:
        got.append((args, list(kwargs.items())))
        yield

    class Home:
        @clearspan.task
        def method(*args: Any, **kwargs: Any) -> None:
            got.append((args[1:], list(kwargs.items())))

        made = clearspan.task(classmethod(lambda cls, *args, **kwargs: plain(*args, **kwargs)))
        static = clearspan.task(staticmethod(plain))

    home = Home()
    targets = {
        "function": clearspan.task(plain), "method": home.method, "class": home.made, "static": Home.static,
        "async": clearspan.task(later), "generator": clearspan.task(stepping),
    }  # fmt: skip
    args = (Opaque(), Opaque(), iter([1]))
    # Keywords in an order of the caller's own, under every name that we might have taken.
    names = [name for name in reversed(NAMES) if not (kind == "class" and name == "cls")]
    kwargs: dict[str, Any] = {name: Opaque() for name in names}
    with captured():
        result: Any = targets[kind](*args, **kwargs)
        asyncio.run(result) if kind == "async" else None
        list(result) if kind == "generator" else None
    ((found, named),) = got
    assert [id(item) for item in found] == [id(item) for item in args]
    assert [(name, id(value)) for name, value in named] == [(n, id(v)) for n, v in kwargs.items()]
    assert next(args[2]) == 1


@pytest.mark.parametrize("how", OPENAI, ids=str)
def test_F23_arguments_of_a_client_arrive_as_they_were_given(
    how: Line, server: ModelServer, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the client's own function is called with, right below us."""
    resource = {
        "openai-chat": "chat.completions", "openai-completions": "completions", "openai-responses": "responses",
    }[how.name]  # fmt: skip
    client = how.make(server, side.asynchronous)
    owner: Any = client
    for part in resource.split("."):
        owner = getattr(owner, part)
    got: list[Any] = []

    def create(self: Any, *args: Any, **kwargs: Any) -> str:
        got.append((self, args, list(kwargs.items())))
        return "made"

    monkeypatch.setattr(type(owner), "create", create)
    messages = [{"role": "user", "content": "x"}]
    once, body = iter(messages), {"deep": [messages]}
    given = {
        "input": once,
        "messages": messages,
        "prompt": "p",
        "extra_body": body,
        "model": "m",
        "unknown": got,
    }
    with captured() as seen:
        assert owner.create(*(), **given) == "made"
    ((instance, args, named),) = got
    assert instance is owner
    assert args == ()
    assert [(name, id(value)) for name, value in named] == [(n, id(v)) for n, v in given.items()]
    assert (list(once), body) == (messages, {"deep": [messages]})
    assert len(seen.spans) == 1
    side.do(how.release(client))


# -- F24 ----------------------------------------------------------------------------------------


def _mocked(how: Line, mock: Any, stream: bool) -> Any:
    """The attribute of a mocked client that the line calls."""
    names = {
        "openai-chat": ("chat", "completions", "create"), "openai-completions": ("completions", "create"),
        "openai-responses": ("responses", "create"), "ollama-chat": ("chat",), "ollama-generate": ("generate",),
        "hub-chat": ("chat_completion",), "hub-generation": ("text_generation",),
    }[how.name]  # fmt: skip
    for name in names:
        mock = getattr(mock, name)
    return mock


@every_line
@pytest.mark.parametrize("make", ["MagicMock", "spec", "autospec", "AsyncMock"])
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # mocks drop coroutines
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_F24_mocked_clients_are_mocks_and_nothing_else(
    how: Line, make: str, server: ModelServer, side: Side
) -> None:
    with captured() as seen:
        client = how.make(server, side.asynchronous)
        mock: Any = {
            "MagicMock": MagicMock, "AsyncMock": AsyncMock, "spec": lambda: MagicMock(spec=client),
            "autospec": lambda: create_autospec(client, instance=True),
        }[make]()  # fmt: skip
        method = _mocked(how, mock, stream=False)
        method.return_value = sentinel = object()
        answer = how.ask(mock, ASKED)
        if inspect.isawaitable(answer):
            answer = Side(asynchronous=True).do(answer)
        assert answer is sentinel
        method.assert_called_once()
        assert method.call_args.kwargs.get("model", "m") == "m"
        side.do(how.release(client))
    assert seen.spans == []
    assert not server.requests


@every_chat
def test_F24_patched_methods_replaced_by_mocks_of_their_signature(
    how: Line, server: ModelServer, side: Side
) -> None:
    with captured() as seen:
        client = how.make(server, side.asynchronous)
        method = _mocked(how, client, stream=False)
        owner = method.__self__
        with patch.object(type(owner), method.__name__, autospec=True) as fake:
            fake.return_value = "made"
            answer = how.ask(client, ASKED)
            assert (side.do(answer) if inspect.isawaitable(answer) else answer) == "made"
            fake.assert_called_once()
            with pytest.raises(TypeError):  # it has the signature that it had
                getattr(owner, method.__name__)(no_such_argument=1)
        server.respond(whole())
        assert how.said(side.do(how.ask(client, ASKED))) == TEXT
        assert len(seen.spans) == 1
        side.do(how.release(client))


@pytest.mark.parametrize("how", OPENAI, ids=str)
def test_F24_an_answer_that_is_a_mock_is_an_answer(
    how: Line, server: ModelServer, side: Side
) -> None:
    """It has every attribute that anybody asks for, those of a stream among them."""
    client = how.make(server, side.asynchronous)
    owner = _mocked(how, client, stream=False).__self__
    made = MagicMock()
    post = AsyncMock(return_value=made) if side.asynchronous else Mock(return_value=made)
    with captured() as seen, patch.object(owner, "_post", post):
        assert side.do(how.ask(client, ASKED)) is made
        assert made.mock_calls == []
        assert len(seen.spans) == 1
        assert seen.open_calls == 0
    assert not server.requests
    side.do(how.release(client))


def test_F24_recorded_cassettes_play_back(server: ModelServer, side: Side) -> None:
    """As VCR does: the transport is replaced, and asked exactly what it would be asked."""
    how = line("openai-chat")
    client = how.make(server, side.asynchronous)
    inner = client._client
    server.respond(whole())
    side.do(how.ask(client, ASKED))
    (recorded,) = server.requests
    played: list[bytes] = []
    send = inner.send

    def replay(request: Any, **given: Any) -> Any:
        played.append(bytes(request.content))
        return send(request, **given)

    with captured() as seen, patch.object(inner, "send", Mock(side_effect=replay)) as sent:
        assert how.said(side.do(how.ask(client, ASKED))) == TEXT
    assert sent.call_count == len(seen.spans) == 1
    assert played == [recorded.body]
    side.do(how.release(client))


def test_F18_the_table_of_targets_is_written_out() -> None:
    """Targets are plain text in the source: a test, or a person, can read which methods are patched."""
    found: list[str] = []
    for path in (ROOT / "src" / "clearspan" / "providers" / "ollama").glob("*.py"):
        tree = ast.parse(path.read_text())
        found += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    assert PRIVATE & set(found) == PRIVATE
    assert "openai" in sys.modules or OPENAI == ()
