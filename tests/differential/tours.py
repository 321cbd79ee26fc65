"""Wider programs than those of `scenarios`: other clients, objects, exceptions, frameworks, processes.

What is decorated is decorated by what `Trip` gives: clearspan's decorators where clearspan is imported, and
nothing in the raw run. Each tour tells everything that a program can notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import inspect
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import AsyncMock, MagicMock, create_autospec

from tests.providers.side import Side

Tour = Callable[["Trip"], None]
TOURS: dict[str, Tour] = {}
MESSAGES: list[Any] = [{"role": "user", "content": "Why is the sky blue? \u2600 \U0001f600"}]
FAILING = ("refused", "limited", "broken", "no-json", "cut")


def tour(play: Tour) -> Tour:
    TOURS[play.__name__] = play
    return play


class Trip:
    """What the tours need: clients made at the very start, a log, and decorators where there are any."""

    def __init__(self, url: str) -> None:
        import huggingface_hub
        import ollama
        import openai
        from huggingface_hub import constants

        constants.HF_HUB_DISABLE_TELEMETRY = True
        self.url, self.origin = url, url.removesuffix("/v1")
        self.sides = {False: Side(asynchronous=False), True: Side(asynchronous=True)}
        self.openai = {False: openai.OpenAI, True: openai.AsyncOpenAI}
        self.ollama = {False: ollama.Client, True: ollama.AsyncClient}
        self.hub = {
            False: huggingface_hub.InferenceClient, True: huggingface_hub.AsyncInferenceClient,
        }  # fmt: skip
        self.log: Callable[..., None] = print
        self.title = ""
        self.early = {
            (library, asynchronous): self.client(library, asynchronous)
            for library in ("openai", "ollama", "hub")
            for asynchronous in (False, True)
        }

    def begin(self, title: str, log: Callable[..., None]) -> None:
        self.title, self.log = title, log

    def client(self, library: str, asynchronous: bool, kind: type | None = None) -> Any:
        """A new client of the scripted server, perhaps of a class of the program's own."""
        if library == "openai":
            return (kind or self.openai[asynchronous])(
                base_url=self.url, api_key="k", max_retries=0
            )
        if library == "ollama":
            return (kind or self.ollama[asynchronous])(host=self.origin)
        kind = kind or self.hub[asynchronous]
        return kind(
            model=f"{self.origin}/models/m", token="none",
            headers={"x-request-id": "tour", "x-amzn-trace-id": "tour"},
        )  # fmt: skip

    def tried(self, action: Callable[[], Any]) -> Any:
        """Tell what `action` gives or raises."""
        try:
            found = action()
        except BaseException as error:  # noqa: BLE001 -- whatever comes out is what is compared
            self.log("raised", error)
            return None
        self.log("gave", found)
        return found

    def task(self, function: Any) -> Any:
        """`function`, decorated where clearspan is there."""
        return self._decorated("task", function)

    def model(self, function: Any) -> Any:
        return self._decorated("model", function)

    def _decorated(self, kind: str, function: Any) -> Any:
        known = sys.modules.get("clearspan")
        return function if known is None else getattr(known, kind)(function)

    def close(self) -> None:
        for (library, asynchronous), client in self.early.items():
            side = self.sides[asynchronous]
            inner = client._client if library == "ollama" else client
            close = getattr(
                inner, "aclose" if library == "ollama" and asynchronous else "close", None
            )
            with contextlib.suppress(KeyError):
                side.do(close() if close is not None else None)
        for side in self.sides.values():
            side.close()


def ask(library: str, client: Any, **given: Any) -> Any:
    """A chat of any of the clients."""
    if library == "openai":
        return client.chat.completions.create(**{"model": "m", "messages": MESSAGES, **given})
    if library == "ollama":
        return client.chat(**{"model": "m", "messages": MESSAGES, **given})
    return client.chat_completion(**{"messages": MESSAGES, **given})


def clients(trip: Trip) -> Iterator[tuple[str, Side, Any]]:
    """Each client that was made at the start, and one made now."""
    for (library, asynchronous), early in trip.early.items():
        yield library, trip.sides[asynchronous], early
        yield library, trip.sides[asynchronous], trip.client(library, asynchronous)


# -- clients of every library ---------------------------------------------------------------------


