"""The client's warnings name the program's own line, as they do without us."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from typing import Any

import openai
import pytest

from clearspan.testing import ModelServer, captured


def told(client: Any) -> list[tuple[str, str]]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        made = client.beta.threads.runs.create("thread_1", assistant_id="asst_1")
        if inspect.isawaitable(made):
            asyncio.run(finished(client, made))
    return [
        (item.filename, str(item.message))
        for item in found
        if issubclass(item.category, DeprecationWarning)
    ]


async def finished(client: Any, made: Any) -> None:
    await made
    await client.close()


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
def test_a_deprecation_names_the_caller(kind: type[Any]) -> None:
    with ModelServer() as server:
        raw = told(kind(base_url=server.url, api_key="k"))
        with captured() as seen:
            found = told(kind(base_url=server.url, api_key="k"))
            assert len(seen.spans) == 1
    assert found == raw  # the asynchronous client names a file of its own
    if kind is openai.OpenAI:
        assert {name for name, _ in found} <= {__file__}


def test_a_method_called_by_its_class_warns_and_works() -> None:
    with ModelServer() as server, captured() as seen:
        runs = openai.OpenAI(base_url=server.url, api_key="k").beta.threads.runs
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = type(runs).create(runs, "thread_1", assistant_id="asst_1")
        assert run.object == "thread.run"
        assert len(seen.spans) == 1
