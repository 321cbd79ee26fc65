"""A made-up client library, written to a folder as any other, and its description as a provider."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clearspan.core import read
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Probe, Provider, Server

SOURCE = '''
import functools

imported = True


def required(function):
    @functools.wraps(function)
    def check(*args, **kwargs):
        if "model" not in kwargs:
            raise TypeError("model is missing")
        return function(*args, **kwargs)
    return check


def transport(attempt=0):
    return {"status": 200}


class Client:
    host = "models.acme.example"

    def create(self, *, model, prompt="", stream=False, **more):
        """Create an answer."""
        transport(attempt=2)
        if prompt == "fail":
            raise LookupError("no such model")
        if stream:
            return self._pieces(prompt)
        return {"id": "r-1", "model": model, "text": prompt.upper(), "more": more}

    def _pieces(self, prompt):
        yield from prompt

    @required
    async def acreate(self, *, model, prompt="", **more):
        return {"id": "r-2", "model": model, "text": prompt.upper()}

    async def astream(self, *, model, prompt="", **more):
        async def pieces():
            for letter in prompt:
                yield letter
        return pieces()

    def wrapping(self, *, model, prompt=""):
        return self.create(model=model, prompt=prompt)

    @classmethod
    def quick(cls, *, model, prompt=""):
        return {"id": "r-3", "model": model, "text": cls.__name__}

    @staticmethod
    def loose(*, model, prompt=""):
        return {"id": "r-4", "model": model, "text": prompt}

    @property
    def chat(self):
        return self


class Alias:
    create = Client.create


def complete(model, prompt=""):
    return {"id": "r-5", "model": model, "text": prompt}
'''

METHODS = ("create", "acreate", "astream", "wrapping", "quick", "loose", "newer")


def request(draft: Draft, call: Call) -> None:
    draft.set(temperature=read.number(call.kwargs, "temperature"))
    draft.input(read.text(call.kwargs, "prompt") or "")


def response(draft: Draft, body: Any) -> None:
    draft.response_id = read.text(body, "id")
    draft.response_model = read.text(body, "model")
    draft.text(read.text(body, "text"))


def chunk(draft: Draft, item: Any) -> None:
    draft.text(item)


def server(instance: Any) -> Server:
    return Server("acme", read.text(dict(vars(type(instance))), "host"), 443)


def noted(call: Call) -> Mapping[str, Any]:
    return {"attempt": call.kwargs.get("attempt")}


def finish(draft: Draft) -> None:
    draft.extra("acme.attempt", read.whole(draft.transport, "attempt"))


@dataclass(frozen=True)
class Vendor:
    """The library of one test: its name on the path, and its provider."""

    name: str
    folder: Path
    provider: Provider

    @property
    def module(self) -> str:
        return f"{self.name}.client"

    def load(self) -> Any:
        return importlib.import_module(self.module)

    @property
    def loaded(self) -> bool:
        return self.module in sys.modules

    def install(self, version: str) -> None:
        """Metadata, as an installer leaves it."""
        info = self.folder / f"{self.name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {version}\n"
        )

    def changed(self, **changes: Any) -> Provider:
        return replace(self.provider, **changes)


_numbers = itertools.count()


@contextlib.contextmanager
def importable(folder: Path, source: str = SOURCE) -> Iterator[Vendor]:
    """The library, to be imported; gone afterwards."""
    sys.path.insert(0, str(folder))
    made = write(folder, source)
    try:
        yield made
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == made.name]:
            del sys.modules[name]


def write(folder: Path, source: str = SOURCE) -> Vendor:
    """Write the library under a name that no other test has."""
    name = f"acme_{next(_numbers)}"
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "client.py").write_text(source)
    targets = tuple(f"{name}.client:Client.{method}" for method in METHODS)
    endpoints = (
        Endpoint("chat", targets, request, response, chunk, extras={"acme.api": "v1"}),
        Endpoint("chat", (f"{name}.client:complete", f"{name}.client:Alias.create"), request, response, chunk),
    )  # fmt: skip
    probes = (Probe((f"{name}.client:transport",), noted),)
    provider = Provider(name, name, "1.2", endpoints, server, probes, finish, lambda error: None)
    return Vendor(name, folder, provider)