@tour
def whole_answers(trip: Trip) -> None:
    for library, side, client in clients(trip):
        answer = trip.tried(lambda: side.do(ask(library, client)))  # noqa: B023
        trip.log(library, type(answer), sorted(dir(answer)))


@tour
def streams(trip: Trip) -> None:
    for library, side, client in clients(trip):
        stream = side.do(ask(library, client, stream=True))
        trip.log(library, type(stream), sorted(dir(stream)))
        trip.log("chunks", [(type(chunk), chunk) for chunk in side.take(stream)], side.take(stream))


@tour
def streams_left_early(trip: Trip) -> None:
    for library, side, client in clients(trip):
        for way in ("close", "drop", "break", "unread"):
            stream = side.do(ask(library, client, stream=True))
            trip.log(library, way, side.take(stream, 0 if way == "unread" else 1))
            if way != "drop":
                close = getattr(stream, "aclose", None) or stream.close
                trip.tried(lambda: side.do(close()))  # noqa: B023
                if (
                    library != "openai"
                ):  # whose streams give what had come already, be it much or little
                    trip.tried(lambda: side.take(stream, 1))  # noqa: B023
            stream = None
            if way == "drop":
                gc.collect()


@tour
def cancelled(trip: Trip) -> None:
    side = trip.sides[True]
    for library in ("openai", "ollama", "hub"):
        client = trip.early[library, True]
        trip.log(library, side.cancelled(ask(library, client, model="silent"), lambda: True))

        async def hasty() -> Any:
            stream = await ask(library, client, stream=True, model="slow")  # noqa: B023
            return await asyncio.wait_for(_all(stream), 0.2)

        trip.tried(lambda: side.do(hasty()))


