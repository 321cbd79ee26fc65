"""Several instrumentations around one method: each leaves when it likes, and takes only its own with it."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest
import wrapt
from opentelemetry.instrumentation.utils import unwrap

from clearspan.capture import layers, wrapper
from clearspan.capture.patching import Patches
from clearspan.capture.wrapper import Wrapper
from clearspan.testing import captured
from tests.capture.vendor import Vendor

OURS, THEIRS = "ours", "theirs"
ORDERS = pytest.mark.parametrize("start", [(OURS, THEIRS), (THEIRS, OURS)], ids="-".join)
UNDOING = pytest.mark.parametrize("undo", [(OURS, THEIRS), (THEIRS, OURS)], ids="-".join)


class Peer:
    """An instrumentation as OpenTelemetry's are: on wrapt, undone by taking off what is outermost."""

    def __init__(self, cls: type, *names: str) -> None:
        self._cls = cls
        self._names = names
        self.seen: list[str] = []

    def start(self) -> None:
        for name in self._names:
            wrapt.wrap_function_wrapper(self._cls, name, self._layer(name))

    def _layer(self, name: str) -> Callable[..., Any]:
        def layer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            assert isinstance(instance, self._cls)
            self.seen.append(name)
            return wrapped(*args, **kwargs)

        return layer

    def undo(self) -> None:
        for name in self._names:
            unwrap(self._cls, name)


def calls(module: Any) -> None:
    client = module.Client()
    assert client.create(model="m", prompt="a")["text"] == "A"
    assert module.Client.create(client, model="m", prompt="a")["text"] == "A"
    assert list(client.create(model="m", prompt="ab", stream=True)) == ["a", "b"]
    assert asyncio.run(client.acreate(model="m", prompt="b"))["text"] == "B"


MADE, SEEN = 4, ["create", "create", "create", "acreate"]


@ORDERS
@UNDOING
def test_F17_each_leaves_without_the_other(
    vendor: Vendor, start: tuple[str, ...], undo: tuple[str, ...]
) -> None:
    module = vendor.load()
    names = ("create", "acreate")
    raw = {name: vars(module.Client)[name] for name in names}
    peer, patches = Peer(module.Client, *names), Patches(vendor.provider)
    starting = {OURS: patches.install, THEIRS: peer.start}
    undoing = {OURS: patches.remove, THEIRS: peer.undo}
    with captured(providers=[]) as seen:
        for who in start:
            starting[who]()
        calls(module)
        assert (len(seen.spans), peer.seen) == (MADE, SEEN)
        undoing[undo[0]]()
        calls(module)
        ours, theirs = (MADE, []) if undo[0] == THEIRS else (0, SEEN)
        assert (len(seen.spans), peer.seen) == (MADE + ours, SEEN + theirs)
        undoing[undo[1]]()
        calls(module)
        assert (len(seen.spans), peer.seen) == (MADE + ours, SEEN + theirs)
    assert all(vars(module.Client)[name] is raw[name] for name in names)


@UNDOING
def test_between_two_others(vendor: Vendor, undo: tuple[str, ...]) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    first, second = Peer(module.Client, "create"), Peer(module.Client, "create")
    patches = Patches(vendor.provider)
    first.start()
    with captured(providers=[]) as seen:
        patches.install()
        second.start()
        module.Client().create(model="m", prompt="a")
        assert (len(seen.spans), first.seen, second.seen) == (1, ["create"], ["create"])
        if undo[0] == OURS:
            patches.remove()
        second.undo()
        first.undo()
        if undo[0] == THEIRS:
            module.Client().create(model="m", prompt="a")
            assert len(seen.spans) == 2
            patches.remove()
    assert vars(module.Client)["create"] is raw


