"""The libraries that a runtime patches: which are asked for, which are there, how they stand."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from clearspan import registry
from clearspan.core import arrivals, fence, installed
from clearspan.core.loading import load
from clearspan.runtime.state import ProviderStatus
from clearspan.settings import SettingError

if TYPE_CHECKING:
    from typing_extensions import Self

    from clearspan.capture.patching import Patches
    from clearspan.provider import Provider

__all__ = ["Awaited", "Instrumentation", "ProviderSet", "name_of"]

_log = logging.getLogger("clearspan")


class Awaited:
    """A library that nobody has imported yet: what patches it is loaded when somebody is about to.

    Most programs use one or two of those that there are, and to load what knows them takes as long as all the rest.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.patches: Patches | None = None
        self._wanted = False

    @property
    def note(self) -> str | None:
        """Why it is not recorded, as far as that is known."""
        return None if self.patches is None else self.patches.note

    def install(self) -> None:
        """Patch it as soon as it comes."""
        self._wanted = True
        if self.name in sys.modules:
            self.arrive()
        else:
            arrivals.await_(self.name, self.arrive)

    def arrive(self) -> None:
        """It is about to be imported, or somebody wants to know how it stands."""
        arrivals.forget(self.name, self.arrive)
        provider = fence.fenced("registry.provider", registry.load, registry.PROVIDERS, self.name)
        if provider is None or self.patches is not None or not self._wanted:
            return
        self.patches = patches_of(provider)
        self.patches.supported()  # says in its note when it is not
        self.patches.install()
        if self.note is not None:
            _say_why_not(self.name, self.note)

    def remove(self) -> None:
        """Wait no more, or undo what was done when it came."""
        self._wanted = False
        arrivals.forget(self.name, self.arrive)
        if self.patches is not None:
            self.patches.remove()
            self.patches = None

    @property
    def is_there(self) -> bool:
        """Whether it could be imported, by what lies in the folders where modules are looked for."""
        return PathFinder.find_spec(self.name) is not None


class ProviderSet:
    """The libraries that this runtime patches."""

    def __init__(self) -> None:
        self._installed: list[Patches | Awaited] = []

    def choose(self, wanted: Sequence[Any] | None) -> list[Patches | Awaited]:
        """The providers asked for; all of them when `wanted` is `None`.

        Asked for by name, a library must be known and new enough: else `SettingError`. Found by
        itself, it is passed over and says so in the status.
        """
        if wanted is None:
            found = [_found(name) for name in registry.names(registry.PROVIDERS)]
            return [one for one in found if one is not None]
        return [_asked_for(item) for item in wanted]

    def begin(self, chosen: Sequence[Patches | Awaited]) -> None:
        """Patch them, and say what is not recorded."""
        for one in chosen:
            self.install(one)
            if one.note is not None and not isinstance(one, Awaited):  # which has said so itself
                _say_why_not(one.provider.name, one.note)

    def install(self, chosen: Patches | Awaited) -> None:
        """Patch one of them."""
        chosen.install()
        self._installed.append(chosen)

    def remove(self, some: Sequence[Patches | Awaited] | None = None) -> None:
        """Undo some of them, or all."""
        for chosen in list(self._installed if some is None else some):
            if chosen in self._installed:
                self._installed.remove(chosen)
                chosen.remove()

    def names(self) -> list[str]:
        """The names of those that are installed and patched, or will be when they are imported."""
        return [
            one.name if isinstance(one, Awaited) else one.provider.name
            for one in self._installed
            if one.note is None and _is_there(one)
        ]

    def statuses(self) -> tuple[ProviderStatus, ...]:
        """How each of them stands."""
        return tuple(
            ProviderStatus(
                item.provider.name,
                installed.version(item.provider.distribution),
                item.states(),
                item.note,
            )
            for item in dict.fromkeys(filter(None, map(_arrived, self._installed)))
        )


def _found(name: str) -> Patches | Awaited | None:
    """A library that was found by itself; `None` where what knows it cannot be loaded."""
    if name not in sys.modules and registry.is_ours(registry.PROVIDERS, name):
        return Awaited(name)  # ours are called as the packages are
    provider = fence.fenced("registry.provider", registry.load, registry.PROVIDERS, name)
    if provider is None:
        return None
    patches = patches_of(provider)
    patches.supported()  # says in its note when it is not
    return patches


def _asked_for(item: Any) -> Patches:
    patches = patches_of(_known(item) if isinstance(item, str) else item)
    if isinstance(item, str):
        _say_if_absent(patches.provider)
    if not patches.supported():
        patching: Any = load("clearspan.capture.patching")
        said = patching.UnsupportedVersion(patches.note)
        raise SettingError(f"clearspan: providers: {patches.note}") from said
    return patches


def _arrived(one: Patches | Awaited) -> Patches | None:
    if not isinstance(one, Awaited):
        return one
    one.arrive()
    return one.patches


def _is_there(one: Patches | Awaited) -> bool:
    if isinstance(one, Awaited):
        return one.is_there
    return installed.version(one.provider.distribution) is not None


_all_patches: dict[int, Patches] = {}


def patches_of(provider: Provider) -> Patches:
    """The one set of patches of a provider, whoever asks."""
    known = _all_patches.get(id(provider))
    if known is None:
        patching: Any = load("clearspan.capture.patching")
        known = _all_patches.setdefault(id(provider), patching.Patches(provider))
    return known


def _say_why_not(name: str, note: str) -> None:
    _log.warning("clearspan: %s is not recorded: %s", name, note)


def _say_if_absent(provider: Provider) -> None:
    """Asked for by name, a library that is nowhere to be found is most likely a mistake."""
    packages = {path.partition(".")[0] for end in provider.endpoints for path in end.targets}
    if installed.version(provider.distribution) is None and not any(
        importlib.util.find_spec(package) for package in packages
    ):
        _log.warning(
            "clearspan: %s is asked for and not installed: pip install %s",
            provider.name, provider.distribution,
        )  # fmt: skip


def _known(name: str) -> Provider:
    try:
        provider: Provider = registry.load(registry.PROVIDERS, name)
    except registry.NotFound as error:
        raise SettingError(f"clearspan: providers: {error}") from None
    except Exception as error:  # a plug-in may fail to load in any way
        raise SettingError(
            f"clearspan: providers: {name!r} cannot be loaded ({type(error).__name__}: {error}); "
            "repair or uninstall the package that brings it"
        ) from error
    return provider


def name_of(target: Any) -> Any:
    """A provider's name from a name, a Provider, or a client (object or class) of the library."""
    if isinstance(target, str) or type(target).__module__ == "clearspan.provider":
        return target
    cls = target if isinstance(target, type) else type(target)
    # An application may have derived a client of its own.
    packages = [base.__module__.partition(".")[0] for base in cls.__mro__]
    known = registry.names(registry.PROVIDERS)
    return next((package for package in packages if package in known), packages[0])


class Instrumentation:
    """What `instrument` answers: leave the block, or call `undo`, to restore the targets."""

    def __init__(
        self,
        undoing: Callable[[list[Patches | Awaited]], object],
        patches: list[Patches | Awaited],
    ) -> None:
        self._undoing = undoing
        self._patches = patches

    def undo(self) -> None:
        """Give every target of this call the object that it was."""
        self._undoing(self._patches)
        self._patches = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.undo()
