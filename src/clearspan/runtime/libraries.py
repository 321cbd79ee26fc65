"""The libraries that a runtime patches: which are asked for, which are there, how they stand."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from clearspan import registry
from clearspan.capture.patching import Patches, UnsupportedVersion
from clearspan.core import fence, installed
from clearspan.provider import Provider
from clearspan.runtime.state import ProviderStatus
from clearspan.settings import SettingError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Instrumentation", "ProviderSet", "name_of"]

_log = logging.getLogger("clearspan")


class ProviderSet:
    """The libraries that this runtime patches."""

    def __init__(self) -> None:
        self._installed: list[Patches] = []

    def choose(self, wanted: Sequence[Any] | None) -> list[Patches]:
        """The providers asked for; all of them when `wanted` is `None`.

        Asked for by name, a library must be known and new enough: else `SettingError`. Found by
        itself, it is passed over and says so in the status.
        """
        if wanted is None:
            found = [
                fence.fenced("registry.provider", registry.load, registry.PROVIDERS, name)
                for name in registry.names(registry.PROVIDERS)
            ]
            patched = [patches_of(provider) for provider in found if provider is not None]
            for patches in patched:
                patches.supported()  # says in its note when it is not
            return patched
        chosen: list[Patches] = []
        for item in wanted:
            patches = patches_of(item if isinstance(item, Provider) else _known(item))
            if isinstance(item, str):
                _say_if_absent(patches.provider)
            if not patches.supported():
                raise SettingError(f"clearspan: providers: {patches.note}") from UnsupportedVersion(
                    patches.note
                )
            chosen.append(patches)
        return chosen

    def install(self, patches: Patches) -> None:
        """Patch one of them."""
        patches.install()
        self._installed.append(patches)

    def remove(self, some: Sequence[Patches] | None = None) -> None:
        """Undo some of them, or all."""
        for patches in list(self._installed if some is None else some):
            if patches in self._installed:
                self._installed.remove(patches)
                patches.remove()

    def names(self) -> list[str]:
        """The names of those that are installed and patched."""
        return [
            patches.provider.name
            for patches in self._installed
            if patches.note is None and installed.version(patches.provider.distribution)
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
            for item in dict.fromkeys(self._installed)
        )


_all_patches: dict[int, Patches] = {}


def patches_of(provider: Provider) -> Patches:
    """The one set of patches of a provider, whoever asks."""
    return _all_patches.setdefault(id(provider), Patches(provider))


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
    if isinstance(target, (str, Provider)):
        return target
    cls = target if isinstance(target, type) else type(target)
    # An application may have derived a client of its own.
    packages = [base.__module__.partition(".")[0] for base in cls.__mro__]
    known = registry.names(registry.PROVIDERS)
    return next((package for package in packages if package in known), packages[0])


class Instrumentation:
    """What `instrument` answers: leave the block, or call `undo`, to restore the targets."""

    def __init__(self, undoing: Callable[[list[Patches]], object], patches: list[Patches]) -> None:
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