def test_what_a_neighbour_unwrapped_is_found_again(vendor: Vendor) -> None:
    module = vendor.load()
    peer, patches, again = Peer(module.Client, "create"), Patches(vendor.provider), Patches(vendor.provider)  # fmt: skip
    patches.install()
    peer.start()
    peer.undo()
    left = vars(module.Client)["create"]
    assert any(layers.is_wrapper(left, target.installed) for target in patches.targets)
    with captured(providers=[]) as seen:
        again.install()  # ours is there already: it is not wrapped a second time
        module.Client().create(model="m", prompt="a")
        assert len(seen.spans) == 1
        again.remove()
    patches.remove()
    assert type(vars(module.Client)["create"]) is FunctionType


def closed_over(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def layer(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return layer


def test_what_somebody_holds_in_a_closure_does_nothing_any_more(vendor: Vendor) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    patches = Patches(vendor.provider)
    patches.install()
    module.Client.create = closed_over(module.Client.create)
    with captured(providers=[]) as seen:
        module.Client().create(model="m", prompt="a")
        assert len(seen.spans) == 1
        patches.remove()
        module.Client().create(model="m", prompt="a")
        assert len(seen.spans) == 1
        patches.install()  # another layer: the one inside is part of its call
        module.Client().create(model="m", prompt="a")
        assert len(seen.spans) == 2
        patches.remove()
    assert module.Client.create.__wrapped__ is raw, "who unwraps it gets the original"


def test_a_wrapper_that_is_put_back_after_we_left_is_no_obstacle(vendor: Vendor) -> None:
    module = vendor.load()
    raw = vars(module.Client)["create"]
    patches = Patches(vendor.provider)
    patches.install()
    kept = vars(module.Client)["create"]
    patches.remove()
    module.Client.create = kept  # as a neighbour does that noted it as the original
    with captured(providers=[]) as seen:
        module.Client().create(model="m", prompt="a")
        assert seen.spans == []
        patches.install()
        module.Client().create(model="m", prompt="a")
        assert len(seen.spans) == 1
        patches.remove()
    assert vars(module.Client)["create"] is raw


def test_a_ring_of_layers_ends() -> None:
    class Client:
        def create(self) -> str:
            return "done"

    layer = closed_over(Client.create)
    layer.__wrapped__ = layer  # type: ignore[attr-defined]  # what functools.wraps sets
    Client.create = layer  # type: ignore[method-assign]
    layers.take_out(Client, "create", Wrapper(closed_over, print), closed_over)
    assert vars(Client)["create"] is layer

    def around(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    ring: Any = wrapt.FunctionWrapper(closed_over, around)
    for _ in range(100):
        ring = wrapt.FunctionWrapper(ring, around)
    holder, inner = layers.below(ring)
    assert isinstance(holder, wrapt.FunctionWrapper)
    assert isinstance(inner, wrapt.FunctionWrapper)


def test_what_nobody_holds_any_more_is_left_alone() -> None:
    class Client:
        def create(self) -> str:
            return "done"

    own = vars(Client)["create"]
    layers.take_out(Client, "create", Wrapper(own, print), print)
    assert vars(Client)["create"] is own


@pytest.mark.parametrize("misses", [False, True])
def test_F22_wrapt_of_1_16_gets_an_instance_that_is_named(
    misses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrapper, "_MISSES_NAMES", wrapper._MISSES_NAMES or misses)
    heights: list[int] = []

    def around(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    class Client:
        def create(self, number: int) -> int:
            heights.append(height())
            return number + 1

        create = Wrapper(create, around)

        @classmethod
        def make(cls, number: int = 0) -> tuple[type, int]:
            return cls, number

        make = Wrapper(make, around)  # type: ignore[assignment]

    assert Client.create(self=Client(), number=1) == 2
    assert Client.create(Client(), 1) == 2
    heights.clear()
    assert Client().create(1) == Client().create(number=1) == 2
    assert len(set(heights)) == 1
    assert heights[0] - height() == wrapper.PLACES + 2  # `around` and the method itself
    assert Client.make() == Client().make() == (Client, 0)
    assert Client.make(number=1) == (Client, 1)
    assert Client.create is Client.create


def height() -> int:
    """Of the stack, from the caller's frame down."""
    frame, found = sys._getframe(1), 0
    while frame is not None:
        frame, found = frame.f_back, found + 1  # type: ignore[assignment]
    return found
