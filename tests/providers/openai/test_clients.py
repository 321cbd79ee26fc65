"""Clients, modules and methods in whatever order they come, and what is left when it is over."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from textwrap import dedent
from typing import Any

import openai
import pytest

import clearspan
from clearspan.providers.openai import provider
from clearspan.testing import ModelServer, captured
from clearspan.testing.server import Reply
from tests.providers.openai.kit import CHAT, beta, method, only, text
from tests.providers.side import Side


def test_a_client_made_before(server: ModelServer, client: Any, side: Side) -> None:
    side.do(client.chat.completions.create(**CHAT))
    with captured() as seen:
        side.do(client.chat.completions.create(**CHAT))
        side.do(client.with_options(timeout=5).chat.completions.create(**CHAT))
        side.do(client.copy().chat.completions.create(**CHAT))
    assert len(seen.spans) == 3


def test_the_client_of_the_module(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "api_key", "unused")
    monkeypatch.setattr(openai, "base_url", f"{server.url}/")
    openai._reset_client()
    with captured() as seen:
        openai.chat.completions.create(**CHAT)
        openai.embeddings.create(model="e-1", input="one")
    openai._load_client().close()
    openai._reset_client()
    assert [span.name for span in seen.spans] == ["chat gpt-4o", "embeddings e-1"]
    assert seen.spans[0].attributes["server.port"] == server.port


ORDERS = {
    "import, client, capture": ("import openai", "client = make()", "enter()"),
    "import, capture, client": ("import openai", "enter()", "client = make()"),
    "capture, import, client": ("enter()", "import openai", "client = make()"),
    "resources first": ("import openai.resources.chat.completions", "enter()", "client = make()"),
}


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order)
def test_the_order_of_imports_does_not_matter(server: ModelServer, order: str) -> None:
    steps = "\n".join(ORDERS[order])
    program = dedent(
        """
        import sys
        from clearspan.testing import captured

        assert "openai" not in sys.modules
        capture = captured()
        seen = None

        def enter():
            global seen
            before = set(sys.modules)
            seen = capture.__enter__()
            if "openai" not in before:
                assert "openai" not in sys.modules

        def make():
            import openai
            return openai.OpenAI(base_url={url!r}, api_key="unused")

        {steps}
        client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "hi"}}])
        client.close()
        assert [span.name for span in seen.spans] == ["chat m"]
        capture.__exit__(None, None, None)
        """
    )
    program = program.format(url=server.url, steps=steps)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_target_of_this_version_is_patched_and_restored() -> None:
    targets = [path for endpoint in provider.endpoints for path in endpoint.targets]
    targets += [path for probe in provider.probes for path in probe.targets]

    def now() -> dict[str, Any]:
        found = {}
        for path in targets:
            module, _, name = path.partition(":")
            owner, _, attribute = name.partition(".")
            try:
                cls = vars(importlib.import_module(module)).get(owner)
            except ImportError:
                continue
            if cls is not None and attribute in vars(cls):
                found[path] = vars(cls)[attribute]
        return found

    before = now()
    assert len(before) >= 34
    with captured():
        during = now()
    assert [path for path in before if during[path] is before[path]] == []
    assert now() == before


def test_targets_look_as_they_did(side: Side) -> None:
    found = importlib.import_module(openai.resources.chat.Completions.__module__)
    cls = found.AsyncCompletions if side.asynchronous else found.Completions
    raw = vars(cls)["create"]
    before = (inspect.signature(raw), inspect.iscoroutinefunction(raw), raw.__name__, raw.__doc__)
    with captured():
        now = vars(cls)["create"]
        after = (
            inspect.signature(now),
            inspect.iscoroutinefunction(now),
            now.__name__,
            now.__doc__,
        )
        assert pickle.loads(pickle.dumps(cls.create)) is cls.create or callable(
            pickle.loads(pickle.dumps(cls.create))
        )
        assert copy.deepcopy(now) is now
    assert before == after


def test_methods_are_pickled_by_their_name(client: Any) -> None:
    owner = type(client.chat.completions)
    name = "parse" if hasattr(owner, "parse") else "create"
    with captured():
        found = pickle.loads(pickle.dumps(getattr(owner, name)))
    assert found.__qualname__ == f"{owner.__qualname__}.{name}"


def test_answers_are_pickled_and_copied(server: ModelServer, client: Any, side: Side) -> None:
    with captured():
        answer = side.do(client.chat.completions.create(**CHAT))
        raw = side.do(client.chat.completions.with_raw_response.create(**CHAT))
    assert pickle.loads(pickle.dumps(answer)) == answer
    assert copy.deepcopy(answer) == answer
    assert copy.copy(raw).http_response is raw.http_response


def test_streams_keep_what_they_have(server: ModelServer, client: Any, side: Side) -> None:
    plain = side.do(client.chat.completions.create(**CHAT, stream=True))
    with captured() as seen:
        stream = side.do(client.chat.completions.create(**CHAT, stream=True))
        assert type(stream) is type(plain)
        assert set(dir(stream)) == set(dir(plain))
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.request.method == "POST"
        twin = copy.copy(stream)
        assert len(side.take(twin)) == len(side.take(plain))
        assert side.take(stream) == []
    assert only(seen).status == "UNSET"


def test_a_subclass_that_calls_its_parent_is_one_span(server: ModelServer, side: Side) -> None:
    found = importlib.import_module(openai.resources.chat.Completions.__module__)
    with captured() as seen:
        if side.asynchronous:

            class AsyncMine(found.AsyncCompletions):  # type: ignore[name-defined,misc]
                async def create(self, **arguments: Any) -> Any:
                    return await super().create(**arguments)

            client: Any = openai.AsyncOpenAI(base_url=server.url, api_key="unused")
            answer = side.do(AsyncMine(client).create(**CHAT))
        else:

            class Mine(found.Completions):  # type: ignore[name-defined,misc]
                def create(self, **arguments: Any) -> Any:
                    return super().create(**arguments)

            client = openai.OpenAI(base_url=server.url, api_key="unused")
            answer = Mine(client).create(**CHAT)
        side.do(client.close())
    assert text(only(seen)) == answer.choices[0].message.content


def test_arguments_arrive_as_they_were_given(server: ModelServer, client: Any, side: Side) -> None:
    messages = [{"role": "user", "content": "hi"}]
    before = copy.deepcopy(messages)
    with captured():
        side.do(client.chat.completions.create(model="m", messages=messages, logit_bias={"1": 2}))
        with pytest.raises(TypeError):
            side.do(client.chat.completions.create("positional"))
    assert messages == before
    assert server.requests[0].json == {"model": "m", "messages": before, "logit_bias": {"1": 2}}


def test_what_is_changed_after_the_call_is_not_seen(
    server: ModelServer, client: Any, side: Side
) -> None:
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "before"}]}]
    with captured() as seen:
        stream = side.do(client.chat.completions.create(model="m", messages=messages, stream=True))
        messages[0]["content"][0]["text"] = "after"
        messages.append({"role": "user", "content": "after"})
        side.take(stream)
    told = only(seen).attributes["gen_ai.input.messages"]
    assert "before" in told
    assert "after" not in told


def test_helpers_do_not_count_twice(server: ModelServer, client: Any, side: Side) -> None:
    server.respond(Reply("{}"))
    with captured() as seen:
        stream = side.enter(beta(client, "stream")(**CHAT))
        side.do(stream.until_done())
        side.do(stream.close())
    assert len(seen.spans) == 1
    assert len(seen.metrics["gen_ai.client.operation.duration"]) == 1
    assert seen.metrics["gen_ai.client.operation.duration"][0]["count"] == 1


def test_a_program_of_several_steps(server: ModelServer, client: Any, side: Side) -> None:
    """Model calls stand below the step that makes them, streams read inside or outside of it."""
    method(client, "chat.completions.create")
    with captured() as seen:
        with clearspan.span("outer"):
            stream = side.do(client.chat.completions.create(**CHAT, stream=True))
            side.do(client.embeddings.create(model="e-1", input="one"))
        side.take(stream)
    outer = seen.span("outer")
    assert {span.name for span in outer.children()} == {"chat gpt-4o", "embeddings e-1"}
