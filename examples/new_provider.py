"""A provider for a vendor whose client speaks OpenAI's chat shape: all that has to be written.

The vendor's package `acme_ai` has two client classes, `Client` and `AsyncClient`, whose method
`chat(model=..., messages=[...], stream=False)` answers with the dictionaries of Chat Completions, or
with an iterator of its chunks. What follows is the whole of `clearspan_acme.py`; the package that
ships it names it in its `pyproject.toml`, and every program that has both packages is traced:

    [project.entry-points."clearspan.providers"]
    acme = "clearspan_acme:provider"

Without a package, hand it over: `clearspan.init(providers=["openai", provider])`.
"""

from __future__ import annotations

from typing import Any

from clearspan import Endpoint, Operation, Provider, Server
from clearspan.formats import openai_chat


def server(client: Any) -> Server:
    """Who answers. Runs before every call, on the caller's thread: read what is there, no more."""
    return Server("acme_ai", client.host, client.port)


provider = Provider(
    name="acme",  # what `clearspan.instrument("acme")` calls it
    distribution="acme-ai",  # whose installed version is looked at
    minimum="2.0",
    server=server,
    endpoints=(
        Endpoint(
            operation=Operation.CHAT,
            targets=("acme_ai.client:Client.chat", "acme_ai.client:AsyncClient.chat"),
            request=openai_chat.request,  # keyword arguments -> parameters, messages, tools
            response=openai_chat.response,  # the whole answer -> text, tool calls, usage, ids
            chunk=openai_chat.chunk,  # the same, a chunk at a time
        ),
    ),
)
