"""The vocabulary files of tiktoken's encodings: where they lie, and how they are read.

Nothing here goes over the network. A file counts only where its contents have the checksum that
tiktoken expects, so what others put into a shared folder cannot mislead anybody.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from clearspan.core.loading import undisturbed

__all__ = [
    "FETCHED",
    "Source",
    "faults",
    "folders",
    "own_folder",
    "paths_of",
    "present",
    "read",
    "source",
    "specification",
]

FETCHED = ("o200k_base", "cl100k_base")
"""The vocabularies of all models that OpenAI still serves."""

_CONSTRUCTORS = "tiktoken_ext.openai_public"
_BLOCK = 1 << 20
_PATIENCE = 60.0  # seconds, to look at a file
_LARGEST = 64 << 20


class Source(NamedTuple):
    """Where an encoding's file comes from, and the SHA-256 of its contents."""

    url: str
    sha256: str

    @property
    def filename(self) -> str:
        """The name under which tiktoken keeps the file."""
        return hashlib.sha1(self.url.encode(), usedforsecurity=False).hexdigest()


class _Asked(Exception):
    """Carries what a constructor asks for out of it."""

    def __init__(self, found: Source) -> None:
        super().__init__(found.url)
        self.found = found


def folders() -> list[Path]:
    """Where vocabulary files are looked for: tiktoken's own places, and clearspan's."""
    named = [os.environ.get(name) for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")]
    usual = Path(tempfile.gettempdir()) / "data-gym-cache"
    return [*(Path(name) for name in named if name), usual, own_folder()]


def own_folder() -> Path:
    """Where `clearspan doctor --fetch-tokenizers` puts them unless `TIKTOKEN_CACHE_DIR` says otherwise."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(cache) if cache else Path.home() / ".cache") / "clearspan" / "tokenizers"


def source(name: str) -> Source | None:
    """Where the file of an encoding comes from; `None` where the installed tiktoken does not know it."""

    def ask(url: str, expected_hash: str | None = None) -> dict[bytes, int]:
        raise _Asked(Source(url, expected_hash or ""))

    try:
        with suppress(LookupError):
            specification(name, ask)
    except _Asked as asked:
        return asked.found
    return None


def specification(name: str, load: Callable[..., dict[bytes, int]]) -> dict[str, Any]:
    """What an encoding is made of, its ranks by `load(url, expected_hash)`. Raises `LookupError`.

    tiktoken's constructors are run in a copy of their module, where the function that would
    download is `load`: nothing of tiktoken's is changed, and no download can happen.
    """
    with undisturbed():
        try:
            spec = importlib.util.find_spec(_CONSTRUCTORS)
        except ModuleNotFoundError:
            spec = None
        if spec is None or spec.loader is None:
            raise LookupError(name)
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    module.load_tiktoken_bpe, module.data_gym_to_mergeable_bpe_ranks = load, _in_an_older_form
    return dict(module.ENCODING_CONSTRUCTORS[name]())


def _in_an_older_form(*_: object, **__: object) -> dict[bytes, int]:
    raise LookupError("made of two files, which no model needs that is still served")


def paths_of(wanted: Source) -> list[Path]:
    """The files of that name in the folders, whatever is in them."""
    found = (folder / wanted.filename for folder in folders())
    return [path for path in dict.fromkeys(found) if path.is_file()]


def present(name: str) -> Path | None:
    """The file of an encoding where it is there and whole."""
    return next((path for path, wrong in _looked_at(name) if wrong is None), None)


def faults(name: str) -> list[str]:
    """What is wrong with the files that bear the encoding's name and are none."""
    return [wrong for _, wrong in _looked_at(name) if wrong is not None]


def _looked_at(name: str) -> Iterator[tuple[Path, str | None]]:
    wanted = source(name)
    if wanted is None:
        return
    for path in paths_of(wanted):
        try:
            _contents(path, wanted.sha256, time.monotonic() + _PATIENCE)
        except OSError as error:
            yield path, f"{path} cannot be read: {error.strerror or error}"
        except ValueError as error:
            yield path, str(error)
        else:
            yield path, None


def read(wanted: Source, deadline: float) -> dict[bytes, int]:
    """The ranks in the first whole file of `wanted`, read before the monotonic clock shows `deadline`.

    Raises `LookupError` where there is no file, `ValueError` or `OSError` where the last one is no good.
    """
    wrong: Exception = LookupError(wanted.filename)
    for path in paths_of(wanted):
        try:
            lines = _contents(path, wanted.sha256, deadline).splitlines()
        except (OSError, ValueError) as error:
            wrong = error
            continue
        pairs = (line.split() for line in lines if line)
        return {base64.b64decode(token): int(rank) for token, rank in pairs}
    raise wrong


def _contents(path: Path, sha256: str, deadline: float) -> bytes:
    held = bytearray()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            held += block
            if len(held) > _LARGEST or time.monotonic() > deadline:
                raise ValueError(f"{path} is too large, or read too slowly")
    if hashlib.sha256(held).hexdigest() != sha256:
        raise ValueError(f"{path} has other contents than tiktoken expects")
    return bytes(held)