async def _all(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


@tour
def other_methods(trip: Trip) -> None:
    for library, side, client in clients(trip):
        actions = {
            "openai": (
                lambda: client.embeddings.create(model="e", input=["a", "b"]),  # noqa: B023
                lambda: client.responses.create(model="m", input="x"),  # noqa: B023
                lambda: client.completions.create(model="m", prompt="x"),  # noqa: B023
            ),
            "ollama": (
                lambda: client.generate(model="m", prompt="x"),  # noqa: B023
                lambda: client.embed(model="m", input=["a", "b"]),  # noqa: B023
                lambda: client.list(),  # noqa: B023, PLW0108
            ),
            "hub": (
                lambda: client.text_generation("x"),  # noqa: B023
                lambda: client.text_generation("x", details=True),  # noqa: B023
                lambda: client.feature_extraction("x"),  # noqa: B023
            ),
        }[library]
        for action in actions:
            trip.tried(lambda: side.do(action()))  # noqa: B023


# -- errors -----------------------------------------------------------------------------------------


@tour
def failures(trip: Trip) -> None:
    for (library, asynchronous), client in trip.early.items():
        side = trip.sides[asynchronous]
        for model in FAILING:
            for stream in (False, True):

                def read() -> Any:
                    found = side.do(ask(library, client, model=model, stream=stream))  # noqa: B023
                    return side.take(found) if stream else found  # noqa: B023

                trip.tried(read)


@tour
def failures_inside_the_programs_own(trip: Trip) -> None:
    """Chains: an error of the client while another is handled, raised from it, with notes."""
    client = trip.early["openai", False]

    @trip.task
    def inner() -> Any:
        try:
            return ask("openai", client, model="refused")
        except Exception as error:
            raise LookupError("not found", {"a": 1}) from error

    @trip.task
    def outer() -> Any:
        try:
            raise KeyError("first")
        except KeyError:
            return inner()

    @trip.task
    def bare() -> Any:
        raise StopIteration(3)

    @trip.task
    def leaves() -> Any:
        raise SystemExit(4)

    @trip.task
    def interrupted() -> Any:
        raise KeyboardInterrupt

    for function in (inner, outer, bare, leaves, interrupted):
        trip.tried(function)
    try:
        outer()
    except LookupError as error:
        trip.log(error.args, error.__context__ is error.__cause__, error.__traceback__ is not None)
        trip.log([type(one) for one in _chain(error)])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@tour
def wrong_calls(trip: Trip) -> None:
    for (library, asynchronous), client in trip.early.items():
        side = trip.sides[asynchronous]
        for given in ({"messages": 7}, {"nonsense": 1}, {"model": object()}, {"stream": "maybe"}):
            trip.tried(lambda: side.do(ask(library, client, **given)))  # type: ignore[arg-type]  # noqa: B023


# -- objects --------------------------------------------------------------------------------------


@tour
def subclasses(trip: Trip) -> None:
    for (library, asynchronous), early in trip.early.items():
        side = trip.sides[asynchronous]
        base: type = type(early)
        own: Any = type("Own", (base,), {"mine": lambda self: "mine", "__doc__": "The program's."})
        client = trip.client(library, asynchronous, own)
        trip.log(library, type(client).__mro__[1], client.mine(), type(client).__doc__)
        trip.tried(lambda: side.do(ask(library, client)))  # noqa: B023
        trip.log(side.take(side.do(ask(library, client, stream=True))))

    class Chatty(trip.ollama[False]):  # type: ignore[name-defined, misc]
        def chat(self, *given: Any, **named: Any) -> Any:
            return super().chat(*given, **{**named, "options": {"seed": 1}})

    trip.log(ask("ollama", trip.client("ollama", False, Chatty)))


@tour
def mocks(trip: Trip) -> None:
    for (library, asynchronous), early in trip.early.items():
        side = trip.sides[asynchronous]
        for make in (MagicMock, AsyncMock, lambda: MagicMock(spec=early), lambda: create_autospec(early)):  # noqa: B023  # fmt: skip
            mock: Any = make()
            trip.tried(lambda: type(ask(library, mock)))  # noqa: B023
            trip.log(library, [str(call) for call in mock.mock_calls], type(mock))
        del side
        for method in ("chat", "chat_completion", "close"):
            found = getattr(early, method, None)
            trip.log(method, inspect.iscoroutinefunction(found), callable(found))


def _methods(library: str, client: Any) -> Any:
    if library == "openai":
        return client.chat.completions.create
    return client.chat if library == "ollama" else client.chat_completion


@tour
def copies_and_pickles(trip: Trip) -> None:
    for (library, asynchronous), early in trip.early.items():
        side = trip.sides[asynchronous]
        method = _methods(library, early)
        trip.log(library, method.__name__, method.__qualname__, inspect.signature(method))
        trip.log(inspect.ismethod(method), inspect.iscoroutinefunction(method), method.__doc__)
        trip.log(method == _methods(library, early), hash(method) == hash(_methods(library, early)))
        for make in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
            trip.tried(lambda: make(method).__class__)  # noqa: B023
            trip.tried(lambda: make({"agent": [method]})["agent"][0].__class__)  # noqa: B023
            copied = trip.tried(lambda: make(early))  # noqa: B023
            if copied is not None and copied is not early:
                trip.tried(lambda: side.do(ask(library, copied)))  # noqa: B023
        function = getattr(type(method.__self__), method.__name__)
        trip.log(pickle.loads(pickle.dumps(function)) is function, function.__module__)
        trip.log(inspect.unwrap(function).__code__.co_name, function.__defaults__ is None)
    gc.collect()


# -- frameworks -----------------------------------------------------------------------------------


@tour
def fastapi_app(trip: Trip) -> None:
    # Parameters as most applications still write them.
    # ruff: noqa: FAST002
    from fastapi import Body, Depends, FastAPI, Header, HTTPException
    from fastapi.responses import StreamingResponse
    from fastapi.testclient import TestClient

    app, sync, later = FastAPI(), trip.early["openai", False], trip.client("openai", True)

    @trip.task
    def who(x_user: str = Header("nobody")) -> str:
        return x_user

    @app.post("/ask/{model}")
    @trip.task
    async def ask_it(
        model: str, text: str = Body(embed=True), user: str = Depends(who), n: int = 1
    ) -> dict[str, Any]:
        answer = await ask("openai", later, model=model)
        return {"text": text, "user": user, "n": n, "said": answer.choices[0].message.content}

    @app.get("/sync")
    @trip.task
    def sync_it(limit: int, user: str = Depends(who)) -> dict[str, Any]:
        if limit > 5:
            raise HTTPException(418, "too much")
        return {"said": ask("openai", sync).choices[0].message.content, "user": user}

    @trip.task
    async def pieces() -> Any:
        async for chunk in await ask("openai", later, stream=True):
            yield (chunk.choices[0].delta.content or "") if chunk.choices else ""

    @app.get("/stream")
    async def stream_it() -> StreamingResponse:
        return StreamingResponse(pieces())

    with TestClient(app, raise_server_exceptions=False) as http:
        for answer in (
            http.post("/ask/m?n=2", json={"text": "x"}, headers={"x-user": "u"}), http.post("/ask/m", json={}),
            http.post("/ask/refused", json={"text": "x"}), http.get("/sync?limit=1"), http.get("/sync?limit=9"),
            http.get("/sync?limit=z"), http.get("/stream"), http.get("/openapi.json"),
        ):  # fmt: skip
            trip.log(answer.status_code, answer.text)


@tour
def typer_app(trip: Trip) -> None:
    import typer
    from typer.testing import CliRunner

    app, client = typer.Typer(), trip.early["openai", False]

    @app.command()
    @trip.task
    def say(text: str, times: int = typer.Option(1, help="How often"), loud: bool = False) -> None:
        """Ask the model."""
        for _ in range(times):
            answer = ask("openai", client).choices[0].message.content
            typer.echo(text + (answer.upper() if loud else answer))

    @app.command()
    @trip.task
    def fail(model: str) -> None:
        ask("openai", client, model=model)

    for line in (["say", "x"], ["say", "x", "--times", "2", "--loud"], ["say"], ["say", "--help"], ["fail", "refused"], ["say", "x", "--times", "y"]):  # fmt: skip
        done = CliRunner().invoke(app, line)
        trip.log(line, done.exit_code, done.output, done.exception)


@tour
def pytest_fixtures(trip: Trip) -> None:
    """What pytest makes of decorated tests and fixtures: names, parameters, generators."""
    client = trip.early["openai", False]

    @trip.task
    def answer(request: Any, tmp_path: Any) -> Any:
        yield ask("openai", client).choices[0].message.content

    @trip.task
    async def later(answer: str, n: int = 3) -> str:
        return answer * n

    for function in (answer, later):
        trip.log(
            inspect.signature(function), function.__name__, function.__module__, function.__doc__
        )
        trip.log(inspect.isgeneratorfunction(function), inspect.iscoroutinefunction(function))
        trip.log(
            inspect.getfullargspec(function).args, function.__kwdefaults__, function.__defaults__
        )
    made = answer(None, None)
    trip.log(type(made), next(made), next(made, "over"))
    trip.log(trip.sides[True].do(later("x")))


@tour
def prefork_workers(trip: Trip) -> None:
    """As Celery does: children forked after everything was set up, each doing jobs, each ending at once."""
    client = trip.early["openai", False]

    @trip.task
    def job(number: int) -> str:
        if number == 2:
            raise ValueError(f"job {number}")
        found = ask("openai", trip.client("openai", False))
        pieces = list(ask("openai", trip.client("openai", False), stream=True))
        return f"{number} {found.choices[0].message.content} {len(pieces)}"

    ask("openai", client)
    told = [_forked(job, number) for number in range(4)]
    trip.log("children", told)
    trip.log("parent goes on", ask("openai", client))


def _forked(job: Callable[[int], str], number: int) -> tuple[str, int]:
    """What a child says of its job, and its exit code."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 0
        try:
            said = job(number)
        except ValueError as error:
            said, code = f"failed: {error}", 5
        os.write(writing, said.encode())
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said, os.waitstatus_to_exitcode(status)


@tour
def generators_and_threads(trip: Trip) -> None:
    client, transcript = trip.early["openai", False], list[Any]()

    @trip.model
    def talk() -> Any:
        got = None
        try:
            for chunk in ask("openai", client, stream=True):
                try:
                    got = yield (got, type(chunk))
                except LookupError as error:
                    transcript.append(("thrown", error))
        finally:
            transcript.append("left")
        return "returned"

    made = talk()
    trip.log(
        made.send(None), made.send("sent"), made.throw(LookupError("x")), made.gi_frame is None
    )
    trip.tried(lambda: made.throw(KeyError("out")))
    full = talk()
    trip.log(list(full), next(full, "over"), made.gi_frame is None)
    closed = talk()
    next(closed)
    trip.log(closed.close(), transcript)
    never = talk()
    trip.log(inspect.getgeneratorstate(never), never.close(), never.__name__, never.__qualname__)
    found: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(ask("openai", client).choices[0].message.content)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trip.log(found)
