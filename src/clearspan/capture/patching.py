"""Wrapping the methods that providers name: from post-import hooks, idempotent, reversible.

Nothing is imported to be patched. A hook waits for the leaf module; when it is already there the
hook runs at once. What is undone is undone for good: a target gets back the object it was, and a
wrapper that somebody captured before becomes a plain pass-through.
"""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import wrapt
from packaging.version import InvalidVersion, Version

from clearspan.capture import inlet, recording
from clearspan.capture.wrapper import Driver, Wrapper
from clearspan.core import observe, read
from clearspan.core.fence import fenced
from clearspan.core.observe import Begin
from clearspan.draft import Draft
from clearspan.provider import Call, Endpoint, Probe, Provider

__all__ = ["Patches", "UnsupportedVersion", "installed_version"]

_DEPTH = 6
_WARNERS = ("typing_extensions", "warnings", "_py_warnings")


class UnsupportedVersion(RuntimeError):
    """The installed version of a library is older than clearspan supports."""


def installed_version(distribution: str) -> str | None:
    """The installed version, from metadata: the library itself is not imported."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


_Build = Callable[[Driver], Callable[..., Any]]


@dataclass(slots=True, eq=False)
class _Target:
    """One place that is or will be wrapped."""

    path: str
    build: _Build
    state: str = "waiting"
    owner: Any = None
    attribute: str = ""
    original: Any = None
    installed: Any = None

    @property
    def module(self) -> str:
        return self.path.partition(":")[0]


@dataclass(slots=True, eq=False)
class Patches:
    """All that is patched for one provider. `live` turns every wrapper of it on or off.

    Several may ask for the same provider (a runtime, a test's capture); the last one to leave
    undoes the patches.
    """

    provider: Provider
    live: bool = False
    users: int = 0
    note: str | None = None
    targets: list[_Target] = field(default_factory=list[_Target])
    _awaited: set[str] = field(default_factory=set[str])
    _verdict: bool | None = None

    def install(self) -> None:
        """Wrap every target, now or when its module is imported. Does nothing when already done."""
        self.users += 1
        if self.live:
            return
        self.live, self._verdict = True, None
        self.targets = [
            *(
                _Target(path, self._probe(probe))
                for probe in self.provider.probes
                for path in probe.targets
            ),
            *(
                _Target(path, self._calls(item))
                for item in self.provider.endpoints
                for path in item.targets
            ),
        ]
        for module in dict.fromkeys(target.module for target in self.targets):
            self._hook(module)

    def remove(self) -> None:
        """Give every target the object that it was, unless others still want it."""
        self.users = max(0, self.users - 1)
        if self.users:
            return
        self.live = False
        for target in self.targets:
            fenced("patching.remove", _restore, target)

    def supported(self) -> bool:
        """Whether the installed version is new enough; says why not in `note`."""
        self.note = None
        version = installed_version(self.provider.distribution)
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
        owner, attribute, original = _find(module, target.path.partition(":")[2])
        if original is None or type(original) is Wrapper:
            return  # not in this version; or the same class under a second name: once is enough
        target.owner, target.attribute, target.original = owner, attribute, original
        # Libraries hide their coroutine functions behind decorators of their own.
        drive = observe.call_async if observe.is_async(original) else observe.call
        wrapper = target.build(drive)
        message = _deprecation(original)
        if message is not None:
            wrapper = _deprecated(wrapper, message, original.__wrapped__)
        target.installed = Wrapper(original, wrapper)
        setattr(owner, attribute, target.installed)
        target.state = "patched"

    def _calls(self, endpoint: Endpoint) -> _Build:
        def build(drive: Driver) -> Callable[..., Any]:
            def wrapper(
                wrapped: Callable[..., Any],
                instance: Any,
                args: tuple[Any, ...],
                kwargs: dict[str, Any],
            ) -> Any:
                if not self.live or inlet.current() is None:
                    return wrapped(*args, **kwargs)
                return drive(wrapped, args, kwargs, self._begin(endpoint, instance))

            return wrapper

        return build

    def _begin(self, endpoint: Endpoint, instance: Any) -> Begin:
        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> recording.Recording | None:
            return fenced(
                "recording.begin", _begin, self.provider, endpoint, Call(instance, args, kwargs)
            )

        return begin

    def _probe(self, probe: Probe) -> _Build:
        def wrapper(
            wrapped: Callable[..., Any],
            instance: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            outer = recording.active()
            if self.live and outer is not None and outer.owner is self.provider:
                noted = fenced("reader.probe", probe.read, Call(instance, args, kwargs))
                if noted:
                    outer.draft.transport = {**(outer.draft.transport or {}), **noted}
                    outer.draft.weight += noted.get("weight", 0)
            return wrapped(*args, **kwargs)

        return lambda drive: wrapper


def _begin(provider: Provider, endpoint: Endpoint, call: Call) -> recording.Recording | None:
    """Snapshot a call and start its record: all that happens before the vendor's own code."""
    outer = recording.active()
    if (outer is not None and outer.owner is provider) or not endpoint.wanted(call):
        return None
    draft = Draft(endpoint.operation)
    draft.endpoint = endpoint
    draft.provider, draft.server_address, draft.server_port = provider.server(call.instance)
    model = endpoint.model(call)
    draft.model = read.text(model)
    if endpoint.streaming(call):
        draft.params["stream"] = True
    draft.extras.update(endpoint.extras)
    draft.finish_with = provider.finish
    started = recording.start(draft, provider)
    if started is None:
        return None
    started.error_code = provider.error
    if not draft.recording:
        return started  # unsampled: its points need the answer, nobody needs the request
    fenced("recording.snapshot", _keep, draft, endpoint, call)
    return started


def _keep(draft: Draft, endpoint: Endpoint, call: Call) -> None:
    """A copy of the arguments, until they are read."""
    weight = [0]
    depth = _DEPTH if draft.content else 0
    kwargs = {
        key: read.snapshot(value, depth if key in endpoint.deep else min(depth, 2), weight)
        for key, value in call.kwargs.items()
    }
    draft.call = Call(call.instance, call.args, kwargs)
    draft.weight = weight[0]


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
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        bound = inner if instance is None else inner.__get__(instance, type(instance))
        return wrapper(bound, instance, args, kwargs)

    return warning


def _find(module: Any, path: str) -> tuple[Any, str, Any]:
    """The owner in whose own namespace the target stands; no lazy attribute is triggered."""
    owner = module
    *parents, attribute = path.split(".")
    for name in parents:
        owner = vars(owner).get(name)
        if owner is None:
            return None, attribute, None
    return owner, attribute, vars(owner).get(attribute)


def _restore(target: _Target) -> None:
    if target.state == "patched" and vars(target.owner).get(target.attribute) is target.installed:
        setattr(target.owner, target.attribute, target.original)
    # Otherwise somebody wrapped us in turn: ours stays inside theirs and passes everything through.
    if target.state == "patched":
        target.state = "removed"
