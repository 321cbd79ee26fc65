"""Wrapping the methods that providers name: from post-import hooks, idempotent, reversible.

Nothing is imported to be patched. A hook waits for the leaf module; when it is already there the
hook runs at once. What is undone is undone for good: a target gets back the object it was, and a
wrapper that somebody captured before becomes a plain pass-through.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

import wrapt
from packaging.version import InvalidVersion, Version

from clearspan.capture import guarding, inlet, layers, wardens
from clearspan.capture.calls import begin, probing
from clearspan.capture.families import Family
from clearspan.capture.passages import passing
from clearspan.capture.wrapper import PLACES, Driver, Wrapper
from clearspan.core import installed, observe
from clearspan.core.fence import fenced
from clearspan.provider import Endpoint, Passage, Probe, Provider

__all__ = ["Patches", "UnsupportedVersion"]

_WARNERS = ("typing_extensions", "warnings", "_py_warnings")


class UnsupportedVersion(RuntimeError):
    """The installed version of a library is older than clearspan supports."""


_Build = Callable[[Driver], Callable[..., Any]]


@dataclass(slots=True, eq=False)
class _Installation:
    """One time of being installed. What is left of one that is over makes way where another is to stand."""

    over: bool = False


@dataclass(slots=True, eq=False)
class _Target:
    """One place that is or will be wrapped; `derived` for the classes below it instead."""

    path: str
    build: _Build
    derived: bool = False
    state: str = "waiting"
    owner: Any = None
    attribute: str = ""
    original: Any = None
    installed: Any = None
    family: Family | None = None

    @property
    def module(self) -> str:
        return self.path.partition(":")[0]


@dataclass(slots=True, eq=False)
class Patches:
    """All that is patched for one provider. `live` turns every wrapper of it on or off.

    Bound methods may be kept by anybody, and clients keep some: they too are on again when the patches come back.
    Several may ask for the same provider (a runtime, a test's capture); the last one to leave
    undoes the patches.
    """

    provider: Provider
    live: bool = False
    users: int = 0
    note: str | None = None
    targets: list[_Target] = field(default_factory=list[_Target])
    _installation: _Installation = field(default_factory=_Installation)
    _awaited: set[str] = field(default_factory=set[str])
    _verdict: bool | None = None

    def install(self) -> None:
        """Wrap every target, now or when its module is imported. Does nothing when already done."""
        self.users += 1
        if self.live:
            return
        self.live, self._installation, self._verdict = True, _Installation(), None
        self.targets = [
            target
            for build, item in self._builds()
            for target in (
                *(_Target(path, build) for path in item.targets),
                *(_Target(path, build, derived=True) for path in item.families),
            )
        ]
        for module in dict.fromkeys(target.module for target in self.targets):
            self._hook(module)

    def remove(self) -> None:
        """Give every target the object that it was, unless others still want it."""
        self.users = max(0, self.users - 1)
        if self.users:
            return
        self.live, self._installation.over = False, True
        for target in reversed(self.targets):  # what was put on last comes off first
            fenced("patching.remove", _restore, target)

    def supported(self) -> bool:
        """Whether the installed version is new enough; says why not in `note`."""
        self.note = None
        version = installed.version(self.provider.distribution)
        if version is None:
            return True  # a half-installed copy without metadata is judged by what it has
        try:
            old = Version(version) < Version(self.provider.minimum)
        except InvalidVersion:
            return True
        if old:
            self.note = (
                f"{self.provider.distribution} {version} is installed, "
                f"clearspan needs {self.provider.minimum} or newer: pip install -U {self.provider.distribution}"
            )
        return not old

    def states(self) -> Mapping[str, str]:
        """Each target's state: `patched`, `waiting` for its import, or `absent` in this version."""
        return {target.path: target.state for target in self.targets}

    def _builds(self) -> Iterator[tuple[_Build, Probe | Passage | Endpoint]]:
        for probe in self.provider.probes:
            yield self._probe(probe), probe
        for passage in self.provider.passages:
            yield passing(passage, lambda: self.live), passage
        for endpoint in self.provider.endpoints:
            yield self._calls(endpoint), endpoint

    def _hook(self, module: str) -> None:
        if module in self._awaited:
            return  # hooks cannot be taken back, so there is one, however often we come and go
        self._awaited.add(module)

        def imported(loaded: Any) -> None:
            self._awaited.discard(module)
            for target in self.targets:
                if self.live and target.module == module:
                    # An exception here would come out of the host's own import statement.
                    fenced("patching.install", self._wrap, target, loaded)

        wrapt.register_post_import_hook(imported, module)

    def _wrap(self, target: _Target, module: Any) -> None:
        if self._verdict is None:
            self._verdict = self.supported()  # once for all targets: it reads files
        if not self._verdict:
            target.state = "unsupported"
            return
        target.state = "absent"
        path = target.path.partition(":")[2]
        if target.derived:
            base, attribute, _ = _find(module, path)
            if isinstance(base, type):
                target.family = Family(base, attribute, lambda own: _wrapped(own, target.build))
                target.state = "patched"
            return
        owner, attribute, found = _find(module, path)
        holder, original = layers.below(found)
        original = _without_remains(original)
        if original is None or type(original) is Wrapper:
            return  # not in this version; or the same class under a second name: once is enough
        target.owner, target.attribute, target.original = owner, attribute, original
        target.installed = _wrapped(original, target.build)
        target.installed._self_installation = self._installation  # noqa: SLF001 -- how wrapt names what is a proxy's own
        layers.put_in(owner, attribute, holder, target.installed)
        target.state = "patched"

    def _calls(self, endpoint: Endpoint) -> _Build:
        def build(drive: Driver) -> Callable[..., Any]:
            def wrapper(
                wrapped: Callable[..., Any],
                instance: Any,
                args: tuple[Any, ...],
                kwargs: dict[str, Any],
            ) -> Any:
                if not self.live:
                    return wrapped(*args, **kwargs)
                if instance is None and "self" in kwargs:  # through its class, by name
                    instance = kwargs["self"]
                if wardens.place.current is not None:
                    guarded = fenced("patching.guard", guard, wrapped, instance)
                    wrapped = wrapped if guarded is None else guarded
                if inlet.place.current is None:
                    return wrapped(*args, **kwargs)
                return drive(
                    wrapped, args, kwargs, partial(begin, self.provider, endpoint, instance)
                )

            def guard(wrapped: Callable[..., Any], instance: Any) -> Callable[..., Any]:
                return guarding.around(wrapped, self.provider, endpoint, instance, waits=waits)

            waits = drive is observe.call

            return wrapper

        return build

    def _probe(self, probe: Probe) -> _Build:
        wrapper = probing(self.provider, probe, lambda: self.live)
        return lambda drive: wrapper


def _wrapped(original: Any, build: _Build) -> Wrapper:
    # Libraries hide their coroutine functions behind decorators of their own.
    drive = observe.call_async if observe.is_async(original) else observe.call
    wrapper = build(drive)
    message = _deprecation(original)
    if message is not None:
        wrapper = _deprecated(wrapper, message, original.__wrapped__)
    return Wrapper(original, wrapper)


def _deprecation(original: Any) -> str | None:
    """What a method decorated by `typing_extensions.deprecated` warns of at each call."""
    message = getattr(original, "__deprecated__", None)
    home = getattr(original, "__globals__", {}).get("__name__")
    return message if isinstance(message, str) and home in _WARNERS else None


def _deprecated(wrapper: Callable[..., Any], message: str, inner: Any) -> Callable[..., Any]:
    """Warn here, a step from the caller: from below, the warning would name our file, not the host's."""

    def warning(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        warnings.warn(message, DeprecationWarning, stacklevel=2 + PLACES)
        bound = inner if instance is None else inner.__get__(instance, type(instance))
        return wrapper(bound, instance, args, kwargs)

    return warning


def _find(module: Any, path: str) -> tuple[Any, str, Any]:
    """The owner in whose own namespace the target stands; no lazy attribute is triggered."""
    owner = module
    *parents, attribute = path.split(".")
    for name in parents:
        owner = _own(owner).get(name)
        if owner is None:
            return None, attribute, None
    return owner, attribute, _own(owner).get(attribute)


def _own(owner: Any) -> Mapping[str, Any]:
    # A module that merely has the library's name may have anything in the place of a class, and
    # a lazy one of the library's own says that it is what it would have to load first.
    return vars(owner) if issubclass(type(owner), (type, ModuleType)) else {}


def _without_remains(original: Any) -> Any:
    """What lies below wrappers of ours that are off: a neighbour kept one, and put it back after we had left."""
    while type(original) is Wrapper:
        installation = getattr(original, "_self_installation", None)
        if installation is None or not installation.over:
            break
        original = original.__wrapped__
    return original


def _restore(target: _Target) -> None:
    if target.family is not None:
        target.family.remove()
        target.family = None
    elif target.state == "patched":
        # Where somebody holds ours in a closure it stays there, and passes everything through.
        layers.take_out(target.owner, target.attribute, target.installed, target.original)
    if target.state == "patched":
        target.state = "removed"
